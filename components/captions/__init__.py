"""Captions: words in time → SRT and WebVTT.

Words come from a model that knows when it says them (`components.nn.timed_speech`), or from a recording that
the recogniser aligns with its text (`align`). `captions_of` makes captions of them, `write_captions` a file,
`at` says which one is on screen at a time, and `burned` draws them into pictures.
"""

from components.captions.alignment import align
from components.captions.cues import Cue, at, captions_of
from components.captions.drawing import Lettering, burned, drawable, fitting
from components.captions.files import SUFFIXES, write_captions

__all__ = [
    "SUFFIXES",
    "Cue",
    "Lettering",
    "align",
    "at",
    "burned",
    "captions_of",
    "drawable",
    "fitting",
    "write_captions",
]
