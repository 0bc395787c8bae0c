"""espeak-ng: speech with exact phoneme timings for the generated corpus, and the phonemes alone."""

from components.espeak.phones import PAUSE, PHONES_VERSION, Phone
from components.espeak.synthesis import (
    PhoneTiming,
    Speech,
    Voice,
    phonemes,
    spoken_phones,
    synthesise,
    variants,
)

__all__ = [
    "PAUSE",
    "PHONES_VERSION",
    "Phone",
    "PhoneTiming",
    "Speech",
    "Voice",
    "phonemes",
    "spoken_phones",
    "synthesise",
    "variants",
]
