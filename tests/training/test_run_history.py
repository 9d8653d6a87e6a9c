import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gan_style.errors import ConfigError
from gan_style.training.run_history import RunHistory


def write(folder: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "log.jsonl").write_text("\n".join(texts), encoding="utf-8")
    return folder


def picture(folder: Path, name: str) -> None:
    (folder / "samples").mkdir(exist_ok=True)
    Image.new("RGB", (4, 3)).save(folder / "samples" / name)


def test_numbers_come_by_step_with_the_later_value(tmp_path: Path) -> None:
    history = RunHistory.read(
        write(
            tmp_path,
            {"step": 20, "loss": 0.5, "images": 160},
            {"step": 40, "loss": 0.4},
            {"step": 20, "loss": 0.3},
            {"step": 20, "validation/score": 7},
        )
    )
    assert history.numbers == {
        20: {"loss": 0.3, "images": 160, "validation/score": 7},
        40: {"loss": 0.4},
    }
    assert history.torn == 0


def test_torn_and_foreign_lines_are_counted(tmp_path: Path) -> None:
    history = RunHistory.read(
        write(
            tmp_path, {"step": 1, "a": 1}, "[1]", '{"a": 2}', '{"step": 2, "a": "x"}', '{"step": 3'
        )
    )
    assert history.numbers == {1: {"a": 1}}
    assert history.torn == 4


def test_null_is_no_number_and_no_last_value(tmp_path: Path) -> None:
    history = RunHistory.read(write(tmp_path, {"step": 1, "a": 1, "b": 2}, {"step": 2, "a": None}))
    assert math.isnan(history.numbers[2]["a"])
    assert history.last("a") is None
    assert history.last("b") == 2
    assert history.last("c") is None


def test_pictures_are_those_with_a_step(tmp_path: Path) -> None:
    for name in (
        "sample-00000040.png",
        "base-and-mine-00000040.png",
        "sample-00000020.png",
        "a.png",
    ):
        picture(tmp_path, name)
    history = RunHistory.read(write(tmp_path))
    assert [(each.step, each.name) for each in history.pictures] == [
        (20, "sample"), (40, "base-and-mine"), (40, "sample"),
    ]  # fmt: skip


def test_the_table_has_a_grid_a_row_and_what_was_known_then(tmp_path: Path) -> None:
    for step in (10, 30, 40):
        picture(tmp_path, f"sample-{step:08d}.png")
    picture(tmp_path, "base-and-mine-00000040.png")
    history = RunHistory.read(
        write(
            tmp_path,
            {"step": 20, "validation/gram": 2.0, "validation/score": 5.0},
            {"step": 35, "loss": 1.0},
            {"step": 40, "validation/gram": 1.0, "validation/score": 4.0},
        )
    )
    columns, rows = history.sample_table()
    assert columns == ["step", "sample", "validation/gram", "validation/score"]
    assert [[row[0], row[1].name, *row[2:]] for row in rows] == [
        [10, "sample-00000010.png", None, None],
        [30, "sample-00000030.png", 2.0, 5.0],
        [40, "sample-00000040.png", 1.0, 4.0],
    ]


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no run folder: no log\.jsonl"):
        RunHistory.read(tmp_path)
    with pytest.raises(ConfigError, match="nowhere does not exist"):
        RunHistory.read(tmp_path / "nowhere")
