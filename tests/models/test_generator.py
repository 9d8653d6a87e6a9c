import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.errors import ModelError
from gan_style.models.generator import REDUCTION, SIZES, STRIDE, Generator
from gan_style.models.layers import GlobalStatistics, Modulation
from gan_style.sizes import MINIMUM_SIDE

CODE = 12
SUPERSAMPLING = 1.5


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def codes(count: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(count, CODE, generator=torch.Generator().manual_seed(seed))


def lively(size: str = "small") -> Generator:
    """A generator with strong enough contrast to show every flaw, as if trained."""
    torch.manual_seed(0)
    generator = Generator(CODE, size)
    with torch.no_grad():
        generator.to_picture.weight.mul_(5)
    return generator.requires_grad_(False)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return lively()


# ---------------------------------------------------------------------- shapes and ranges


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (33, 47), (1000, 32), (32, 1000), (64, 40), (39, 41)]
)
def test_every_size_is_painted(generator: Generator, height: int, width: int) -> None:
    picture = generator(drawn(1, 3, height, width), codes())
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
    # an untrained generator starts near mid-gray, where the sigmoid has a slope
    assert (picture - 0.5).abs().mean() < 0.25


def test_small_is_what_a_cpu_trains() -> None:
    count = {s: sum(p.numel() for p in Generator(128, s).parameters()) for s in SIZES}
    assert 2e6 <= count["small"] <= 3.5e6
    assert count["large"] > 3 * count["small"]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model.size is 'huge'; allowed: small, large"):
        Generator(CODE, "huge")


def test_padding_to_the_stride_does_not_show(generator: Generator) -> None:
    content = drawn(1, 3, 33, 47)
    padded = F.pad(content, (0, 1, 0, 7), mode="replicate")
    whole = generator(padded, codes())
    assert whole.shape[2:] == (40, 48)
    assert torch.allclose(generator(content, codes()), whole[:, :, :33, :47], atol=1e-6)


def test_memory_format_does_not_matter(generator: Generator) -> None:
    content = drawn(2, 3, 40, 48)
    last = content.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(generator(last, codes(2)), generator(content, codes(2)), atol=1e-5)


def test_painting_is_deterministic_and_pictures_of_a_batch_do_not_mix(generator: Generator) -> None:
    content, code = drawn(2, 3, 40, 48), codes(2)
    together = generator(content, code)
    assert torch.equal(generator(content, code), together)
    for i in range(2):
        alone = generator(content[i : i + 1], code[i : i + 1])
        assert torch.allclose(alone[0], together[i], atol=1e-4)


def test_output_is_float32_under_autocast(generator: Generator) -> None:
    content = drawn(1, 3, 40, 48)
    exact = generator(content, codes())
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator(content, codes())
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.1 * exact.std()


# ---------------------------------------------------------------------- code and gradients


def test_the_picture_depends_on_code_and_content(generator: Generator) -> None:
    content = drawn(1, 3, 40, 48)
    picture = generator(content, codes())
    assert (generator(content, codes(seed=1)) - picture).abs().mean() > 0.01
    assert (generator(content.flip(2), codes()) - picture).abs().mean() > 0.01


def test_the_code_modulates_every_block(generator: Generator) -> None:
    """Another code given to any one modulation alone changes the painting."""
    content, code, other = drawn(1, 3, 32, 40), codes(), codes(seed=1)
    picture = generator(content, code)
    modulations = {n: m for n, m in generator.named_modules() if isinstance(m, Modulation)}
    blocks = SIZES["small"].quarter_blocks * 2 + SIZES["small"].eighth_blocks
    assert len(modulations) >= 2 * blocks + 4
    for name, module in modulations.items():
        handle = module.register_forward_pre_hook(lambda _, inputs: (inputs[0], other))
        changed = generator(content, code)
        handle.remove()
        assert (changed - picture).abs().max() > 1e-3, name
    assert torch.equal(generator(content, code), picture)


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
    generator: Generator, color: float, height: int, width: int
) -> None:
    """Neither borders (padding) nor checkerboards (resizing) may appear.

    With the statistics of another picture: its own, of no deviation, enlarge rounding errors.
    """
    content = torch.full((1, 3, height, width), color)
    content[:, 1] = 0.5
    with generator.statistics_of(drawn(1, 3, 64, 64), codes()):
        picture = generator(content, codes())
    spread = picture.amax((2, 3)) - picture.amin((2, 3))
    assert spread.max() < 1e-4
    assert picture.amax() - picture.amin() > 1e-3  # between its colors


