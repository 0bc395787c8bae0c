"""What VALL-E X and Wav2Lip were evaluated by is made again by their exports, or what differs is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixture_evidence import evidence
from tiny_exports import Evaluated, codec_at, evaluated_lips, evaluated_vallex, rewritten_index
from torch import Tensor

from components.core.errors import CorruptFileError, DataError
from components.core.exported import PARTS
from components.core.metrics import Evaluator, Reason
from components.core.ports import ModelVersion
from components.core.provenance import cpu_label
from components.core.utterance import Language
from components.delivery.bundle import seal, write_bundle
from components.delivery.clean_room import CleanCheck, check_contents
from components.evaluation.pronunciation import Transcript
from components.evaluation.repetition import SaidTwice, scored_twice
from components.evaluation.verifier import Floats
from components.inference.exact_clip import ExactClip
from components.inference.exported import Exported
from components.nn.contracts import Speech
from components.stages import deliverable
from components.stages.deliverable import checked

GPU = "NVIDIA A100-SXM4-80GB"


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    return evaluated_vallex(tmp_path_factory.mktemp("말하기"))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    return evaluated_lips(tmp_path_factory.mktemp("입술"))


def in_a_clean_process(what: Evaluated) -> CleanCheck:
    contents = what.contents()
    return check_contents(
        contents, lambda folder: checked(what.project, what.params, folder, contents.description)
    )


def faults(what: Evaluated, place: Path) -> dict[str, str]:
    """The same check in this process: by sentence, "" where nothing differs."""
    place.mkdir()
    write_bundle(place, what.contents())
    seal(place)
    return {one["sentence_id"]: one["fault"] for one in Exported(place / PARTS).check()}


def test_vallex_says_its_sentences_again_by_prompt_and_seed(spoken: Evaluated, tmp_path: Path) -> None:
    said = [one.reference for one in spoken.contents().heard]
    assert [one.sentence_id for one in said] == ["ko_01", "en_01", "ja_01", "zh_01"]
    assert [one.seed for one in said] == [5, 6, 7, 8]
    assert {one.prompt_language for one in said} == {"ko"}
    assert len({one.prompt_text for one in said}) == 4
    found = in_a_clean_process(spoken)
    assert found.holds, found.objection
    assert found.line().startswith("says 4 sentences as evaluated (spectra agree to ")
    assert min(one["agreement_db"] for one in found.sentences) > 40


def test_vallex_with_one_weight_changed_is_refused_with_the_sentences(
    spoken: Evaluated, tmp_path: Path
) -> None:
    other = spoken.copied(tmp_path)

    def louder(weights: dict[str, Tensor]) -> None:
        name = next(one for one in weights if one.startswith("ar.") and weights[one].ndim == 2)
        weights[name].view(-1)[7] += 30.0

    other.change_weights(louder)
    found = in_a_clean_process(other)
    assert not found.holds
    assert "of 4 sentences otherwise than evaluated: " in found.objection
    assert "spectra agree to" in found.objection


def test_vallex_with_another_seed_prompt_or_text_says_something_else(
    spoken: Evaluated, tmp_path: Path
) -> None:
    other = spoken.copied(tmp_path)
    rewritten_index(other.samples, ",ko,6\n", ",ko,60\n")
    told = faults(other, tmp_path / "export")
    assert told["ko_01"] == told["ja_01"] == told["zh_01"] == ""
    assert told["en_01"], "another seed draws other codes"
    prompts = {one.reference.sentence_id: one.reference.prompt for one in other.contents().heard}
    references = tmp_path / "export" / PARTS / "references"
    shutil.copy(references / prompts["ko_01"], references / prompts["zh_01"])
    again = {one["sentence_id"]: one["fault"] for one in Exported(tmp_path / "export" / PARTS).check()}
    assert again["ko_01"] == ""
    assert "spectra agree to" in again["zh_01"] or "s instead of" in again["zh_01"]


def test_another_codec_laid_in_is_named(spoken: Evaluated, tmp_path: Path) -> None:
    other = spoken.copied(tmp_path)
    shutil.rmtree(other.project / "pretrained" / "codec")
    codec_at(other.project / "pretrained" / "codec", seed=9)
    found = in_a_clean_process(other)
    assert not found.holds
    assert found.objection.startswith("does not run outside the repository (exit ")
    assert "codec" in found.objection


def test_other_weights_than_the_description_names_are_not_opened(spoken: Evaluated, tmp_path: Path) -> None:
    other = spoken.copied(tmp_path)
    folder = tmp_path / "export"
    folder.mkdir()
    write_bundle(folder, spoken.contents())
    other.change_weights(lambda weights: next(iter(weights.values())).view(-1)[:1].add_(1.0))
    for name in ("model.safetensors", "model.json"):
        shutil.copy(other.weights / name, folder / PARTS / "delivered" / name)
    seal(folder)
    with pytest.raises(CorruptFileError, match="other weights"):
        Exported(folder / PARTS)


@pytest.mark.parametrize("alike", [True, False])
def test_what_another_device_drew_is_judged_and_the_figures_are_told(
    spoken: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alike: bool
) -> None:
    other = spoken.copied(tmp_path)
    other.evaluated_on(GPU)
    rewritten_index(other.samples, ",ko,6\n", ",ko,60\n")
    heard: list[Path] = []

    def judged(said: Sequence[SaidTwice], recogniser: object, verifier: object) -> list[object]:
        heard.extend([Path(one.text) for one in said])
        assert all(len(one.made.samples) and len(one.heard.samples) for one in said)
        from components.evaluation.repetition import ScoredTwice

        return [ScoredTwice("likeness", 0.81, 0.80 if alike else 0.60)]

    monkeypatch.setattr(deliverable, "scored_twice", judged)
    found = in_a_clean_process(other)
    assert len(heard) == 4
    assert found.holds is alike
    told = f"evaluated on {GPU}, judged here: likeness 0.810, now {0.8 if alike else 0.6:.3f}"
    assert told in found.line()
    if alike:
        assert found.line().startswith("says 4 sentences as well as evaluated (")
    else:
        assert found.line().startswith("says 1 of 4 sentences otherwise than evaluated: en_01: ")


class Hearing:
    """Hears as many symbols as a clip has seconds."""

    identity = Evaluator(id="x", version="1", weights_sha256="", kind="proxy")

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        return [Transcript(("a",) * round(one.duration_s)) for one in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(("a",) * len(text))


class Telling:
    """Knows a voice by its level; of silence it says nothing."""

    def embed(self, clips: Sequence[Speech]) -> list[Floats | None]:
        levels = [float(one.samples.mean()) for one in clips]
        return [np.array([level, 1.0 - level], np.float32) if level else None for level in levels]


def test_scores_of_both_are_taken_by_the_same_judges() -> None:
    def clip(seconds: int, level: float = 1.0) -> Speech:
        return Speech(np.full(100 * seconds, level, np.float32), 100)

    said = [
        SaidTwice("aaaa", "ko", clip(4), clip(2), clip(3)),
        SaidTwice("aaaa", "en", clip(4), clip(4, 0.0), clip(3)),
    ]
    pronunciation, likeness = scored_twice(said, Hearing(), Telling())  # type: ignore[arg-type]
    assert (pronunciation.heard, pronunciation.made) == (1.0, 0.75)
    assert (likeness.heard, likeness.made) == (1.0, 0.5), "silence is no voice"
    assert likeness.words() == "likeness 1.000, now 0.500"
    assert [one.name for one in scored_twice(said, None, Telling())] == ["likeness"]  # type: ignore[arg-type]


def test_wav2lip_renders_its_clips_again(rendered: Evaluated) -> None:
    found = in_a_clean_process(rendered)
    assert found.holds, found.objection
    assert found.line().startswith("renders 2 clips as evaluated (frames differ by ")
    assert max(one["frame_difference"] for one in found.sentences) < 0.1
    told = json.loads((rendered.samples / "000-exact.npz.json").read_text(encoding="utf-8"))
    assert (told["speaker"], told["synthetic"]) == ("face", True), "generated pictures are labelled"


def test_wav2lip_with_one_weight_changed_is_refused_with_clip_and_frame(
    rendered: Evaluated, tmp_path: Path
) -> None:
    other = rendered.copied(tmp_path)

    def another(weights: dict[str, Tensor]) -> None:
        weights["generator.end.bias"].view(-1)[0] += 1.0

    other.change_weights(another)
    found = in_a_clean_process(other)
    assert not found.holds
    assert found.objection.startswith("renders 2 of 2 clips otherwise than evaluated: ko_clip: frame ")
    assert "of 255 levels, at most 1 count" in found.objection


def test_wav2lip_that_hears_another_sound_or_is_wrong_for_a_frame_is_refused(
    rendered: Evaluated, tmp_path: Path
) -> None:
    other = rendered.copied(tmp_path)
    ko, en = (next(other.samples.glob(f"{n:03d}-exact.npz")) for n in range(2))
    clip = ExactClip.read(ko)
    made = clip.made.copy()
    made[3, 40:, :, :] = 255 - made[3, 40:, :, :]
    replace(clip, made=made).write(ko)
    shutil.copyfile(ko, tmp_path / "same.npz")
    told = faults(other, tmp_path / "export")
    assert told["ko_clip"].startswith("frame 3 of 25 differs by ")
    assert told["en_clip"] == ""
    assert ExactClip.read(en).made.shape == (26, 64, 64, 3)
    replace(clip, made=made).write(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "same.npz").read_bytes()


def test_damaged_pictures_are_named(rendered: Evaluated, tmp_path: Path) -> None:
    other = rendered.copied(tmp_path)
    path = next(other.samples.glob("000-exact.npz"))
    path.write_bytes(path.read_bytes()[:200])
    found = in_a_clean_process(other)
    assert not found.holds
    assert "000-exact.npz" in found.objection
    clip = ExactClip.read(next(other.samples.glob("001-exact.npz")))
    replace(clip, references=clip.references + 99).write(path)
    with pytest.raises(DataError, match="frames that are not there"):
        ExactClip.read(path)


@pytest.mark.parametrize("kind", ["spoken", "rendered"])
def test_samples_that_are_missing_are_named(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    whole: Evaluated = request.getfixturevalue(kind)
    other = whole.copied(tmp_path)
    gone = next(iter(other.contents().heard[0].files.values()))
    gone.unlink()
    with pytest.raises(DataError, match=gone.name) as refused:
        other.contents()
    assert "평가를 다시 실행" in "\n".join(refused.value.lines())
    shutil.rmtree(other.samples)
    assert other.contents().heard == ()


def test_an_evaluation_of_before_seeds_were_kept_has_nothing_to_compare(
    spoken: Evaluated, tmp_path: Path
) -> None:
    other = spoken.copied(tmp_path)
    rewritten_index(other.samples, "prompt_text,prompt_language,seed", "x,y,z")
    assert other.contents().heard == ()


def test_weights_that_were_not_evaluated_are_not_even_run(
    spoken: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = spoken.copied(tmp_path)
    evaluated = evidence(model="vallex").checkpoint_sha256
    rewritten = (other.evaluation / "evidence.json").read_text(encoding="utf-8")
    sha = other.contents().description.weights_sha256
    (other.evaluation / "evidence.json").write_text(rewritten.replace(sha, evaluated), encoding="utf-8")
    monkeypatch.setattr(deliverable, "profile_params", lambda *_: other.params)

    class Context:
        project, profile = other.project, "ci"

    version = ModelVersion("vallex", "7", "run", "", {})

    def reason() -> Reason:
        return deliverable._works_elsewhere(Context(), version, other.weights, other.evaluation)  # type: ignore[arg-type]

    assert reason().verdict == "FAIL"
    assert f"weights {evaluated[:12]} were evaluated" in reason().text
    other.evaluated_on(cpu_label())
    assert reason().text.startswith("delivery: says 4 sentences as evaluated (")
    assert reason().verdict == "PASS"
