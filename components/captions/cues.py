"""Words in time → captions: what is shown, from when to when.

All ways to divide a text into captions that keep the limits of lines and width are compared. Where the other
wishes conflict, the first of these that differs decides:

1. no caption is shorter than ``min_duration_s``;
2. none runs on over the end of a sentence or over a silence of ``pause_s``;
3. none ends inside a word; 4. none ends where neither a clause nor a sentence does;
5. none is faster than ``reading_speed``; 6. few captions; 7. captions of like length.

A caption begins with its first word. It stays until its last word has been said, and longer where it needs
time to be read, at most until the next one begins. It is never longer than ``max_duration_s``: of a caption
that holds a single longer unit, the end is cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from components.captions.lines import fits, joined, lines_of
from components.captions.units import Border, Unit, units_of
from components.captions.widths import width
from components.core.params.captions import CaptionParams
from components.core.utterance import Language
from components.nn.timed_speech import Timed

_Cost = tuple[int, ...]


@dataclass(frozen=True)
class Cue:
    """A caption: its lines, on screen from ``start_ms`` up to, not including, ``end_ms``."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def captions_of(
    text: str, words: Sequence[Timed], language: Language, params: CaptionParams
) -> tuple[Cue, ...]:
    """Captions in order that never overlap; together they hold all of ``text``.

    Args:
        text: what is shown; white space becomes single spaces.
        words: those that sound, in order: `TimedSpeech.words`, or from `components.captions.align`.

    Raises:
        DataError: no words, times out of order, or words that are not those of the text.
    """
    cutter = _Cutter(units_of(text, words, language, params.line_width[language]), language, params)
    return cutter.cues()


def at(cues: Sequence[Cue], time_s: float) -> Cue | None:
    """The caption on screen at a time, for whoever draws it into a picture; None between captions."""
    place = bisect_right([cue.start_ms for cue in cues], time_s * 1000.0) - 1
    return cues[place] if place >= 0 and time_s * 1000.0 < cues[place].end_ms else None


@dataclass(frozen=True)
class _Cutter:
    """Divides units into captions; the cost of one depends on nothing but its units and what follows."""

    units: Sequence[Unit]
    language: Language
    params: CaptionParams

    def cues(self) -> tuple[Cue, ...]:
        """The best division, by dynamic programming over its cuts."""
        best: list[tuple[_Cost, int]] = [((0,) * 7, 0)]
        for end in range(1, len(self.units) + 1):
            choices = []
            for start in range(end - 1, -1, -1):
                if start < end - 1 and not self._allowed(start, end):
                    break
                choices.append((_sum(best[start][0], self._cost(start, end)), start))
            best.append(min(choices))
        found: list[Cue] = []
        end = len(self.units)
        while end:
            start = best[end][1]
            found.append(self._cue(start, end))
            end = start
        return tuple(found[::-1])

    def _cue(self, start: int, end: int) -> Cue:
        own = self.units[start:end]
        lines = lines_of(own, self.language, self._line_width)
        return Cue(own[0].start_ms, self._shown_until(start, end), lines)

    @property
    def _line_width(self) -> float:
        return self.params.line_width[self.language]

    def _allowed(self, start: int, end: int) -> bool:
        """Whether several units make a caption: both limits only grow with their number."""
        own = self.units[start:end]
        within = own[-1].end_ms - own[0].start_ms <= _ms(self.params.max_duration_s)
        return within and fits(own, self.language, self._line_width, self.params.lines)

    def _cost(self, start: int, end: int) -> _Cost:
        own, border = self.units[start:end], self.units[end - 1].border
        shown = self._shown_until(start, end) - own[0].start_ms
        paused = sum(
            one.border is Border.SENTENCE or following.start_ms - one.end_ms >= _ms(self.params.pause_s)
            for one, following in pairwise(own)
        )
        long = round(width(joined(own), self.language))
        return (
            int(shown < _ms(self.params.min_duration_s)),
            paused,
            int(border is Border.INSIDE),
            int(border < Border.CLAUSE),
            int(shown < self._reading_ms(start, end)),
            1,
            long**2,
        )

    def _shown_until(self, start: int, end: int) -> int:
        """Milliseconds; after the caption's start, and not after the next one's."""
        own, p = self.units[start:end], self.params
        begun = own[0].start_ms
        wished = max(own[-1].end_ms, begun + max(_ms(p.min_duration_s), self._reading_ms(start, end)))
        wished = min(wished, begun + _ms(p.max_duration_s))
        if end == len(self.units):
            return wished
        following = self.units[end].start_ms
        before_gap = following - _ms(p.min_gap_s)
        # In fluent speech a gap would cost a short caption its time: it gives way before the caption does.
        limit = before_gap if before_gap - begun >= _ms(p.min_duration_s) else following
        return min(wished, limit)

    def _reading_ms(self, start: int, end: int) -> int:
        characters = width(joined(self.units[start:end]), self.language)
        return round(1000.0 * characters / self.params.reading_speed[self.language])


def _sum(a: _Cost, b: _Cost) -> _Cost:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _ms(seconds: float) -> int:
    return round(1000.0 * seconds)
