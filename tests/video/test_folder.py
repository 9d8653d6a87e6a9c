"""Folders of pictures as videos."""

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from gan_style.errors import VideoError
from gan_style.video.folder import FrameFolder


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 9, 10):
        Image.new("RGB", (40, 32), (number, 0, 0)).save(tmp_path / f"f{number}.png")
    (tmp_path / "f9.png").write_text("no picture")
    folder = FrameFolder(tmp_path, rate=29.97)
    found = list(folder.frames())
    assert [(each.time, each.name) for each in found] == [(0, "f1"), (1, "f2"), (3, "f10")]
    assert folder.damaged == 1
    assert folder.look.rate == Fraction(30000, 1001)
    part = FrameFolder(tmp_path, rate=10, start=0.1, end=0.2)
    assert [each.name for each in part.frames()] == ["f2"]


def test_a_folder_has_pictures_of_one_size(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no pictures in folder"):
        FrameFolder(tmp_path)
    Image.new("RGB", (40, 32)).save(tmp_path / "a.png")
    Image.new("RGB", (40, 30)).save(tmp_path / "b.png")
    with pytest.raises(VideoError, match=r"a\.png has 40x32 px, and .*b\.png 40x30"):
        FrameFolder(tmp_path)
    with pytest.raises(VideoError, match=r"of the 2 pictures in folder .* none is between"):
        FrameFolder(tmp_path, start=5)
