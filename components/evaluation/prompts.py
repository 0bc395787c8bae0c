"""Which recordings are prompts, and which sentence is said in whose voice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from components.core.errors import NothingScoredError
from components.core.utterance import LANGUAGES, Language
from components.data.corpus import Corpus
from components.evaluation.recordings import Panel, Recording, held_out
from components.evaluation.sentences import Sentence


@dataclass(frozen=True)
class Prompt:
    """A recording that a voice is given by, with its text.

    Attributes:
        recording: nothing was trained on it, and it is no part of the voice's centroid.
        language: of it.
        seen: whether the model learned from other recordings of the voice.
    """

    recording: Recording
    language: Language
    seen: bool

    @property
    def speaker(self) -> str:
        """Whose voice."""
        return self.recording.utterance.speaker_id


@dataclass(frozen=True)
class Part:
    """A sentence, and the prompt whose voice says it."""

    sentence: Sentence
    prompt: Prompt

    @property
    def crosses(self) -> bool:
        """Whether sentence and prompt are in two languages."""
        return self.sentence.language != self.prompt.language


def unlearned(corpora: Sequence[Corpus], min_duration_s: float) -> list[Recording]:
    """Recordings that nobody learned from: those that were held out, and all of the voices called unseen.

    Raises:
        DataError: a manifest that cannot be read, or a path outside its corpus.
    """
    unseen = [
        Recording(row, corpus.audio(row))
        for corpus in corpora
        for row in corpus.rows
        if row.role == "unseen" and row.split == "train" and row.duration_s >= min_duration_s
    ]
    return [*held_out(corpora, min_duration_s), *unseen]


def prompts_of(
    recordings: Sequence[Recording],
    panels: Mapping[str, Panel],
    learned_from: Collection[str],
    limits_s: tuple[float, float],
    wanted_s: float,
    references_min: int,
) -> list[Prompt]:
    """One prompt for each language of each voice: the recording whose length comes nearest to ``wanted_s``.

    Voices are those that the model learned from, and those of the role ``unseen``. One with fewer than
    ``references_min`` recordings beside has no centroid and gives no prompt.

    Args:
        recordings: see `unlearned`; those in a voice's references are no prompts.
        panels: speaker → references.
        limits_s: how long a prompt may be.
    """
    chosen: dict[tuple[str, str], Prompt] = {}
    nearest = sorted(
        recordings, key=lambda r: (abs(r.utterance.duration_s - wanted_s), r.utterance.utterance_id)
    )
    for one in nearest:
        row = one.utterance
        seen = row.speaker_id in learned_from
        language = next((known for known in LANGUAGES if known == row.language), None)
        panel = panels.get(row.speaker_id)
        if language is None or not row.text or not (seen or row.role == "unseen"):
            continue
        if panel is None or len(panel.references) < references_min or one in panel.references:
            continue
        if limits_s[0] <= row.duration_s <= limits_s[1]:
            chosen.setdefault((row.speaker_id, language), Prompt(one, language, seen))
    return [chosen[key] for key in sorted(chosen)]


def cast(sentences: Sequence[Sentence], prompts: Sequence[Prompt]) -> list[Part]:
    """Each sentence its prompt: seen and unseen voices, own and other languages, in turn in each language.

    Each language begins with another of the four, so all are equally frequent over four languages. What is
    wanted and not there (no unseen voice, a voice of one language) is left to what is.

    Raises:
        NothingScoredError: no prompt.
    """
    if not prompts:
        raise NothingScoredError(
            who="prompts",
            expected="a held-out recording with text of a voice with enough other recordings",
            found="none",
            action="give the voices more test recordings, or raise data.splits.test",
        )
    first = {language: i for i, language in enumerate(dict.fromkeys(s.language for s in sentences))}
    said: Counter[str] = Counter()
    asked: Counter[tuple[str, bool, bool]] = Counter()
    parts = []
    for sentence in sentences:
        turn = first[sentence.language] + said[sentence.language]
        said[sentence.language] += 1
        seen, crosses = turn % 2 == 0, turn // 2 % 2 == 1
        fitting = _fitting(prompts, sentence.language, seen, crosses)
        visit = asked[sentence.language, seen, crosses]
        asked[sentence.language, seen, crosses] += 1
        parts.append(Part(sentence, fitting[(first[sentence.language] + visit) % len(fitting)]))
    return parts


def _fitting(prompts: Sequence[Prompt], language: Language, seen: bool, crosses: bool) -> list[Prompt]:
    """The prompts of that kind, else of the kind that comes nearest; speakers take turns."""
    of_group = [one for one in prompts if one.seen == seen] or list(prompts)
    own = [one for one in of_group if (one.language != language) == crosses] or of_group
    by_speaker: dict[str, list[Prompt]] = {}
    for one in own:
        by_speaker.setdefault(one.speaker, []).append(one)
    rounds = max(map(len, by_speaker.values()))
    return [
        mine[(number + place) % len(mine)]
        for number in range(rounds)
        for place, mine in enumerate(by_speaker.values())
    ]
