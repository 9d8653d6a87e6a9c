"""What arrived from the browser: how much of it is taken, and under which names it is kept."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from gan_style.app.folder import WorkFolder, safe_name
from gan_style.errors import PictureError

MOST_PHOTOS = 50
"""Photos that are painted at once."""
MOST_PICTURES = 200
"""Pictures of a style."""
LARGEST = "1gb"
"""The largest file that is taken: a video of some minutes."""
_LARGEST_PICTURE = 250_000_000  # bytes


def uploaded(files: Sequence[str] | str | None, most: int, what: str = "picture") -> list[Path]:
    """The files that a browser sent, as many as may be.

    Args:
        files: where Gradio put them; it refuses paths of any other files.
        most: how many may be sent.
        what: messages call one so.

    Raises:
        PictureError: none, or too many.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, str) else files or [])]
    if not paths:
        raise PictureError(f"there is no {what} yet: drop one first")
    if len(paths) > most:
        raise PictureError(f"these are {len(paths)} files; at most {most} are taken at a time")
    return paths


def refuse_large_file(path: Path) -> None:
    """Raise PictureError for a file with more bytes than a picture has any use for."""
    size = path.stat().st_size
    if size > _LARGEST_PICTURE:
        raise PictureError(
            f"{path.name} has {size / 1e6:.0f} MB; pictures may have {_LARGEST_PICTURE / 1e6:.0f}"
        )


def keep_pictures(folder: WorkFolder, files: Sequence[Path], style: str) -> Path:
    """Put uploaded pictures into a folder of their own, from which a style can be learned.

    Args:
        folder: to keep them in.
        files: as they were uploaded.
        style: its name becomes the folder's, and with it the style's.

    Returns:
        A new folder; its files are numbered, as names may be the same.
    """
    place = folder.new_place("uploads", style)
    for number, file in enumerate(files, 1):
        kept = place / f"{number:03d}-{safe_name(file.stem)}{file.suffix.lower()}"
        try:
            os.link(file, kept)
        except OSError:
            shutil.copyfile(file, kept)
    return place
