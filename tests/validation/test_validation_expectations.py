"""Each fault is found by its check, is named, and is shown in the Data Docs."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import numpy as np
import pytest
from tone_corpus import CONSENT, ToneCorpus, tone

from components import catalogue
from components.core.params.data import ValidationParams
from components.core.paths import project_root
from components.core.progress import Progress
from components.data.corpus import Corpus
from components.validation.checks import checks
from components.validation.corpus_frame import corpus_frame
from components.validation.expectations import Finding, evaluate
from components.validation.report import blocked_error, blocking, result_record

DAY = datetime.date(2026, 3, 1)
LIMITS: ValidationParams = catalogue.load(project_root(), "laptop").data.validation


def found_in(folder: Path, *corpora: ToneCorpus) -> tuple[Finding, ...]:
    readers = [Corpus(corpus.write()) for corpus in corpora]
    frame = corpus_frame(readers, LIMITS.silence_dbfs, DAY, 1, Progress("test", stream=io.StringIO()))
    return evaluate(frame, checks(LIMITS), folder / "docs", "0123.dir")


def lines(findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    return {f.check.name: [c.line() for c in f.complaints] for f in findings if f.complaints}


@pytest.fixture
def corpus(tmp_path: Path) -> ToneCorpus:
    built = ToneCorpus(tmp_path / "espeak")
    for i in range(4):
        built.add(f"ko_{i:04d}", tone(1.0, hz=100 + 10 * i))
    return built


def test_a_clean_corpus_passes_every_check(corpus: ToneCorpus, tmp_path: Path) -> None:
    corpus.add("it_0001", tone(2.0, hz=222), language="it", text="", role="human")
    corpus.consents["c2"] = CONSENT.model_copy(update={"consent_id": "c2", "speaker_id": "spk2"})
    corpus.rows[-1] = corpus.rows[-1].model_copy(update={"speaker_id": "spk2", "consent": "c2"})
    findings = found_in(tmp_path, corpus)
    assert lines(findings) == {}
    asked = {finding.check.column: finding.evaluated for finding in findings}
    assert asked["duration_s"] == 5
    assert asked["script_share"] == asked["characters_per_second"] == 4, "no transcript, no text check"


def spoil(c: ToneCorpus) -> None:
    """Every fault once, each under its own name."""
    pause = np.full(44100, 1e-4, np.float32)
    c.consents["w"] = CONSENT.model_copy(update={"consent_id": "w", "withdrawn": DAY})
    c.consents["c2"] = CONSENT.model_copy(update={"consent_id": "c2", "speaker_id": "spk2"})
    c.add("short", tone(0.21, hz=310))
    c.add("long", tone(20.5, hz=310), text="가" * 60)
    c.add("rate", tone(1.0, rate=12000), rate=12000)
    c.add("clipped", np.clip(tone(1.0, level=4.0), -1, 1))
    c.add("paused", np.concatenate([tone(1.0), pause]))
    c.add("silent", np.zeros(22050, np.float32))
    c.add("gone", tone(1.0, hz=320))
    c.add("stereo", np.stack([tone(1.0, hz=330)] * 2, axis=1))
    c.add("truncated", tone(1.5, hz=340))
    c.add("swapped", tone(1.0, hz=350), sha256="0" * 64)
    c.add("english", tone(1.0, hz=360), text="Good morning")
    c.add("wordy", tone(1.0, hz=370), text="가나다라마바사" * 10)
    c.add("mute", tone(1.0, hz=380), text="  ")
    c.add("two_texts", tone(1.0, hz=100), text="다른 문장입니다")
    c.add("twice", tone(1.0, hz=110), text=c.rows[1].text)
    c.add("tested", tone(1.0, hz=390), text=c.rows[2].text, split="test")
    c.add("learned", tone(1.0, hz=400), speaker_id="spk2", consent="c2")
    c.add("unseen", tone(1.0, hz=410), speaker_id="spk2", consent="c2", role="unseen")
    c.add("unasked", tone(1.0, hz=420), consent="c9")
    c.add("withdrawn", tone(1.0, hz=430), consent="w")
    (c.folder / "wav/gone.wav").unlink()
    path = c.folder / "wav/truncated.wav"
    path.write_bytes(path.read_bytes()[:40000])


FAULTS = {
    "audio.duration_s.critical": {"short": "duration_s 0.21 below 0.5", "long": "duration_s 20.5 above 20"},
    "audio.sample_rate.critical": {"rate": "sample_rate 12000 not among 16000, 22050"},
    "audio.clipping_share.warning": {"clipped": "clipping_share 0."},
    "audio.silence_share.warning": {"paused": "silence_share 0.66", "silent": "silence_share 1 above 0.6"},
    "audio.peak_dbfs.critical": {"silent": "peak_dbfs -120 below -50"},
    "audio.audio_problem.critical": {
        "gone": "cannot be read: No such file",
        "stereo": "2 channels, not mono",
    },
    "text.text_problem.critical": {"mute": "text is empty"},
    "text.script_share.critical": {"english": "script_share 0 below 0.5"},
    "text.characters_per_second.critical": {"wordy": "characters_per_second 70 above 40"},
    "integrity.manifest_problem.critical": {
        "truncated": "1.500 s in the manifest, 0.906 s in the file",
        "swapped": "sha256 000000000000 in the manifest",
    },
    "integrity.repeated_audio.critical": {
        "two_texts": "same audio as ko_0000 with another text",
        "ko_0000": "same audio as two_texts with another text",
        "twice": "same audio as ko_0001 (",
        "ko_0001": "same audio as twice (",
    },
    "integrity.split_leak.critical": {
        "tested": "is in the splits test, train",
        "ko_0002": "is in the splits",
    },
    "integrity.role_leak.critical": {
        "learned": "'spk2' has the roles model, unseen",
        "unseen": "'spk2' has the roles model, unseen",
    },
    "integrity.consent_problem.critical": {
        "unasked": "no consent record 'c9'",
        "withdrawn": "w was withdrawn on 2026-03-01",
    },
}


def test_each_fault_is_named_once_by_its_check(corpus: ToneCorpus, tmp_path: Path) -> None:
    spoil(corpus)
    findings = found_in(tmp_path, corpus)
    for check, faults in FAULTS.items():
        named = dict(line.split(": ", 1) for line in lines(findings)[check])
        assert named.keys() == faults.keys(), check
        assert all(named[name].find(said) >= 0 for name, said in faults.items()), named
    assert lines(findings).keys() == FAULTS.keys()
    assert {f.check.severity for f in blocking(findings)} == {"critical"}
    place = "(espeak/manifest.csv row "
    assert all(place in line for named in lines(findings).values() for line in named)


def test_warnings_do_not_block(corpus: ToneCorpus, tmp_path: Path) -> None:
    corpus.add("clipped", np.clip(tone(1.0, level=4.0), -1, 1))
    findings = found_in(tmp_path, corpus)
    assert list(lines(findings)) == ["audio.clipping_share.warning"]
    assert blocking(findings) == []


def test_one_id_in_two_corpora(corpus: ToneCorpus, tmp_path: Path) -> None:
    other = ToneCorpus(tmp_path / "kss")
    other.add("ko_0001", tone(1.0, hz=400), text="또 다른 문장")
    found = lines(found_in(tmp_path, corpus, other))
    assert found == {
        "integrity.utterance_id.critical": [
            "ko_0001: utterance_id stands more than once (espeak/manifest.csv row 3)",
            "ko_0001: utterance_id stands more than once (kss/manifest.csv row 2)",
        ]
    }


def test_docs_hold_the_suites_and_the_utterances(corpus: ToneCorpus, tmp_path: Path) -> None:
    corpus.add("한글_0007", tone(0.21, hz=333))
    found_in(tmp_path, corpus)
    docs = tmp_path / "docs"
    assert (docs / "index.html").stat().st_size > 1000
    for suite in ("audio", "text", "integrity"):
        assert suite in (docs / "index.html").read_text(encoding="utf-8")
        assert (docs / "expectations" / f"{suite}.html").is_file()
    (page,) = (docs / "validations" / "audio").rglob("*.html")
    assert "한글_0007" in page.read_text(encoding="utf-8")


def test_the_record_counts_and_the_error_is_bounded(corpus: ToneCorpus, tmp_path: Path) -> None:
    for i in range(60):
        corpus.add(f"short_{i:02d}", tone(0.3, hz=80 + i), text=f"가나다 {i}")
    readers = [Corpus(corpus.write())]
    frame = corpus_frame(readers, LIMITS.silence_dbfs, DAY, 1, Progress("t", stream=io.StringIO()))
    findings = evaluate(frame, checks(LIMITS)[:6], tmp_path / "docs", "md5")
    record = result_record(frame, findings, "md5")
    assert record["blocked"]
    assert (record["utterances"], record["expectations"], record["failed"]) == (64, len(findings), 1)
    assert record["speech"] == [
        {"language": "ko", "role": "model", "utterances": 64, "speakers": 1, "hours": 0.0061}
    ]
    error = blocked_error(findings, "index.html")
    assert error.exit_code == 42
    assert error.details[0] == "short_00: duration_s 0.3 below 0.5 (espeak/manifest.csv row 6)"
    assert error.details[-1] == "and 10 more, all in result.json"
