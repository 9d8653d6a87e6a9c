"""Devices: where networks run, in which precision, and how memory is allocated on the CPU."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from gan_style.errors import ConfigError

_M_TRIM_THRESHOLD = -1  # numbers from glibc's malloc.h
_M_MMAP_MAX = -4

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_WORKSPACES = (":4096:8", ":16:8")  # with which cuBLAS repeats itself, the faster one first


def keep_freed_memory() -> None:
    """Stop glibc returning each large buffer to the kernel and fetching fresh pages for the next.

    Page faults took half of all CPU time in training without it. Call it before the first tensor.
    Does nothing where the C library is not glibc.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    except (OSError, AttributeError):
        return


def release_freed_memory() -> None:
    """Give what was freed back to the kernel, once, whatever `keep_freed_memory` set."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return


@contextmanager
def matrix_products(precision: str) -> Iterator[None]:
    """Within this context products of float32 matrices suit networks of this precision.

    For "bfloat16" they may use bfloat16 factors, with float32 sums and results: the features of
    such a network are bfloat16 numbers already, so Gram matrices stay exact (7e-7 of the largest
    entry) and are 2.3 times faster (docs/experiments/2026-11-21-training-step-profile.md). The
    process's own setting is restored afterwards.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if precision == "bfloat16" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Within this context the same computation on a device gives the same bits each time.

    On the same machine, with the same libraries and as many threads; an operation that cannot
    be repeated so raises PyTorch's RuntimeError. PyTorch's settings are restored afterwards. For a
    GPU the environment variable CUBLAS_WORKSPACE_CONFIG is set, too, and stays, because cuBLAS
    reads it once.

    Raises:
        ConfigError: that variable has a value with which cuBLAS does not repeat itself, or a GPU
            was used before it was set.
    """
    if device.type == "cuda":
        _set_workspace()
    wanted = [
        (torch.backends.cudnn, "deterministic", True),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.mkldnn, "deterministic", True),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in wanted]
    algorithms = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        for owner, name, value in wanted:
            setattr(owner, name, value)
        torch.use_deterministic_algorithms(True)
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)
        for owner, name, value in before:
            setattr(owner, name, value)


def _set_workspace() -> None:
    found = os.environ.get(_WORKSPACE)
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    if found is None and not used:
        found = os.environ[_WORKSPACE] = _WORKSPACES[0]
    if found not in _WORKSPACES:
        state = "not set, and a GPU was used already" if found is None else repr(found)
        raise ConfigError(
            f"{_WORKSPACE} is {state}; what is repeatable on a GPU needs {_WORKSPACES[0]} or "
            f"{_WORKSPACES[1]} in the environment"
        )


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether networks run faster in bfloat16 than in float32 on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    fast = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # private: not in every version
    return device.type == "cpu" and fast is not None and bool(fast())


def choose_precision(wanted: str, device: torch.device) -> str:
    """The precision itself, or for "auto" bfloat16 where the device is fast at it, else float32."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if bfloat16_is_fast(device) else "float32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which networks run in this precision, "bfloat16" or "float32".

    It is for networks only: losses and Gram matrices are taken in float32, outside it.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def derived_rng(rng: torch.Generator, device: torch.device) -> torch.Generator:
    """A generator of random numbers on a device that follows from the next number of another one.

    So large tensors are filled where they are used, and a run can still be repeated; on another
    kind of device the numbers are others.

    Args:
        rng: on the CPU.
        device: of the new one.
    """
    seed = int(torch.randint(2**62, (), generator=rng))
    return torch.Generator(device).manual_seed(seed)


def choose_device(wanted: str | torch.device) -> torch.device:
    """Find the device of a name.

    Args:
        wanted: a torch.device, "cpu", "cuda", "cuda:N" (the GPU of number N, from 0), "mps", or
            "auto": the first there is of cuda, mps and cpu.

    Raises:
        ConfigError: this machine, or this PyTorch, has no such device; the message lists those
            it has.
    """
    there = devices()
    name = there[0] if wanted == "auto" else str(wanted)
    if isinstance(wanted, torch.device) and wanted.type != "cuda":
        name = wanted.type  # a tensor's own says "mps:0", and there is no other
    if name not in there:
        raise ConfigError(
            f"device {str(wanted)!r} is not available on this machine; "
            f"allowed: {', '.join(['auto', *there])}"
        )
    return torch.device(name)


def devices() -> list[str]:
    """Names of what can be computed on here, the best first."""
    devices = []
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]
