"""What waiting threads and fresh pages of memory cost a painting, and what a busy neighbor does.

    python benchmarks/threads.py [--model M] [--size 512] [--rounds N] [--repeats N] [--json FILE]

PyTorch's OpenMP library (libgomp) lets threads that wait for others spin for a while, which is
fastest as long as every thread has a processor of its own. Where another process is busy they spin
in each other's way. Each setting of the environment gets a process of its own in every round, which
paints by `Stylizer.stylize`, once with nobody else at work (that is for you to see to) and once
beside one busy process. The table has the median seconds on the wall of a painting.

    default          all processors
    spin 1000        GOMP_SPINCOUNT=1000, about microseconds, then sleep
    passive          OMP_WAIT_POLICY=passive: sleep at once
    one thread       OMP_NUM_THREADS=1
    kept memory      gan_style.device.keep_freed_memory
    huge pages       with it GLIBC_TUNABLES=glibc.malloc.hugetlb=1 (glibc 2.35 and later, Linux)
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class Setting(NamedTuple):
    """Of a process: its environment, and whether it keeps its memory."""

    environment: dict[str, str]
    keeps: bool = False


SHORT = {"GOMP_SPINCOUNT": "1000"}
HUGE = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
SETTINGS = {
    "default": Setting({}),
    "spin 1000": Setting(SHORT),
    "passive": Setting({"OMP_WAIT_POLICY": "passive"}),
    "one thread": Setting({"OMP_NUM_THREADS": "1"}),
    "kept memory": Setting({}, keeps=True),
    "huge pages": Setting(HUGE, keeps=True),
    "spin 1000, kept memory": Setting(SHORT, keeps=True),
}
NEIGHBORS = ("alone", "beside a busy process")


def paint(model: str, size: int, repeats: int, *, keeps: bool) -> list[float]:
    """Seconds of paintings in this process, which has the environment to be measured."""
    from PIL import Image
    from skimage import data

    from gan_style import Stylizer
    from gan_style.device import keep_freed_memory

    if keeps:
        keep_freed_memory()
    stylizer = Stylizer.from_pretrained(model, device="cpu")
    code = stylizer.encode(Image.fromarray(data.coffee()))
    photo = Image.fromarray(data.astronaut())
    seconds = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        stylizer.stylize(photo, code, size=size)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def in_process(name: str, options: argparse.Namespace) -> list[float]:
    words = [__file__, "--alone", name, "--model", options.model, "--size", str(options.size)]
    words += ["--repeats", str(options.repeats)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "GLIBC_"))}
    environment = kept | SETTINGS[name].environment
    run = subprocess.run(
        [sys.executable, *words], check=True, capture_output=True, text=True, env=environment
    )
    seconds: list[float] = json.loads(run.stdout.splitlines()[-1])
    return seconds


@contextmanager
def neighbor(busy: bool) -> Iterator[None]:
    """With a process beside that computes without end, if it is a busy one."""
    if not busy:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--alone", help=argparse.SUPPRESS)  # the setting of this process
    options = parser.parse_args()
    if options.alone:
        keeps = SETTINGS[options.alone].keeps
        print(json.dumps(paint(options.model, options.size, options.repeats, keeps=keeps)))
        return
    seconds: dict[str, dict[str, list[float]]] = {n: {b: [] for b in NEIGHBORS} for n in SETTINGS}
    for _ in range(options.rounds):
        for beside in NEIGHBORS:
            with neighbor(beside != NEIGHBORS[0]):
                for name in SETTINGS:
                    seconds[name][beside] += in_process(name, options)
    rows = [
        [name, *(f"{median(found[beside]):.2f}" for beside in NEIGHBORS)]
        for name, found in seconds.items()
    ]
    print(table((f"{options.size} px, s", *NEIGHBORS), rows))
    if options.json:
        about: dict[str, Any] = {"processors": os.cpu_count(), "seconds": seconds}
        options.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
