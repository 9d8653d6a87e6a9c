"""How much memory is free, and the refusal of a picture that would need more."""

import os
import sys
from pathlib import Path

import torch

from gan_style.errors import TooLargeError

_CONTROL_GROUPS = (  # folder, limit, use, and the statistic of what can be had back
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def refuse_too_large(
    what: str,
    size: tuple[int, int],
    bytes_per_pixel: float,
    overhead: float,
    device: torch.device,
) -> None:
    """Raise unless work on a picture of this size fits into the memory that is free.

    Args:
        what: how the message calls the picture.
        size: its width and height in pixels.
        bytes_per_pixel: memory that grows with the picture.
        overhead: bytes that do not.
        device: whose memory is meant.

    Raises:
        TooLargeError: it does not fit; the message names the short side that would.
    """
    width, height = size
    free = free_memory(device)
    needed = overhead + bytes_per_pixel * width * height
    if free is None or needed <= free:
        return
    share = max(0.0, free - overhead) / (bytes_per_pixel * width * height)
    fitting = int(min(width, height) * share**0.5)
    advice = f"size {fitting} (the short side) fits" if fitting else "no size would fit"
    raise TooLargeError(
        f"{what} of {width}x{height} px needs about {needed / 1e9:.1f} GB of memory, and "
        f"{free / 1e9:.1f} GB are free on {device.type}; {advice}"
    )


def is_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True  # on the CPU, PyTorch has no class of its own
    said = str(error)
    return any(words in said for words in ("allocate memory", "not enough memory", "out of memory"))


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device; None where the system does not say.

    Off CUDA it is the smallest of what the machine, the process's control group (a container's
    limit) and the process's address space (`ulimit -v`) have left; where the machine does not say
    what is left, all of its memory.
    """
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    left = (_machine_memory(), _control_group_memory(Path("/sys/fs/cgroup")), _address_space())
    return min((bytes_ for bytes_ in left if bytes_ is not None), default=None)


def total_memory(device: torch.device) -> int | None:
    """Bytes of memory that a device has in all; None where the system does not say.

    Off CUDA it is the machine's memory, or the limit of the process's control group if that is
    smaller.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    limits = [
        _number_in(at / limit)
        for place, limit, *_ in _CONTROL_GROUPS
        for at in _groups(Path("/sys/fs/cgroup") / place, Path("/proc/self/cgroup"), place)
    ]
    there = (_physical_memory(), *limits)
    return min((bytes_ for bytes_ in there if bytes_ is not None), default=None)


def _number_in(file: Path) -> int | None:
    try:
        return int(file.read_text())  # "max" is no number: no limit
    except (OSError, ValueError):
        return None


def _machine_memory(file: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024  # kB means 1024 bytes there
    except (OSError, KeyError, ValueError):
        return _physical_memory()


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _control_group_memory(folder: Path, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Bytes left in the process's control group, and in those that it lies in."""
    left = [
        _left_in_group(at, limit, use, cache)
        for place, limit, use, cache in _CONTROL_GROUPS
        for at in _groups(folder / place, own, place)
    ]
    return min((bytes_ for bytes_ in left if bytes_ is not None), default=None)


def _groups(root: Path, own: Path, controller: str) -> list[Path]:
    """The folder of the process's control group and those above it, up to `root`."""
    try:
        rows = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        rows = []
    for row in rows:  # number:controllers:path, where version 2 has no controllers
        if len(row) == 3 and controller in row[1].split(","):
            below = root / row[2].strip("/")
            return [below, *(at for at in below.parents if at == root or root in at.parents)]
    return [root]


def _left_in_group(folder: Path, limit: str, use: str, cache: str) -> int | None:
    try:
        allowed = int((folder / limit).read_text())  # "max" is no number: no limit
        used = int((folder / use).read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        reclaimable = dict(line.split(" ", 1) for line in lines).get(cache, "0")
        return max(0, allowed - used + int(reclaimable))
    except (OSError, ValueError):
        return None


def _address_space() -> int | None:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):  # Windows, macOS
        return None
    return None if limit == resource.RLIM_INFINITY else max(0, limit - taken)


def memory_in_use(device: torch.device) -> float:
    """Largest memory taken so far, in GB: the accelerator's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)  # bytes there, kilobytes elsewhere