@pytest.mark.parametrize("color", [0.0, 1.0])
def test_a_black_or_white_picture_gives_numbers(generator: Generator, color: float) -> None:
    assert torch.isfinite(generator(torch.full((1, 3, 33, 47), color), codes())).all()


def test_an_even_picture_is_painted_evenly(generator: Generator) -> None:
    """As strongly at the border as inside, and without a period of pixels."""
    content = drawn(2, 3, 192, 192)
    picture = generator(content, codes(2))
    texture = picture - picture.mean((2, 3), keepdim=True)
    inside, border = texture[..., 48:-48, 48:-48], torch.ones(192, 192, dtype=torch.bool)
    border[8:-8, 8:-8] = False
    assert inside.std() > 0.01
    assert 0.7 < texture[..., border].std() / inside.std() < 1.4
    tiles = texture.unflatten(3, (-1, 8)).unflatten(2, (-1, 8))  # (B, 3, 24, 8, 24, 8)
    phases = tiles.mean((2, 4))  # one mean for each place within the stride
    assert phases.std() < 0.15 * texture.std()


def test_moving_the_photo_moves_the_painting(generator: Generator) -> None:
    """By a multiple of the stride, away from the borders; the maps of a roll are rolled."""
    content = drawn(1, 3, 32, 480)
    moved = content.roll(64, 3)
    with generator.statistics_of(content, codes()):
        one, two = generator(content, codes()), generator(moved, codes())
    edge = margin("small") + 64
    difference = one.roll(64, 3) - two
    assert difference[..., edge:-edge].abs().max() < 1e-3
    assert difference.abs().max() > 1e-3


# ---------------------------------------------------------------------- tiles


