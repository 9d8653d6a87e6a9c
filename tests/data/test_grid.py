"""Sheets that wrap, and pictures in a terminal."""

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_style.data.characters import in_characters, shows_pictures
from gan_style.data.grid import Cell, wrapped_sheet


def cell(value: int, size: tuple[int, int] = (100, 50), caption: str = "") -> Cell:
    return Cell(Image.new("RGB", size, (value, 0, 0)), caption)


def reds(sheet: Image.Image, tops: list[int], lefts: list[int]) -> list[list[int]]:
    pixels = np.asarray(sheet)
    return [[int(pixels[top + 30, left + 50, 0]) for left in lefts] for top in tops]


def test_rows_are_as_long_as_the_screen_and_begin_with_the_photo() -> None:
    cells = [cell(value) for value in range(1, 6)]
    sheet = wrapped_sheet([(cell(99), cells)], width=4 * 104 + 4)
    assert sheet.size == (4 * 104 + 4, 4 + 2 * 74)  # five paintings: three and two
    found = reds(sheet, [4, 78], [4, 108, 212, 316])
    assert found == [[99, 1, 2, 3], [99, 4, 5, 255]]


def test_rows_are_of_about_one_length() -> None:
    sheet = wrapped_sheet([(None, [cell(value) for value in range(1, 7)])], width=5 * 104 + 4)
    assert reds(sheet, [4, 78], [4, 108, 212]) == [[1, 2, 3], [4, 5, 6]]


def test_what_belongs_together_is_not_parted() -> None:
    cells = [cell(value) for value in range(1, 7)]
    sheet = wrapped_sheet([(cell(99), cells)], together=2, width=6 * 104 + 4)  # room for five
    assert reds(sheet, [4, 78], [4, 108, 212, 316, 420]) == [[99, 1, 2, 3, 4], [99, 5, 6, 255, 255]]


def test_a_narrow_screen_holds_one_painting_beside_the_photo() -> None:
    cells = [cell(1), cell(2)]
    sheet = wrapped_sheet([(cell(99), cells)], together=2, width=50)
    assert reds(sheet, [4, 78], [4, 108]) == [[99, 1], [99, 2]]


def test_blocks_of_other_sizes_follow_one_another_without_gaps() -> None:
    blocks: list[Any] = [
        (cell(1, (100, 50)), [cell(2, (100, 50))]),
        (cell(3, (40, 80)), [cell(4, (40, 80))]),
    ]
    sheet = wrapped_sheet(blocks)
    assert sheet.size == (4 + 104 + 104, 4 + 74 + 104)
    assert np.asarray(sheet)[-5, 4:92, 0].tolist() == [3] * 40 + [255] * 4 + [4] * 40 + [255] * 4


def test_captions_stand_over_their_pictures() -> None:
    with_text = wrapped_sheet([(None, [cell(0, caption="woodcut"), cell(0)])])
    text = np.asarray(with_text)[4:24, :, 1]
    assert text[:, 4:104].min() < 128
    assert text[:, 108:].min() == 255


@pytest.mark.parametrize("blocks", [[], [(None, [])]])
def test_an_empty_sheet_is_refused(blocks: Any) -> None:
    with pytest.raises(ValueError, match="at least one block"):
        wrapped_sheet(blocks)


def test_a_picture_in_characters_has_two_pixels_in_each() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0], pixels[1], pixels[2:, :, 2] = (255, 0, 0), (0, 255, 0), 7
    first, second = in_characters(Image.fromarray(pixels), 4)
    assert first == "\x1b[38;2;255;0;0m\x1b[48;2;0;255;0m▀" * 4 + "\x1b[0m"
    assert second == "\x1b[38;2;0;0;7m\x1b[48;2;0;0;7m▀" * 4 + "\x1b[0m"
    wide = in_characters(Image.new("RGB", (300, 100)), 24)
    assert [len(re.sub("\x1b.*?m", "", line)) for line in wide] == [24] * 4


class Terminal:
    def __init__(self, encoding: str = "utf-8", there: bool = True) -> None:
        self.encoding, self.there = encoding, there

    def isatty(self) -> bool:
        return self.there


@pytest.mark.parametrize(
    ("terminal", "variables", "shown"),
    [
        (Terminal(), {"COLORTERM": "truecolor"}, True),
        (Terminal("UTF8"), {"COLORTERM": "24bit"}, True),
        (Terminal(), {}, False),
        (Terminal(), {"COLORTERM": "truecolor", "NO_COLOR": "1"}, False),
        (Terminal("latin-1"), {"COLORTERM": "truecolor"}, False),
        (Terminal(there=False), {"COLORTERM": "truecolor"}, False),
    ],
)
def test_pictures_are_shown_where_they_can_be_seen(
    terminal: Any, variables: dict[str, str], shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shows_pictures(terminal) is shown
