"""What painting on the CPU would gain from each of several changes of the generator.

    python benchmarks/cures.py [--model M] [--sizes 512 1024] [--rounds N] [--only TEXT …]
        [--cpu-time] [--profile] [--json FILE]

All variants take turns in one process; the table has the least seconds of each, and how far its
painting is from that of the generator as it is: largest and mean difference, pixels in [0, 1], and
the largest one more than 16 px away from the border. --profile lists the operations that take most
time instead. --cpu-time counts seconds of the processor (use it with OMP_NUM_THREADS=1) on a
machine that others use, too.

    before              float32 sums of maps and of their squares, addcmul in bfloat16
    group normalization in one pass, naive sums
    relu in place       after each modulated convolution
    zero padding        by the convolutions themselves: what no form of reflection can beat
    phases              enlarging and convolving as one convolution of the small maps, whose
                        outputs are the four pixels of a square (benchmarks/phases.py)
    statistics given    measured beforehand: no sums
    tiles               painted one by one with given statistics: maps stay in the cache
    plain reduction     bilinear instead of bicubic, with antialias as that
    no denormals        torch.set_flush_denormal
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from machine import describe
from phases import in_phases
from PIL import Image
from skimage import data
from timing import table
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import to_tensor
from gan_style.device import keep_freed_memory
from gan_style.models import layers
from gan_style.models.generator import STRIDE, Generator

Paint = Callable[[Generator, Tensor, Tensor], Tensor]
BORDER = 16
MARGIN = 80  # pixels of a tile that differ at its cut edges; tests/models/test_generator.py


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def plain(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    painting: Tensor = generator(photo, code)
    return painting


def before(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    with replaced(layers, "_is_painted", lambda maps: False):
        return plain(generator, photo, code)


def group_normalization(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    def forward(self: layers.Modulation, maps: Tensor, code: Tensor) -> Tensor:
        scale, shift = self.affine(code).float()[0].chunk(2)
        return F.group_norm(maps, maps.shape[1], 1 + scale, shift, 1e-2)

    with replaced(layers.Modulation, "forward", forward):
        return plain(generator, photo, code)


def relu_in_place(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    with replaced(F, "relu", torch.relu_):
        return plain(generator, photo, code)


def zero_padding(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    def forward(self: layers.Convolution, maps: Tensor) -> Tensor:
        width = self.kernel_size[0] // 2
        return F.conv2d(maps, self.weight, self.bias, self.stride, width)

    with replaced(layers.Convolution, "forward", forward):
        return plain(generator, photo, code)


def enlarging_in_phases(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    with in_phases(generator):
        return plain(generator, photo, code)


def in_tiles(side: int) -> Paint:
    """Paint tiles that overlap by the margin; statistics have been measured."""

    def paint(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
        painting = torch.empty_like(photo)
        height, width = photo.shape[2:]
        for top in range(0, height, side):
            for left in range(0, width, side):
                above, before = max(0, top - MARGIN), max(0, left - MARGIN)
                part = photo[..., above : top + side + MARGIN, before : left + side + MARGIN]
                tile = generator(part, code)[..., top - above :, left - before :]
                place = painting[..., top : top + side, left : left + side]
                place.copy_(tile[..., : place.shape[2], : place.shape[3]])
        return painting

    assert MARGIN % STRIDE == side % STRIDE == 0
    return paint


def plain_reduction(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    resize = F.interpolate

    def interpolate(maps: Tensor, *sizes: Any, **options: Any) -> Tensor:
        if options.get("antialias"):
            options["mode"] = "bilinear"
        return resize(maps, *sizes, **options)

    with replaced(F, "interpolate", interpolate):
        return plain(generator, photo, code)


def no_denormals(generator: Generator, photo: Tensor, code: Tensor) -> Tensor:
    torch.set_flush_denormal(True)
    try:
        return plain(generator, photo, code)
    finally:
        torch.set_flush_denormal(False)


VARIANTS: dict[str, Paint] = {
    "as it is": plain,
    "before": before,
    "group normalization": group_normalization,
    "relu in place": relu_in_place,
    "zero padding": zero_padding,
    "phases": enlarging_in_phases,
    "statistics given": plain,
    "tiles of 256 px": in_tiles(256),
    "tiles of 512 px": in_tiles(512),
    "plain reduction": plain_reduction,
    "no denormals": no_denormals,
}
GIVEN = ("statistics given", "tiles")
"""Those that are timed with the statistics of the whole photo measured beforehand."""


def context(name: str, generator: Generator, *inputs: Tensor) -> AbstractContextManager[Any]:
    return generator.statistics_of(*inputs) if name.startswith(GIVEN) else nullcontext()


def measure(
    stylizer: Stylizer, inputs: tuple[Tensor, Tensor], options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Least seconds and differences of every variant."""
    generator = stylizer.model.generator
    clock = time.process_time if options.cpu_time else time.perf_counter
    found: dict[str, dict[str, float]] = {}
    reference = torch.empty(0)
    for number in range(1 + options.rounds):  # the first is not counted
        for name in options.only:
            with torch.inference_mode(), stylizer.autocast(), context(name, generator, *inputs):
                began = clock()
                painting = VARIANTS[name](generator, *inputs)
                seconds = clock() - began
            if number == 0:
                reference = painting if name == "as it is" else reference
                found[name] = {"seconds": float("inf"), **differences(painting, reference)}
            else:
                found[name]["seconds"] = min(found[name]["seconds"], seconds)
    return found


