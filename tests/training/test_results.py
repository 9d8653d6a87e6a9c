"""What to type to paint with the base model, and for a model halfway to it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from gan_style.config import load_config
from gan_style.data.collection import Style
from gan_style.training.results import _base_command, _merge_command


def command(folder: Path, names: list[str], *changes: str) -> str | None:
    """Of a run on a folder of one style, or of those named."""
    words = [f"data.styles={folder}", *changes]
    styles = [Style(name, (folder / name / "a.png",)) for name in names]
    run = SimpleNamespace(config=load_config(None, words), data=SimpleNamespace(styles=styles))
    return _base_command(run)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "changes", "place", "model"),
    [
        (["my pictures"], [], "'{0}'", ""),
        (["ink", "oil"], [], "'{0}/ink'", ""),
        (["loose", "oil"], [], "'{0}/loose/a.png'", ""),  # no folder of that name
        (["a"], ["data.picture_is_style=true"], "'{0}/a/a.png'", ""),
        (["my pictures"], ["train.init=runs/a b"], "'{0}'", "--model 'runs/a b' "),
    ],
)
def test_the_base_model_paints_with_the_code_of_the_collection(
    tmp_path: Path, names: list[str], changes: list[str], place: str, model: str
) -> None:
    folder = tmp_path / "my pictures"
    (folder / "ink").mkdir(parents=True)
    style = place.format(folder)
    expected = f"gan-style stylize PHOTO --style {style} {model}-o painted.png"
    assert command(folder, names, *changes) == expected


def test_from_scratch_there_is_none(tmp_path: Path) -> None:
    assert command(tmp_path, ["ink"], "train.init=null") is None
    assert merge_command(tmp_path, "train.init=null") is None


def merge_command(folder: Path, *changes: str) -> str | None:
    run = SimpleNamespace(config=load_config(None, changes), folder=folder)
    return _merge_command(run)  # type: ignore[arg-type]


def test_a_model_halfway_is_merged_beside_the_run() -> None:
    expected = "gan-style merge 'runs/a b' 'my runs/mine' -o 'my runs/mine-halfway'"
    assert merge_command(Path("my runs/mine"), "train.init=runs/a b") == expected
    assert merge_command(Path("mine")) == "gan-style merge base mine -o mine-halfway"
