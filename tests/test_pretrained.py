from pathlib import Path

import pytest
import torch

from gan_style.checkpoint import load_checkpoint
from gan_style.errors import ModelError
from gan_style.models.discriminator import Discriminator
from gan_style.pretrained import check_sums, find_model, read_model, write_model, write_sums

DESCRIBED = {"code": 2, "size": "small"}
MODEL = {"encoder.a": torch.tensor([1.0, 0.5]), "generator.b": torch.tensor([[2.0]])}
CRITIC = {"c": torch.tensor([3.0])}
CODES = torch.tensor([[5.0, 6.0], [7.0, 8.0]])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_model(path, MODEL, DESCRIBED, CODES, CRITIC)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "m.discriminator.safetensors",
        "m.safetensors",
    ]
    read = read_model(path)
    assert (read.path, read.code, read.size) == (path, 2, "small")
    assert {k: v.tolist() for k, v in read.model.items()} == {
        k: v.tolist() for k, v in MODEL.items()
    }
    assert read.discriminator["c"].tolist() == [3.0]
    assert read.codes.tolist() == CODES.tolist()
    assert {v.dtype for v in [*read.model.values(), read.codes]} == {torch.float32}
    kept = load_checkpoint(path)[0]
    assert kept["generator.b"].dtype == torch.float16
    assert kept["encoder.a"].dtype == torch.float32  # vectors: scales lose too much in half


def test_a_model_alone_has_no_critic_and_no_codes(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", MODEL, DESCRIBED)
    read = read_model(tmp_path / "m.safetensors")
    assert (read.discriminator, read.codes.shape) == ({}, (0, 2))


def test_another_file_than_the_one_shipped_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    write_model(path, MODEL, DESCRIBED)
    write_sums(tmp_path)
    check_sums(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelError, match=r"base\.safetensors is missing or not as it was shipped"):
        check_sums(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match=r"is missing"):
        check_sums(tmp_path)


def test_of_a_run_the_export_counts_first_then_the_best_then_the_newest(tiny_run: Path) -> None:
    folder = tiny_run / "checkpoints"
    newest = max(folder.glob("step-*.safetensors"))
    assert find_model(tiny_run) == tiny_run / "model.safetensors"
    read = read_model(newest)
    assert read.discriminator.keys() == Discriminator(16).state_dict().keys()
    assert read.model.keys() == read_model(tiny_run).model.keys()
    assert read_model(folder / "best.safetensors").discriminator == {}


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere does not exist; give a run folder.*'base'"):
        find_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no model in"):
        find_model(tmp_path)
    write_model(tmp_path / "m.safetensors", MODEL, {"size": "small"})
    with pytest.raises(ModelError, match=r"not a gan_style model.*code"):
        read_model(tmp_path / "m.safetensors")
