"""Collections on disk: which pictures belong to which style, and which of them cannot be read."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gan_style.config import DataConfig
from gan_style.data.formats import SUFFIXES
from gan_style.data.images import find_pictures, group_pictures, picture_size
from gan_style.errors import DataError, PictureError

logger = logging.getLogger(__name__)

SCIKIT_IMAGE = "scikit-image"
"""The value of `data.content` for the photographs that scikit-image carries."""

Result = TypeVar("Result")

_SHOWN = 20  # files, and styles, that are named in warnings

# scikit-image's other files are textures, drawings or measurements, or need a download.
_PHOTOGRAPHS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
)


@dataclass(frozen=True)
class Style:
    """A style's name and the files of its pictures."""

    name: str
    paths: tuple[Path, ...]


def load_styles(config: DataConfig) -> list[Style]:
    """Find the styles under `config.styles`, without the files that are clearly no pictures.

    Files left out are logged, and how many they are.

    Args:
        config: `styles` and `picture_is_style` are used.

    Raises:
        DataError: The folder is missing, or holds no usable picture.
    """
    styles = find_styles(config)
    paths = paths_of(styles)
    _, bad = read_each(picture_size, paths)
    log_skipped(bad, len(paths))
    return drop_unreadable(bad, styles, str(config.styles))


def load_content(config: DataConfig) -> list[Path]:
    """Find the photos under `config.content`; as `load_styles`."""
    content = find_content(config)
    _, bad = read_each(picture_size, content.paths)
    log_skipped(bad, len(content.paths))
    return list(drop_unreadable(bad, [content], config.content)[0].paths)


def find_styles(config: DataConfig) -> list[Style]:
    """List the styles under `config.styles` by the names of their files; DataError if missing."""
    if config.styles is None:
        raise DataError("data.styles is not given; it must be a folder of pictures, or of folders")
    folder = Path(config.styles).expanduser()
    try:
        groups = group_pictures(folder)
    except DataError as error:
        raise DataError(f"data.styles: {error}") from error
    if config.picture_is_style:
        paths = [path.relative_to(folder) for group in groups.values() for path in group]
        names = Counter(path.with_suffix("") for path in paths)
        groups = {
            (path if names[path.with_suffix("")] > 1 else path.with_suffix("")).as_posix(): [
                folder / path
            ]
            for path in paths
        }
    return [Style(name, tuple(paths)) for name, paths in groups.items()]


def find_content(config: DataConfig) -> Style:
    """List the photos under `config.content` as one style; DataError if it is missing."""
    if config.content == SCIKIT_IMAGE:
        return Style("content", tuple(_photographs()))
    try:
        return Style("content", tuple(find_pictures(Path(config.content).expanduser())))
    except DataError as error:
        raise DataError(f"data.content: {error}") from error


def _photographs() -> list[Path]:
    try:
        import skimage
    except ImportError as error:
        raise DataError(
            "there are no photos to learn on: give a folder of photos as data.content=FOLDER (your "
            "own, a few hundred are plenty), or pip install 'gan-style[demo]' for the six that "
            "come with scikit-image"
        ) from error
    folder = Path(skimage.__file__).parent / "data"
    return [folder / name for name in _PHOTOGRAPHS if (folder / name).exists()]


def paths_of(styles: Iterable[Style]) -> list[Path]:
    """List the files of several styles, each once."""
    return list(dict.fromkeys(path for style in styles for path in style.paths))


def read_each(
    read: Callable[[Path], Result], paths: Collection[Path]
) -> tuple[dict[Path, Result], dict[Path, str]]:
    """Call `read` on files in parallel.

    Returns:
        The results, and the messages of those that raised PictureError.
    """

    def attempt(path: Path) -> Result | PictureError:
        try:
            return read(path)
        except PictureError as error:
            return error

    results: dict[Path, Result] = {}
    bad: dict[Path, str] = {}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for path, result in zip(paths, pool.map(attempt, paths), strict=True):
            if isinstance(result, PictureError):
                bad[path] = str(result)
            else:
                results[path] = result
    return results, bad


def log_skipped(bad: Mapping[Path, str], total: int) -> None:
    """Log the first files that cannot be read, then how many of `total` they all are."""
    for path in sorted(bad)[:_SHOWN]:
        logger.warning("skipped %s", bad[path])
    if bad:
        logger.warning("skipped %d of %d pictures in all", len(bad), total)


def drop_unreadable(bad: Mapping[Path, str], styles: Iterable[Style], where: str) -> list[Style]:
    """Leave out bad files, and styles of nothing else; DataError naming `where` if none is left."""
    styles = list(styles)
    kept: list[Style] = []
    empty: list[str] = []
    for style in styles:
        paths = tuple(path for path in style.paths if path not in bad)
        if paths:
            kept.append(Style(style.name, paths))
        else:
            empty.append(style.name)
    if not kept:
        messages = [bad[path] for path in paths_of(styles)]
        kinds = f"no file ends in {', '.join(sorted(SUFFIXES))}"
        why = f"none of {len(messages)} can be read; {messages[0]}" if messages else kinds
        raise DataError(f"no pictures to train on in {where}: {why}")
    for name in empty[:_SHOWN]:
        logger.warning("style %s is left out: none of its pictures can be read", name)
    if len(empty) > _SHOWN:
        logger.warning("%d styles are left out in all", len(empty))
    return kept
