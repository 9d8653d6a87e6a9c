"""Pictures in a terminal: two pixels a character, in the terminal's own colors."""

import os
from typing import TextIO

from PIL import Image

_ABOVE = "▀"  # the foreground is the upper pixel, the background the lower one
_RESET = "\x1b[0m"


def shows_pictures(stream: TextIO) -> bool:
    """Whether what is written is seen in 24-bit colors (no-color.org; COLORTERM)."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return False
    encoding = (stream.encoding or "").lower().replace("-", "")
    return encoding == "utf8" and os.environ.get("COLORTERM") in ("truecolor", "24bit")


def in_characters(picture: Image.Image, columns: int) -> list[str]:
    """A picture as lines of text.

    Args:
        picture: of any size; it is scaled.
        columns: characters of a line.

    Returns:
        Lines with color sequences, each of so many characters.
    """
    rows = max(1, round(columns * picture.height / picture.width / 2))
    small = picture.convert("RGB").resize((columns, 2 * rows), Image.Resampling.LANCZOS)
    lines = []
    for row in range(rows):
        cells = [
            f"\x1b[38;2;{_rgb(small, x, 2 * row)}m\x1b[48;2;{_rgb(small, x, 2 * row + 1)}m{_ABOVE}"
            for x in range(columns)
        ]
        lines.append("".join(cells) + _RESET)
    return lines


def _rgb(picture: Image.Image, x: int, y: int) -> str:
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return ";".join(map(str, value))
