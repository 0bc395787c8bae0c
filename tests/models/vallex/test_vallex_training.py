"""Features, batches bounded by tokens, losses, checkpointing, delivery, warm start and resumption."""

from __future__ import annotations

import copy
import dataclasses
import os
import signal
from pathlib import Path

import pytest
import torch
from counting_codec import CountingCodec
from extractions import extraction
from pydantic import ValidationError
from tiny_vallex import CPU

from components.core.errors import ConfigError, DataError, StoppedError
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.models.vallex.dataset import collate, size_of
from components.models.vallex.delivery import DeliveredVallex
from components.models.vallex.loss import AR, NAR
from components.models.vallex.params import Section
from components.models.vallex.store import CodeStore
from components.models.vallex.task import extract_features, training_task
from components.nn.contracts import Batch, TrainingTask
from components.nn.size_limit import SizeLimit
from components.training.loop import train

QUIET = Progress("test")


def batch_of(task: TrainingTask, count: int = 4) -> Batch:
    torch.manual_seed(0)
    return task.collate([task.train[index] for index in range(count)])


def test_features_are_codes_and_symbols_of_those_who_teach(
    section: Section, corpus: Path, store: CodeStore
) -> None:
    assert store.speakers == ("high", "low")
    assert {row.language for row in store.rows} == {"ko", "en", "ja", "zh"}
    again = extract_features(section, extraction([corpus], store.folder), CountingCodec())
    assert (again.rows, again.accepted, again.reused) == (18, 18, 18)
    other = CountingCodec("d" * 64)
    assert extract_features(section, extraction([corpus], store.folder.with_name("other")), other).reused == 0
    row = store.rows[0]
    assert store.views(row)["codes"].shape == (row.frames, 3)
    assert row.frames == -(-round(24000 * 0.5) // 480)


def test_shards_compute_what_the_whole_then_finds(section: Section, corpus: Path, tmp_path: Path) -> None:
    for number in range(2):
        extract_features(section, extraction([corpus], tmp_path / "s", shard=(number, 2)), CountingCodec())
    assert not (tmp_path / "s" / "index.csv").exists()
    assert extract_features(section, extraction([corpus], tmp_path / "s"), CountingCodec()).reused == 18


def test_two_workers_write_the_same_bytes(
    section: Section, corpus: Path, store: CodeStore, tmp_path: Path
) -> None:
    two = extraction([corpus], tmp_path / "two", workers=2)
    assert extract_features(section, two, CountingCodec()).reused == 0
    assert sha256_path(tmp_path / "two") == sha256_path(store.folder)


def test_what_is_longer_than_the_context_is_rejected(section: Section, corpus: Path, tmp_path: Path) -> None:
    short = section.architecture.model_copy(update={"context_tokens": 30})
    report = extract_features(
        section.model_copy(update={"architecture": short}),
        extraction([corpus], tmp_path / "s"),
        CountingCodec(),
    )
    assert report.rejected
    assert all("30 (the context)" in reason for reason in report.rejected.values())
    shortest = section.architecture.model_copy(update={"context_tokens": 5})
    with pytest.raises(DataError, match="usable utterance"):
        extract_features(
            section.model_copy(update={"architecture": shortest}),
            extraction([corpus], tmp_path / "t"),
            CountingCodec(),
        )


def test_pairs_begin_with_another_utterance_of_the_speaker(section: Section, store: CodeStore) -> None:
    always = section.training.model_copy(update={"pair_share": 1.0})
    task = training_task(section.model_copy(update={"training": always}), store.folder, 0, None)
    rows = [row for row in store.rows if row.split == "train"]
    torch.manual_seed(1)
    languages = set()
    for index, row in enumerate(rows):
        sample = task.train[index]
        prompt = int(sample["prompt_frames"])
        assert sample["codes"].shape[1] == prompt + row.frames
        own = torch.from_numpy(store.views(row)["codes"].astype("int64")).t()
        assert torch.equal(sample["codes"][:, prompt:], own)
        languages |= {tuple(sample["languages"].unique().tolist())}
    assert any(len(one) == 2 for one in languages), "the prompt may be in another language"


def test_prefixes_are_a_quarter_to_a_half(section: Section, store: CodeStore) -> None:
    never = section.training.model_copy(update={"pair_share": 0.0})
    task = training_task(section.model_copy(update={"training": never}), store.folder, 0, None)
    torch.manual_seed(2)
    for index in range(12):
        drawn = {int(task.train[index]["prompt_frames"]) for _ in range(8)}
        frames = task.train[index]["codes"].shape[1]
        assert all(frames // 4 <= one <= frames // 2 for one in drawn)
        assert len(drawn) > 1
    assert len({int(task.validation[0]["prompt_frames"]) for _ in range(4)}) == 1


def test_forward_passes_are_bounded_by_tokens() -> None:
    limit = SizeLimit(len, 10)
    samples = [[0] * size for size in (3, 3, 3, 4, 12, 1)]
    parts = [[len(one) for one in part] for part in limit.parts(samples, 8)]
    assert parts == [[3, 3, 3], [4], [12], [1]], "a single one always passes"
    assert [len(part) for part in SizeLimit(len, 1000).parts(samples, 4)] == [4, 2]


def test_a_bounded_step_is_the_same_step(section: Section, store: CodeStore, tmp_path: Path) -> None:
    """Smaller forward passes, one row each, against all at once: the loop weighs them by their samples."""
    seen: list[int] = []
    task = training_task(section, store.folder, 0, None)
    task.network.register_forward_pre_hook(
        lambda module, inputs: seen.append(len(inputs[1]["frames"])) if module.training else None
    )
    tight = dataclasses.replace(task, limit=SizeLimit(size_of, 1))
    train(tight, tmp_path / "tight", CPU, QUIET, lambda points: None)
    assert set(seen) == {1}


def test_the_answer_is_not_in_the_question(section: Section, store: CodeStore) -> None:
    """Every target of the AR is the code after what was heard, the last one the end."""
    task = training_task(section, store.folder, 0, None)
    batch = batch_of(task)
    heard: list[torch.Tensor] = []
    ar = task.network.network.ar
    ar.register_forward_pre_hook(lambda module, inputs: heard.append(inputs[1]))
    task.network(AR, batch, 0)
    assert (heard[0][:, 0] == ar.begin).all()
    assert torch.equal(heard[0][:, 1:], batch["codes"][:, 0])


def test_shares_of_training(section: Section, store: CodeStore) -> None:
    """Some codes are misheard and some samples are not the NAR's; in validation all are, and as they are."""
    shares = {"misheard_share": 0.3, "nar_share": 0.4}
    some = section.training.model_copy(update=shares)
    task = training_task(section.model_copy(update={"training": some}), store.folder, 0, None)
    network, batch = task.network.network, batch_of(task)
    heard: list[torch.Tensor] = []
    network.ar.register_forward_pre_hook(lambda module, inputs: heard.append(inputs[1]))
    network.nar.register_forward_pre_hook(lambda module, inputs: heard.append(inputs[1]))
    codes = batch["codes"]
    for learns in (True, False):
        task.network.train(learns)
        for phase in (AR, NAR):
            task.network(phase, batch, 0)
    first, other, whole = heard[0], heard[1], heard[2]
    wrong = (first[:, 1:] != codes[:, 0]).float().mean()
    assert 0.15 < float(wrong) < 0.4
    assert (first[:, 0] == network.ar.begin).all()
    assert len(other) == -(-2 * len(codes) // 5)
    assert torch.equal(whole[:, 1:], codes[:, 0])
    assert all(len(one) == len(codes) for one in heard[3:])


def test_padding_does_not_count(section: Section, store: CodeStore) -> None:
    task = training_task(section, store.folder, 0, None)
    torch.manual_seed(3)
    samples = [task.train[index] for index in range(3)]
    network = task.network.eval()
    for phase in (AR, NAR):
        with torch.no_grad():
            together = network(phase, collate(samples), 0)["total"]
            alone = [network(phase, collate([one]), 0)["total"] for one in samples]
        if phase == AR:
            counts = torch.tensor([one["codes"].shape[1] + 1.0 for one in samples])
        else:
            counts = torch.tensor([one["codes"].shape[1] - float(one["prompt_frames"]) for one in samples])
        expected = (torch.stack(alone) * counts).sum() / counts.sum()
        torch.testing.assert_close(together, expected, atol=1e-5, rtol=1e-5)


def test_checkpointing_changes_no_gradient(section: Section, store: CodeStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, plain = batch_of(task), task.network.train()
    saving = copy.deepcopy(plain)
    saving.enable_gradient_checkpointing()
    for phase in (AR, NAR):
        losses = []
        for network in (plain, saving):
            network.zero_grad()
            torch.manual_seed(5)
            loss = network(phase, batch, 0)["total"]
            loss.backward()
            losses.append(float(loss.detach()))
        assert losses[0] == losses[1]
        for (name, one), two in zip(plain.named_parameters(), saving.parameters(), strict=True):
            assert (one.grad is None) == (two.grad is None), name
            if one.grad is not None:
                torch.testing.assert_close(one.grad, two.grad, atol=0, rtol=0)


def test_the_loss_is_in_full_precision_under_autocast(section: Section, store: CodeStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network.eval()
    for phase in (AR, NAR):
        with torch.no_grad():
            full = network(phase, batch, 0)["total"]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                half = network(phase, batch, 0)["total"]
        assert half.dtype == torch.float32
        assert float(half) == pytest.approx(float(full), rel=0.02)


def test_the_phases_share_the_parameters_out_and_all_learn(section: Section, store: CodeStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network
    with torch.no_grad():
        for parameter in network.parameters():  # norms that follow a vector begin without it
            parameter.add_(0.02 * torch.randn_like(parameter))
    for phase, other in ((AR, "network.nar."), (NAR, "network.ar.")):
        network.zero_grad()
        network.eval()(phase, batch, 0)["total"].backward()  # in evaluation every stage is told
        touched = {n for n, p in network.named_parameters() if p.grad is not None and p.grad.any()}
        assert not any(name.startswith(other) for name in touched)
        own = {n for n, _ in network.named_parameters() if n.startswith(f"network.{phase}.")}
        assert own - touched == set()


def test_a_batch_is_learned_by_heart(section: Section, store: CodeStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    history: dict[str, list[float]] = {AR: [], NAR: []}
    for step in range(60):
        for phase in (AR, NAR):
            loss = network(phase, batch, step)["total"]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            history[phase].append(float(loss.detach()))
    for losses in history.values():
        assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_stopped_and_resumed_equals_uninterrupted(
    section: Section, store: CodeStore, delivered: Path, tmp_path: Path
) -> None:
    def run(stop_at: int | None) -> None:
        task = training_task(section, store.folder, 3, None)
        if stop_at is not None:
            task.network.register_forward_pre_hook(
                lambda module, inputs: (
                    os.kill(os.getpid(), signal.SIGTERM) if inputs[2] == stop_at and module.training else None
                )
            )
        train(task, tmp_path, CPU, QUIET, lambda points: None)

    with pytest.raises(StoppedError):
        run(4)
    run(None)
    assert (delivered / "model.safetensors").read_bytes() == (
        tmp_path / "delivered" / "model.safetensors"
    ).read_bytes()


def test_a_network_goes_on_from_a_delivered_one(section: Section, store: CodeStore, delivered: Path) -> None:
    task = training_task(section, store.folder, 9, delivered)
    known = DeliveredVallex.read(delivered)
    count = len(known.card.symbols)
    for name, value in task.network.network.state_dict().items():
        if name.endswith("text.symbols.weight"):  # the rows after the inventory stand for nothing yet
            torch.testing.assert_close(value[:count], known.weights[name][:count], atol=0, rtol=0)
            continue
        torch.testing.assert_close(value, known.weights[name], atol=0, rtol=0)
    assert known.card.codec_sha256 == "c" * 64
    assert known.consents == {"low": "c1", "high": "c1"}


def test_languages_are_found_by_name(section: Section, store: CodeStore, delivered: Path) -> None:
    turned = section.architecture.model_copy(update={"languages": ("zh", "ja", "en", "ko")})
    task = training_task(section.model_copy(update={"architecture": turned}), store.folder, 9, delivered)
    theirs = DeliveredVallex.read(delivered).weights["ar.text.languages.weight"]
    own = task.network.network.ar.text.languages.weight
    torch.testing.assert_close(own.detach(), theirs.flip(0), atol=0, rtol=0)


def test_a_warm_start_that_does_not_fit_is_refused(
    section: Section, corpus: Path, store: CodeStore, delivered: Path, tmp_path: Path
) -> None:
    wider = section.architecture.model_copy(update={"ffn_dim": 48})
    with pytest.raises(ConfigError, match="widen"):
        training_task(section.model_copy(update={"architecture": wider}), store.folder, 0, delivered)
    extract_features(section, extraction([corpus], tmp_path / "s"), CountingCodec("d" * 64))
    with pytest.raises(ConfigError, match="codec"):
        training_task(section, tmp_path / "s", 0, delivered)


def test_codes_and_symbols_must_fit(section: Section, store: CodeStore) -> None:
    for changes, told in (
        ({"codebook_size": 32}, "codebooks"),
        ({"text_vocabulary": 100}, "text_vocabulary"),
    ):
        other = section.architecture.model_copy(update=changes)
        with pytest.raises(ConfigError, match=told):
            training_task(section.model_copy(update={"architecture": other}), store.folder, 0, None)


def test_a_prompt_must_leave_room(section: Section) -> None:
    values = section.model_dump()
    values["inference"]["prompt"]["max_s"] = 4.0
    with pytest.raises(ValidationError, match="fills context_tokens"):
        Section.model_validate(values)