def margin(size: str) -> int:
    """Pixels at the cut edges of a tile that are not as in the whole: 77 for small.

    Follows the foreign border through the layers, in maps of each scale: a convolution 3 wide
    takes one more on each side, a stride halves, resizing doubles. Bicubic enlarging reads two
    pixels of the picture, reducing two of the painting's, of SUPERSAMPLING enlarged ones each.
    """
    n = SIZES[size]
    cubic = math.ceil(2 * SUPERSAMPLING)
    half = -(-(cubic + 3) // 2)  # 7 wide, stride 2
    quarter = -(-(half + 1) // 2) + 2 * n.quarter_blocks
    eighth = -(-(quarter + 1) // 2) + 2 * n.eighth_blocks + 1
    quarter = 2 * eighth + 1 + 2 * n.quarter_blocks  # bilinear: one more
    large = 2 * (2 * quarter + 1) + 1 + 1
    return math.ceil((large + cubic) / SUPERSAMPLING)


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
    generator: Generator,
) -> None:
    edge, (top, left) = margin("small"), (32, 48)
    content, code = drawn(1, 3, top + edge + 37, left + edge + 43), codes()  # odd sizes
    whole = generator(content, code)
    with generator.statistics_of(content, code):
        tile = generator(content[..., top:, left:], code)
    difference = (tile - whole[..., top:, left:]).abs()
    assert difference[..., edge:, edge:].max() < 1e-4


def test_tiles_need_the_statistics_of_the_whole(generator: Generator) -> None:
    edge, left = margin("small"), 64
    content, code = drawn(1, 3, 32, left + 2 * edge + 40), codes()
    content[..., :left] *= 0.2  # the tile alone is brighter than the whole
    whole = generator(content, code)[..., left:]
    alone = generator(content[..., left:], code)
    with generator.statistics_of(content, code):
        matching = generator(content[..., left:], code)
    worst = [(tile - whole)[..., edge:].abs().max().item() for tile in (alone, matching)]
    assert worst[0] > 1e-2
    assert worst[1] < 1e-4


def test_tiles_have_to_start_at_a_multiple_of_the_stride(generator: Generator) -> None:
    edge, left = margin("small"), 64 + STRIDE // 2
    content, code = drawn(1, 3, 32, left + 2 * edge + 40), codes()
    whole = generator(content, code)[..., left:]
    with generator.statistics_of(content, code):
        misplaced = generator(content[..., left:], code)
    assert (misplaced - whole)[..., edge:].abs().max() > 1e-2


def test_the_whole_painted_with_its_own_statistics_is_unchanged(generator: Generator) -> None:
    content, code = drawn(1, 3, 33, 47), codes()
    whole = generator(content, code)
    with generator.statistics_of(content, code):
        assert torch.allclose(generator(content, code), whole, atol=1e-6)


def test_several_tiles_are_painted_at_once(generator: Generator) -> None:
    content, code = drawn(1, 3, 32, 96), codes()
    with generator.statistics_of(content, code):
        alone = [generator(content[..., s : s + 48], code) for s in (0, 48)]
        tiles = torch.cat([content[..., :48], content[..., 48:]])
        together = generator(tiles, code.expand(2, -1))
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)


def unused(generator: Generator) -> bool:
    modules = [m for m in generator.modules() if isinstance(m, GlobalStatistics)]
    return bool(modules) and not any(m.keep or m.reuse or m.kept is not None for m in modules)


def test_statistics_are_forgotten_after_the_context(generator: Generator) -> None:
    content, other, code = drawn(1, 3, 32, 40), drawn(1, 3, 32, 40, seed=1) ** 3, codes()
    expected = generator(other, code)
    with generator.statistics_of(content, code):
        assert not unused(generator)
        within = generator(other, code)
    assert unused(generator)
    assert torch.equal(generator(other, code), expected)
    assert (within - expected).abs().max() > 0.01


def test_statistics_are_forgotten_after_an_error_within(generator: Generator) -> None:
    content, code = drawn(1, 3, 32, 40), codes()
    with pytest.raises(KeyboardInterrupt), generator.statistics_of(content, code):
        raise KeyboardInterrupt
    assert unused(generator)


def test_statistics_are_forgotten_after_an_error_in_measuring(generator: Generator) -> None:
    with (
        pytest.raises(RuntimeError),
        generator.statistics_of(drawn(1, 3, 32, 40), torch.zeros(1, CODE + 1)),
    ):
        pytest.fail("a code of the wrong length was taken")
    assert unused(generator)


def test_statistics_are_measured_where_gradients_are_on(generator: Generator) -> None:
    """Outside `no_grad`, with a generator that is still being trained."""
    trained = lively().requires_grad_(True)
    content, other, code = drawn(1, 3, 32, 40), drawn(1, 3, 32, 40, seed=1) ** 3, codes()
    with generator.statistics_of(content, code):
        expected = generator(other, code)
    with trained.statistics_of(content, code):
        picture = trained(other, code)
    assert torch.allclose(picture, expected, atol=1e-5)
    assert picture.requires_grad


def test_least_side_and_stride() -> None:
    assert MINIMUM_SIDE % STRIDE == 0
    assert STRIDE * SUPERSAMPLING % REDUCTION == 0


# ---------------------------------------------------------------------- supersampling


@pytest.mark.parametrize(
    ("supersampling", "sides"), [(1, (48, 64)), (1.5, (72, 96)), (2.0, (96, 128))]
)
def test_what_is_painted_inside_is_larger_than_the_picture(
    supersampling: float, sides: tuple[int, int]
) -> None:
    generator = Generator(CODE, supersampling=supersampling).requires_grad_(False)
    seen: list[tuple[int, ...]] = []
    generator.to_picture.register_forward_hook(lambda *given: seen.append(given[2].shape))
    assert generator(drawn(1, 3, 48, 64), codes()).shape == (1, 3, 48, 64)
    assert seen == [(1, 3, *sides)]


@pytest.mark.parametrize("supersampling", [0, 0.5, 1.25, -1.5, math.inf, math.nan])
def test_supersampling_that_leaves_no_whole_maps_is_refused(supersampling: float) -> None:
    with pytest.raises(ModelError, match=f"model.supersampling is {supersampling}; allowed"):
        Generator(CODE, supersampling=supersampling)


def test_older_weights_load_with_the_supersampling_they_have(generator: Generator) -> None:
    old = generator.state_dict() | {"fineness": torch.tensor(1.5)}
    loaded = Generator(CODE)
    loaded.load_state_dict(old)
    assert loaded.state_dict().keys() == generator.state_dict().keys()
    assert "fineness" in old  # the caller's is left as it was
    assert torch.equal(loaded.to_picture.weight, generator.to_picture.weight)


def test_older_weights_of_another_supersampling_do_not_load(generator: Generator) -> None:
    """They would paint strokes of another size."""
    old = generator.state_dict() | {"fineness": torch.tensor(1.0)}
    with pytest.raises(RuntimeError, match=r"with supersampling 1, this one has 1\.5$"):
        Generator(CODE).load_state_dict(old)
    within = {f"generator.{name}": values for name, values in old.items()}
    with pytest.raises(RuntimeError, match="supersampling"):
        torch.nn.ModuleDict({"generator": Generator(CODE)}).load_state_dict(within)
