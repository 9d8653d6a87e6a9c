"""From pixels to a painting, of any size, in bounded memory."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from gan_style import StyleCode, Stylizer
from gan_style.errors import ConfigError, TooLargeError
from gan_style.painting import budget
from gan_style.painting.budget import in_tiles_that_fit, pixels_at_once
from gan_style.painting.config import PaintConfig
from gan_style.painting.pixels import to_floats, write_floats
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels
from gan_style.painting.tiles import smallest_pixels

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base() -> Stylizer:
    return Stylizer.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def style(base: Stylizer) -> StyleCode:
    return next(iter(base.styles.values()))


def photo(height: int = 96, width: int = 144) -> Pixels:
    pixels: Pixels = np.asarray(Image.fromarray(data.chelsea()).resize((width, height)))
    return pixels


def mean_difference(one: Pixels, other: Pixels) -> float:
    scales = [np.iinfo(pixels.dtype).max for pixels in (one, other)]
    return float(np.abs(one / scales[0] - other / scales[1]).mean())


# ---------------------------------------------------------------------- pixels


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pixels_come_back_from_floats_unchanged(kind: type) -> None:
    white = np.iinfo(kind).max
    pixels = np.random.default_rng(0).integers(0, white, (7, 9, 3), dtype=kind, endpoint=True)
    back = np.empty_like(pixels)
    write_floats(to_floats(pixels, CPU), back)
    assert (back == pixels).all()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pixels_are_resized_alike_in_8_and_16_bits(kind: type) -> None:
    pixels = photo().astype(kind) * (257 if kind is np.uint16 else 1)
    small = resized(pixels, (31, 47))
    assert (small.shape, small.dtype) == ((31, 47, 3), kind)
    assert mean_difference(small, resized(photo(), (31, 47))) < 0.5 / 255
    assert resized(pixels, pixels.shape[:2]) is pixels


def test_values_outside_the_range_are_cut_off() -> None:
    pixels = np.empty((1, 3, 3), np.uint8)
    values = torch.tensor([-1.0, 2.0, torch.nan]).expand(3, 1, 3)[None]
    write_floats(values, pixels)
    assert pixels[0, :, 0].tolist() == [0, 255, 0]


# ---------------------------------------------------------------------- paintings


def test_16_bits_are_painted_as_8_are_but_in_finer_steps(base: Stylizer, style: StyleCode) -> None:
    deep = base.paint(photo().astype(np.uint16) * 257, style)
    assert deep.dtype == np.uint16
    assert mean_difference(deep, base.paint(photo(), style)) < 1 / 255
    assert len(np.unique(deep % 257)) > 100


@pytest.mark.parametrize("sides", [(1, 1), (5, 300), (33, 47), (96, 144)])
def test_a_painting_has_the_sides_of_its_photo(
    base: Stylizer, style: StyleCode, sides: tuple[int, int]
) -> None:
    assert base.paint(photo(*sides), style).shape == (*sides, 3)


def test_the_photo_is_left_as_it_is(base: Stylizer, style: StyleCode) -> None:
    pixels = photo()
    pixels.setflags(write=False)
    before = pixels.tobytes()
    for strength in (0, 0.5, 1):
        base.paint(pixels, style, PaintConfig(strength=strength))
    assert pixels.tobytes() == before


def test_a_large_painting_is_a_small_one_brought_up(base: Stylizer, style: StyleCode) -> None:
    """Styles are read at 512 px at most: strokes of four times the size are painted at 128 px."""
    config = PaintConfig(stroke_size=4)
    small = base.paint(photo(128, 192), style, config)
    large = base.paint(photo(256, 384), style, config)
    assert large.shape == (256, 384, 3)
    change = mean_difference(photo(128, 192), small)
    assert mean_difference(resized(large, (128, 192)), small) < change / 4


def test_a_reduced_photo_is_painted_in_one_piece_however_its_sides_are_rounded(
    base: Stylizer, style: StyleCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_style.painting.plan.CARRIED_SIDE", 64)
    painted: list[tuple[int, ...]] = []
    hook = base.model.generator.register_forward_pre_hook(
        lambda module, given: painted.append(tuple(given[0].shape[2:]))
    )
    with hook:
        base.paint(photo(100, 120), style.read_at((64,)))
    assert painted == [(64, 77), (64, 77)]  # the first one only to correct the code


def test_larger_strokes_have_less_fine_detail(base: Stylizer, style: StyleCode) -> None:
    """Measured as the difference of neighboring pixels, relative to the painting's contrast."""
    energies = []
    for stroke_size in (1, 2, 4):
        painted = base.paint(photo(192, 288), style, PaintConfig(stroke_size=stroke_size)) / 255
        energies.append(np.abs(np.diff(painted, axis=1)).mean() / painted.std())
    assert energies[0] > energies[1] > energies[2]


