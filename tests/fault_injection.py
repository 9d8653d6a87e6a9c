"""Fault injection: work in processes of their own, which are killed, or whose disk is full.

A process is forked from one that has imported torch and gan_style already, and works in a sandbox:
a folder below which its file operations are counted, from 1. A fault comes at one of them.
"""

import ctypes
import errno
import multiprocessing
import os
import pickle
import resource
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

PATIENCE = 120  # seconds after which work hangs
_WARM = ["gan_style.training.run", "omegaconf", "PIL.PngImagePlugin", "PIL.PdfImagePlugin"]
_FILLER = "taken-by-others"
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # of unshare(2)
_READ_ONLY, _REMOUNT, _BIND = 1, 32, 4096  # of mount(2)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and when.

    kind: "kill" (the process kills itself with SIGKILL), "no space" (this operation and all later
        ones that take space raise ENOSPC), "full" (the file system is filled up, so that writing
        fails by itself), or "largest" (no file gets larger than `spare` bytes: EFBIG).
    at: number of the operation; 0 for never.
    spare: bytes that stay free where the file system is filled.
    """

    kind: str
    at: int = 0
    spare: int = 0


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    code: its exit code, -9 after SIGKILL. output: what it printed. operations: on files.
    """

    code: int
    output: str
    operations: list[str]

    @property
    def errors(self) -> list[str]:
        """The lines that tell what went wrong."""
        return [line for line in self.lines if line.startswith("error: ")]

    @property
    def lines(self) -> list[str]:
        return self.output.replace("\r", "\n").splitlines()


class Running:
    """Work in a process of its own.

    Args:
        work: a function of a module, whose result is the exit code.
        given: to it.
        sandbox: folder below which file operations count; what is printed goes into a file beside.
        fault: that comes.
    """

    def __init__(
        self, work: Callable[..., int], *given: Any, sandbox: Path, fault: Fault | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_WARM)
        self._records = _Records(sandbox)
        self.process: ForkServerProcess = context.Process(
            target=_work, args=(work, given, sandbox, fault, sandbox)
        )
        self.process.start()

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()

    def ended(self) -> Ended:
        """Wait for its end."""
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"not ended after {PATIENCE} s:\n{self._records.output}")
        return self._records.ended(self.process.exitcode)


def run(work: Callable[..., int], *given: Any, sandbox: Path, fault: Fault | None = None) -> Ended:
    """Work in a process, and wait for its end."""
    return Running(work, *given, sandbox=sandbox, fault=fault).ended()


def fork(
    work: Callable[..., int], *given: Any, sandbox: Path, fault: Fault | None, beside: Path
) -> Ended:
    """As `run`, from a process that was made so itself; what it prints lies beside another path."""
    process = os.fork()
    if not process:
        try:
            _work(work, given, sandbox, fault, beside)
        finally:
            os._exit(70)
    return _Records(beside).ended(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


class _Records:
    """The files beside a path that say what happened in it."""

    def __init__(self, path: Path) -> None:
        self.output = path.with_name(f"{path.name}.output")
        self.operations = path.with_name(f"{path.name}.operations")

    def ended(self, code: int) -> Ended:
        texts = [
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            for path in (self.output, self.operations)
        ]
        return Ended(code, texts[0], texts[1].splitlines())


def _work(
    work: Callable[..., int],
    given: tuple[Any, ...],
    sandbox: Path,
    fault: Fault | None,
    beside: Path,
) -> None:
    """What the process does."""
    import torch
    from tqdm import tqdm

    records = _Records(beside)
    fresh = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(records.output, fresh, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # one between processes would be left behind
    few_channels()
    counted = _Operations(sandbox, fault, os.open(records.operations, fresh, 0o600))
    sys.addaudithook(counted.audit)
    counted.watch_fsync()
    if fault is not None and fault.kind == "largest":
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.spare, limit))  # Python ignores SIGXFSZ
    try:
        code = work(*given)
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def few_channels() -> None:
    """Make networks small: what is tried are files, not paintings."""
    from gan_style.data import training_data
    from gan_style.models import discriminator, encoder, generator
    from gan_style.training import copying

    generator.SIZES["small"] = generator.GeneratorSize(8, 8, 16, 4, 1, 1)
    encoder._WIDTHS["small"] = 32
    discriminator._WIDTHS["small"] = (8, 8, 16)
    training_data.EVALUATED = 2
    copying._PAINTINGS, copying.READING_SIDE = 1, 64


