from pathlib import Path

import pytest
import torch

from gan_style.checkpoint import load_checkpoint, save_checkpoint
from gan_style.errors import ModelError, StyleError
from gan_style.models.discriminator import Discriminator
from gan_style.models.style_model import StyleModel, StyleModelConfig
from gan_style.pretrained import (
    code_at,
    find_model,
    read_model,
    write_model,
)
from gan_style.shipped import check_sums, named_styles, write_sums
from gan_style.style_code import StyleCode

CONFIG = StyleModelConfig(2)
MODEL = {"encoder.a": torch.tensor([1.0, 0.5]), "generator.b": torch.tensor([[2.0]])}
DISCRIMINATOR = {"c": torch.tensor([3.0])}
CODES = torch.tensor([[[5.0, 6.0], [7.0, 8.0]]])  # one picture read at two sides


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_model(path, MODEL, CONFIG, CODES, (288, 512), DISCRIMINATOR)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "m.discriminator.safetensors",
        "m.safetensors",
    ]
    read = read_model(path)
    assert (read.path, read.config) == (path, CONFIG)
    assert {k: v.tolist() for k, v in read.model.items()} == {
        k: v.tolist() for k, v in MODEL.items()
    }
    assert read.discriminator["c"].tolist() == [3.0]
    assert read.codes.tolist() == CODES.tolist()
    assert read.sides == (288, 512)
    assert {v.dtype for v in [*read.model.values(), read.codes]} == {torch.float32}
    kept = load_checkpoint(path)[0]
    assert kept["generator.b"].dtype == torch.float16
    assert kept["encoder.a"].dtype == torch.float32  # vectors: scales lose too much in half


def test_a_model_alone_has_no_discriminator_and_no_codes(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", MODEL, CONFIG)
    read = read_model(tmp_path / "m.safetensors")
    assert (read.discriminator, read.codes.shape) == ({}, (0, 1, 2))


def test_another_file_than_the_one_shipped_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    write_model(path, MODEL, CONFIG)
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
    with pytest.raises(
        ModelError, match=r"nowhere does not exist; a model is a run folder.*'base'"
    ):
        find_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no model in"):
        find_model(tmp_path)


def written(path: Path, described: object, tensors: dict[str, torch.Tensor]) -> Path:
    save_checkpoint(path, tensors, {"kind": "model", "model": described})
    return path


def test_a_file_says_how_its_model_is_built(tmp_path: Path) -> None:
    config = StyleModelConfig(2, "large", 2.0)
    write_model(tmp_path / "m.safetensors", MODEL, config, discriminator=DISCRIMINATOR)
    for name in ("m.safetensors", "m.discriminator.safetensors"):
        described = load_checkpoint(tmp_path / name)[1]["model"]
        assert described == {"code_dim": 2, "size": "large", "supersampling": 2.0}
    assert read_model(tmp_path / "m.safetensors").config == config


def test_a_file_of_an_earlier_version_has_supersampling_among_its_weights(tmp_path: Path) -> None:
    old, path = {"code": 2, "size": "small"}, tmp_path / "m.safetensors"
    written(path, old, {**MODEL, "generator.fineness": torch.tensor(2.0).half()})
    assert read_model(path).config == StyleModelConfig(2, supersampling=2.0)
    written(path, old, MODEL)
    with pytest.raises(ModelError, match=r"m.safetensors.*supersampling is missing"):
        read_model(path)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"size": "small", "supersampling": 1.5}, "code_dim is missing"),
        (CONFIG.to_dict() | {"depth": 3}, "unknown: depth; allowed: code_dim, size, supersampling"),
        (CONFIG.to_dict() | {"size": 3}, "model.size is 3; allowed: small, large"),
        (CONFIG.to_dict() | {"supersampling": 1.2}, "model.supersampling is 1.2"),
        ([1], "is a model, not a model"),
    ],
)
def test_a_description_that_is_wrong_is_refused(
    tmp_path: Path, described: object, message: str
) -> None:
    path = written(tmp_path / "m.safetensors", described, MODEL)
    with pytest.raises(ModelError, match=message) as caught:
        read_model(path)
    assert str(path) in str(caught.value)


def test_weights_that_are_not_as_described_are_refused_in_one_line(tmp_path: Path) -> None:
    path, state = tmp_path / "m.safetensors", StyleModel(CONFIG).state_dict()
    write_model(path, state, CONFIG)
    assert read_model(path).build().config == CONFIG
    cases: list[tuple[StyleModelConfig, dict[str, torch.Tensor], str]] = [
        (
            StyleModelConfig(3),
            {},
            r"encoder.bend.2.bias is \(2,\) instead of \(3,\), and \d+ others",
        ),
        (StyleModelConfig(2, "large"), {}, r"instead of .*, and \d+ others"),
        (CONFIG, {"generator.x": torch.zeros(1)}, r"generator.x is \(1,\) instead of missing$"),
    ]
    for config, more, message in cases:
        write_model(path, state | more, config)
        with pytest.raises(ModelError, match=message) as caught:
            read_model(path).build()
        assert str(config) in str(caught.value)
        assert "\n" not in str(caught.value)
    written(path, CONFIG.to_dict(), {**state, "generator.fineness": torch.tensor(1.0)})
    with pytest.raises(ModelError, match=r"its weights are of model.supersampling=1$"):
        read_model(path)


def test_codes_beside_a_model_have_names(tmp_path: Path, tiny_run: Path) -> None:
    write_model(tmp_path / "m.safetensors", MODEL, CONFIG)
    assert read_model(tmp_path / "m.safetensors").styles == {}
    (tmp_path / "styles").mkdir()
    code = StyleCode(torch.zeros(2), torch.zeros(2)).save(tmp_path / "styles/a.style.safetensors")
    assert read_model(tmp_path / "m.safetensors").styles == {"a": code}
    for place in ("", "checkpoints/best.safetensors"):
        assert sorted(read_model(tiny_run / place).styles) == ["ink", "oil"]
    assert read_model("base").styles == named_styles()


def test_of_many_names_some_are_listed(tmp_path: Path) -> None:
    styles = {f"style-{i}": tmp_path for i in range(30)}
    with pytest.raises(StyleError, match=r"style-19 and 10 more$"):
        code_at("water", styles)
    with pytest.raises(StyleError, match=r"folder of pictures$"):
        code_at("water", {})
    assert code_at(tmp_path, styles) is None
