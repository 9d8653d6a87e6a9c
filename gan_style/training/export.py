"""Writing the trained model and the code of every style into a run folder."""

from collections.abc import Sequence
from pathlib import Path

from gan_style.data.collection import Style
from gan_style.files import file_name
from gan_style.models.style_model import MODEL_FILE, StyleModel
from gan_style.pretrained import write_model
from gan_style.shipped import STYLE_SUFFIX, STYLES
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

_MOST = 64  # codes that are written: of a thousand single pictures, only the first


def export_model(folder: Path, average: StyleModel) -> Path:
    """Write the averaged networks as MODEL_FILE, in half precision, into a run folder.

    Raises:
        CheckpointError: it cannot be written.
    """
    path = folder / MODEL_FILE
    write_model(path, average.state_dict(), average.config)
    return path


def encode_styles(
    stylizer: Stylizer, styles: Sequence[Style], folder: Path
) -> dict[Path, StyleCode]:
    """Write the code of every style, of the first 64, into styles/ of a run folder."""
    written = {}
    for style in styles[:_MOST]:
        code = stylizer.encode(style.paths, style.name)
        written[code.save(folder / STYLES / f"{file_name(style.name)}{STYLE_SUFFIX}")] = code
    return written
