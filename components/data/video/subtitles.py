"""Captions as a track of an mp4: 3GPP timed text (``mov_text``), which a player shows or hides.

3GPP TS 26.245, section 5.17: a sample is the number of its bytes (16 bit) and UTF-8. Players know no markup
in it, so nothing needs to be escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from components.core.utterance import Language

#: ISO 639-2, which is what an mp4 names languages by.
_ISO_639_2: dict[Language, str] = {"ko": "kor", "en": "eng", "ja": "jpn", "zh": "zho"}
_MS = Fraction(1, 1000)
_LENGTH_BYTES = 2
_MOST_BYTES = (1 << 8 * _LENGTH_BYTES) - 1


@dataclass(frozen=True)
class Subtitle:
    """A text, lines apart by ``\\n``, on screen from ``start_ms`` up to ``end_ms``."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True)
class SubtitleTrack:
    """What is shown, in order, and the language of it."""

    language: Language
    subtitles: Sequence[Subtitle]


class SubtitleWriter:
    """Puts a track into a container, each subtitle when its time has come.

    Args:
        container: PyAV's, before the first packet.
    """

    def __init__(self, container: Any, track: SubtitleTrack) -> None:
        import av.stream

        self._container, self._waiting = container, list(track.subtitles)
        # PyAV has no encoder for texts: the samples are made here, and only muxed.
        self._stream = container.add_mux_stream("mov_text", time_base=_MS)
        self._stream.metadata["language"] = _ISO_639_2[track.language]
        self._stream.disposition = av.stream.Disposition.default

    def up_to(self, seconds: float | None) -> None:
        """Write what begins before that time; None: the rest."""
        while self._waiting and (seconds is None or self._waiting[0].start_ms < 1000.0 * seconds):
            self._container.mux(self._packet(self._waiting.pop(0)))

    def _packet(self, one: Subtitle) -> Any:
        import av

        text = one.text.encode("utf-8")[:_MOST_BYTES]
        packet = av.Packet(len(text).to_bytes(_LENGTH_BYTES, "big") + text)
        packet.stream, packet.time_base = self._stream, _MS
        packet.pts = packet.dts = one.start_ms
        packet.duration = one.end_ms - one.start_ms
        return packet
