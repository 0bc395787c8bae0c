"""A delivered model is read back exactly, or refused."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from components.core.errors import CorruptFileError, DataError
from components.nn.delivered import read_delivered, with_inherited, write_delivered

CARD = {"speakers": ["미정"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights = {"a": torch.randn(3, 4), "count": torch.arange(3)}
    write_delivered(weights, tmp_path, model="fastpitch", card=CARD, dtype=torch.float32)
    return tmp_path


def test_round_trip_keeps_values_and_card(folder: Path) -> None:
    found = read_delivered(folder, "fastpitch")
    assert found.card == CARD
    assert (folder / "model.safetensors").stat().st_mode & 0o777 == 0o644
    assert found.weights["a"].shape == (3, 4)
    assert torch.equal(found.weights["count"], torch.arange(3))


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    weights = {"a": torch.randn(3, 4), "count": torch.arange(3)}
    write_delivered(weights, tmp_path, model="fastpitch", card=CARD, dtype=torch.float16)
    found = read_delivered(tmp_path, "fastpitch").weights
    assert (found["a"].dtype, found["count"].dtype) == (torch.float32, torch.int64)
    torch.testing.assert_close(found["a"], weights["a"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("place", [9, 100, -1])
def test_a_flipped_bit_is_noticed(folder: Path, place: int) -> None:
    path = folder / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CorruptFileError, match="sha256"):
        read_delivered(folder, "fastpitch")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"model": "fastpitch", "weights_sha256": 1, "card": {}}']
)
def test_a_damaged_card_is_refused(folder: Path, text: str) -> None:
    (folder / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(CorruptFileError, match=r"model\.json"):
        read_delivered(folder, "fastpitch")


def test_weights_that_are_no_safetensors_are_refused_even_with_a_matching_hash(folder: Path) -> None:
    from components.core.storage import sha256_path

    path = folder / "model.safetensors"
    path.write_bytes(b"not weights")
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    card["weights_sha256"] = sha256_path(path)
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(CorruptFileError, match="safetensors"):
        read_delivered(folder, "fastpitch")


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(DataError, match=r"model\.pt \(a pickle, never opened\)"):
        read_delivered(tmp_path, "fastpitch")
    assert not canary.exists()


def test_another_models_weights_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="expected a rvc, found a fastpitch"):
        read_delivered(folder, "rvc")


def test_a_folder_without_anything_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no weights"):
        read_delivered(tmp_path / "nothing", "fastpitch")


def test_consents_of_the_weights_before_stay(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    card = {"consents": {"jiwon": "2025-1", "minsu": "2025-2"}}
    write_delivered({}, before, model="rvc", card=card, dtype=torch.float32)
    own = {"minsu": "2026-9", "hana": "2026-3"}
    assert with_inherited(own, before) == {"jiwon": "2025-1", "minsu": "2026-9", "hana": "2026-3"}
    assert with_inherited(own, None) == own
