"""A full training step: pictures a second, and which part of it takes how much.

    python benchmarks/step.py [key.sub=value …] [--steps N]

The defaults are the project's (batch 8, 128 px, `small`, `compact`, all losses); pictures are
random numbers, none is read from a file. *Several styles* gives every set of the batch another
style, so that the discriminator also sees wrong codes; *one style* is a single collection. The
median hardly sees the R1 penalty, which is due every `discriminator.r1_interval` steps; the mean
does. Shares are those of several styles, over a whole interval.

How shares are measured (CPU only): torch.profiler on real steps. Ranges mark the forward pass of
each network and loss; a node of the backward pass belongs to the part in whose range its forward
operation ran, matched by autograd's sequence number, and a node that only adds up a parameter's
gradient to the node before it. Every microsecond of a step goes to the innermost part open then.
Limits: profiling lengthens steps (printed; against plain steps before and after), and most those
parts that have many small operations; Python between operations counts for the part it is in;
*rest* is what no part claims (batch, augmentation, weighted sums, autograd's own bookkeeping). Of
a discriminator's backward pass, what carries the gradient to the generator's picture counts as
discriminator.
"""

import argparse
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from timing import table
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import Config, load_config
from gan_style.data.dataset import Batch
from gan_style.device import choose_device, keep_freed_memory, matrix_products
from gan_style.losses import adversarial
from gan_style.losses.picture_losses import PictureLosses
from gan_style.models.discriminator import Discriminator
from gan_style.models.encoder import StyleEncoder
from gan_style.models.generator import Generator
from gan_style.training.trainer import Trainer

PARTS = ("encoder", "generator", "features", "discriminator", "losses", "optimizer", "rest")
STEP, MARK = "step", "part: "
WARMUP = 5  # steps that are not timed


def make_batch(config: Config, *, several: bool) -> Batch:
    """Random pictures: sets of two if the batch allows it, of several styles or of one."""
    count, side = config.train.batch_size, config.data.crop
    examples = 2 if count % 2 == 0 and config.data.max_examples > 1 else 1
    sets = count // examples
    rng = torch.Generator().manual_seed(0)
    return Batch(
        torch.rand(count, 3, side, side, generator=rng),
        torch.rand(sets, examples, 3, side, side, generator=rng),
        torch.arange(sets) if several else torch.zeros(sets, dtype=torch.int64),
    )


# ---------------------------------------------------------------------- pictures a second


def step_seconds(worker: Trainer, batch: Batch, steps: int) -> list[float]:
    """Seconds of each of so many steps."""
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        worker.step(batch, 0.0)
        if worker.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return seconds