class _Operations:
    """Counts what changes files, and lets the fault come."""

    def __init__(self, sandbox: Path, fault: Fault | None, log: int) -> None:
        self._root = str(sandbox.absolute())
        self._fault = fault
        self._log = log
        self._count = 0
        self._busy = False

    def audit(self, event: str, given: tuple[Any, ...]) -> None:
        """Take an event of Python's: PEP 578."""
        if event == "open":
            if given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._operate("open", given[0], takes_space=True)
        elif event == "os.mkdir" and not os.path.lexists(given[0]):  # or it changes nothing
            self._operate("mkdir", given[0], takes_space=True)
        elif event == "os.rename":
            self._operate("rename", given[1], takes_space=True)
        elif event in ("os.remove", "os.rmdir") and os.path.lexists(given[0]):
            self._operate("remove", given[0], takes_space=False)

    def watch_fsync(self) -> None:
        """Count these, too, which are no events."""
        sync = os.fsync

        def fsync(descriptor: int) -> None:
            place = f"/proc/self/fd/{descriptor}"
            path = os.readlink(place) if os.path.exists(place) else self._root
            self._operate("fsync", path, takes_space=True)
            sync(descriptor)

        os.fsync = fsync

    def _operate(self, what: str, path: Any, *, takes_space: bool) -> None:
        if self._busy or not isinstance(path, str | bytes | os.PathLike):
            return
        place = os.path.abspath(os.fsdecode(path))
        if place != self._root and not place.startswith(self._root + os.sep):
            return
        self._count += 1
        self._busy = True
        try:
            if self._fault is None or self._fault.kind != "largest":  # which the log would reach
                os.write(self._log, f"{what} {place}\n".encode(errors="surrogateescape"))
            self._let_come(takes_space, place)
        finally:
            self._busy = False

    def _let_come(self, takes_space: bool, place: str) -> None:
        fault = self._fault
        if fault is None or not fault.at or self._count < fault.at:
            return
        if fault.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.kind == "no space" and takes_space:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
        if fault.kind == "full" and self._count == fault.at:
            fill(Path(self._root).parent, fault.spare)


# ---------------------------------------------------------------------- file systems


def on_small_disk(
    disk: Path, megabytes: int, steps: Sequence[tuple[Any, ...]], results: Path
) -> int:
    """Work on a file system of its own, which only this process and its children see.

    Args:
        disk: folder at which it is mounted.
        megabytes: its size.
        steps: for each the fault, and then work and what is given to it. Before each there is
            space again. The sandbox is `disk / "work"`.
        results: folder for how each step ended, as `NUMBER.pickle`, and for what is in the
            sandbox then, as `NUMBER/`.
    """
    own_mounts()
    _mount("tmpfs", disk, "tmpfs", 0, f"size={megabytes}m")
    sandbox = disk / "work"
    sandbox.mkdir()
    for number, (fault, work, *given) in enumerate(steps):
        (disk / _FILLER).unlink(missing_ok=True)
        ended = fork(work, *given, sandbox=sandbox, fault=fault, beside=results / f"{number}-said")
        shutil.copytree(sandbox, results / str(number))
        (results / f"{number}.pickle").write_bytes(pickle.dumps(ended))
    return 0


def read_only(place: Path, work: Callable[..., int], *given: Any) -> int:
    """Work where nothing below a folder can be written, whoever one is."""
    own_mounts()
    _mount(str(place), place, None, _BIND, None)
    _mount(None, place, None, _BIND | _REMOUNT | _READ_ONLY, None)
    return work(*given)


def may_mount() -> int:
    """0 if the system allows file systems of one's own."""
    own_mounts()
    _mount("tmpfs", Path("/tmp"), "tmpfs", 0, "size=1m")
    return 0


def own_mounts() -> None:
    """See mounts of one's own from now on, and be allowed to make them, as root or not."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_USER | _NEW_MOUNTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def fill(disk: Path, spare: int = 0) -> None:
    """Let others take all space of a small disk but `spare` bytes."""
    with (disk / _FILLER).open("ab", buffering=0) as file:
        block = 2**20
        while block >= 512:
            try:
                file.write(bytes(block))
            except OSError:
                block //= 2
        if spare:
            file.truncate(max(0, file.tell() - spare))


def _mount(source: str | None, place: Path, kind: str | None, flags: int, data: str | None) -> None:
    texts = [None if text is None else text.encode() for text in (source, str(place), kind, data)]
    _call("mount", *texts[:3], ctypes.c_ulong(flags), texts[3])


def _call(name: str, *given: Any) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*given):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
