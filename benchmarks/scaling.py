"""Training on many GPUs, on paper: what is sent, what fits, and how many pictures a second.

    python benchmarks/scaling.py [key.sub=value …] [--rate R] [--memory GB] [--exchange S]

Prints the parameters whose gradients are averaged; with --memory the batch that fills it; and with
--rate pictures a second for 1, 8 and 64 GPUs, each with a batch of `train.batch_size`. A step takes

    batch / R + 2 (n - 1) / n · bytes / bandwidth + 2 (n - 1) · latency + 4 (n - 1) · exchange

seconds: what one GPU computes at R pictures a second; a ring all-reduce of the gradients (Patarasuk
& Yuan 2009), of which nothing is hidden behind the backward pass, although DistributedDataParallel
hides most of it; and what the processes tell each other by gloo, in two gathers of a size and a
value.

Memory is measured on the CPU, as the peak of processes that train with half the batch and with all
of it: their difference is what a picture takes, the rest is networks, optimizers and libraries.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from step import make_batch
from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import load_config
from gan_style.device import matrix_products
from gan_style.memory import memory_in_use
from gan_style.training.trainer import Trainer

COUNTS = (1, 8, 64)
MACHINE = 8
"""GPUs of one machine, which are connected by NVLink."""


class Link(NamedTuple):
    """What a ring of GPUs runs through: bytes a second in one direction, seconds for a message."""

    name: str
    bandwidth: float
    latency: float


NVLINK = Link("NVLink", 450e9, 5e-6)
NETWORKS = (
    Link("InfiniBand, 8 x 400 Gbit/s", 400e9, 5e-6),
    Link("Ethernet, 100 Gbit/s", 12.5e9, 30e-6),
    Link("Ethernet, 10 Gbit/s", 1.25e9, 30e-6),
)
"""Out of a machine: the ring leaves each machine once, whatever the number of its GPUs."""

EXCHANGE = 50e-6
"""Seconds for a small message between neighbors by gloo; `benchmarks/ranks.py` measures it."""


def all_reduce_seconds(count: int, size: float, link: Link) -> float:
    """Of a ring of so many GPUs that average `size` bytes; the slowest link decides."""
    return 2 * (count - 1) * (size / count / link.bandwidth + link.latency)


def agreement_seconds(count: int, exchange: float = EXCHANGE) -> float:
    """Of the two gathers of a step, each of a size and of a value, around a ring."""
    return 4 * (count - 1) * exchange


def rate(
    count: int, batch: int, alone: float, size: float, link: Link, exchange: float = EXCHANGE
) -> float:
    """Pictures a second of so many GPUs.

    Args:
        count: of GPUs.
        batch: pictures of each in a step.
        alone: pictures a second of one GPU by itself.
        size: bytes of the gradients.
        link: the slowest one of the ring.
        exchange: seconds of a small message between processes.
    """
    sent = all_reduce_seconds(count, size, link) + agreement_seconds(count, exchange)
    return count * batch / (batch / alone + sent)


def fitting(memory: float, fixed: float, picture: float) -> int:
    """The batch at which memory is full; all in the same unit."""
    return max(0, int((memory - fixed) / picture))


def parameters(trainer: Trainer) -> dict[str, int]:
    """How many parameters have a gradient that is averaged, by network."""
    networks = {
        **dict(trainer.model.named_children()),
        "discriminator": trainer.discriminator,
        "descriptor": trainer.descriptor_loss,
    }
    return {
        name: sum(p.numel() for p in network.parameters() if p.requires_grad)
        for name, network in networks.items()
        if network is not None
    }


def peak(settings: Sequence[str], batch: int) -> float:
    """GB at most of a process that trains two steps, the first one with the R1 penalty."""
    words = [sys.executable, __file__, *settings, "--peak", str(batch)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def print_peak(settings: Sequence[str], batch: int) -> None:
    config = load_config(None, [*settings, f"train.batch_size={batch}", "train.device=cpu"])
    trainer = Trainer(config, torch.device("cpu"))
    with matrix_products(trainer.precision):
        for _ in range(2):
            trainer.step(make_batch(config, several=True), 0.0)
    print(memory_in_use(trainer.device))


def predictions(batch: int, alone: float, size: float, exchange: float) -> str:
    """A table of pictures a second for each number of GPUs and each network between machines."""
    rows = []
    for network in NETWORKS:
        cells = []
        for count in COUNTS:
            link = NVLINK if count <= MACHINE else network
            found = rate(count, batch, alone, size, link, exchange)
            cells.append(f"{found:,.0f} ({found / count / alone:.0%})")
        rows.append([network.name, *cells])
    return table(("between machines", *(f"{count} GPUs" for count in COUNTS)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", nargs="*", metavar="key.sub=value", help="as for train.py")
    parser.add_argument("--rate", type=float, help="R, pictures a second of one GPU")
    parser.add_argument("--memory", type=float, help="GB of a GPU that a batch is to fill")
    parser.add_argument("--exchange", type=float, default=EXCHANGE, help="seconds (5e-5)")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        config = load_config(None, options.settings)
        if options.peak:
            print_peak(options.settings, options.peak)
            return
        trainer = Trainer(config, torch.device("cpu"))
    except ValueError as error:
        sys.exit(f"error: {error}")
    counts, batch = parameters(trainer), config.train.batch_size
    size = 4 * sum(counts.values())
    rows = [[name, f"{n:,}", f"{4e-6 * n:.1f} MB"] for name, n in counts.items()]
    print(
        table(("gradients", "parameters", "float32"), [*rows, ["all", "", f"{size / 1e6:.1f} MB"]])
    )
    if options.memory:
        half, whole = (peak(options.settings, n) for n in (batch // 2, batch))
        picture = (whole - half) / (batch - batch // 2)
        fixed = whole - batch * picture
        fits = fitting(options.memory, fixed, picture)
        print(f"\n{picture:.3f} GB a picture and {fixed:.2f} GB besides ({trainer.precision}, CPU)")
        print(f"{options.memory:.0f} GB hold a batch of {fits}")
    if options.rate:
        print(f"\n{predictions(batch, options.rate, size, options.exchange)}")


if __name__ == "__main__":
    main()
