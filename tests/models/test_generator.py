import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.models.generator import FINENESS, MINIMUM_SIDE, SIZES, STRIDE, Generator
from gan_style.models.layers import GlobalStatistics, Modulation

CODE = 12


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def codes(count: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(count, CODE, generator=torch.Generator().manual_seed(seed))


def lively(size: str = "small") -> Generator:
    """A painter with strong enough contrast to show every flaw, as if trained."""
    torch.manual_seed(0)
    generator = Generator(CODE, size)
    with torch.no_grad():
        generator.to_picture.weight.mul_(5)
    return generator.requires_grad_(False)


@pytest.fixture(scope="module")
def painter() -> Generator:
    return lively()


# ---------------------------------------------------------------------- shapes and ranges


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (33, 47), (1000, 32), (32, 1000), (64, 40), (39, 41)]
)
def test_every_size_is_painted(painter: Generator, height: int, width: int) -> None:
    picture = painter(drawn(1, 3, height, width), codes())
    assert picture.shape == (1, 3, height, width)
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.01
    assert picture.is_contiguous()


@pytest.mark.parametrize("size", list(SIZES))
def test_both_sizes_paint(size: str) -> None:
    with torch.no_grad():
        picture = Generator(CODE, size)(drawn(1, 3, 32, 40), codes())
    assert picture.shape == (1, 3, 32, 40)
    assert picture.dtype == torch.float32
    # an untrained painter starts near mid-gray, where the sigmoid has a slope
    assert (picture - 0.5).abs().mean() < 0.25


def test_small_is_what_a_cpu_trains() -> None:
    count = {s: sum(p.numel() for p in Generator(128, s).parameters()) for s in SIZES}
    assert 2e6 <= count["small"] <= 3.5e6
    assert count["large"] > 3 * count["small"]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model.size is 'huge'; allowed: small, large"):
        Generator(CODE, "huge")


def test_padding_to_the_stride_does_not_show(painter: Generator) -> None:
    content = drawn(1, 3, 33, 47)
    padded = F.pad(content, (0, 1, 0, 7), mode="replicate")
    whole = painter(padded, codes())
    assert whole.shape[2:] == (40, 48)
    assert torch.allclose(painter(content, codes()), whole[:, :, :33, :47], atol=1e-6)


def test_memory_format_does_not_matter(painter: Generator) -> None:
    content = drawn(2, 3, 40, 48)
    last = content.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(painter(last, codes(2)), painter(content, codes(2)), atol=1e-5)


def test_painting_is_deterministic_and_pictures_of_a_batch_do_not_mix(painter: Generator) -> None:
    content, code = drawn(2, 3, 40, 48), codes(2)
    together = painter(content, code)
    assert torch.equal(painter(content, code), together)
    for i in range(2):
        alone = painter(content[i : i + 1], code[i : i + 1])
        assert torch.allclose(alone[0], together[i], atol=1e-4)


def test_output_is_float32_under_autocast(painter: Generator) -> None:
    content = drawn(1, 3, 40, 48)
    exact = painter(content, codes())
    with torch.autocast("cpu", torch.bfloat16):
        rough = painter(content, codes())
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.1 * exact.std()


# ---------------------------------------------------------------------- code and gradients


def test_the_picture_depends_on_code_and_content(painter: Generator) -> None:
    content = drawn(1, 3, 40, 48)
    picture = painter(content, codes())
    assert (painter(content, codes(seed=1)) - picture).abs().mean() > 0.01
    assert (painter(content.flip(2), codes()) - picture).abs().mean() > 0.01


def test_the_code_modulates_every_block(painter: Generator) -> None:
    """Another code given to any one modulation alone changes the painting."""
    content, code, other = drawn(1, 3, 32, 40), codes(), codes(seed=1)
    picture = painter(content, code)
    modulations = {n: m for n, m in painter.named_modules() if isinstance(m, Modulation)}
    blocks = SIZES["small"].quarter_blocks * 2 + SIZES["small"].eighth_blocks
    assert len(modulations) >= 2 * blocks + 4
    for name, module in modulations.items():
        handle = module.register_forward_pre_hook(lambda _, inputs: (inputs[0], other))
        changed = painter(content, code)
        handle.remove()
        assert (changed - picture).abs().max() > 1e-3, name
    assert torch.equal(painter(content, code), picture)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47)])
def test_gradients_reach_every_parameter_content_and_code(height: int, width: int) -> None:
    generator = lively().requires_grad_(True)
    content, code = drawn(2, 3, height, width).requires_grad_(), codes(2).requires_grad_()
    target = drawn(2, 3, height, width, seed=1)
    (generator(content, code) - target).square().sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        if not name.endswith("bias"):  # the normalization takes most biases out again
            assert parameter.grad.abs().max() > 1e-6, name
    assert content.grad is not None
    assert code.grad is not None
    assert (content.grad.abs().sum(1) > 0).float().mean() > 0.99
    assert (code.grad.abs() > 0).all()


