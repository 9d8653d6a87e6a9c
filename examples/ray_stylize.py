"""Paint millions of photos in one style with Ray Data, on one machine or on all of a cluster.

    pip install 'ray[data]'
    python examples/ray_stylize.py photos --style mosaic -o painted --workers 2
    python examples/ray_stylize.py photos/list.txt --style mosaic -o painted --workers 64 \
        --gpus-per-worker 1 --address auto

PHOTOS is a folder, or a text file with a path on each line, below the folder that the file lies in.
Each painting becomes a PNG file under the same name in the output folder. Run the command again to
go on: paintings that are there are kept. A photo that cannot be read is reported and skipped.

Only paths travel through Ray. They do so by `map_batches`, not `map`, because a worker that has
several at once reads the next photo and writes the last painting while it paints one.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TypeAlias

import numpy as np

from gan_style import StyleCode, Stylizer
from gan_style.data.images import find_pictures
from gan_style.device import keep_freed_memory
from gan_style.errors import ConfigError, GanStyleError, PictureError
from gan_style.files import is_there
from gan_style.painting.canvas import Canvas, read_canvas
from gan_style.painting.config import PaintConfig
from gan_style.painting.pipeline import paint_all
from gan_style.painting.strips import Pixels
from gan_style.painting.writing import write_canvas
from gan_style.shipped import BASE

Job: TypeAlias = tuple[Path, Path]
"""A photo and the file of its painting."""

MOST_AT_ONCE = 64
"""Photos that a worker is given at a time, so that all are done at nearly the same time."""
PAINTED, KEPT = "painted", "kept"


def jobs_of(photos: Path, output: Path) -> list[Job]:
    """Every photo with the file of its painting.

    Raises:
        GanStyleError: no photos, one outside the folder of the list, or two of the same painting.
    """
    if not photos.exists():
        raise PictureError(f"{photos} does not exist")
    folder = photos if photos.is_dir() else photos.parent
    if photos.is_dir():  # paintings of an earlier run may lie in it
        found = [path for path in find_pictures(photos) if not path.is_relative_to(output)]
    else:
        found = [folder / line for line in photos.read_text("utf-8").splitlines() if line.strip()]
    if not found:
        raise PictureError(f"no photos in {photos}")
    jobs: dict[Path, Path] = {}
    for photo in found:
        if not photo.is_relative_to(folder) or ".." in photo.relative_to(folder).parts:
            raise ConfigError(f"{photo} does not lie below {folder}, the folder of the list")
        painting = output / photo.relative_to(folder).with_suffix(".png")
        other = jobs.setdefault(painting, photo)
        if other != photo:
            raise ConfigError(f"{other} and {photo} would both become {painting}; rename one")
    return [(photo, painting) for painting, photo in jobs.items()]


class Painter:
    """One worker: a model in memory, which paints the photos it is given.

    Args:
        model: as `Stylizer.from_pretrained` takes it.
        device: where it paints.
        style: a code of this model.
        size: short side of the paintings in pixels; None for the photo's own.
    """

    def __init__(self, model: str, device: str, style: StyleCode, size: int | None) -> None:
        keep_freed_memory()
        self.stylizer = Stylizer.from_pretrained(model, device=device)
        self.style = style
        self.config = PaintConfig(size=size)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[str]]:
        """Paint what is not there; of each photo, what became of it."""
        jobs = [
            (Path(photo), Path(painting))
            for photo, painting in zip(batch["photo"], batch["painting"], strict=True)
        ]
        outcomes = {photo: KEPT for photo, _ in jobs}
        missing = [job for job in jobs if not is_there(job[1])]
        for (photo, _), error in paint_all(missing, self.read, self.paint, self.write):
            outcomes[photo] = str(error) if error else PAINTED
        return {"photo": [*map(str, outcomes)], "outcome": [*outcomes.values()]}

    def read(self, job: Job) -> Canvas:
        """The photo."""
        return read_canvas(job[0])

    def paint(self, job: Job, pixels: Pixels) -> Pixels:
        """Its painting."""
        return self.stylizer.paint(pixels, self.style, self.config)

    def write(self, job: Job, canvas: Canvas) -> None:
        """Write the painting, whole or not at all."""
        write_canvas(canvas, job[1])


def paint(jobs: Sequence[Job], options: argparse.Namespace) -> Counter[str]:
    """Paint, print what is skipped, and count what became of the photos.

    Raises:
        GanStyleError: a model or a style that cannot be used, before any work.
        RayError: a painting that cannot be written, as when the disk is full.
    """
    stylizer = Stylizer.from_pretrained(options.model, device="cpu")
    style = stylizer.style(options.style)  # read once, not by every worker
    stylizer.refuse_foreign(style)

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
    import ray
    from ray.data import ActorPoolStrategy, from_items

    ray.init(address=options.address, logging_level="warning")
    at_once = min(MOST_AT_ONCE, ceil(len(jobs) / options.workers))
    paths = [{"photo": str(photo), "painting": str(painting)} for photo, painting in jobs]
    outcomes = from_items(paths, override_num_blocks=ceil(len(jobs) / at_once)).map_batches(
        Painter,
        batch_size=None,  # all that the worker is given
        fn_constructor_args=[
            options.model,
            "cuda" if options.gpus_per_worker else "cpu",
            style,
            options.size,
        ],
        compute=ActorPoolStrategy(size=options.workers),
        num_cpus=options.cpus_per_worker,
        num_gpus=options.gpus_per_worker,
    )
    counts: Counter[str] = Counter()
    for row in outcomes.iter_rows():
        known = row["outcome"] in (PAINTED, KEPT)
        counts[row["outcome"] if known else "skipped"] += 1
        if not known:
            print(f"skipped: {row['outcome']}", flush=True)
    return counts


def main() -> None:
    """Paint, and say how many."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--style", required=True, help="a code, a picture, a folder, or a name")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder")
    parser.add_argument("--model", default=BASE, help="a run folder, a model file, or base")
    parser.add_argument("--size", type=int, help="short side of the paintings in pixels")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cpus-per-worker", type=int, default=1)
    parser.add_argument("--gpus-per-worker", type=float, default=0, help="such as 1, 0.5 or 0")
    parser.add_argument("--address", help="of a cluster, or auto; Ray starts here if not given")
    options = parser.parse_args()
    if min(options.workers, options.cpus_per_worker) < 1:
        parser.error("--workers and --cpus-per-worker have to be 1 or more")
    try:
        # workers have other working directories
        photos, output = (path.absolute() for path in (options.photos, options.output))
        if options.model != BASE and Path(options.model).exists():
            options.model = str(Path(options.model).absolute())
        jobs = jobs_of(photos, output)
        output.mkdir(parents=True, exist_ok=True)
        counts = paint(jobs, options)
    except (GanStyleError, OSError) as error:
        sys.exit(f"error: {error}")
    print(", ".join(f"{name} {counts[name]}" for name in (PAINTED, KEPT, "skipped")))
    if not counts[PAINTED] and not counts[KEPT]:
        sys.exit("error: no photo could be painted")


if __name__ == "__main__":
    main()
