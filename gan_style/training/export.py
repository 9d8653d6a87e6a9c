"""Writing the trained model and the code of every style into a run folder."""

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from gan_style.data.collection import Style
from gan_style.data.images import Picture
from gan_style.data.training_data import TrainingData
from gan_style.errors import PictureError
from gan_style.files import file_name
from gan_style.models.style_model import MODEL_FILE, StyleModel
from gan_style.pretrained import write_model
from gan_style.shipped import STYLE_SUFFIX, STYLES
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

logger = logging.getLogger(__name__)

_BAR_DELAY = 2  # seconds after which the work is long enough for a bar
_MOST = 64  # codes that are written: of a thousand single pictures, only the first


def export_model(folder: Path, average: StyleModel) -> Path:
    """Write the averaged networks as MODEL_FILE, in half precision, into a run folder.

    Raises:
        CheckpointError: it cannot be written.
    """
    path = folder / MODEL_FILE
    write_model(path, average.state_dict(), average.config)
    return path


class Encoded(NamedTuple):
    """A style, its code, and the file that the code is in."""

    style: Style
    code: StyleCode
    path: Path


def encode_styles(stylizer: Stylizer, data: TrainingData, folder: Path) -> list[Encoded]:
    """Write the code of every style, of the first 64, into styles/ of a run folder.

    Pictures that were removed since training began are taken from memory, if they are there. A
    style of which nothing is left has no code, which is logged.
    """
    written = []
    styles = data.styles[:_MOST]
    total = sum(len(style.paths) for style in styles)
    with tqdm(total=total, desc="style codes", unit=" pictures", delay=_BAR_DELAY) as bar:
        for style in styles:
            path = folder / STYLES / f"{file_name(style.name)}{STYLE_SUFFIX}"
            try:
                code = stylizer.encode(
                    data.pictures(style), style.name, progress=partial(_counted, bar)
                )
            except PictureError as error:
                logger.warning("style %s has no code: %s", style.name, error)
            else:
                written.append(Encoded(style, code, code.save(path)))
    return written


def _counted(bar: "tqdm[Any]", pictures: Iterable[Picture]) -> Iterator[Picture]:
    for picture in pictures:
        yield picture
        bar.update()
