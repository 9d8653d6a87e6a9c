"""What the machine can do, and how much a network asks of it: for the speed benchmarks."""

import platform
from pathlib import Path
from typing import Any

import torch
from timing import Work, best
from torch import Tensor, nn
from torch.nn import functional as F

CONVOLUTIONS = ((96, 192), (160, 96))
"""Widths of most of the generator's work, and the sides of their maps when it paints 512 px."""
_KINDS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def describe() -> dict[str, Any]:
    """Processor, threads and versions."""
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def processor() -> str:
    """Its name, where Linux tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def rates(repeats: int = 5) -> dict[str, dict[str, float]]:
    """GFLOP/s of large products of matrices and of the generator's convolutions, by precision."""
    found: dict[str, dict[str, float]] = {}
    with torch.inference_mode():
        for name, kind in _KINDS.items():
            found[name] = {"matrices": _product_rate(2048, kind, repeats)}
            for channels, side in CONVOLUTIONS:
                rate = _convolution_rate(channels, side, kind, repeats)
                found[name][f"3x3, {channels} channels"] = rate
    return found


def _product_rate(side: int, kind: torch.dtype, repeats: int) -> float:
    one, other = torch.randn(2, side, side).to(kind)
    return float(2e-9 * side**3 / best(lambda: one @ other, repeats))


def _convolution_rate(channels: int, side: int, kind: torch.dtype, repeats: int) -> float:
    maps = torch.randn(1, channels, side + 2, side + 2).to(kind)
    weight = torch.randn(channels, channels, 3, 3).to(kind)
    maps, weight = (t.contiguous(memory_format=torch.channels_last) for t in (maps, weight))
    work = 2e-9 * side**2 * channels**2 * 9
    return work / best(lambda: F.conv2d(maps, weight), repeats)


def multiply_adds(network: nn.Module, work: Work) -> float:
    """Multiply-adds of the network's convolutions and linear layers in `work`, biases aside."""
    total = 0.0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, Tensor)
        total += output.numel() * weight[0].numel()

    kinds = (nn.Conv2d, nn.Linear)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        work()
    finally:
        for handle in handles:
            handle.remove()
    return total
