"""Workloads at the paper's sizes: what they weigh and what makes them faster."""

from __future__ import annotations

import pytest
import torch

from components.core.paths import project_root
from components.simulation import language_model, workloads
from components.simulation.calibration import fitted
from components.simulation.cost import Mode, seconds_of
from components.simulation.devices import device
from components.simulation.sizes import Sizes
from components.simulation.training import vallex_step
from components.simulation.workloads import Workload

SIZES = Sizes.of_the_papers(project_root())
A100, EFFICIENCY = device("A100-SXM4-80GB"), fitted()
HALF = torch.bfloat16


def took(work: Workload, mode: Mode | None = None) -> float:
    return seconds_of(work.passes, A100, EFFICIENCY, mode or Mode())


def test_the_weights_of_hubert_are_read_once() -> None:
    content = workloads.content(SIZES.content, 1.0, 1, HALF)
    (only,) = content.passes
    assert only.trace.peak_bytes > 2 * 90_000_000  # 94 million weights, two bytes each


def test_twice_the_speech_is_about_twice_the_vocoder() -> None:
    short, long = (workloads.vocoder(SIZES.vocoder, s, 1, HALF) for s in (2.0, 4.0))
    assert long.passes[0].trace.flops == pytest.approx(2 * short.passes[0].trace.flops, rel=0.02)


def test_every_frame_of_a_video_is_rendered() -> None:
    video = workloads.wav2lip(SIZES.wav2lip, 1.2, 25, HALF)
    assert [one.times for one in video.passes] == [1, 1]  # 25 and the 5 that remain
    assert video.passes[0].trace.flops == pytest.approx(5 * video.passes[1].trace.flops, rel=0.01)


def test_a_cache_and_a_recorded_graph_make_decoding_faster() -> None:
    cached = language_model.vallex(SIZES.vallex, 1.0, 1.0, 1, HALF)
    again = language_model.vallex(SIZES.vallex, 1.0, 1.0, 1, HALF, cached=False)
    steps = sum(one.times for one in cached.passes[1:-1])
    assert steps == 75
    assert sum(one.trace.flops * one.times for one in again.passes) > 10 * sum(
        one.trace.flops * one.times for one in cached.passes[:-1]
    )
    assert took(cached, Mode(captured=True)) < took(cached) < took(again)


def test_checkpointing_and_fused_attention_save_memory() -> None:
    peaks = {
        (checkpointing, kind): vallex_step(SIZES.vallex, 512, 2, False, checkpointing, kind).peak_bytes
        for checkpointing in (False, True)
        for kind in ("math", "fused")
    }
    assert peaks[True, "math"] < peaks[False, "math"]
    assert peaks[False, "fused"] < peaks[False, "math"]
    assert peaks[True, "fused"] < peaks[False, "fused"]
