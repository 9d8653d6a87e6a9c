"""What the machine can do: where to run, in which arithmetic, and the cure for its allocator."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_M_TRIM_THRESHOLD = -1  # numbers from glibc's malloc.h
_M_MMAP_MAX = -4


def keep_freed_memory() -> None:
    """Stop glibc returning each large buffer to the kernel and fetching fresh pages for the next.

    Page faults took half of all CPU time in training (docs/LOG.md). Call it before the first
    tensor. Does nothing where the C library is not glibc.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    except (OSError, AttributeError):
        return


@contextmanager
def matrix_products(precision: str) -> Iterator[None]:
    """Within this context products of float32 matrices suit networks of this precision.

    For "bfloat16" they may use bfloat16 factors, with float32 sums and results: the features of
    such a network are bfloat16 numbers already, so Gram matrices stay exact (7e-7 of the largest
    entry) and are 2.3 times faster (docs/LOG.md). The process's own setting comes back after it.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if precision == "bfloat16" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether networks run faster in bfloat16 than in float32 on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # private: not in every version
    return device.type == "cpu" and asked is not None and bool(asked())


def choose_precision(wanted: str, device: torch.device) -> str:
    """`train.precision` with "auto" resolved: bfloat16 where the device is fast at it."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if bfloat16_is_fast(device) else "float32"


def choose_device(wanted: str) -> torch.device:
    """cuda, then mps, then cpu for "auto".

    Raises:
        ValueError: a device that this machine or this PyTorch does not have.
    """
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return torch.device(next(name for name, there in found.items() if there))
    if not found.get(wanted, False):
        there = ", ".join(name for name, is_there in found.items() if is_there)
        raise ValueError(f"train.device is {wanted!r}, which is not here; allowed: auto, {there}")
    return torch.device(wanted)
