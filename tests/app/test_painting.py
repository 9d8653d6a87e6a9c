"""Painting behind the page: what is drawn, what is skipped, what is kept, what can be chosen."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_style import Stylizer
from gan_style.app.catalog import Catalog
from gan_style.app.folder import WorkFolder
from gan_style.app.masks import drawn_mask, to_draw_on
from gan_style.app.mixing import mixed
from gan_style.app.painting import Order, PhotoPainter
from gan_style.app.studio import Studio
from gan_style.errors import PictureError, StyleError
from gan_style.painting.config import PaintConfig


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    """An empty work folder."""
    return WorkFolder(tmp_path / "work")


def test_photos_are_painted_and_a_bad_one_is_skipped(
    folder: WorkFolder, stylizer: Stylizer, collection: Path, tmp_path: Path
) -> None:
    photo, bad = collection / "photos" / "0.png", tmp_path / "bad.jpg"
    bad.write_bytes(b"PK\x03\x04 no picture")
    (tmp_path / "flat").mkdir()
    gray = tmp_path / "flat" / "0.png"
    Image.new("LA", (40, 50), (100, 128)).save(gray)
    mask = np.zeros((50, 60), np.uint8)
    mask[:, :20] = 255
    style = stylizer.styles["ink"]
    order = Order([photo, bad, gray], style, PaintConfig(), mask, "jpg")
    painter, told = PhotoPainter(folder, stylizer, order), list[tuple[int, int]]()
    painter.paint(lambda done, of: told.append((done, of)))
    assert [each.file.name for each in painter.paintings] == ["0-ink.jpg", "0-ink-2.jpg"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)] or told[-1] == (3, 3)
    assert [line.partition(":")[0] for line in map(folder.plain, painter.skipped)] == [str(bad)]
    assert painter.lost == ["0-ink-2.jpg: JPEG keeps no transparency: laid over white"]
    for each in painter.paintings:
        sizes = {Image.open(path).size for path in each}
        assert len(sizes) == 1


def test_what_is_not_masked_stays_to_the_bit(
    folder: WorkFolder, stylizer: Stylizer, collection: Path
) -> None:
    photo, mask = collection / "photos" / "1.png", np.zeros((25, 30), np.uint8)
    mask[:, :10] = 255
    order = Order([photo], stylizer.styles["oil"], PaintConfig(), mask)
    painter = PhotoPainter(folder, stylizer, order)
    painter.paint(lambda done, of: None)
    before, after = (np.asarray(Image.open(p)) for p in (photo, painter.paintings[0].file))
    assert (before[:, 24:] == after[:, 24:]).all()
    assert (before[:, :16] != after[:, :16]).any()


def test_nothing_painted_is_an_error(
    folder: WorkFolder, stylizer: Stylizer, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    painter = PhotoPainter(folder, stylizer, Order([bad], stylizer.styles["ink"], PaintConfig()))
    with pytest.raises(PictureError, match=r"bad\.png: not a picture"):
        painter.paint(lambda done, of: None)
    assert not list((folder.root / "paintings").iterdir())


def test_what_is_drawn_is_a_mask(tmp_path: Path) -> None:
    layer = np.zeros((30, 40, 4), np.uint8)
    assert drawn_mask(None) is None
    assert drawn_mask({"background": layer, "layers": []}) is None
    assert drawn_mask({"layers": [layer]}) is None
    layer[5:10, 5:10] = (229, 72, 77, 255)
    layer[4, 4] = (229, 72, 77, 20)  # the soft rim
    mask = drawn_mask({"layers": [layer]})
    assert mask is not None
    assert mask.dtype == np.uint8
    assert (mask > 0).sum() == 25
    Image.new("RGB", (3000, 1500)).save(tmp_path / "large.png")
    assert to_draw_on(tmp_path / "large.png").size == (1200, 600)


def test_what_can_be_chosen(folder: WorkFolder, stylizer: Stylizer) -> None:
    catalog = Catalog(folder)
    assert next(iter(catalog.styles())) == "base:bold-poster"
    woodcut = catalog.choice("base:woodcut").code
    woodcut.save(folder.codes / "kept.style.safetensors")
    stylizer.styles["ink"].save(folder.codes / "of-another-model.style.safetensors")
    (folder.codes / "being-written.style.safetensors").touch()
    assert [key for key in catalog.styles() if key.startswith("code:")] == ["code:kept"]
    for key in (None, "", "base:none", "../../etc/passwd", "code:../kept", "run:x:y"):
        with pytest.raises(StyleError):
            catalog.choice(key)


def test_styles_are_mixed(folder: WorkFolder, stylizer: Stylizer) -> None:
    catalog = Catalog(folder)
    one, two = catalog.choice("base:woodcut"), catalog.choice("base:mosaic")
    mix = mixed([(one, 0.2), (two, 0.6)])
    assert mix.model == "base"
    assert mix.code.name == "woodcut + mosaic"
    expected = 0.25 * one.code.mean + 0.75 * two.code.mean
    assert np.allclose(mix.code.mean, expected, atol=1e-6)
    with pytest.raises(StyleError, match="all shares are 0"):
        mixed([(one, 0.0), (two, 0.0)])


def test_models_are_kept_and_work_is_done_in_one_thread(tiny_run: Path) -> None:
    studio = Studio("cpu")
    first = studio.work(studio.stylizer, tiny_run)
    assert studio.work(studio.stylizer, str(tiny_run)) is first
    assert len({studio.work(lambda: __import__("threading").get_ident()) for _ in range(5)}) == 1
    with pytest.raises(ZeroDivisionError):
        studio.work(lambda: 1 / 0)
    model = tiny_run / "model.safetensors"
    modified = model.stat()
    os.utime(model, (modified.st_atime, modified.st_mtime + 5))  # as if it had been trained on
    assert studio.work(studio.stylizer, tiny_run) is not first
    os.utime(model, (modified.st_atime, modified.st_mtime))
    studio.close()
