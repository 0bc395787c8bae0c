"""Copy synthesis of held-out recordings: the laptop's vocoder beside Griffin-Lim 32, on the same clips.

Prints a table for each condition (the recording's own mel; a blurred one; f0 held constant over each symbol,
as FastPitch predicts it) and one line: name, ratio of CPU time on one thread, baseline, limit. Exit code 1
when the ratio or one of the limits on quality is missed.

    python benchmarks/vocoder.py [--data data] [--weights pretrained/vocoder] [--clips 8] [--iterations 0 4]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from ratio import Row, tell

from components import catalogue
from components.auxiliaries.vocoder.build import build
from components.auxiliaries.vocoder.dataset import blurred
from components.auxiliaries.vocoder.griffin_lim import GriffinLim
from components.auxiliaries.vocoder.params import Architecture, Section
from components.core.params import Params
from components.core.paths import project_root
from components.data.corpus import Corpus, corpora
from components.evaluation.copy_synthesis import Clip, CopyReport, System, compare, load_clips, probes
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.recognisers import recogniser_for
from components.evaluation.recordings import Panel, held_out, panel
from components.evaluation.speaker_similarity import Gallery, build_gallery
from components.evaluation.verifier import MIN_CLIP_S, SpeakerVerifier
from components.features.durations import frame_durations
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis

LIMIT_RATIO = 1.5
LIMIT_SIMILARITY_LOSS, LIMIT_GROSS_F0, LIMIT_PER_LOSS, LIMIT_RTF = 0.02, 0.04, 0.02, 0.03
BLUR_FRAMES = 1.0
BASELINE_ITERATIONS, BASELINE_MOMENTUM = 32, 0.99
OURS, BASELINE = "vocoder (f0 from the mel)", f"Griffin-Lim {BASELINE_ITERATIONS}"
CPU = torch.device("cpu")


def main() -> int:
    """Measure; 1 when a goal or a limit is missed."""
    found, missed = _measured(_arguments(None))
    return max(tell(found), _told(missed))


def rows(short: bool) -> list[Row]:
    """A row for each kind of speaker; none in the short form, which has neither data nor weights."""
    if short:
        return []
    found, missed = _measured(_arguments([]))
    _told(missed)
    return found


def _told(missed: list[str]) -> int:
    for miss in missed:
        print(f"missed, {miss}")
    return 1 if missed else 0


def _measured(arguments: argparse.Namespace) -> tuple[list[Row], list[str]]:
    params = catalogue.load(project_root(), "laptop")
    section = params.auxiliaries["vocoder"]
    assert isinstance(section, Section)  # noqa: S101 - the catalogue typed it so
    found = corpora(arguments.data, params.data.corpora)
    verifier = SpeakerVerifier(params.evaluation.speaker_verifier)
    pitch = PitchAnalysis(params.audio.f0_method, params.audio.f0_floor_hz, params.audio.f0_ceil_hz)
    analysis = MelAnalysis.of(section.architecture, params.audio.log_floor)
    panels = _panels(found, params)
    gallery = _gallery(panels, verifier, params)
    clips, left_out = load_clips(probes(panels, arguments.clips), analysis, pitch)
    recogniser, why_not = recogniser_for(params.evaluation.recogniser, project_root() / "pretrained")
    judged = f"PER: {why_not.splitlines()[0] if why_not else 'measured'}"
    print(f"{len(clips)} clips of {len(panels)} speakers, {len(left_out)} left out; {judged}")
    vocoder = build(section.architecture, params.audio.log_floor, arguments.weights, CPU)
    systems: dict[str, System] = {
        BASELINE: GriffinLim(analysis, BASELINE_ITERATIONS, BASELINE_MOMENTUM, CPU),
        OURS: lambda mel, f0: vocoder(mel),
        "vocoder (f0 given)": vocoder,
        "vocoder, streamed": lambda mel, f0: torch.cat(list(vocoder.stream(mel))),
    }
    for count in arguments.iterations:
        systems |= _with_iterations(section.architecture, params.audio.log_floor, arguments.weights, count)
    conditions = _conditions(clips, found, analysis.hop_s)
    reports = {}
    for name, chosen in conditions.items():
        if chosen:
            judge = recogniser if name != "recorded people" else None
            reports[name] = compare(systems, chosen, gallery.centroids, verifier, judge, analysis, pitch)
            _print(name, reports[name], len(chosen))
    return _verdict(reports)


def _with_iterations(
    architecture: Architecture, log_floor: float, weights: Path, count: int
) -> dict[str, System]:
    """The vocoder, and Griffin-Lim from nothing, with another number of iterations."""
    effort = architecture.source_filter.model_copy(update={"iterations": count})
    other = build(architecture.model_copy(update={"source_filter": effort}), log_floor, weights, CPU)
    bare = GriffinLim(MelAnalysis.of(architecture, log_floor), count, BASELINE_MOMENTUM, CPU)
    return {f"vocoder, {count} iterations": lambda mel, f0: other(mel), f"Griffin-Lim {count}": bare}


def _conditions(clips: list[Clip], found: tuple[Corpus, ...], hop_s: float) -> dict[str, list[Clip]]:
    """What the systems are given: the recordings' own mels, and what a model might predict instead."""
    generated = [c for c in clips if c.recording.utterance.role != "human"]
    smooth = [_blurred(c) for c in generated]
    return {
        "generated voices": generated,
        "recorded people": [c for c in clips if c.recording.utterance.role == "human"],
        "generated voices, mel blurred": smooth,
        "generated voices, mel blurred, f0 by symbol": [_by_symbol(c, found, hop_s) for c in smooth],
    }


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = project_root()
    parser.add_argument("--data", type=Path, default=root / "data")
    parser.add_argument("--weights", type=Path, default=root / "pretrained" / "vocoder")
    parser.add_argument("--clips", type=int, default=8, help="at most, of each speaker")
    parser.add_argument("--iterations", type=int, nargs="*", default=[], help="further numbers of iterations")
    return parser.parse_args(words)


