"""One process at a time trains in a run folder, and whoever looks can tell whether one does.

A training holds a lock on a file in its folder, which has its process's id in it. The system
releases the lock when the process ends, however it does: nothing stale is left to be deleted.
"""

import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from gan_style.errors import ConfigError
from gan_style.files import naming

LOCK_FILE = ".lock"
"""In a run folder."""
_PATIENCE = 1.0  # seconds for one who just looks, and locks the file for that
_ORPHANS = 8.0  # seconds in which the workers of a killed training notice that it is gone


class RunLock:
    """Locks a run folder while the block runs, or from `take` on where it is not there yet.

    Args:
        folder: of the run.

    Raises:
        ConfigError: another process trains in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held = ExitStack()
        self._taken = False

    def __enter__(self) -> "RunLock":
        if self.folder.is_dir():
            self.take()
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def take(self) -> None:
        """Lock the folder, which has to be there; nothing if that is done.

        Where the system or the disk has no locks, nothing is locked.
        """
        if self._taken:
            return
        descriptor = os.open(
            self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600
        )
        file = self._held.enter_context(os.fdopen(descriptor, "r+b"))
        self._taken = True
        with suppress(NotImplementedError), naming(self.folder / LOCK_FILE):
            if self._wait_for(file):
                write_holder(file, os.getpid())

    def _wait_for(self, file: BinaryIO) -> bool:
        """Lock the file; False if it was, by whoever began this process and left it the lock."""
        began = time.monotonic()
        while not lock(file):
            holder = holder_of(self.folder)
            if holder == os.getpid():
                return False
            patience = _PATIENCE if holder is None or _lives(holder) else _ORPHANS
            if time.monotonic() - began > patience:
                who = "another process" if holder is None else f"process {holder}"
                raise ConfigError(f"run.dir {self.folder} is in use by {who}; wait, or end it")
            time.sleep(0.05)
        return True


def lock(file: BinaryIO, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file until it is closed; False if another process holds it.

    Args:
        file: the lock is inherited with it.
        shared: together with others who only look.
        wait: until whoever holds it lets go.

    Raises:
        NotImplementedError: the system or the disk has no such locks.
    """
    try:
        import fcntl
    except ImportError as error:  # Windows
        raise NotImplementedError("files cannot be locked here") from error
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file.fileno(), kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise NotImplementedError(f"files cannot be locked there: {error}") from error
    return True


def is_locked(folder: Path) -> bool:
    """Whether a process trains in a run folder."""
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            return not lock(file, shared=True)
    except (OSError, NotImplementedError):
        return False


def holder_of(folder: Path) -> int | None:
    """The process that locked a run folder last; None if that is not known."""
    try:
        return int((folder / LOCK_FILE).read_bytes()[:20])
    except (OSError, ValueError):
        return None


def write_holder(file: BinaryIO, process: int) -> None:
    """Write who holds a lock into its file, at once: what a buffer held would be tried again."""
    descriptor = file.fileno()
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, str(process).encode())


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
