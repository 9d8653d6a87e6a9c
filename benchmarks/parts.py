"""Parts of a painting on the CPU by themselves: statistics, correction, memory and page faults.

    python benchmarks/parts.py statistics | correction | memory [--model M]

statistics   milliseconds and relative errors of ways to measure and modulate bfloat16 maps
correction   `StyleModel.corrected` at 512 px in float32 and in bfloat16: seconds, how far the
             correction of the code moves, and the painting with it
memory       bytes a pixel that a painting of 1024 px takes beyond one of 64 px, and page faults and
             seconds in the kernel of the second one, with memory kept and not

Seconds are those of the processor: use OMP_NUM_THREADS=1.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
from cures import before, plain
from phases import in_phases
from PIL import Image
from skimage import data
from timing import Work, best, table
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import to_tensor
from gan_style.device import keep_freed_memory
from gan_style.models.statistics import channel_moments, quick_moments
from gan_style.sizes import READING_SIDE

EPSILON = 1e-2
MAPS = ((96, 192), (160, 96), (48, 384), (16, 768))
SIDES = (768, 1536, 3072, 6144)


def timed(work: Work) -> float:
    return best(work, 5, time.process_time)


def random_maps(channels: int, side: int) -> Tensor:
    maps = torch.randn(1, channels, side, side) * 0.5 + 1
    return maps.bfloat16().contiguous(memory_format=torch.channels_last)


def statistics(_: str) -> None:
    """Print times, then errors of the inverse deviation at large sizes."""
    keep_freed_memory()
    rows = []
    for channels, side in MAPS:
        maps, one = random_maps(channels, side), torch.ones(channels)
        wide = one[:, None, None].bfloat16()
        ways: tuple[Work, ...] = (
            partial(channel_moments, maps),
            partial(quick_moments, maps),
            partial(torch.addcmul, wide, maps, wide),
            partial(F.batch_norm, maps, one, one, one, one),
            partial(F.group_norm, maps, channels, one, one, EPSILON),
        )
        rows.append([f"{channels} x {side} px", *(f"{1e3 * timed(way):.2f}" for way in ways)])
    headings = ("maps, ms", "sums", "quick_moments", "addcmul", "batch_norm", "group_norm")
    print(table(headings, rows), end="\n\n")
    rows = []
    for side in SIDES:
        maps, one = random_maps(16, side), torch.ones(16)
        double = maps[:, :4].double()  # four channels: memory
        exact = (double.var((0, 2, 3), correction=0) + EPSILON).rsqrt()
        ways_of_inverse = (
            inverse(channel_moments(maps)),
            inverse(quick_moments(maps)),
            torch.native_group_norm(maps, one, one, 1, 16, side**2, 16, EPSILON)[2].flatten(),
        )
        errors = (((way[:4] - exact) / exact).abs().max() for way in ways_of_inverse)
        rows.append([f"{side} px", *(f"{float(error):.0e}" for error in errors)])
    print(table(("error of 1/deviation", "sums", "quick_moments", "group_norm"), rows))


def inverse(moments: tuple[Tensor, Tensor]) -> Tensor:
    mean, square = (moment.flatten() for moment in moments)
    return (square - mean * mean + EPSILON).rsqrt()


def correction(name: str) -> None:
    stylizer = Stylizer.from_pretrained(name, device="cpu")
    model, code = stylizer.model, stylizer.encode(Image.fromarray(data.coffee())).mean[None]
    photo = to_tensor(Image.fromarray(data.astronaut()))[None]

    def corrected(side: int, precise: bool) -> Tensor:
        small = F.interpolate(photo, (side, side), mode="bilinear", antialias=True)
        with nullcontext() if precise else stylizer.autocast():
            painted = model.generator(small, code)
        moved: Tensor = code + model.feedback(code - model.encode(painted[:, None]))
        return moved

    def paint(code: Tensor) -> Tensor:
        with stylizer.autocast():
            return plain(model.generator, photo, code)

    ways: dict[str, Callable[[], Tensor]] = {
        "float32": partial(corrected, READING_SIDE, True),
        "bfloat16": partial(corrected, READING_SIDE, False),
        "bfloat16, 192 px": partial(corrected, 192, False),
        "none": lambda: code,
    }
    exact = ways["float32"]()
    rows = []
    for way, work in ways.items():
        moved = float((work() - exact).norm() / (exact - code).norm())
        apart = (paint(work()) - paint(exact)).abs()
        far = f"{float(apart.max()):.4f}", f"{float(apart.mean()):.5f}"
        rows.append([way, f"{timed(work):.3f}", f"{moved:.1%}", *far])
    print(table(("correction", "s", "moved by", "painting: largest", "mean"), rows))


WAYS = ("before", "now", "phases", "now, memory kept")


def memory(name: str) -> None:
    rows = []
    for way in WAYS:
        call = [sys.executable, __file__, "one", "--model", name, "--way", way]
        run = subprocess.run(call, check=True, capture_output=True, text=True)
        pixel, faults, kernel, whole = json.loads(run.stdout.splitlines()[-1])
        cells = (f"{pixel:.0f}", f"{faults:.0f}", f"{kernel:.2f}", f"{whole:.2f}")
        rows.append([way, *cells])
    print(table(("1024 px", "bytes/px", "page faults", "s in the kernel", "s in all"), rows))


def one(name: str, way: str) -> None:
    """Print what a process of its own needs for a painting."""
    if way.endswith("kept"):
        keep_freed_memory()
    generator = Stylizer.from_pretrained(name, device="cpu").model.generator
    code = torch.zeros(1, generator.down_half.modulation.affine.in_features)
    photo = to_tensor(Image.fromarray(data.astronaut()).resize((1024, 1024)))[None]
    paint = before if way == "before" else plain
    usage = []
    context = in_phases(generator) if way == "phases" else nullcontext()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), context:
        for content in (photo[..., :64, :64], photo, photo):
            paint(generator, content, code)
            usage.append(resource.getrusage(resource.RUSAGE_SELF))
    small, first, second = usage
    kernel = second.ru_stime - first.ru_stime
    pixel = (first.ru_maxrss - small.ru_maxrss) * 1024 / 1024**2
    whole = second.ru_utime - first.ru_utime + kernel
    print(json.dumps([pixel, second.ru_minflt - first.ru_minflt, kernel, whole]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["statistics", "correction", "memory", "one"])
    parser.add_argument("--model", default="base")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    parts = {"statistics": statistics, "correction": correction, "memory": memory}
    with torch.inference_mode():
        if options.part == "one":
            one(options.model, options.way)
        else:
            parts[options.part](options.model)


if __name__ == "__main__":
    main()
