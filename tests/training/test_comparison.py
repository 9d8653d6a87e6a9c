"""The sheet shows the same photos by the base model and by the trained one."""

from pathlib import Path

import pytest
from PIL import Image

from gan_style import Stylizer
from gan_style.data.collection import Style
from gan_style.data.images import find_pictures
from gan_style.errors import PictureError
from gan_style.training.comparison import compared_styles, comparison_sheet

pytestmark = pytest.mark.usefixtures("full_ends")


@pytest.fixture
def styles(collection: Path) -> list[Style]:
    return [
        Style(name, tuple(find_pictures(collection / "styles" / name))) for name in ("ink", "oil")
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_a_photo_and_two_paintings_a_style(
    stylizer: Stylizer, collection: Path, styles: list[Style], count: int
) -> None:
    photos = find_pictures(collection / "photos")[:2]
    codes = [stylizer.encode(style.paths) for style in styles[:count]]
    compared = compared_styles(stylizer, styles, codes)
    sheet = comparison_sheet(stylizer, stylizer, photos, compared)
    assert sheet is not None
    wide, gap, heading = round(288 * 60 / 50), 4, 20
    assert sheet.size == (
        gap + (1 + 2 * count) * (wide + gap),
        gap + heading + 2 * (288 + gap),
    )
    base, mine = (
        sheet.crop((left, gap + heading, left + wide, sheet.height))
        for left in (gap + column * (wide + gap) for column in (1, 2))
    )
    assert base.tobytes() == mine.tobytes()  # one model, and the same pictures to read its code of


def test_each_model_has_its_own_code(
    stylizer: Stylizer,
    collection: Path,
    styles: list[Style],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[object] = []
    photos = find_pictures(collection / "photos")[:1]
    mine = stylizer.encode(styles[1].paths)

    def stylize(self: Stylizer, photo: Image.Image, code: object) -> Image.Image:
        used.append(code)
        return photo

    monkeypatch.setattr(Stylizer, "stylize", stylize)
    comparison_sheet(stylizer, stylizer, photos, compared_styles(stylizer, styles, [mine]))
    theirs, ours = used
    assert ours is mine
    assert theirs.name == "ink"  # type: ignore[attr-defined]


def test_what_cannot_be_read_any_more(
    stylizer: Stylizer, styles: list[Style], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    code = stylizer.encode(styles[0].paths)
    compared = compared_styles(stylizer, styles, [code])
    assert comparison_sheet(stylizer, stylizer, [bad], compared) is None
    with pytest.raises(PictureError):
        compared_styles(stylizer, [Style("ink", (bad,))], [code])
