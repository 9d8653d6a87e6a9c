"""Files: found in folders, and written whole or not at all."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` when the block ends well.

    Else `path` stays as it was. Missing folders are made.

    Raises:
        OSError: the folder cannot be made, or the file not be replaced.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def find_files(folder: str | Path) -> list[Path]:
    """List all files under `folder`, sorted; nothing hidden.

    Links to folders are followed. A folder that cannot be opened is listed too, so that reading
    it tells why.

    Raises:
        ValueError: `folder` is missing or not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is {'not a folder' if folder.exists() else 'missing'}")
    found: list[Path] = []
    seen = {folder.resolve()}

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for here, folders, files in os.walk(folder, followlinks=True, onerror=note):
        folders.sort()
        inside = {Path(here, name).resolve(): name for name in folders if name[0] != "."}
        folders[:] = [name for target, name in inside.items() if target not in seen]
        seen |= inside.keys()
        found += [Path(here, name) for name in files if name[0] != "."]
    return sorted(found)


def file_name(style: str) -> str:
    """The style's name as a file name; a hash keeps apart names that would fall together."""
    plain = re.sub(r"[^\w.-]+", "-", style).strip("-.")
    return (
        plain
        if plain == style
        else f"{plain or 'style'}-{hashlib.sha1(style.encode()).hexdigest()[:6]}"
    )
