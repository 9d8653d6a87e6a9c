"""Where each style goes: masks, strength maps, and what must not change."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_style.errors import ConfigError, PictureError, StyleError, TooLargeError
from gan_style.painting import strips as strips_module
from gan_style.painting.config import PaintConfig
from gan_style.painting.masks import fitted, read_mask, shares
from gan_style.painting.regions import Region, paint_regions
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

KINDS = [np.uint8, np.uint16]
WHITE = 255


def style(name: str) -> StyleCode:
    import torch

    return StyleCode(torch.zeros(1, 4), torch.zeros(1, 4), name, "model", 1, sides=(288,))


class Painted:
    """Paints everything in one value: ten times the strength for "a", more for others."""

    def __init__(self, values: dict[str, int]) -> None:
        self.values = values
        self.calls: list[tuple[str, float]] = []

    def __call__(self, photo: Pixels, style: StyleCode, config: PaintConfig) -> Pixels:
        self.calls.append((style.name, config.strength))
        value = round(self.values[style.name] * config.strength)
        return np.full_like(photo, value)


def photo(kind: type = np.uint8, height: int = 40, width: int = 60) -> Pixels:
    pixels = np.random.default_rng(0).integers(0, 200, (height, width, 3), dtype=kind)
    pixels.flags.writeable = False
    return pixels


def halves(left: int, right: int, height: int = 40, width: int = 60) -> Pixels:
    mask = np.full((height, width), left, np.uint8)
    mask[:, width // 2 :] = right
    return mask


# regions


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [7, 1000])
def test_outside_a_mask_nothing_changes(
    kind: type, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips_module, "_STRIP", rows * 60)
    pixels = photo(kind)
    regions = [Region(style("a"), halves(WHITE, 0))]
    result = paint_regions(Painted({"a": 250}), pixels, regions, PaintConfig())
    assert result.dtype == kind
    assert (result[:, :30] == 250).all()
    assert (result[:, 30:] == pixels[:, 30:]).all()


def test_gray_is_that_much_of_the_style() -> None:
    mask = np.full((40, 60), 102, np.uint8)  # 0.4; a little nearer to the middle than that
    pixels = np.full((40, 60, 3), 100, np.uint8)
    result = paint_regions(Painted({"a": 200}), pixels, [Region(style("a"), mask)], PaintConfig())
    share = (0.4 - 0.02) / 0.96
    assert (result == round(100 + 100 * share)).all()


def test_each_style_is_where_its_mask_is_and_the_last_has_the_rest() -> None:
    left, right = halves(WHITE, 0), halves(0, WHITE)
    painted = {"a": 10, "b": 90}
    both = [Region(style("a"), left), Region(style("b"), right)]
    result = paint_regions(Painted(painted), photo(), both, PaintConfig())
    assert (result[:, :30] == 10).all()
    assert (result[:, 30:] == 90).all()
    rest = [Region(style("a"), left), Region(style("b"))]
    assert (paint_regions(Painted(painted), photo(), rest, PaintConfig()) == result).all()


def test_masks_that_overlap_share_the_place() -> None:
    whole = np.full((40, 60), WHITE, np.uint8)
    regions = [Region(style(name), whole) for name in ("a", "b", "c")]
    painted = Painted({"a": 30, "b": 60, "c": 120})
    result = paint_regions(painted, photo(), regions, PaintConfig())
    assert (result == 70).all()


def test_a_soft_border_is_a_weighted_mean() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 60).round().astype(np.uint8), (40, 60))
    regions = [Region(style("a"), ramp), Region(style("b"))]
    result = paint_regions(Painted({"a": 0, "b": 200}), photo(), regions, PaintConfig())
    expected = 200 * (1 - ((ramp / 255 - 0.02) / 0.96).clip(0, 1))
    assert np.abs(result[..., 0] - expected).max() <= 0.51


def test_a_style_that_is_seen_nowhere_is_not_painted() -> None:
    painted = Painted({"a": 10, "b": 90})
    black = np.zeros((40, 60), np.uint8)
    regions = [Region(style("a"), black), Region(style("b"), halves(WHITE, 0))]
    paint_regions(painted, photo(), regions, PaintConfig())
    assert painted.calls == [("b", 1.0)]


def test_a_map_paints_at_two_strengths_and_blends() -> None:
    values = np.repeat(np.array([0, 64, 128, 191, 255], np.uint8), 12)
    strengths = np.broadcast_to(values, (40, 60))
    painted, pixels = Painted({"a": 200}), np.full((40, 60, 3), 50, np.uint8)
    config = PaintConfig(strength=0.8)
    result = paint_regions(painted, pixels, [Region(style("a"))], config, strengths)
    assert painted.calls == [("a", 0.4), ("a", 0.8)]  # painted as 80 and 160
    columns = result[0, ::12, 0].astype(int)
    assert columns[0] == 50
    assert columns[4] == 160
    assert list(columns[1:4]) == pytest.approx([65, 80, 120], abs=2)


def test_a_map_of_black_and_white_is_painted_once() -> None:
    painted = Painted({"a": 200})
    regions = [Region(style("a"))]
    result = paint_regions(painted, photo(), regions, PaintConfig(), halves(0, WHITE))
    assert painted.calls == [("a", 1.0)]
    assert (result[:, :30] == photo()[:, :30]).all()


def test_a_painting_of_another_size_takes_its_masks_along() -> None:
    regions = [Region(style("a"), halves(WHITE, 0, 400, 600))]
    result = paint_regions(Painted({"a": 250}), photo(), regions, PaintConfig(size=80))
    assert result.shape == (80, 120, 3)
    assert (result[:, :59] == 250).all()
    assert (result[:, 61:] == resized(photo(), (80, 120))[:, 61:]).all()


def test_what_is_held_counts_as_memory() -> None:
    seen: list[float | None] = []

    def paint(photo: Pixels, style: StyleCode, config: PaintConfig) -> Pixels:
        seen.append(config.memory)
        return photo

    regions = [Region(style("a"), halves(WHITE, 0))]
    paint_regions(paint, photo(), regions, PaintConfig(memory=1.0))
    assert seen == [pytest.approx(1 - (40 * 60 * 3 + 40 * 60) / 1e9)]
    with pytest.raises(TooLargeError, match="1e-06 GB are allowed"):
        paint_regions(paint, photo(), regions, PaintConfig(memory=1e-6))


# masks


def test_a_mask_is_its_luminance_times_its_opacity(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., :3], pixels[:4, :, 3], pixels[4:, :, 3] = 200, 255, 51
    file = tmp_path / "mask.png"
    Image.fromarray(pixels).save(file)
    for mask in (file, str(file), Image.open(file)):
        read = read_mask(mask)
        assert read.dtype == np.uint8
        assert np.unique(read[:4]) == 200
        assert np.unique(read[4:]) == 40


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (np.full((4, 4), 130, np.uint8), 130),
        (np.full((4, 4), 65535, np.uint16), 255),
        (np.full((4, 4), 0.2), 51),
        (np.ones((4, 4), bool), 255),
        (np.zeros((4, 4), bool), 0),
    ],
)
def test_arrays_are_masks(array: Pixels, value: int) -> None:
    read = read_mask(array)
    assert (read.dtype, np.unique(read).tolist()) == (np.uint8, [value])


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"shape \(4, 4, 3\); it must be \(H, W\)"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.full((4, 4), 1.5), r"outside \[0, 1\]"),
        (np.full((4, 4), np.nan), r"outside \[0, 1\]"),
        (np.zeros((4, 4), np.int64), "int64; allowed: uint8"),
    ],
)
def test_other_arrays_are_none(array: Pixels, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        read_mask(array, "mine")


def test_a_mask_of_other_proportions_is_refused() -> None:
    with pytest.raises(PictureError, match="has 30x40 px, and the photo 60x40"):
        fitted(np.zeros((40, 30), np.uint8), (40, 60), 0)
    assert fitted(np.zeros((3, 5), np.uint8), (40, 60), 0).shape == (40, 60)  # rounded: 3:4.5
    assert fitted(np.zeros((667, 1000), np.uint8), (40, 60), 0).shape == (40, 60)


def test_softened_masks_still_add_up_to_one() -> None:
    one, other = (fitted(halves(*pair), (40, 60), 20) for pair in ((255, 0), (0, 255)))
    assert np.abs(one.astype(int) + other - 255).max() <= 1
    middle = one[20].astype(int)
    assert (np.diff(middle) <= 0).all()
    soft = ((middle > 5) & (middle < 250)).sum()
    assert soft == pytest.approx(0.2 * 40, abs=3)


def test_nearly_black_is_black_and_nearly_white_white() -> None:
    values = shares(np.array([[0, 5, 128, 250, 255]], np.uint8))[0]
    assert values[[0, 1, 3, 4]].tolist() == [0, 0, 1, 1]
    assert values[2] == pytest.approx(0.5, abs=0.01)


# with a model


@pytest.fixture(scope="module")
def base() -> Stylizer:
    return Stylizer.from_pretrained(device="cpu")


def test_a_style_in_its_region_is_the_style_of_the_whole_painting(base: Stylizer) -> None:
    pixels = photo(height=64, width=96)
    mask = halves(WHITE, 0, 64, 96)
    one, other = "woodcut", "mosaic"
    picture = Image.fromarray(pixels)
    pairs: Sequence[tuple[str, Pixels | None]] = [(one, mask), (other, None)]
    result = np.asarray(base.stylize(picture, pairs))
    whole = [np.asarray(base.stylize(picture, name)) for name in (one, other)]
    assert (result[:, :48] == whole[0][:, :48]).all()
    assert (result[:, 48:] == whole[1][:, 48:]).all()
    outside = np.asarray(base.stylize(picture, [(one, mask)]))[:, 48:]
    assert (outside == pixels[:, 48:]).all()


def test_mistakes_with_regions_are_named(base: Stylizer) -> None:
    picture = Image.fromarray(photo())
    with pytest.raises(StyleError, match="2 styles have no mask"):
        base.stylize(picture, [("woodcut", None), ("mosaic", None)])
    with pytest.raises(PictureError, match="proportions"):
        base.stylize(picture, [("woodcut", np.zeros((60, 40), np.uint8))])
    with pytest.raises(PictureError, match=r"nowhere\.png"):
        base.stylize(picture, [("woodcut", "nowhere.png")])
    with pytest.raises(ConfigError, match="protect is 'hands'; it must be faces"):
        base.stylize(picture, "woodcut", protect="hands")
    with pytest.raises(PictureError, match="the strength map has the shape"):
        base.stylize(picture, "woodcut", strength_map=np.zeros((4, 4, 3), np.uint8))
