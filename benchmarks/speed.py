"""How fast photos are painted and in how much memory, beside MicroAST on the same machine.

    python benchmarks/speed.py [--model M] [--microast DIR] [--sizes 512 1024 2048 4096]
        [--rounds N] [--repeats N] [--json FILE]

In every round each painter in turn gets a process of its own for each size: it loads its networks,
paints a photo once (the *first* painting, which meets cold memory) and then --repeats times. The
table has the medians over rounds and processes, the peak of the process's resident memory (PyTorch
itself included), and how many times as long as gan_style a painter takes. Painters:

    gan_style         `Stylizer.stylize` with a style code, from PIL picture to PIL picture
    gan_style, reads  the same, with a style picture that is encoded each time
    MicroAST          as published: float32, channels first; it reads its style picture each time
    MicroAST, cured   with channels_last, bfloat16 and kept memory, as gan_style has

MicroAST is EndyWon/MicroAST on GitHub: give --microast the folder of a checkout. A second table
says how many multiply-adds all networks together do for a pixel of the painting, how many GFLOP/s
that makes, and which share of what this machine reaches with large matrices, and with a convolution
of the generator's, in that precision (third table). Leave the machine alone meanwhile.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import machine
from painters import Painter, gan_style, microast
from timing import table

OURS, READS, THEIRS, CURED = "gan_style", "gan_style, reads", "MicroAST", "MicroAST, cured"


class Run(NamedTuple):
    """What one process measured."""

    painter: str
    size: int
    precision: str
    first: float
    seconds: list[float]
    gigabytes: float
    multiply_adds: float  # a pixel of the painting


def make(name: str, size: int, model: str, checkout: Path | None) -> Painter:
    if name in (OURS, READS):
        return gan_style(model, size, reads=name == READS)
    assert checkout is not None
    return microast(checkout, size, cured=name == CURED)


def measure(name: str, size: int, options: argparse.Namespace) -> Run:
    """Time a painter in this process, which has to be a fresh one."""
    painter = make(name, size, options.model, options.microast)
    began = time.perf_counter()
    work = machine.multiply_adds(painter.network, painter.paint) / size**2
    first, seconds = time.perf_counter() - began, []
    for _ in range(options.repeats):
        began = time.perf_counter()
        painter.paint()
        seconds.append(time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return Run(name, size, painter.precision, first, seconds, memory, work)


def in_process(name: str, size: int, options: argparse.Namespace) -> Run:
    words = [__file__, "--alone", name, "--sizes", str(size), "--repeats", str(options.repeats)]
    words += ["--model", options.model]
    if options.microast:
        words += ["--microast", str(options.microast)]
    run = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
    return Run(**json.loads(run.stdout.splitlines()[-1]))


def together(runs: list[Run]) -> Run:
    """The medians of several processes."""
    return runs[0]._replace(
        first=median(run.first for run in runs),
        seconds=[second for run in runs for second in run.seconds],
        gigabytes=median(run.gigabytes for run in runs),
    )


def speed_table(runs: list[Run]) -> str:
    ours = {run.size: median(run.seconds) for run in runs if run.painter == OURS}
    rows = []
    for run in runs:
        second = median(run.seconds)
        cells = (f"{second:.2f}", f"{run.first:.2f}", f"{run.gigabytes:.2f}")
        rows.append([f"{run.size} px, {run.painter}", *cells, f"{second / ours[run.size]:.2f}"])
    return table(("painting", "s", "first s", "GB", "times ours"), rows)


def work_table(runs: list[Run], rates: dict[str, dict[str, float]]) -> str:
    """Multiply-adds, and how near they come to the machine's rate."""
    rows = []
    for run in runs:
        reached = 2e-9 * run.multiply_adds * run.size**2 / median(run.seconds)
        shares = [reached / rate for rate in rates[run.precision].values()]
        cells = (run.precision, f"{run.multiply_adds / 1e3:.1f} k", f"{reached:.0f}")
        share = f"{shares[0]:.0%}, {shares[1]:.0%}"
        rows.append([f"{run.size} px, {run.painter}", *cells, share])
    headings = ("painting", "precision", "multiply-adds/px", "GFLOP/s", "of matrices, convolutions")
    return table(headings, rows)


def rates_table(rates: dict[str, dict[str, float]]) -> str:
    names = list(next(iter(rates.values())))
    rows = [[kind, *(f"{found[name]:.0f}" for name in names)] for kind, found in rates.items()]
    return table(("GFLOP/s", *names), rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--microast", type=Path, help="checkout of EndyWon/MicroAST")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3, help="timed paintings of a process (3)")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--alone", help=argparse.SUPPRESS)  # the painter of this process
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.alone:
        print(json.dumps(measure(options.alone, options.sizes[0], options)._asdict()))
        return
    painters = [OURS, READS, *([THEIRS, CURED] if options.microast else [])]
    measured: dict[tuple[int, str], list[Run]] = {}
    for _ in range(options.rounds):
        for size in options.sizes:
            for name in painters:
                run = in_process(name, size, options)
                measured.setdefault((size, name), []).append(run)
    runs = [together(each) for each in measured.values()]
    rates, about = machine.rates(), machine.describe()
    tables = [speed_table(runs), work_table(runs, rates), rates_table(rates)]
    print("\n\n".join([", ".join(f"{k} {v}" for k, v in about.items()), *tables]))
    if options.json:
        found: dict[str, Any] = {"machine": about, "rates": rates}
        found["runs"] = [run._asdict() for each in measured.values() for run in each]
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
