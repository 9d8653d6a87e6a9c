"""Style transfer by optimization: its loss curve and its memory.

    python benchmarks/optimize.py [--size 512 1024] [options]

paints scikit-image's astronaut after its coffee at each size, in a process of its own: prints the
losses against evaluations, seconds an evaluation, the peak of memory, and the bytes a pixel that
lie between the sizes: `bytes_per_pixel` of gan_style/networks.py is that of `--optimizer adam` less
the vectors of gan_style/optimization/solver.py. A pixel is one of the full size; `--scales 1`
leaves the others out.

Options: --features NETWORK --feature-weights FILE --optimizer NAME --evaluations N
--scales N --style-weight W. Process memory is Linux's or macOS's peak; CUDA's is PyTorch's.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.device import choose_device, keep_freed_memory
from gan_style.memory import memory_in_use
from gan_style.optimization.config import OptimizeConfig
from gan_style.optimization.optimize import optimize

OPTIONS = ("features", "feature_weights", "optimizer", "evaluations", "scales", "style_weight")
SHOWN = (1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1000)


def chosen(options: argparse.Namespace, size: int) -> OptimizeConfig:
    return OptimizeConfig(size=size, **{name: getattr(options, name) for name in OPTIONS})


def measure(config: OptimizeConfig) -> None:
    """In a process of its own: print memory before and at the peak in GB, and the history."""
    from PIL import Image
    from skimage import data

    keep_freed_memory()
    photo, style = (Image.fromarray(array) for array in (data.astronaut(), data.coffee()))
    device = choose_device(config.device)
    before = memory_in_use(device)
    _, history = optimize(photo, style, config)
    rows = [asdict(row) for row in history]
    print(json.dumps({"before": before, "peak": memory_in_use(device), "history": rows}))


def curve(options: argparse.Namespace) -> None:
    memory, peaks = [], {}
    for size in options.size:
        words = [sys.executable, __file__, "--measure", "--size", str(size)]
        for name in OPTIONS:
            if (value := getattr(options, name)) is not None:
                words += [f"--{name.replace('_', '-')}", str(value)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        rows = result["history"]
        last = [row["seconds"] for row in rows if row["width"] == rows[-1]["width"]]
        seconds = (last[-1] - last[0]) / max(1, len(last) - 1)
        memory.append(
            [f"{size} px", f"{result['before']:.2f}", f"{result['peak']:.2f}", f"{seconds:.2f}"]
        )
        peaks[rows[-1]["width"] * rows[-1]["height"]] = result["peak"]
        shown = [row for row in rows if row["evaluation"] in SHOWN or row is rows[-1]]
        print(f"\n{size} px\n\n{losses(shown)}", flush=True)
    print(f"\n{table(['', 'GB before', 'GB at the peak', 's an evaluation'], memory)}")
    if len(peaks) > 1:
        (few, least), *_, (many, most) = sorted(peaks.items())
        slope = (most - least) * 1e9 / (many - few)
        print(f"\n{slope:.0f} bytes a pixel, and {least - slope * few / 1e9:.2f} GB")


def losses(rows: Sequence[dict[str, float]]) -> str:
    names = ("content", "gram", "tv", "total")
    return table(
        ["evaluation", "width", *names],
        [
            [str(row["evaluation"]), str(row["width"]), *(f"{row[name]:.4g}" for name in names)]
            for row in rows
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    for option in OPTIONS:
        default = getattr(OptimizeConfig(), option)
        kind = str if default is None else type(default)
        parser.add_argument(f"--{option.replace('_', '-')}", type=kind, default=default)
    options = parser.parse_args()
    if options.measure:
        measure(chosen(options, options.size[0]))
    else:
        curve(options)


if __name__ == "__main__":
    main()
