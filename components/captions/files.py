"""Captions as files: SubRip (.srt) and WebVTT (.vtt), UTF-8 without a mark, lines ended by ``\\n``.

WebVTT: W3C, Candidate Recommendation 2019, sections 4.1 and 4.2. SubRip has no specification; what its
readers have in common is kept to: a number, a line of times with a comma, lines of text, an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from components.captions.cues import Cue
from components.core.errors import ConfigError
from components.core.storage import write_text

_HOUR_MS, _MINUTE_MS, _SECOND_MS = 3_600_000, 60_000, 1_000
#: Breaks up what a reader of SubRip would take for a tag or for times; it is not seen and has no width.
WORD_JOINER = "\u2060"
#: Readers know ``<i>`` and its kin, ``{\\an8}`` and its kin, and the arrow; SubRip cannot escape any of them.
_MARKUP = re.compile(r"<(?=[/A-Za-z])|\{(?=[\\A-Za-z])|--(?=>)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def srt_text(cues: Sequence[Cue]) -> str:
    """SubRip. Nothing of a text is lost where it looks like markup; an unseen U+2060 is set into it."""
    blocks = (
        f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n"
        + "".join(_MARKUP.sub(lambda found: found[0] + WORD_JOINER, line) + "\n" for line in cue.lines)
        for number, cue in enumerate(cues, start=1)
    )
    return "\n".join(blocks)


def vtt_text(cues: Sequence[Cue]) -> str:
    """WebVTT; ``&``, ``<`` and ``>`` as entities, by which no text can be a tag or an arrow."""
    blocks = (
        f"\n{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n"
        + "".join("".join(_ENTITIES.get(letter, letter) for letter in line) + "\n" for line in cue.lines)
        for cue in cues
    )
    return "WEBVTT\n" + "".join(blocks)


_WRITERS: dict[str, Callable[[Sequence[Cue]], str]] = {".srt": srt_text, ".vtt": vtt_text}
SUFFIXES = tuple(_WRITERS)


def require_suffix(path: Path) -> None:
    """Refuse a file that is no kind of captions, before anything is computed.

    Raises:
        ConfigError: neither .srt nor .vtt.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(
            who=str(path),
            expected=f"a name that ends in {' or '.join(SUFFIXES)}",
            found=repr(path.suffix),
            action="name the file after the kind of captions that is wanted",
        )


def write_captions(path: Path, cues: Sequence[Cue]) -> None:
    """Write captions atomically, as the name's ending says.

    Raises:
        ConfigError: neither .srt nor .vtt.
        StorageError: no space or no permission.
    """
    require_suffix(path)
    write_text(path, _WRITERS[path.suffix.lower()](cues))


def _time(milliseconds: int, comma: str) -> str:
    hours, rest = divmod(milliseconds, _HOUR_MS)
    minutes, rest = divmod(rest, _MINUTE_MS)
    seconds, thousandths = divmod(rest, _SECOND_MS)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{comma}{thousandths:03d}"
