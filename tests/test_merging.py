"""One model of several: the mean of their weights."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_style import Stylizer
from gan_style.cli.main import main
from gan_style.errors import ModelError, StyleError
from gan_style.merging import merge_models
from gan_style.models.style_model import MODEL_FILE, StyleModel, StyleModelConfig
from gan_style.pretrained import Pretrained, read_model, write_model

_BIAS = "generator.to_picture.bias"


def alike(number: float, place: Path, code_dim: int = 8) -> Pretrained:
    """A model whose weights are all the same number, and whose batches are 2000."""
    config = StyleModelConfig(code_dim=code_dim, supersampling=1)
    state = StyleModel(config).state_dict()
    for values in state.values():
        values.fill_(number if values.is_floating_point() else 2000)
    write_model(place, state, config)
    return read_model(place)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Pretrained]:
    """Return a model of ones and a model of fives."""
    folder = tmp_path_factory.mktemp("models")
    return [alike(number, folder / f"{number:g}.safetensors") for number in (1.0, 5.0)]


def numbers(model: StyleModel) -> set[float]:
    state = model.state_dict().values()
    return {each for v in state if v.is_floating_point() for each in v.unique().tolist()}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1], 3.0), ([0.25, 0.75], 4.0), ([3, 1], 2.0), ([1, 0], 1.0), ([-0.5, 1.5], 7.0)],
)
def test_weights_are_the_weighted_mean(
    models: list[Pretrained], weights: list[float], expected: float
) -> None:
    merged = merge_models(models, weights)
    assert numbers(merged) == {expected}


def test_counts_of_batches_are_not_averaged(models: list[Pretrained]) -> None:
    merged = merge_models(models, [1, 2])
    counts = [v for v in merged.state_dict().values() if not v.is_floating_point()]
    assert counts
    assert all(count == 2000 for count in counts)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1], "2 models with 1 weights"), ([], "with 0 weights"), ([1, -1], "has to differ from 0")],
)
def test_wrong_weights_are_refused(
    models: list[Pretrained], weights: list[float], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        merge_models(models, weights)


def test_models_of_different_sizes_are_refused(models: list[Pretrained], tmp_path: Path) -> None:
    other = alike(2.0, tmp_path / "2.safetensors", code_dim=16).path
    with pytest.raises(ModelError, match=r"1\.safe.*code_dim=8.*2\.safe.*code_dim=16"):
        Stylizer.merge([models[0].path, other], [1, 1])


def test_a_model_with_itself_is_that_model(tiny_run: Path) -> None:
    read = read_model(tiny_run)
    merged = merge_models([read, read], [2, 6]).state_dict()
    assert all(torch.allclose(merged[name], values) for name, values in read.model.items())


def test_a_merged_model_is_saved_and_paints_between_its_models(
    tiny_run: Path, tmp_path: Path
) -> None:
    read = read_model(tiny_run / MODEL_FILE)
    darker = read.model | {_BIAS: read.model[_BIAS] - 2}
    other, halfway = tmp_path / "other.safetensors", tmp_path / "halfway"
    write_model(other, darker, read.config)
    models, paths = [], [tiny_run / MODEL_FILE, halfway, other]
    Stylizer.merge([paths[0], other], [1, 1], device="cpu").save_pretrained(halfway)
    for path in paths:
        model = Stylizer.from_pretrained(path, device="cpu")
        model.precision = "float32"
        models.append(model)
    photo = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    code = models[0].model.encode(photo[:, None])
    with torch.inference_mode():
        first, between, last = (each.model.generator(photo, code).mean() for each in models)
    assert last + 0.01 < between < first - 0.01


def test_codes_of_the_merged_models_are_foreign(stylizer: Stylizer) -> None:
    merged = Stylizer.merge(["base", "base"], [1, 1], device="cpu")
    assert not merged.styles
    with pytest.raises(StyleError, match="was made by model"):
        merged.stylize(Image.new("RGB", (48, 32)), stylizer.styles["ink"])


# the command


@pytest.fixture
def runs(tiny_run: Path, tmp_path: Path) -> list[Path]:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(tmp_path / name)
        shutil.copy(tiny_run / MODEL_FILE, made[-1])
    return made


def test_merge_writes_a_model_and_says_how_it_is_used(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "half way"
    assert main(["merge", *map(str, runs), "--weights", "1,3", "-o", str(output)]) == 0
    assert Stylizer.from_pretrained(output, device="cpu").id in capsys.readouterr().out
    assert main(["merge", *map(str, runs), "-o", str(output)]) == 2  # it is there
    assert "--force" in capsys.readouterr().err
    assert main(["merge", *map(str, runs), "-o", str(output), "--force"]) == 0
    assert "--model '" in capsys.readouterr().out  # quoted for the space in its name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{one}", "-o", "{out}"], "give two or more"),
        (["{one}", "{nowhere}", "-o", "{out}"], "nowhere does not exist"),
        (["{one}", "{two}", "-o", "{two}", "--force"], "where one of the models is"),
        (["{one}", "{two}/model.safetensors", "-o", "{two}", "--force"], "where one of the"),
        (["{one}", "{two}", "--weights", "1", "-o", "{out}"], "2 models with 1 weights"),
        (["{one}", "{two}", "--weights", "1,x", "-o", "{out}"], "--weights is '1,x'"),
        (["{one}", "base", "-o", "{out}"], "different sizes"),
    ],
)
def test_merge_refuses(
    runs: list[Path],
    tmp_path: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {name: tmp_path / name for name in ("one", "two", "nowhere", "out")}
    before = (places["two"] / MODEL_FILE).read_bytes()
    assert main(["merge", *(word.format(**places) for word in words)]) == 2
    assert message in capsys.readouterr().err
    assert not places["out"].exists()
    assert (places["two"] / MODEL_FILE).read_bytes() == before
