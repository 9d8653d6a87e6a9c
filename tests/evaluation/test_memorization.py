"""Copies are found, and what pictures by one artist have in common is no copy."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps
from skimage import data
from torch import Tensor

from gan_style.data.images import find_pictures, read_picture, to_image, to_tensor
from gan_style.evaluation.memorization import CopyDetector, Memorization, gray_square

SIDE = 288


def scribble(seed: int) -> Image.Image:
    """Curved strokes on plain paper, in the same style whatever the seed."""
    generator = torch.Generator().manual_seed(seed)
    canvas = torch.full((SIDE, SIDE), 0.9)
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    for _ in range(60):
        y, x, radius, width = (
            torch.rand(4, generator=generator) * torch.tensor([SIDE, SIDE, 50, 3])
        ).tolist()
        ring = ((rows - y).square() + (columns - x).square()).sqrt() - radius - 5
        canvas[ring.abs() < width + 1] = 0.2
    return to_image(canvas.expand(3, -1, -1))


def with_piece(picture: Image.Image, source: Image.Image, side: int = 144) -> Image.Image:
    """A piece of another picture in it, elsewhere than it was, and paler."""
    piece = source.crop((60, 40, 60 + side, 40 + side)).point(lambda value: 30 + 0.8 * value)
    changed = picture.copy()
    changed.paste(piece, (101, 83))
    return changed


def compare(known: Sequence[Image.Image], paintings: Sequence[Image.Image]) -> Memorization:
    found = CopyDetector([gray_square(p) for p in known]).compare(list(map(gray_square, paintings)))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def known() -> list[Image.Image]:
    return [scribble(seed) for seed in range(6)]


@pytest.fixture(scope="module")
def fresh() -> list[Image.Image]:
    return [scribble(100 + seed) for seed in range(4)]


def test_pictures_in_the_same_style_are_no_copies(
    known: list[Image.Image], fresh: list[Image.Image]
) -> None:
    found = compare(known, fresh)
    assert found.ratio > 0.55
    assert found.copies == []
    assert not found.warns


def test_pieces_of_the_collection_are_copies(
    known: list[Image.Image], fresh: list[Image.Image]
) -> None:
    pasted = [with_piece(fresh[0], known[4]), fresh[1], with_piece(fresh[2], known[1]), fresh[3]]
    found = compare(known, pasted)
    assert found.copies == [0, 2]
    assert found.warns


def test_pieces_of_other_pictures_are_no_copies(
    known: list[Image.Image], fresh: list[Image.Image]
) -> None:
    assert compare(known, [with_piece(fresh[0], scribble(7))]).copies == []


def test_the_collection_itself_is_a_copy(known: list[Image.Image]) -> None:
    found = compare(known, known)
    assert found.copies == list(range(6))
    assert found.ratio < 0.05


def test_what_every_picture_has_is_no_copy(
    known: list[Image.Image], fresh: list[Image.Image]
) -> None:
    """A stamp, a frame, an edge of the paper."""
    stamp = scribble(55)
    stamped = [with_piece(picture, stamp) for picture in known]
    assert compare(stamped, [with_piece(fresh[0], stamp)]).copies == []


def test_plain_paintings_cannot_be_compared(known: list[Image.Image]) -> None:
    plain = gray_square(Image.new("RGB", (SIDE, SIDE), (210, 180, 140)))
    detector = CopyDetector([gray_square(picture) for picture in known])
    assert detector.compare([plain]) is None
    assert detector.compare([plain, gray_square(known[0])]) is not None


def test_too_few_pictures_do_not_say_what_is_usual(known: list[Image.Image]) -> None:
    assert (
        CopyDetector([gray_square(p) for p in known[:3]]).compare([gray_square(known[0])]) is None
    )


def test_gray_square_is_the_middle_at_one_size() -> None:
    wide = Image.new("RGB", (900, 300), (255, 0, 0))
    wide.paste((0, 255, 0), (300, 0, 600, 300))
    square = gray_square(wide)
    assert square.shape == (1, SIDE, SIDE)
    assert torch.allclose(square, torch.full_like(square, 0.587), atol=0.02)


def test_a_collection_and_photographs() -> None:
    """One half of a collection copies nothing of the other; photos with a pasted piece do."""
    demo = Path(__file__).resolve().parents[2] / "data" / "demo"
    pictures = [read_picture(path) for path in find_pictures(demo / "dabs")]
    names = ("astronaut", "coffee", "chelsea", "rocket")
    photos = [Image.fromarray(getattr(data, name)()) for name in names]
    known, held_out = pictures[::2], pictures[1::2]
    assert not compare(known, held_out).warns
    assert not compare(known, photos).warns
    pasted = [_paste(to_tensor(a), b) for a, b in zip(photos, known, strict=False)]
    found = compare(known, pasted)
    assert found.warns
    assert found.ratio < 0.5


def _paste(photo: Tensor, source: Image.Image) -> Image.Image:
    picture = ImageOps.fit(to_image(photo), (SIDE, SIDE))
    piece = ImageOps.fit(source, (SIDE, SIDE)).crop((70, 70, 214, 214))
    picture.paste(piece, (31, 90))
    return picture


def test_one_copy_in_many_is_chance() -> None:
    assert not Memorization(1.0, [3], 30).warns
    assert Memorization(1.0, [3, 7], 30).warns
    assert Memorization(1.0, [0], 1).warns
    assert Memorization(0.4, [], 30).warns