def test_painting_is_the_same_with_and_without_gradients() -> None:
    generator = lively().requires_grad_(True)
    content, code = drawn(2, 3, 33, 47), codes(2)
    taught = generator(content, code).detach()
    with torch.no_grad():
        assert torch.allclose(generator(content, code), taught, atol=1e-4)


# ---------------------------------------------------------------------- borders, checkerboards


@pytest.mark.parametrize("color", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (72, 88), (33, 47)])
def test_a_flat_picture_is_painted_flat(
    painter: Generator, color: float, height: int, width: int
) -> None:
    """Neither borders (padding) nor checkerboards (resizing) may appear.

    With the statistics of another picture: its own, of no deviation, enlarge rounding errors.
    """
    content = torch.full((1, 3, height, width), color)
    content[:, 1] = 0.5
    with painter.statistics_of(drawn(1, 3, 64, 64), codes()):
        picture = painter(content, codes())
    spread = picture.amax((2, 3)) - picture.amin((2, 3))
    assert spread.max() < 1e-4
    assert picture.amax() - picture.amin() > 1e-3  # between its colors


@pytest.mark.parametrize("color", [0.0, 1.0])
def test_a_black_or_white_picture_gives_numbers(painter: Generator, color: float) -> None:
    assert torch.isfinite(painter(torch.full((1, 3, 33, 47), color), codes())).all()


def test_an_even_picture_is_painted_evenly(painter: Generator) -> None:
    """As strongly at the border as inside, and without a period of pixels."""
    content = drawn(2, 3, 192, 192)
    picture = painter(content, codes(2))
    texture = picture - picture.mean((2, 3), keepdim=True)
    inside, border = texture[..., 48:-48, 48:-48], torch.ones(192, 192, dtype=torch.bool)
    border[8:-8, 8:-8] = False
    assert inside.std() > 0.01
    assert 0.7 < texture[..., border].std() / inside.std() < 1.4
    tiles = texture.unflatten(3, (-1, 8)).unflatten(2, (-1, 8))  # (B, 3, 24, 8, 24, 8)
    phases = tiles.mean((2, 4))  # one mean for each place within the stride
    assert phases.std() < 0.15 * texture.std()


def test_moving_the_photo_moves_the_painting(painter: Generator) -> None:
    """By a multiple of the stride, away from the borders; the maps of a roll are rolled."""
    content = drawn(1, 3, 32, 480)
    moved = content.roll(64, 3)
    with painter.statistics_of(content, codes()):
        one, two = painter(content, codes()), painter(moved, codes())
    edge = margin("small") + 64
    difference = one.roll(64, 3) - two
    assert difference[..., edge:-edge].abs().max() < 1e-3
    assert difference.abs().max() > 1e-3


# ---------------------------------------------------------------------- tiles


