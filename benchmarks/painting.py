"""How long a painting takes: the shipped model loaded, and a whole command from nothing.

    python benchmarks/painting.py [--model M] [--sizes 256 512 1024] [--repeats N]

Paints a photograph of scikit-image at each size in one of the model's named styles (the photo's own
if there is none): the median seconds of `Stylizer.stylize`, all sizes in turn in every round. Then
times `gan-style stylize` once at the middle size, imports and loading of weights included.
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
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