def _panels(found: tuple[Corpus, ...], params: Params) -> list[Panel]:
    """Speakers with enough recordings that the pitch network never heard: the voices it knows, and people."""
    recordings = held_out(found, MIN_CLIP_S)
    speakers = sorted({r.utterance.speaker_id for r in recordings if r.utterance.role in ("model", "human")})
    wanted = params.evaluation.reference_utterances
    panels = [panel(speaker, recordings, wanted, params.seed) for speaker in speakers]
    # People have few held-out clips: half of them then make the centroid.
    return [
        p if p.probes else panel(p.speaker, recordings, len(p.references) // 2, params.seed) for p in panels
    ]


def _gallery(panels: list[Panel], verifier: SpeakerVerifier, params: Params) -> Gallery:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddingStore(Path(folder), verifier)
        return build_gallery(panels, [], store, 1, params.evaluation.impostor_pairs, params.seed)


def _blurred(clip: Clip) -> Clip:
    mel = blurred(torch.from_numpy(clip.given_mel), BLUR_FRAMES).numpy()
    return dataclasses.replace(clip, given_mel=np.ascontiguousarray(mel))


def _by_symbol(clip: Clip, found: tuple[Corpus, ...], hop_s: float) -> Clip:
    """f0 as FastPitch has it: one value a symbol, none where half of its frames or more are unvoiced."""
    name = clip.recording.utterance.utterance_id
    phones = next(corpus.timings[name] for corpus in found if name in corpus.timings)
    durations = frame_durations(phones, len(clip.f0), hop_s, clip.speech.duration_s)
    symbol = np.repeat(np.arange(len(durations)), durations)
    voiced = clip.f0 > 0
    frames = np.bincount(symbol, minlength=len(durations))
    sounding = np.bincount(symbol, voiced, minlength=len(durations))
    log_f0 = np.log(clip.f0, out=np.zeros_like(clip.f0), where=voiced)
    mean = np.exp(np.bincount(symbol, log_f0, minlength=len(durations)) / np.maximum(sounding, 1))
    course = np.where(2 * sounding > frames, mean, 0.0)[symbol]
    return dataclasses.replace(clip, given_f0=course.astype(np.float32))


def _print(name: str, report: CopyReport, count: int) -> None:
    ceiling = "  ".join(f"{key} {value:.3f}" for key, value in report.ceiling.items())
    print(f"\n{name}, n = {count}; the recordings themselves: {ceiling}")
    for system in report.systems:
        values = "  ".join(f"{key} {value:.4f}" for key, value in system.values.items() if key != "n")
        print(f"  {system.system:<28} {values}")


def _verdict(reports: Mapping[str, CopyReport]) -> tuple[list[Row], list[str]]:
    """A row of each kind of speaker, and every limit of quality that the recordings' own mels miss."""
    made, missed = [], []
    for name in ("generated voices", "recorded people"):
        if name not in reports:
            continue
        report = reports[name]
        values = {system.system: system.values for system in report.systems}
        ours, baseline = values[OURS], values[BASELINE]
        ratio = baseline["rtf"] / ours["rtf"]
        made.append(
            Row(
                f"voc-{name.split()[0]}",
                f"vocoder, {name}",
                ratio,
                None,
                None,
                LIMIT_RATIO,
                f"{BASELINE}, RTF {baseline['rtf']:.4f} on one thread",
                "Fourier transforms are shared",
                int(ours["n"]) if "n" in ours else 1,
            )
        )
        limits = {
            "speaker_similarity": report.ceiling["speaker_similarity"]
            - ours["speaker_similarity"]
            - LIMIT_SIMILARITY_LOSS,
            "gross_f0_error": ours["gross_f0_error"] - LIMIT_GROSS_F0,
            "rtf": ours["rtf"] - LIMIT_RTF,
        }
        if "phoneme_error_rate" in ours:
            loss = ours["phoneme_error_rate"] - report.ceiling["phoneme_error_rate"]
            limits["phoneme_error_rate"] = loss - LIMIT_PER_LOSS
        missed += [f"{name}: {limit} by {by:.4f}" for limit, by in limits.items() if by > 0]
    return made, missed


if __name__ == "__main__":
    sys.exit(main())