def margin(size: str) -> int:
    """Pixels at the cut edges of a tile that are not as in the whole: 77 for small.

    Follows the foreign border through the layers, in maps of each scale: a convolution 3 wide
    takes one more on each side, a stride halves, resizing doubles. Bicubic enlarging reads two
    pixels of the picture, reducing two of the painting's, which are FINENESS of the enlarged ones.
    """
    n = SIZES[size]
    cubic = math.ceil(2 * FINENESS)
    half = -(-(cubic + 3) // 2)  # 7 wide, stride 2
    quarter = -(-(half + 1) // 2) + 2 * n.quarter_blocks
    eighth = -(-(quarter + 1) // 2) + 2 * n.eighth_blocks + 1
    quarter = 2 * eighth + 1 + 2 * n.quarter_blocks  # bilinear: one more
    large = 2 * (2 * quarter + 1) + 1 + 1
    return math.ceil((large + cubic) / FINENESS)


def test_margin_is_a_multiple_that_can_be_written_down() -> None:
    assert margin("small") < 96
    assert margin("large") < 144


@pytest.mark.parametrize("size", list(SIZES))
def test_a_tile_matches_the_whole_beyond_its_margin(size: str) -> None:
    generator, edge = lively(size), margin(size)
    left, width = 3 * STRIDE, 2 * edge + 2 * STRIDE  # the tile is cut on both sides
    width += -width % STRIDE
    content, code = drawn(1, 3, 32, left + width + 48), codes()
    whole = generator(content, code)
    with generator.statistics_of(content, code):
        tile = generator(content[..., left : left + width], code)
    difference = (tile - whole[..., left : left + width]).abs().amax((0, 1, 2))
    assert difference[edge:-edge].max() < 1e-4
    assert difference.max() > 1e-2  # and the margin is needed


def test_a_tile_cut_on_two_sides_matches_up_to_the_corner_of_the_picture(
    painter: Generator,
) -> None:
    edge, (top, left) = margin("small"), (32, 48)
    content, code = drawn(1, 3, top + edge + 37, left + edge + 43), codes()  # odd sizes
    whole = painter(content, code)
    with painter.statistics_of(content, code):
        tile = painter(content[..., top:, left:], code)
    difference = (tile - whole[..., top:, left:]).abs()
    assert difference[..., edge:, edge:].max() < 1e-4


def test_tiles_need_the_statistics_of_the_whole(painter: Generator) -> None:
    edge, left = margin("small"), 64
    content, code = drawn(1, 3, 32, left + 2 * edge + 40), codes()
    content[..., :left] *= 0.2  # the tile alone is brighter than the whole
    whole = painter(content, code)[..., left:]
    alone = painter(content[..., left:], code)
    with painter.statistics_of(content, code):
        matching = painter(content[..., left:], code)
    worst = [(tile - whole)[..., edge:].abs().max().item() for tile in (alone, matching)]
    assert worst[0] > 1e-2
    assert worst[1] < 1e-4


def test_tiles_have_to_start_at_a_multiple_of_the_stride(painter: Generator) -> None:
    edge, left = margin("small"), 64 + STRIDE // 2
    content, code = drawn(1, 3, 32, left + 2 * edge + 40), codes()
    whole = painter(content, code)[..., left:]
    with painter.statistics_of(content, code):
        misplaced = painter(content[..., left:], code)
    assert (misplaced - whole)[..., edge:].abs().max() > 1e-2


def test_the_whole_painted_with_its_own_statistics_is_unchanged(painter: Generator) -> None:
    content, code = drawn(1, 3, 33, 47), codes()
    whole = painter(content, code)
    with painter.statistics_of(content, code):
        assert torch.allclose(painter(content, code), whole, atol=1e-6)


def test_several_tiles_are_painted_at_once(painter: Generator) -> None:
    content, code = drawn(1, 3, 32, 96), codes()
    with painter.statistics_of(content, code):
        alone = [painter(content[..., s : s + 48], code) for s in (0, 48)]
        tiles = torch.cat([content[..., :48], content[..., 48:]])
        together = painter(tiles, code.expand(2, -1))
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)


def unused(generator: Generator) -> bool:
    modules = [m for m in generator.modules() if isinstance(m, GlobalStatistics)]
    return bool(modules) and not any(m.keep or m.reuse or m.kept is not None for m in modules)


def test_statistics_are_forgotten_after_the_context(painter: Generator) -> None:
    content, other, code = drawn(1, 3, 32, 40), drawn(1, 3, 32, 40, seed=1) ** 3, codes()
    expected = painter(other, code)
    with painter.statistics_of(content, code):
        assert not unused(painter)
        within = painter(other, code)
    assert unused(painter)
    assert torch.equal(painter(other, code), expected)
    assert (within - expected).abs().max() > 0.01


def test_statistics_are_forgotten_after_an_error_within(painter: Generator) -> None:
    content, code = drawn(1, 3, 32, 40), codes()
    with pytest.raises(KeyboardInterrupt), painter.statistics_of(content, code):
        raise KeyboardInterrupt
    assert unused(painter)


def test_statistics_are_forgotten_after_an_error_in_measuring(painter: Generator) -> None:
    with (
        pytest.raises(RuntimeError),
        painter.statistics_of(drawn(1, 3, 32, 40), torch.zeros(1, CODE + 1)),
    ):
        pytest.fail("a code of the wrong length was taken")
    assert unused(painter)


def test_statistics_are_measured_where_gradients_are_on(painter: Generator) -> None:
    """Outside `no_grad`, with a generator that is still being trained."""
    generator = lively().requires_grad_(True)
    content, other, code = drawn(1, 3, 32, 40), drawn(1, 3, 32, 40, seed=1) ** 3, codes()
    with painter.statistics_of(content, code):
        expected = painter(other, code)
    with generator.statistics_of(content, code):
        picture = generator(other, code)
    assert torch.allclose(picture, expected, atol=1e-5)
    assert picture.requires_grad


def test_least_side_and_stride() -> None:
    assert MINIMUM_SIDE % STRIDE == 0
    assert STRIDE * FINENESS % 8 == 0


# ---------------------------------------------------------------------- fineness


def test_what_is_painted_inside_is_larger_than_the_picture(painter: Generator) -> None:
    seen: list[tuple[int, ...]] = []
    handle = painter.to_picture.register_forward_hook(lambda *given: seen.append(given[2].shape))
    painter(drawn(1, 3, 48, 64), codes())
    handle.remove()
    assert seen == [(1, 3, 72, 96)]


def test_weights_of_a_generator_without_fineness_do_not_load(painter: Generator) -> None:
    """They would paint strokes of two thirds of their size."""
    coarse = {name: values for name, values in painter.state_dict().items() if name != "fineness"}
    with pytest.raises(RuntimeError, match="fineness"):
        lively().load_state_dict(coarse)