def measure_rates(config: Config, worker: Trainer, steps: int) -> str:
    """A table of pictures a second; several styles and one take turns, an R1 interval each."""
    interval = config.discriminator.r1_interval  # so many steps hold the penalty once
    batches = {
        "several styles": make_batch(config, several=True),
        "one style": make_batch(config, several=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    step_seconds(worker, batches["several styles"], WARMUP)
    for _ in range(math.ceil(steps / interval)):
        for name, batch in batches.items():
            seconds[name] += step_seconds(worker, batch, interval)
    rows = []
    for name, values in seconds.items():
        rates = (f"{config.train.batch_size / s:.1f}" for s in (median(values), mean(values)))
        rows.append([name, f"{1e3 * median(values):.0f} ms", *rates])
    where = worker.device.type
    where += f" ({torch.get_num_threads()} threads)" if where == "cpu" else ""
    about = f"{where}, {worker.precision}, {len(seconds['one style'])} steps each"
    return table((about, "median step", "pictures/s", "by the mean"), rows)


# ---------------------------------------------------------------------- shares


def mark_parts(features: set[type]) -> None:
    """From now on, put ranges around the methods of each part and around the losses."""
    for part, owners in {
        "encoder": {StyleEncoder},
        "generator": {Generator},
        "features": features,
        "discriminator": {Discriminator},
    }.items():
        for owner in owners:
            _mark(owner, "forward", part)
    _mark(PictureLosses, "terms", "losses")
    for name in ("discriminator_loss", "adversarial_loss", "gradient_penalty"):
        _mark(adversarial, name, "losses")
    for name in ("_clip", "_update_average"):
        _mark(Trainer, name, "optimizer")
    for name in ("step", "zero_grad"):
        _mark(torch.optim.Adam, name, "optimizer")


def _mark(owner: Any, name: str, part: str) -> None:
    work: Callable[..., Any] = getattr(owner, name)

    @wraps(work)
    def marked(*arguments: Any, **named: Any) -> Any:
        with record_function(MARK + part):
            return work(*arguments, **named)

    setattr(owner, name, marked)


class Attribution:
    """Walks through the events of profiled steps in the order of time and shares out the time.

    Attributes:
        seconds: (part, whether in a backward pass) -> seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, bool], float] = defaultdict(float)
        self._part_of: dict[int, str] = {}  # sequence number -> part; the last operation has it
        self._last = "rest"

    def visit(self, event: FunctionEvent, part: str = "rest", backward: bool = False) -> None:
        """Share out one event and all that it holds."""
        children = sorted(event.cpu_children, key=lambda child: child.time_range.start)
        if event.name.startswith(MARK):
            part, backward = event.name.removeprefix(MARK), False
        elif event.name.startswith("autograd::engine::evaluate_function"):
            part, backward = self._part_of_node(children), True
        elif event.sequence_nr >= 0 and not _is_node(event):
            self._part_of[event.sequence_nr] = part
        inside = 0.0
        for child in children:
            inside += child.time_range.end - child.time_range.start
            self.visit(child, part, backward)
        own = max(0.0, event.time_range.end - event.time_range.start - inside)
        self.seconds[part, backward] += own / 1e6

    def _part_of_node(self, children: Sequence[FunctionEvent]) -> str:
        numbers = [child.sequence_nr for child in children if _is_node(child)]
        if numbers and numbers[0] in self._part_of:
            self._last = self._part_of[numbers[0]]
        return self._last


def _is_node(event: FunctionEvent) -> bool:
    return bool(event.scope == 1)  # RecordScope::BACKWARD_FUNCTION


def measure_shares(worker: Trainer, batch: Batch, steps: int) -> str:
    """A table of the parts of a step, and how much slower profiling made it."""
    networks = worker.picture_losses.picture, worker.picture_losses.stroke
    mark_parts({type(network) for network in networks})
    plain = step_seconds(worker, batch, steps)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(steps):
            with record_function(STEP):
                worker.step(batch, 0.0)
    plain += step_seconds(worker, batch, steps)
    events = profiler.events()
    assert events is not None
    attribution = Attribution()
    for event in events:
        if event.name == STEP:
            attribution.visit(event)
    seconds = attribution.seconds
    whole = sum(seconds.values())
    rows = []
    for part in PARTS:
        forward, backward = seconds[part, False], seconds[part, True]
        times = (f"{1e3 * s / steps:.1f} ms" for s in (forward, backward))
        rows.append([part, *times, f"{(forward + backward) / whole:.1%}"])
    slower = whole / steps / mean(plain) - 1
    note = f"{steps} profiled steps, {slower:+.0%} time by profiling"
    return table((note, "forward", "backward", "share"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", nargs="*", metavar="key.sub=value", help="as for train.py")
    parser.add_argument(
        "--steps",
        type=int,
        default=48,
        help="timed steps of each kind, rounded up to whole R1 intervals (48)",
    )
    parser.add_argument("--profiled", type=int, help="profiled steps (one R1 interval)")
    options = parser.parse_args()
    keep_freed_memory()
    try:
        config = load_config(None, options.settings)
        worker = Trainer(config, choose_device(config.train.device))
    except ValueError as error:
        sys.exit(f"error: {error}")
    with matrix_products(worker.precision):
        print(measure_rates(config, worker, options.steps))
        if worker.device.type == "cpu":
            profiled = options.profiled or config.discriminator.r1_interval
            batch = make_batch(config, several=True)
            print(f"\n{measure_shares(worker, batch, profiled)}")


if __name__ == "__main__":
    main()
