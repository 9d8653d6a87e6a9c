"""`gan-style compare` and `gan-style styles`."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_style.cli.main import main
from gan_style.shipped import named_styles
from gan_style.stylizer import Stylizer

Capture = pytest.CaptureFixture[str]


def done(*words: Any) -> None:
    assert main([str(word) for word in words]) == 0


def failed(capsys: Capture, *words: Any) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return told.rpartition("error: ")[2]


@pytest.fixture
def photo(collection: Path) -> Path:
    return collection / "photos" / "0.png"


def cut(sheet: Path, left: int, top: int, size: tuple[int, int]) -> bytes:
    with Image.open(sheet) as image:
        box = (left, top + 20, left + size[0], top + 20 + size[1])
        return image.convert("RGB").crop(box).tobytes()


def test_models_and_styles_stand_side_by_side(
    photo: Path, collection: Path, tiny_run: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_run, tmp_path / "other")
    folder, sheet = collection / "styles" / "ink", tmp_path / "sheet.png"
    words = ["--styles", folder, "oil", "--models", tiny_run, other, "--size", 48]
    done("compare", photo, *words, "-o", sheet, "--device", "cpu")
    model = Stylizer.from_pretrained(tiny_run, device="cpu")
    painted = [model.stylize(photo, style, size=48) for style in (folder, "oil")]
    width, height = painted[0].size
    with Image.open(sheet) as image:
        assert image.size == (4 + 5 * (width + 4), 4 + 20 + height + 4)
    for place, painting in zip((1, 2, 3, 4), np.repeat(np.arange(2), 2), strict=True):
        found = cut(sheet, 4 + place * (width + 4), 4, (width, height))
        assert found == painted[painting].tobytes()


def test_strengths_and_stroke_sizes_are_compared(
    photo: Path, tiny_run: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    words = ["--styles", "ink", "--models", tiny_run, "--strength", 0, 1, "--size", 48]
    done("compare", *words, "--stroke-size", 1, 2, "-o", sheet, "--device", "cpu", "--", photo)
    model = Stylizer.from_pretrained(tiny_run, device="cpu")
    painted = model.stylize(photo, "ink", size=48, stroke_size=2)
    step = painted.width + 4
    before, none, last = (cut(sheet, 4 + place * step, 4, painted.size) for place in (0, 1, 4))
    assert before == none
    assert last == painted.tobytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--styles", "ink", "--models", "RUN", "RUN"], "twice; give each once"),
        (["--styles", "ink", "--models", "nowhere"], "nowhere"),
        (["--styles", "nowhere", "--models", "RUN"], "nowhere"),
        (["--styles", "woodcut", "oil", "--models", "RUN"], "woodcut"),
        (["--styles", "ink", "--models", "RUN", "--strength", "2"], "--strength"),
        (["--models", "RUN"], "--styles"),
    ],
)
def test_what_cannot_be_compared(
    words: list[str], said: str, photo: Path, tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = [tiny_run if word == "RUN" else word for word in words]
    assert said in failed(capsys, "compare", photo, *given, "-o", tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_a_sheet_that_is_there_is_kept(photo: Path, tmp_path: Path, capsys: Capture) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_text("mine")
    assert "is there already" in failed(capsys, "compare", photo, "--styles", "x", "-o", sheet)
    assert "is there already" in failed(capsys, "styles", "-o", sheet)
    assert sheet.read_text() == "mine"


# styles


def test_styles_are_listed(tiny_run: Path, tmp_path: Path, capsys: Capture) -> None:
    done("styles")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(named_styles())
    assert all(re.fullmatch(r"\S+ +\d+ pictures?", line) for line in lines)
    done("styles", "--model", tiny_run)
    assert capsys.readouterr().out == "ink  3 pictures\noil  3 pictures\n"
    shutil.copytree(tiny_run, tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "styles")
    done("styles", "--model", tmp_path / "bare")
    assert "has no named styles" in capsys.readouterr().out


def test_a_terminal_shows_thumbnails(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("gan_style.data.characters.shows_pictures", lambda stream: True)
    for columns, lines in ((80, 12 + 3), (30, 2 * (12 + 3))):
        monkeypatch.setattr(
            shutil, "get_terminal_size", lambda *_, size=(columns, 24), **__: os.terminal_size(size)
        )
        done("styles", "--model", tiny_run)
        told = capsys.readouterr().out
        assert told.count("\n") == lines
        assert told.count("▀") == 2 * 24 * 12
        plain = re.sub("\x1b.*?m", "", told)
        assert max(map(len, plain.splitlines())) <= columns


def test_styles_make_a_sheet(tiny_run: Path, tmp_path: Path, capsys: Capture) -> None:
    sheet = tmp_path / "styles.png"
    done("styles", "--model", tiny_run, "-o", sheet)
    assert f"2 styles in {sheet}" in capsys.readouterr().out
    thumbnail = Stylizer.from_pretrained(tiny_run).styles["oil"].thumbnail
    assert thumbnail is not None
    assert cut(sheet, 4 + thumbnail.width + 4, 4, thumbnail.size) == thumbnail.tobytes()
