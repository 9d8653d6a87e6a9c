"""The optimisation baseline: its loss curve and memory, and paintings of pairs to be scored.

    python benchmarks/optimize.py curve [--size 512 1024] [options]

paints scikit-image's astronaut after its coffee at each size, in a process of its own: prints the
losses against evaluations, seconds an evaluation, the peak of memory, and the bytes a pixel that
lie between the sizes, which gan_style/optimize.py refuses too large pictures by. A pixel is one of
the full size; `--scales 1` leaves the others out.

    python benchmarks/optimize.py pairs TSV OUT [--count 6] [--size 288] [options]

paints pairs of a table like shared/data/VALIDATION.tsv (columns role and path, paths from its own
folder): first photo after first style, second after second, and so on. OUT takes
<photo>__<style>.png for `score.py pairs` and their loss curves; pairs that are there are left.

Options of both: --features NETWORK --feature-weights FILE --method METHOD --evaluations N
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
from gan_style.folder import memory_in_use
from gan_style.optimize import Settings, optimize, optimize_file

OPTIONS = ("features", "feature_weights", "method", "evaluations", "scales", "style_weight")
SHOWN = (1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1000)


def chosen(options: argparse.Namespace, size: int) -> Settings:
    return Settings(size=size, **{name: getattr(options, name) for name in OPTIONS})


# ---------------------------------------------------------------------- curve


def measure(settings: Settings) -> None:
    """In a process of its own: print memory before and at the peak in GB, and the history."""
    from PIL import Image
    from skimage import data

    keep_freed_memory()
    photo, style = (Image.fromarray(array) for array in (data.astronaut(), data.coffee()))
    device = choose_device(settings.device)
    before = memory_in_use(device)
    _, history = optimize(photo, style, settings)
    rows = [asdict(row) for row in history]
    print(json.dumps({"before": before, "peak": memory_in_use(device), "history": rows}))


def curve(options: argparse.Namespace) -> None:
    memory, peaks = [], {}
    for size in options.size:
        words = [sys.executable, __file__, "measure", "--size", str(size)]
        for name in OPTIONS:
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
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


# ---------------------------------------------------------------------- pairs


def pairs(options: argparse.Namespace) -> None:
    listed = [line.split("\t") for line in options.tsv.read_text().splitlines()[1:] if line]
    photos, styles = (
        [options.tsv.parent / path for role, path in listed if role == wanted]
        for wanted in ("content", "style")
    )
    rows = []
    for index in range(options.count):
        photo, style = photos[index % len(photos)], styles[index % len(styles)]
        output = options.out / f"{photo.stem}__{style.stem}.png"
        if not output.with_suffix(".json").exists():
            optimize_file(photo, [style], output, chosen(options, options.size[0]))
        history = json.loads(output.with_suffix(".json").read_text())["history"]
        side = history[-1]["width"], history[-1]["height"]
        best = min(
            (row for row in history if (row["width"], row["height"]) == side),
            key=lambda row: row["total"],
        )
        numbers = [f"{best[name]:.4g}" for name in ("content", "gram", "tv")]
        rows.append([output.stem, *numbers, f"{history[-1]['seconds']:.0f}"])
        print(f"painted {output}", file=sys.stderr)
    print(table(["pair", "content", "gram", "tv", "s"], rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    found = {}
    for name, size in (("curve", [512, 1024]), ("measure", [512]), ("pairs", [288])):
        found[name] = commands.add_parser(name)
        found[name].add_argument("--size", type=int, nargs="+", default=size)
        for option in OPTIONS:
            default = getattr(Settings(), option)
            flag = f"--{option.replace('_', '-')}"
            found[name].add_argument(flag, type=type(default), default=default)
    found["pairs"].add_argument("tsv", type=Path)
    found["pairs"].add_argument("out", type=Path)
    found["pairs"].add_argument("--count", type=int, default=6)
    options = parser.parse_args()
    if options.command == "measure":
        measure(chosen(options, options.size[0]))
    else:
        {"curve": curve, "pairs": pairs}[options.command](options)


if __name__ == "__main__":
    main()
