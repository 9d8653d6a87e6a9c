"""Sanity checks of the two-sample tests and of memorization, where the right answer is known.

    python benchmarks/evaluators.py COLLECTION … --photos FOLDER [--features vgg19 --weights FILE]

For each collection a table of c2st_auc, kid and memorization of:

- photos, untouched, against the collection;
- one half of the collection against the other, split in three ways (every other picture, first and
  second half, at random): what perfect paintings would get;
- pieces of one half's pictures pasted into the photos, against that half: copies, to be detected.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.data.images import evenly, find_pictures, read_picture
from gan_style.device import keep_freed_memory
from gan_style.evaluation.evaluators import CollectionEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, ReadablePictures
from gan_style.evaluation.outputs import Output
from gan_style.models.feature_networks import picture_features
from gan_style.sizes import READING_SIDE

PASTED = (64, 96, 128, 192)
METRICS = ("c2st_auc", "kid", "memorization")


def square(path: Path) -> Image.Image:
    return ImageOps.fit(read_picture(path), (READING_SIDE, READING_SIDE), Image.Resampling.LANCZOS)


def pasted(photo: Path, piece: Path, side: int, place: int) -> Image.Image:
    """The middle of one picture in another, somewhere."""
    picture, start = square(photo), (READING_SIDE - side) // 2
    middle = square(piece).crop((start, start, start + side, start + side))
    picture.paste(middle, (37 * place % (READING_SIDE - side), 53 * place % (READING_SIDE - side)))
    return picture


def outputs(
    paths: Sequence[Path], get: Callable[[Path], Image.Image] = read_picture
) -> list[Output]:
    return [Output(path.stem, path, None, partial(get, path)) for path in paths]


def evaluate(
    extractor: FeatureExtractor, own: Sequence[Path], scored: dict[str, list[Output]]
) -> list[list[str]]:
    """A row for each list of pictures, scored as paintings after the pictures `own`."""
    evaluator = CollectionEvaluator(extractor, {"own": own}, "own", [], ReadablePictures())
    rows = []
    for name, paintings in scored.items():
        scores = evaluator.evaluate(paintings, ReadablePictures())
        warned = f"{len(scores.copies)} copies" if scores.copying else "no warning"
        rows.append([name, str(scores.count), *(scores.cell(m) for m in METRICS), warned])
    return rows


def rows_of(
    extractor: FeatureExtractor, paths: Sequence[Path], photos: Sequence[Path]
) -> list[list[str]]:
    rows = evaluate(extractor, paths, {"photos": outputs(photos)})
    order = np.random.default_rng(0).permutation(len(paths))
    middle = len(paths) // 2
    halves = {
        "every other picture": (paths[::2], paths[1::2]),
        "first and second half": (paths[:middle], paths[middle:]),
        "halves at random": ([paths[i] for i in order[::2]], [paths[i] for i in order[1::2]]),
    }
    for name, (one, other) in halves.items():
        rows += evaluate(extractor, one, {name: outputs(other)})
    known = paths[::2]
    copies = {}
    for side in PASTED:
        copies[f"pieces of {side} px in photos"] = [
            Output(
                photo.stem,
                photo,
                None,
                partial(pasted, photo, known[(7 * i + 3) % len(known)], side, i),
            )
            for i, photo in enumerate(photos)
        ]
    return rows + evaluate(extractor, known, copies)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs="+", type=Path, metavar="COLLECTION")
    parser.add_argument("--photos", required=True, type=Path)
    parser.add_argument("--count", type=int, default=40, help="so many of the photos (40)")
    parser.add_argument("--features", default="compact")
    parser.add_argument("--weights")
    options = parser.parse_args()
    keep_freed_memory()
    extractor = FeatureExtractor(
        picture_features(options.features, options.weights), options.features, READING_SIDE
    )
    photos = evenly(find_pictures(options.photos), options.count)
    for folder in tqdm(options.collections):
        heading = (folder.name, "pictures", *METRICS, "copying")
        print(f"\n{table(heading, rows_of(extractor, find_pictures(folder), photos))}", flush=True)


if __name__ == "__main__":
    main()
