"""The work folder: all that the page keeps, under names that are made here.

gan_style_app/
  paintings/  videos/  sheets/   what was made
  codes/                         style codes that were saved
  uploads/                       the pictures that runs learn from
  runs/                          run folders of `gan-style train`
  cache/                         copies for the browser, deleted after a day
"""

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from gan_style.errors import ConfigError

DAY = 24 * 60 * 60
_LONGEST = 60  # characters of a name, so that endings and numbers always fit
_KINDS = ("paintings", "videos", "sheets", "codes", "uploads", "runs", "cache")


class WorkFolder:
    """A folder with one sub-folder for each kind of thing.

    Args:
        root: is made if it is missing.

    Raises:
        ConfigError: it cannot be made, or cannot be used.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        if "=" in str(self.root):  # `gan-style train` takes such words for options
            raise ConfigError(f"--folder is {root}; its path must have no = in it")
        for kind in _KINDS:
            try:
                (self.root / kind).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"--folder is {root}; it cannot be made: {error}") from error
        if not os.access(self.root / "cache", os.W_OK | os.X_OK):
            raise ConfigError(f"--folder is {root}; it cannot be written into: no permission")

    @property
    def codes(self) -> Path:
        """Where style codes are."""
        return self.root / "codes"

    @property
    def runs(self) -> Path:
        """Where run folders are."""
        return self.root / "runs"

    @property
    def uploads(self) -> Path:
        """Where the pictures are that runs learn from, a folder each."""
        return self.root / "uploads"

    @property
    def cache(self) -> Path:
        """Where uploads arrive, and copies lie that the browser may fetch."""
        return self.root / "cache"

    def new_place(self, kind: str, name: str, suffix: str = "") -> Path:
        """A path that is not there yet: NAME.suffix, or NAME-2.suffix and so on.

        It is taken at once, by an empty file or by a folder where there is no suffix, so that two
        who ask at the same time get two.

        Args:
            kind: a sub-folder, such as "paintings".
            name: wanted; made harmless by `safe_name`.
            suffix: with its dot.
        """
        plain, number = safe_name(name), 1
        while True:
            numbered = plain if number == 1 else f"{plain}-{number}"
            place = self.root / kind / f"{numbered}{suffix}"
            try:
                if suffix:
                    place.open("xb").close()
                else:
                    place.mkdir(mode=0o700)  # as run folders are
            except FileExistsError:
                number += 1
            else:
                return place

    def new_cached(self, name: str) -> Path:
        """A path in a fresh folder of the cache, which nobody can guess."""
        folder = self.cache / secrets.token_hex(16)
        folder.mkdir()
        return folder / name

    def shown(self, file: Path) -> Path:
        """A copy of a file that the browser may fetch: a link where that is possible."""
        copy = self.new_cached(file.name)
        try:
            os.link(file, copy)
        except OSError:
            shutil.copyfile(file, copy)
        return copy

    def plain(self, message: str) -> str:
        """A message without the folders that people know nothing of: files by their names alone."""
        folders = "|".join(re.escape(str(self.root / kind)) for kind in ("cache", "uploads"))
        return re.sub(rf"(?:{folders})/(?:[0-9a-f]{{32,64}}/)?", "", message)

    def clean(self, age: float = DAY) -> None:
        """Delete what has lain in the cache for longer than so many seconds.

        Gradio deletes what it knows of by itself, but not what an earlier start left.
        """
        oldest = time.time() - age
        for path in self.cache.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def safe_name(text: str) -> str:
    """A name for a file, of letters, digits, dots and dashes, whatever was asked for."""
    plain = re.sub(r"[^\w.-]+", "-", text)[:_LONGEST].strip("-.")
    return plain or "untitled"
