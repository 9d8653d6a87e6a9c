"""Paints the demo collection: `python data/make_demo.py [-o FOLDER]`.

Eight invented scenes in each of three hand-made manners, FOLDER/<manner>/<number>-<scene>.jpg, all
from seeds: the same program makes the same pictures. Needs numpy and Pillow only.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from demo_cutpaper import paint_cutpaper
from demo_dabs import paint_dabs
from demo_figures import bird, portrait, still_life
from demo_hatching import paint_hatching
from demo_scenes import avenue, harbour, hills, mountains, village
from demo_shapes import Rng, Scene, Shape
from PIL import Image

Compose = Callable[[Rng, float, float], list[Shape]]
Paint = Callable[[Scene, float, Rng], Image.Image]

SCENES: tuple[Compose, ...] = (
    hills,
    still_life,
    harbour,
    portrait,
    village,
    bird,
    mountains,
    avenue,
)
MANNERS: dict[str, Paint] = {
    "cutpaper": paint_cutpaper,
    "dabs": paint_dabs,
    "hatching": paint_hatching,
}
SHORT_SIDE = 288
QUALITY = 82
SEED = 2031


def paint(manner: str, number: int) -> Image.Image:
    """Picture `number` (0 to 7) of a manner; its short side has SHORT_SIDE pixels."""
    rng = np.random.default_rng([SEED, list(MANNERS).index(manner), number])
    width, height = ((1.0, 1.0), (1.0, 1.0), (1.0, 1.12), (1.0, 1.0))[number % 4]
    scene = Scene(SCENES[number](rng, width, height), width, height)
    return MANNERS[manner](scene, SHORT_SIDE, rng)


def picture_path(folder: Path, manner: str, number: int) -> Path:
    """Where a picture lies under `folder`."""
    return folder / manner / f"{number + 1}-{SCENES[number].__name__.replace('_', '-')}.jpg"


def save(picture: Image.Image, path: Path) -> None:
    """Writes a JPEG file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=QUALITY, optimize=True, progressive=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints the whole collection."""
    parser = argparse.ArgumentParser(description="Paint the demo collection of gan_style.")
    default = Path(__file__).parent / "demo"
    parser.add_argument(
        "-o", "--output", type=Path, default=default, metavar="FOLDER", help="default: %(default)s"
    )
    folder = parser.parse_args(arguments).output
    for manner in MANNERS:
        for number in range(len(SCENES)):
            path = picture_path(folder, manner, number)
            save(paint(manner, number), path)
            print(path)


if __name__ == "__main__":
    main()
