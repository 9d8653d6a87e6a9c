"""What the machine offers: devices, processors, memory, the disk, and where runs are tracked."""

import os
import shutil
from pathlib import Path

from gan_style.diagnosis.finding import Finding

ENOUGH_MEMORY = 2_000_000_000
"""Bytes that training takes, about."""
ENOUGH_DISK = 500_000_000
"""Bytes that a run folder and the pictures painted beside it may take."""
DRIVER = Path("/proc/driver/nvidia/version")
"""There where the driver of an NVIDIA GPU is, on Linux."""
_TRACKED = {
    "online": "logged in: runs are sent to Weights & Biases",
    "offline": "not logged in: runs are recorded offline (wandb login)",
    "off": "off (WANDB_MODE)",
}


def check_pytorch() -> list[Finding]:
    """Whether torch and torchvision can be imported, and belong together.

    The torchvision of the default index cannot be imported beside a CPU build of torch.
    """
    import torch

    build = "CPU" if torch.version.cuda is None else f"CUDA {torch.version.cuda}"
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        advice = (
            f"torchvision does not fit torch {torch.__version__} ({error}): install both from one "
            "index, with pip install --force-reinstall torch torchvision"
        )
        return [Finding("PyTorch", build, f"{build} build, without torchvision", advice, True)]
    return [Finding("PyTorch", build, f"{build} build")]


def check_devices() -> list[Finding]:
    """Devices, the one that is chosen, and its precision."""
    import torch

    from gan_style.device import choose_device, choose_precision, devices

    there = devices()
    chosen = choose_device("auto")
    precision = choose_precision("auto", chosen)
    named = [_name(device) for device in there if device != "cuda"]  # which is cuda:0
    unused = chosen.type == "cpu" and DRIVER.exists() and torch.version.cuda is None
    advice = (
        "there is an NVIDIA GPU, but this PyTorch is a CPU build: install torch and torchvision "
        "for CUDA (https://pytorch.org/get-started)"
    )
    return [
        Finding("devices", there, ", ".join(named), advice if unused else None),
        Finding("used", chosen.type, f"{chosen.type}, in {precision}"),
    ]


def _name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"


def check_processors() -> list[Finding]:
    """Processors that the process may use, and PyTorch's threads on them."""
    import torch

    there, threads = _processors(), torch.get_num_threads()
    variable = os.environ.get("OMP_NUM_THREADS")
    few = variable is not None and 2 * threads < there
    advice = f"OMP_NUM_THREADS={variable} leaves processors unused: unset it, or set it to {there}"
    text = f"{threads} of {there} processors"
    return [Finding("threads", threads, text, advice if few else None)]


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_memory() -> list[Finding]:
    """Memory of the device that is chosen."""
    from gan_style.device import choose_device
    from gan_style.memory import free_memory, total_memory

    device = choose_device("auto")
    free, total = free_memory(device), total_memory(device)
    if free is None:
        return [Finding("memory", None, "not known")]
    text = f"{free / 1e9:.1f} GB free" + (f" of {total / 1e9:.1f} GB" if total else "")
    advice = f"training takes about {ENOUGH_MEMORY / 1e9:.0f} GB of memory: close other programs"
    return [Finding("memory", free, text, advice if free < ENOUGH_MEMORY else None)]


def check_disk() -> list[Finding]:
    """Space in the current folder, and whether it can be written to."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    text = f"{free / 1e9:.1f} GB free in {here}"
    advice = None
    if not os.access(here, os.W_OK):
        text += ", which cannot be written to"
        advice = f"{here} cannot be written to: work in another folder"
    elif free < ENOUGH_DISK:
        advice = f"the disk is nearly full: {free / 1e9:.2f} GB are free in {here}"
    return [Finding("disk", free, text, advice)]


def check_tracking() -> list[Finding]:
    """Where runs are tracked by default. Nothing is sent, and no key is shown."""
    from gan_style.config import TrackingConfig
    from gan_style.training.tracking import wandb_mode

    mode = wandb_mode(TrackingConfig())
    return [Finding("W&B", mode, _TRACKED[mode])]