def differences(painting: Tensor, reference: Tensor) -> dict[str, float]:
    apart = (painting - reference).abs()
    inside = apart[..., BORDER:-BORDER, BORDER:-BORDER]
    return {
        "largest": float(apart.max()),
        "mean": float(apart.mean()),
        "inside": float(inside.max()),
    }


def cures_table(found: dict[str, dict[str, float]], size: int) -> str:
    whole = found["as it is"]["seconds"]
    rows = []
    for name, numbers in found.items():
        seconds = numbers["seconds"]
        far = (f"{numbers[key]:.4f}" for key in ("largest", "inside"))
        rows.append([name, f"{seconds:.3f}", f"{seconds / whole - 1:+.1%}", *far])
        rows[-1].append(f"{numbers['mean']:.5f}")
    return table((f"{size} px", "s", "change", "largest", "inside", "mean"), rows)


def operations(stylizer: Stylizer, inputs: tuple[Tensor, Tensor], repeats: int = 5) -> str:
    """A table of the operations that take most of the time of a painting."""
    generator = stylizer.model.generator
    with torch.inference_mode(), stylizer.autocast():
        plain(generator, *inputs)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(repeats):
                plain(generator, *inputs)
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    rows = []
    for event in events[:16]:
        own = event.self_cpu_time_total
        count = event.count // repeats
        shown = (f"{own / repeats / 1e3:.1f}", f"{own / whole:.1%}", str(count))
        rows.append([event.key.removeprefix("aten::"), *shown])
    return table((f"{inputs[0].shape[-1]} px", "ms", "share", "calls"), rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    options.only = ["as it is", *(name for name in options.only if name != "as it is")]
    return options


def main() -> None:
    options = parse()
    keep_freed_memory()
    stylizer = Stylizer.from_pretrained(options.model, device="cpu")
    code = stylizer.encode(Image.fromarray(data.coffee())).mean[None]
    found: dict[str, Any] = {"machine": describe()}
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    for size in options.sizes:
        photo = Image.fromarray(data.astronaut()).resize((size, size))
        inputs = to_tensor(photo)[None], code
        if options.profile:
            print(f"\n{operations(stylizer, inputs)}")
            continue
        found[f"{size} px"] = measured = measure(stylizer, inputs, options)
        print(f"\n{cures_table(measured, size)}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
