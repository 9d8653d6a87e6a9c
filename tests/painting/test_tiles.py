"""A painting in tiles is the painting in one piece."""

import pytest
import torch
from torch import Tensor

from gan_style import Stylizer
from gan_style.device import autocast
from gan_style.models.generator import STRIDE, Generator
from gan_style.painting.tiles import (
    MARGIN,
    SMALLEST_TILE,
    paint_in_tiles,
    paint_tiles,
    reduced,
    smallest_pixels,
    tile_side,
)
from gan_style.sizes import MINIMUM_SIDE

CPU = torch.device("cpu")
LEVEL = 1 / 255


@pytest.fixture(scope="module")
def base() -> Stylizer:
    return Stylizer.from_pretrained(device="cpu")


def photo(height: int, width: int) -> Tensor:
    """Smooth shapes, an edge and grain, so that every scale has something."""
    rows = torch.linspace(0, 9, height)[:, None]
    columns = torch.linspace(0, 7, width)[None]
    waves = torch.stack(
        [rows.sin() * columns.cos(), (rows * columns).sin(), (rows - columns).cos()]
    )
    grain = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    return ((waves + 1) / 2 * 0.8 + 0.2 * grain)[None]


def code_of(base: Stylizer) -> Tensor:
    return next(iter(base.styles.values())).at(288)[None]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@torch.inference_mode()
def test_tiles_of_any_size_match_the_whole(base: Stylizer, precision: str) -> None:
    """Odd sides, five sizes of tiles. In bfloat16, sums of other sizes are rounded otherwise: tiles
    differ less from the whole than the whole does from that of float32."""
    generator: Generator = base.model.generator
    content, code = photo(331, 277), code_of(base)
    with generator.statistics_of(content, code):
        exact = generator(content, code)
    with autocast(CPU, precision), generator.statistics_of(content, code):
        whole = generator(content, code).float()
        rounding = (whole - exact).abs()
        for side in (96, 128, 160, 208, 256):
            difference = (paint_tiles(generator, content, code, side) - whole).abs()
            assert difference.max() <= max(0.5 * LEVEL, rounding.max()), side
            assert difference.mean() <= max(0.01 * LEVEL, rounding.mean()), side


@torch.inference_mode()
def test_a_picture_that_is_small_enough_is_painted_whole(base: Stylizer) -> None:
    content, code = photo(64, 80), code_of(base)
    painted = paint_in_tiles(base.model.generator, content, code, 64 * 80)
    assert torch.equal(painted, base.model.generator(content, code))


@torch.inference_mode()
def test_a_larger_one_has_the_statistics_of_the_whole(base: Stylizer) -> None:
    """They are measured on a reduced copy, which is near to it, where tiles by themselves are not:
    half of this picture is plain."""
    content, code = photo(288, 416), code_of(base)
    content[..., 208:] = 0.5
    generator = base.model.generator
    whole = generator(content, code)
    tiled = paint_in_tiles(generator, content, code, smallest_pixels())
    assert tiled.shape == whole.shape
    alone = torch.cat([generator(half, code) for half in content.split(208, dim=3)], dim=3)
    assert (tiled - whole).abs().mean() < (alone - whole).abs().mean() / 2


def test_the_side_of_a_tile_follows_from_its_pixels() -> None:
    assert tile_side((512 + 2 * MARGIN) ** 2) == 512
    assert tile_side((512 + 2 * MARGIN) ** 2 - 1) == 512 - STRIDE
    assert tile_side(0) == tile_side(smallest_pixels()) == SMALLEST_TILE
    assert SMALLEST_TILE % STRIDE == MARGIN % STRIDE == 0


def test_a_reduced_picture_has_so_many_pixels_and_sides_that_networks_take() -> None:
    assert reduced(photo(40, 50), 2000).shape == (1, 3, 40, 50)
    height, width = reduced(photo(400, 300), 30_000).shape[2:]
    assert height * width <= 30_000
    assert height / width == pytest.approx(4 / 3, rel=0.02)
    assert reduced(photo(40, 900), 9000).shape[2] == MINIMUM_SIDE


@pytest.mark.parametrize("size", [(32, 321), (145, 130), (129, 160), (257, 33)])
@torch.inference_mode()
def test_short_rests_belong_to_the_tile_before(base: Stylizer, size: tuple[int, int]) -> None:
    generator, content, code = base.model.generator, photo(*size), code_of(base)
    with generator.statistics_of(content, code):
        whole = generator(content, code)
        assert (paint_tiles(generator, content, code, 128) - whole).abs().max() <= 2 * LEVEL
