import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_style.data.formats import FORMATS, SUFFIXES
from gan_style.errors import ConfigError, PictureError
from gan_style.painting.canvas import Canvas
from gan_style.painting.writing import encode_canvas, what_is_lost, write_canvas

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
KINDS = {each.name: each for each in FORMATS}


@pytest.mark.parametrize("name", ["x.png", "x.JPG", "x.jpeg", "new/folder/x.webp", "x.tif"])
def test_the_ending_decides(tmp_path: Path, name: str) -> None:
    write_canvas(Canvas(PIXELS), tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.format is not None
        assert Path(name).suffix.lower() in KINDS[image.format].suffixes
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("name", ["x.bmp", "x.gif", "x.heic", "x.txt", "x"])
def test_other_endings_are_refused_with_those_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match=r"written as \.png, \.jpg, \.webp, \.avif or \.tiff"):
        write_canvas(Canvas(PIXELS), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_quality_is_for_kinds_that_have_one(tmp_path: Path) -> None:
    for name in ("x.png", "x.tiff"):
        with pytest.raises(ConfigError, match=r"quality is 80, but \w+ loses nothing"):
            write_canvas(Canvas(PIXELS), tmp_path / name, quality=80)
    for quality in (0, 101, -1):
        with pytest.raises(ConfigError, match=f"quality is {quality}; it must be 1 to 100"):
            write_canvas(Canvas(PIXELS), tmp_path / "x.jpg", quality=quality)
    for kind in (KINDS["JPEG"], KINDS["WEBP"]):
        sizes = [len(encode_canvas(Canvas(PIXELS), kind, quality=q)) for q in (1, 50, 89, 100)]
        assert sizes == sorted(sizes)
        assert encode_canvas(Canvas(PIXELS), kind) == encode_canvas(
            Canvas(PIXELS), kind, quality=kind.quality
        )


def test_a_side_too_long_for_the_kind_is_refused(tmp_path: Path) -> None:
    canvas = Canvas(np.zeros((2, 16_384, 3), np.uint8), source="long.png")
    with pytest.raises(PictureError, match=r"long\.png: .* 16384x2 px .* WEBP.*16383 px a side"):
        write_canvas(canvas, tmp_path / "x.webp")
    write_canvas(canvas, tmp_path / "x.jpg")


def test_files_are_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_canvas(Canvas(PIXELS), tmp_path / "x.png")
    before = (tmp_path / "x.png").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PictureError, match=r"x\.png: cannot be written: no space left"):
        write_canvas(Canvas(255 - PIXELS), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="cannot be written"):
        write_canvas(Canvas(PIXELS), tmp_path / "file" / "x.png")


def test_nothing_is_said_to_be_lost_that_is_not() -> None:
    opaque = Canvas(PIXELS, np.full((60, 80), 255, np.uint8))
    assert list(what_is_lost(opaque, KINDS["JPEG"])) == []
    for kind in FORMATS:
        assert list(what_is_lost(Canvas(PIXELS), kind)) == []


def test_the_table_of_kinds() -> None:
    listed = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(listed) == len(set(listed)) == len(SUFFIXES)
    assert {".heic", ".avif", ".jpg"} <= SUFFIXES
    assert all(each.bytes_per_pixel > 0 for each in FORMATS if each.written)
