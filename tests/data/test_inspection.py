from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_style.data.inspection import ENOUGH, inspect_folder
from gan_style.errors import DataError


def picture(seed: int, width: int = 400, height: int = 300) -> Image.Image:
    """Return large soft patches of color, different for each seed."""
    values = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


def fill(folder: Path, count: int, first: int = 0, **size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        picture(i, **size).save(folder / f"{i:03}.jpg")


def test_a_good_collection(tmp_path: Path) -> None:
    fill(tmp_path, ENOUGH)
    report = inspect_folder(tmp_path)
    assert report.enough
    assert report.count == ENOUGH
    assert report.styles == {tmp_path.name: ENOUGH}
    assert report.formats == {".jpg": ENOUGH}
    assert report.short_sides == (300, 300, 300)
    assert report.scale_spread == 1
    assert (report.bad, report.duplicates, report.warnings) == ({}, (), ())
    assert report.lines()[0] == f"{tmp_path}: 10 pictures (10 .jpg)"
    assert "short sides: 300 to 300 px, median 300; spread 1.0" in "\n".join(report.lines())
    assert report.lines()[-1].strip().startswith("enough pictures")


def test_too_few_in_one_style_is_not_enough(tmp_path: Path) -> None:
    fill(tmp_path / "ink", ENOUGH)
    fill(tmp_path / "oil", 3, first=50)
    report = inspect_folder(tmp_path)
    assert not report.enough
    assert report.styles == {"ink": 10, "oil": 3}
    (warning,) = report.warnings
    assert warning.startswith("style oil has only 3 different pictures")
    assert report.lines()[-1].strip().startswith("not enough pictures")


def test_copies_are_found_even_resized_and_in_another_kind(tmp_path: Path) -> None:
    fill(tmp_path, ENOUGH)
    picture(4).resize((800, 600)).save(tmp_path / "copy.png")
    report = inspect_folder(tmp_path)
    assert report.duplicates == ((tmp_path / "004.jpg", tmp_path / "copy.png"),)
    assert report.enough
    assert "  alike: 004.jpg and copy.png" in report.lines()
    (tmp_path / "009.jpg").unlink()
    assert not inspect_folder(tmp_path).enough  # ten files, but nine pictures
    assert list(inspect_folder(tmp_path).different.values()) == [ENOUGH - 1]


def test_sizes(tmp_path: Path) -> None:
    fill(tmp_path, 8)
    fill(tmp_path, 1, first=8, width=80, height=60)
    fill(tmp_path, 1, first=9, width=3000, height=400)
    report = inspect_folder(tmp_path)
    assert report.short_sides == (60, 300, 400)
    assert report.scale_spread == pytest.approx(400 / 60)
    text = "\n".join(report.warnings)
    assert "1 pictures have a short side under 288 px" in text
    assert "sizes differ widely" in text
    assert "1 pictures are over 4 times as long as wide" in text


def test_bad_and_foreign_files(tmp_path: Path) -> None:
    fill(tmp_path, ENOUGH)
    (tmp_path / "empty.png").touch()
    cut = (tmp_path / "000.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "raw.cr2").touch()
    report = inspect_folder(tmp_path)
    assert sorted(path.name for path in report.bad) == ["cut.jpg", "empty.png"]
    assert report.warnings == ("files of other kinds are ignored: 1 .cr2",)
    lines = report.lines()
    assert f"  bad: {tmp_path}/empty.png: the file is empty" in lines
    assert "  2 of 12 cannot be read" in lines


def test_long_lists_are_cut_short(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    for i in range(25):
        (tmp_path / f"bad{i}.png").touch()
    lines = inspect_folder(tmp_path).lines()
    assert sum(line.startswith("  bad:") for line in lines) == 10
    assert "  … and 15 more" in lines


def test_nothing_there(tmp_path: Path) -> None:
    report = inspect_folder(tmp_path)
    assert not report.enough
    assert report.count == 0
    assert report.lines()[0] == f"{tmp_path}: 0 pictures (none)"
    assert "there is no picture that can be read" in report.warnings


def test_loose_pictures_beside_sub_folders(tmp_path: Path) -> None:
    fill(tmp_path, ENOUGH)
    fill(tmp_path / "oil", ENOUGH, first=50)
    (warning,) = inspect_folder(tmp_path).warnings
    assert "beside the sub-folders" in warning


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent is missing"):
        inspect_folder(tmp_path / "absent")


def test_a_real_collection_has_no_false_copies(shared: Path) -> None:
    report = inspect_folder(shared / "data" / "styles" / "suprematist")
    assert report.count == 23
    assert not report.duplicates
    assert report.enough
