"""Files: found in folders, and written whole or not at all."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gan_style.errors import DataError

_UNFINISHED = re.compile(r"\..+\.\d+\.part")

LARGEST_TEXT = 16 * 1024**2
"""Bytes of a configuration or description that are read; ours have a few thousand."""


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` when the block ends well.

    Otherwise `path` stays as it was. Missing folders are made. The file to write to is a hidden
    one beside `path`, `.NAME.PID.part`; errors of it, and of a full disk, name `path`.

    Args:
        path: of the file to write or replace.
        durable: whether the file has to outlast a power cut that comes right after the block;
            waiting for the disk takes time.

    Raises:
        OSError: the folder cannot be made, or the file cannot be replaced.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)  # a link that somebody put there would be followed
            yield temporary
            if durable:
                with temporary.open("r+b") as file:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
            if durable and os.name == "posix":  # elsewhere a folder cannot be opened
                _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Let an OSError of the block name a file: one that comes while writing names none.

    Args:
        path: that is named where no file is.
        temporary: in whose place it is named, too.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, temporary, str(temporary)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, whole or, where the disk is full, not at all.

    Raises:
        OSError: it cannot be written; it names the file.
    """
    with naming(path), path.open("ab", buffering=0) as file:
        before = file.tell()
        data = f"{line}\n".encode()
        try:
            while data:
                data = data[file.write(data) :]
        except OSError:
            with suppress(OSError):
                file.truncate(before)
            raise


def remove_left_over(folder: Path) -> None:
    """Delete what processes that were killed left of files that `replacing` was to write.

    Args:
        folder: in which no other process writes now; those below it are left alone.
    """
    for path in folder.glob(".*.part"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def told(error: OSError) -> str:
    """What an OSError says, without its number: the file, and the reason in small letters."""
    if error.strerror is None:
        return str(error)
    reason = error.strerror.lower()
    return reason if error.filename is None else f"{os.fsdecode(error.filename)}: {reason}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_there(path: Path) -> bool:
    """Whether a path is taken; unlike `Path.exists` also by a link that leads nowhere."""
    return os.path.lexists(path)


def require_regular(path: Path) -> int:
    """The size of a file in bytes.

    Raises:
        OSError: it is missing or cannot be looked at.
        ValueError: it is something else than a regular file: opening a pipe would wait for ever.
    """
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        os.listdir(path)  # raises if that is what is wrong with it
        raise ValueError("a folder, not a file")
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("not a regular file")
    return about.st_size


def read_text(path: Path) -> str:
    """The text of a file of at most LARGEST_TEXT bytes, in UTF-8, with or without a mark for it.

    Raises:
        OSError: it is missing or cannot be read.
        ValueError: it is no regular file, too large, or not in UTF-8.
    """
    size = require_regular(path)
    if size > LARGEST_TEXT:
        raise ValueError(f"it has {size} bytes; at most {LARGEST_TEXT} are read")
    return path.read_text(encoding="utf-8-sig")


def parse_json(text: str) -> Any:
    """The value that a text describes.

    Raises:
        ValueError: it is no JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def find_files(folder: str | Path) -> list[Path]:
    """List all files under `folder`, sorted; nothing hidden.

    Links to folders are followed. A folder that cannot be opened is listed too, so that reading
    it raises the reason.

    Raises:
        DataError: `folder` is missing or not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is {'not a folder' if folder.exists() else 'missing'}")
    found: list[Path] = []
    visited = {folder.resolve()}

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for here, folders, files in os.walk(folder, followlinks=True, onerror=note):
        folders.sort()
        inside = {Path(here, name).resolve(): name for name in folders if name[0] != "."}
        folders[:] = [name for target, name in inside.items() if target not in visited]
        visited |= inside.keys()
        found += [Path(here, name) for name in files if name[0] != "."]
    return sorted(found)


def file_name(style: str) -> str:
    """Turn a style's name into a file name; a hash keeps apart names that would become the same."""
    plain = re.sub(r"[^\w.-]+", "-", style).strip("-.")
    if plain == style:
        return plain
    digest = hashlib.sha1(style.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{plain or 'style'}-{digest[:6]}"
