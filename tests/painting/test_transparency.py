import numpy as np
import pytest

from gan_style.painting.canvas import Canvas, read_canvas
from gan_style.painting.resizing import resized
from gan_style.painting.strips import strips, to_8_bits
from gan_style.painting.transparency import fill_hidden

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(40, 60), (33, 1), (1, 50), (2, 3), (301, 203)])
def test_hidden_pixels_continue_those_beside_them(size: tuple[int, int], kind: type) -> None:
    pixels = np.zeros((*size, 3), kind)  # black, where nobody sees it
    alpha = np.zeros(size, kind)
    middle = np.s_[size[0] // 3 : size[0] // 3 + 9, size[1] // 3 : size[1] // 3 + 9]
    pixels[middle], alpha[middle] = (200, 100, 50), 3
    fill_hidden(pixels, alpha)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 1


def test_each_side_is_continued_by_its_own_color() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    alpha = np.full((64, 64), 255, np.uint8)
    pixels[:, :32], pixels[:, 32:] = (250, 0, 0), (0, 0, 250)
    alpha[:, 24:40] = 0
    pixels[:, 24:40] = 0
    before = pixels.copy()
    fill_hidden(pixels, alpha)
    seen = alpha > 0
    assert (pixels[seen] == before[seen]).all()
    assert (pixels[:, 24, 0] > 200).all()
    assert (pixels[:, 39, 2] > 200).all()
    steps = np.abs(np.diff(pixels[10, 23:41].astype(int), axis=0)).max()
    assert steps < 80  # one color passes into the other, with no edge to be painted


def test_faint_pixels_count_little() -> None:
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [9, 9, 9], [9, 9, 9]]], np.uint8)
    alpha = np.array([[1, 254, 0, 0]], np.uint8)
    fill_hidden(pixels, alpha)
    assert pixels[0, 2:].min() >= 250
    assert pixels[0, :2].tolist() == [[0, 0, 0], [255, 255, 255]]


@pytest.mark.parametrize("alpha", [0, 1, 255])
def test_nothing_is_filled_where_all_or_nothing_is_hidden(alpha: int) -> None:
    pixels = RANDOM.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    before = pixels.copy()
    fill_hidden(pixels, np.full((9, 7), alpha, np.uint8))
    assert (pixels == before).all()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_alpha_takes_the_size_of_the_painting(kind: type) -> None:
    top = np.iinfo(kind).max
    alpha = np.zeros((40, 60), kind)
    alpha[:, 30:] = top
    canvas = Canvas(np.zeros((40, 60, 3), kind), alpha)
    painted = canvas.painted(np.zeros((80, 120, 3), kind))
    assert painted.alpha is not None
    assert painted.alpha.shape == (80, 120)
    assert painted.alpha.dtype == kind
    assert painted.alpha[:, :50].max() == 0
    assert painted.alpha[:, 70:].min() == top
    assert resized(alpha, (40, 60)) is alpha


def test_a_painting_of_another_kind_is_refused() -> None:
    canvas = Canvas(np.zeros((4, 6, 3), np.uint16))
    with pytest.raises(ValueError, match=r"uint8 of shape \(4, 6, 3\); it must be uint16"):
        canvas.painted(np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(3, 4, 6\)"):
        canvas.painted(np.zeros((3, 4, 6), np.uint16))


def test_depths() -> None:
    steps = np.arange(65536, dtype=np.uint16)
    assert (to_8_bits(steps) == np.round(steps / 257)).all()
    assert (to_8_bits(np.arange(256, dtype=np.uint16) * 257) == np.arange(256)).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 4000), (4000, 5), (3, 3_000_000), (2500, 1000)])
def test_strips_cover_a_picture(size: tuple[int, int]) -> None:
    bands = list(strips(*size))
    assert [row for band in bands for row in range(band.start, band.stop)] == list(range(size[0]))
    assert all((band.stop - band.start) * size[1] <= max(2**20, size[1]) for band in bands)


def test_a_large_photo_costs_its_pixels_and_one_copy(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Measured by what numpy allocates: Pillow's own picture comes on top."""
    import tracemalloc

    from PIL import Image

    path = tmp_path_factory.mktemp("large") / "x.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.effect_noise((3000, 2000), 50).convert("RGB").save(path, exif=exif)
    tracemalloc.start()
    try:
        canvas = read_canvas(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert canvas.pixels.nbytes == 3000 * 2000 * 3
    assert most < canvas.pixels.nbytes * 1.7
