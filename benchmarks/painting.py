"""How long a painting takes: the shipped model loaded, and a whole command from nothing.

    python benchmarks/painting.py [--model M] [--sizes 256 512 1024] [--repeats N] [--memory]

Paints a photograph of scikit-image at each size in one of the model's named styles (the photo's own
if there is none): the median seconds of `Stylizer.stylize`, all sizes in turn in every round. Then
times `gan-style stylize` once at the middle size, imports and loading of weights included. With
--memory it measures instead the peak of memory at each size, in a process of its own, and the bytes
a pixel over that of a tiny painting, by which gan_style/stylizer.py refuses too large pictures.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from PIL import Image
from skimage import data
from timing import interleaved, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.device import keep_freed_memory

REPOSITORY = Path(__file__).resolve().parents[1]


def command(model: str, style: str | None, size: int) -> float:
    """Seconds of a `gan-style stylize` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        photo, painted = Path(folder, "photo.png"), Path(folder, "painted.png")
        Image.fromarray(data.astronaut()).save(photo)
        given = {"--style": style or photo, "--model": model, "-o": painted, "--size": size}
        words = ["stylize", str(photo), *(str(word) for pair in given.items() for word in pair)]
        call = [sys.executable, "-m", "gan_style", *words]
        began = time.perf_counter()
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
        return time.perf_counter() - began


def peak_memory(model: str, size: int, precision: str) -> tuple[float, float]:
    """GB that a process took for a painting of 64 px, and then for one of `size` px, square."""
    code = f"""
import resource
from PIL import Image
from skimage import data
from gan_style import Stylizer
stylizer = Stylizer.from_pretrained({model!r}, device="cpu")
stylizer.precision = {precision!r}
photo = Image.fromarray(data.astronaut())
style = next(iter(stylizer.styles.values()), photo)
for side in (64, {size}):
    stylizer.stylize(photo, style, size=side)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""
    call = [sys.executable, "-c", code]
    run = subprocess.run(call, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    small, large = map(float, run.stdout.split())
    return small, large


def memory_table(model: str, sizes: list[int]) -> str:
    rows = []
    for precision in ("bfloat16", "float32"):
        for size in sizes:
            small, large = peak_memory(model, size, precision)
            per_pixel = (large - small) * 1e9 / size**2
            rows.append([precision, f"{size} px", f"{large:.2f}", f"{per_pixel:.0f}"])
    return table(("precision", "a painting", "GB", "bytes a pixel"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if options.memory:
        print(memory_table(options.model, options.sizes))
        return
    keep_freed_memory()
    stylizer = Stylizer.from_pretrained(options.model)
    photo = Image.fromarray(data.astronaut())
    code = stylizer.style(next(iter(stylizer.styles), photo))
    parts = {
        f"{size} px": partial(stylizer.stylize, photo, code, size=size) for size in options.sizes
    }
    seconds = interleaved(parts, options.repeats)
    print(table(("a painting", "s"), [[name, f"{value:.3f}"] for name, value in seconds.items()]))
    middle = options.sizes[len(options.sizes) // 2]
    whole = command(options.model, next(iter(stylizer.styles), None), middle)
    print(f"gan-style stylize at {middle} px, all in all: {whole:.1f} s")


if __name__ == "__main__":
    main()
