"""The pictures shipped in data/demo: made by their program, small, in three manners."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[2] / "data"
DEMO = DATA / "demo"
MANNERS = ("cutpaper", "dabs", "hatching")


@pytest.fixture(scope="module")
def program():
    sys.path.insert(0, str(DATA))
    try:
        import make_demo
    finally:
        sys.path.remove(str(DATA))
    return make_demo


def pixels(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float64)


def colorfulness(manner: str) -> float:
    pictures = [pixels(path) for path in sorted((DEMO / manner).glob("*.jpg"))]
    return float(np.mean([np.ptp(picture, axis=2).mean() for picture in pictures]))


def test_each_manner_has_eight_pictures_and_nothing_else(program):
    expected = {
        program.picture_path(DEMO, manner, number) for manner in MANNERS for number in range(8)
    }
    assert {path for path in DEMO.rglob("*") if path.is_file()} == expected
    assert tuple(program.MANNERS) == MANNERS


def test_pictures_are_small():
    paths = sorted(DEMO.rglob("*.jpg"))
    assert sum(path.stat().st_size for path in paths) <= 800_000
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert picture.mode == "RGB"
            assert min(picture.size) == 288
            assert max(picture.size) <= 384


@pytest.mark.parametrize(("manner", "number"), [("cutpaper", 3), ("dabs", 5), ("hatching", 0)])
def test_the_program_makes_the_shipped_picture(program, tmp_path, manner, number):
    again = program.picture_path(tmp_path, manner, number)
    program.save(program.paint(manner, number), again)
    shipped = pixels(program.picture_path(DEMO, manner, number))
    assert np.abs(pixels(again) - shipped).mean() < 3.0


def test_another_number_is_another_picture(program):
    first, second = (pixels(program.picture_path(DEMO, "dabs", number)) for number in (0, 1))
    assert np.abs(first - second).mean() > 30.0


def test_only_the_engraving_is_almost_without_color():
    least = min(colorfulness("dabs"), colorfulness("cutpaper"))
    assert 2.0 * colorfulness("hatching") < least


def test_only_the_print_is_flat(program):
    def flat_share(manner: str) -> float:
        shares = []
        for path in sorted((DEMO / manner).glob("*.jpg")):
            gray = pixels(path).mean(axis=2)
            steps = np.abs(np.diff(gray, axis=0))[:, 1:] + np.abs(np.diff(gray, axis=1))[1:]
            shares.append(float((steps < 8.0).mean()))
        return float(np.mean(shares))

    shares = {manner: flat_share(manner) for manner in MANNERS}
    assert shares["cutpaper"] > 1.5 * max(shares["dabs"], shares["hatching"])
