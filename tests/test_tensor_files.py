"""Files from strangers: what is refused before it is loaded, wherever such a file is read."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gan_style.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from gan_style.config import load_config
from gan_style.errors import CheckpointError, ConfigError, FeaturesError, ModelError, StyleError
from gan_style.models.feature_networks import picture_features
from gan_style.models.style_model import StyleModel, StyleModelConfig
from gan_style.pretrained import read_model, write_model
from gan_style.shipped import SHIPPED
from gan_style.style_code import StyleCode
from gan_style.tensor_files import read_header, read_tensors


def pipe(path: Path) -> None:
    os.mkfifo(path)


def declared(path: Path, size: int) -> None:
    """A file that is not there but for its header, and says it holds so many bytes."""
    about = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    texts = {"gan_style": "{}", "saved": "1", "crc32": "0"}
    header = json.dumps(about | {"__metadata__": texts}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(path, 8 + len(header) + size)


def sparse(path: Path) -> None:
    declared(path, 16 * 2**30)


def long_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    os.truncate(path, 2**41)


READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "style": (StyleCode.load, StyleError),
    "checkpoint": (load_checkpoint, CheckpointError),
    "model": (read_model, CheckpointError),
    "features": (lambda path: picture_features("vgg19", str(path)), FeaturesError),
}


@pytest.mark.timeout(60)
@pytest.mark.skipif(os.name != "posix", reason="needs pipes and sparse files")
@pytest.mark.parametrize("spoil", [sparse, long_header])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_usual_file_is_refused_unread(
    tmp_path: Path, reader: str, spoil: Callable[[Path], None]
) -> None:
    read, error = READERS[reader]
    path = tmp_path / "step-00000001.safetensors"
    spoil(path)
    with pytest.raises(error, match="step-00000001"):
        read(path)
    assert newest_checkpoint(tmp_path) is None


@pytest.mark.timeout(60)
@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
@pytest.mark.parametrize("reader", ["style", "checkpoint", "features"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, reader: str) -> None:
    read, error = READERS[reader]
    path = tmp_path / "step-00000001.safetensors"
    pipe(path)
    with pytest.raises(error, match="not a regular file"):
        read(path)
    assert newest_checkpoint(tmp_path) is None
    pipe(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match=r"config\.yaml: not a regular file"):
        load_config(str(tmp_path / "config.yaml"))


def test_what_does_not_fit_into_memory_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(tmp_path / "file", 3_000_000)
    assert read_tensors(tmp_path / "file")[0]["w"].shape == (3_000_000,)
    monkeypatch.setattr("gan_style.tensor_files.free_memory", lambda device: 2_000_000)
    with pytest.raises(ValueError, match="it has 3 MB, and 2 MB of memory are free"):
        read_tensors(tmp_path / "file")
    assert read_header(tmp_path / "file")["saved"] == "1"
    with pytest.raises(ValueError, match="at most 1 MB are read"):
        read_tensors(tmp_path / "file", 1_000_000)


def test_types_that_no_file_of_ours_has(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2).to(torch.float8_e4m3fn)}, tmp_path / "file")
    with pytest.raises(ValueError, match=r"'w' is of the type F8_E4M3, which is not read"):
        read_tensors(tmp_path / "file")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    config = StyleModelConfig(8)
    state = StyleModel(config).state_dict()
    path = tmp_path / "model.safetensors"
    write_model(path, state | {"feedback.weight": torch.full((8, 8), value)}, config)
    with pytest.raises(ModelError, match=r"feedback\.weight holds numbers that are not finite"):
        read_model(path)
    weights = load_file(SHIPPED / "compact.safetensors")
    name = next(iter(weights))
    weights[name].view(-1)[0] = value
    save_file(weights, path)
    with pytest.raises(FeaturesError, match=f"{name} holds numbers that are not finite"):
        picture_features("compact", str(path))


@pytest.mark.parametrize(
    "described", [{"code": 2**63, "size": "small"}, {"code_dim": 0, "size": "small"}]
)
def test_models_that_none_can_be_are_refused(tmp_path: Path, described: dict[str, Any]) -> None:
    path = tmp_path / "model.safetensors"
    described |= {"supersampling": 1.5}
    save_checkpoint(path, {"w": torch.zeros(2)}, {"kind": "model", "model": described})
    with pytest.raises(ModelError, match=r"code_dim is .*; allowed: 1 to 4096"):
        read_model(path)


@pytest.mark.parametrize("codes", [torch.zeros(()), torch.zeros(3, 9), torch.zeros(2, 2, 8)])
def test_codes_that_no_model_keeps_are_refused(tmp_path: Path, codes: torch.Tensor) -> None:
    config = StyleModelConfig(8)
    path = tmp_path / "model.safetensors"
    write_model(path, StyleModel(config).state_dict(), config, codes)
    with pytest.raises(ModelError, match="its codes are"):
        read_model(path)


# style codes


def code_with(path: Path, facts: dict[str, Any] | str = "", **tensors: torch.Tensor) -> Path:
    """Write a valid style code, with facts or tensors of it replaced."""
    StyleCode(torch.zeros(8), torch.zeros(8), thumbnail=Image.new("RGB", (8, 8))).save(path)
    with safe_open(path, "pt") as file:
        text = file.metadata()["gan_style_code"]
    if facts:
        text = facts if isinstance(facts, str) else json.dumps(json.loads(text) | facts)
    save_file(load_file(path) | tensors, path, {"gan_style_code": text})
    return path


def packed(kind: str, size: tuple[int, int]) -> torch.Tensor:
    import io

    written = io.BytesIO()
    Image.new("RGB", size).save(written, kind)
    return torch.frombuffer(bytearray(written.getvalue()), dtype=torch.uint8)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
CODES: dict[str, tuple[Callable[[Path], object], str]] = {
    "deep": (lambda p: code_with(p, "[" * 100_000), "nested too deep"),
    "infinite": (lambda p: code_with(p, {"count": float("inf")}), "made from inf pictures"),
    "long name": (lambda p: code_with(p, {"name": "x" * 5000}), "its name is no text of at most"),
    "text": (lambda p: code_with(p, {"count": "3"}), "made from '3' pictures"),
    "sides": (lambda p: code_with(p, {"sides": [float("nan")]}), "read at"),
    "table": (lambda p: code_with(p, "[1]"), "no table"),
    "doubles": (lambda p: code_with(p, mean=torch.zeros(1, 8).double()), "torch.float64 instead"),
    "large": (lambda p: code_with(p, mean=torch.full((1, 8), 1e38)), "at most 1e"),
    "PNG": (lambda p: code_with(p, thumbnail=packed("PNG", (8, 8))), "no small JPEG"),
    "bomb": (lambda p: code_with(p, thumbnail=packed("JPEG", (4000, 3000))), "4000x3000"),
    "EPS": (
        lambda p: code_with(p, thumbnail=torch.frombuffer(bytearray(EPS), dtype=torch.uint8)),
        "no small JPEG",
    ),
    "17 MB": (lambda p: code_with(p, mean=torch.zeros(1, 4_300_000)), "at most 17 MB"),
}


@pytest.mark.parametrize("case", CODES)
def test_codes_that_we_never_write_are_refused(tmp_path: Path, case: str) -> None:
    path = tmp_path / "mine.style.safetensors"
    make, reason = CODES[case]
    make(path)
    with pytest.raises(StyleError, match=reason):
        StyleCode.load(path)


def test_a_large_thumbnail_is_made_smaller_when_it_is_saved(tmp_path: Path) -> None:
    code = StyleCode(torch.zeros(8), torch.zeros(8), thumbnail=Image.new("RGB", (4000, 2000)))
    thumbnail = StyleCode.load(code.save(tmp_path / "a.style.safetensors")).thumbnail
    assert thumbnail is not None
    assert thumbnail.size == (1024, 512)
    assert code.thumbnail is not None
    assert code.thumbnail.size == (4000, 2000)


def test_the_name_of_a_mix_can_always_be_read_back(tmp_path: Path) -> None:
    styles = [StyleCode(torch.ones(8), torch.zeros(8), f"{n} " * 40) for n in range(30)]
    mixed = StyleCode.mix(styles, [1] * 30)
    assert StyleCode.load(mixed.save(tmp_path / "a.style.safetensors")).name == "mix of 30 styles"
