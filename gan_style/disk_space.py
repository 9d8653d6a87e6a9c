"""Whether there is room for what is going to be written, found out before the work begins."""

import os
import shutil
from pathlib import Path

from gan_style.errors import ConfigError

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 0))


def require_writable(folder: Path, option: str) -> None:
    """Raise ConfigError for a folder that cannot be written into, or cannot be made.

    Args:
        folder: if it is not there yet, the first above it that is has to be writable.
        option: what the message calls it.
    """
    there = _nearest_folder(folder)
    if not there.is_dir():
        raise ConfigError(f"{option}: {there} is a file, not a folder to write into")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"{option}: {there} cannot be written into: {_why(there)}")


def require_space(folder: Path, needed: float, option: str, what: str) -> None:
    """Raise ConfigError if the disk of a folder has less free space than is needed.

    Args:
        folder: which need not be there yet.
        needed: bytes, about.
        option: what the message calls the folder.
        what: is going to take them.
    """
    there = _nearest_folder(folder)
    free = shutil.disk_usage(there).free
    if needed > free:
        raise ConfigError(
            f"{option}: {what} going to take about {_in_bytes(needed)}, and {_in_bytes(free)} are "
            f"free at {there}"
        )


def _nearest_folder(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())


def _in_bytes(number: float) -> str:
    """A number of bytes as text, such as `3.2 GB`."""
    unit, size = next(each for each in _UNITS if number >= each[1])
    return f"{number / max(size, 1):.3g} {unit}"


def _why(folder: Path) -> str:
    read_only = getattr(os, "ST_RDONLY", 0)  # Windows has no statvfs
    if read_only and os.statvfs(folder).f_flag & read_only:
        return "read-only file system"
    return "no permission"