def test_little_memory_paints_nearly_the_same(
    base: Stylizer, style: StyleCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photo(288, 320)
    whole = base.paint(pixels, style)
    monkeypatch.setattr("gan_style.painting.painter.pixels_at_once", lambda *given: 260 * 260)
    tiled = base.paint(pixels, style)
    assert tiled.tobytes() != whole.tobytes()
    assert mean_difference(tiled, whole) < mean_difference(whole, pixels) / 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stroke_size": 0.4}, "stroke_size is 0.4; it must be a number at least 0.5"),
        ({"stroke_size": 5}, "stroke_size is 5; it must be"),
        ({"memory": 0}, "memory is 0; it must be a number above 0"),
    ],
)
def test_other_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PaintConfig(**options)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- memory


def test_more_memory_lets_more_be_painted_at_once() -> None:
    """2 GB of a process of which 0.75 are taken: 1.25 / 640 bytes, less for a larger photo."""
    given = [pixels_at_once((0, 1), 3, 0, memory, CPU, "bfloat16") for memory in (1.0, 2.0)]
    assert given == [int(0.25e9 / 640), int(1.25e9 / 640)]
    large = pixels_at_once((6000, 8000), 3, 1_000_000, 2.0, CPU, "bfloat16")
    assert large == int((1.25e9 - 3 * 3 * 48e6 - 110e6) / 640)
    assert pixels_at_once((0, 1), 3, 0, 2.0, CPU, "float32") == int(1.25e9 / 1030)


def test_the_usual_memory_is_bounded_by_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "free_memory", lambda device: int(50e9))
    assert pixels_at_once((0, 1), 3, 0, None, CPU, "bfloat16") == int(1.25e9 / 640)
    monkeypatch.setattr(budget, "free_memory", lambda device: int(1e9))
    assert pixels_at_once((0, 1), 3, 0, None, CPU, "bfloat16") == int(0.9e9 / 640)
    monkeypatch.setattr(budget, "free_memory", lambda device: None)  # not known
    assert pixels_at_once((0, 1), 3, 0, None, CPU, "bfloat16") == int(1.25e9 / 640)


def test_where_not_even_a_tile_fits_it_is_said_what_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(TooLargeError, match=r"needs 0.79 GB of memory, and 0.5 GB are allowed"):
        pixels_at_once((0, 1), 3, 0, 0.5, CPU, "bfloat16")
    monkeypatch.setattr(budget, "free_memory", lambda device: int(1e9))
    said = r"of 20000x10000 px needs 1.84 GB of memory, and 1.0 GB are free on cpu; size (\d+) "
    with pytest.raises(TooLargeError, match=said) as refused:
        pixels_at_once((10_000, 20_000), 3, 0, None, CPU, "bfloat16")
    fits = int(str(refused.value).rpartition("size ")[2].split()[0])
    assert 6000 < fits < 7000
    assert pixels_at_once((fits, 2 * fits), 3, 0, None, CPU, "bfloat16") >= smallest_pixels()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_where_memory_runs_out_tiles_become_smaller(error: Exception) -> None:
    tried: list[int] = []

    def work(pixels: int) -> Pixels:
        tried.append(pixels)
        if pixels > 100_000:
            raise error
        return photo()

    assert in_tiles_that_fit(work, 350_000, "a photo").shape == photo().shape
    assert tried == [350_000, 175_000, 87_500]


def test_memory_that_runs_out_with_the_smallest_tiles_is_an_error_of_that_photo() -> None:
    def work(pixels: int) -> Pixels:
        raise MemoryError(pixels)

    with pytest.raises(TooLargeError, match="a photo: memory ran out"):
        in_tiles_that_fit(work, 500_000, "a photo")


def test_other_errors_stay_what_they_are() -> None:
    def work(pixels: int) -> Pixels:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape"):
        in_tiles_that_fit(work, 500_000, "a photo")
