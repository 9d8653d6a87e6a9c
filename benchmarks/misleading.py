"""Tricks that some metric takes for good paintings: the table and picture of docs/metrics.md.

    python benchmarks/misleading.py -o OUT

Six photographs of scikit-image are "painted" after the demo collection dabs by tricks that a person
sees through at once, and scored as `gan-style evaluate collection` does, with the shipped features.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from PIL import Image, ImageFilter, ImageOps
from timing import table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import DataConfig
from gan_style.data.collection import find_content
from gan_style.data.grid import picture_grid
from gan_style.data.images import read_picture, save_picture, to_image, to_tensor
from gan_style.device import keep_freed_memory
from gan_style.evaluation.evaluate import find_collections
from gan_style.evaluation.evaluators import CollectionEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, ReadablePictures
from gan_style.evaluation.outputs import Output
from gan_style.evaluation.scores import METRICS
from gan_style.models.feature_networks import picture_features
from gan_style.sizes import READING_SIDE

DEMO = Path(__file__).resolve().parents[1] / "data" / "demo"
COLLECTION = DEMO / "dabs"
Trick = Callable[[Image.Image, Image.Image], Image.Image]


def untouched(photo: Image.Image, style: Image.Image) -> Image.Image:
    return photo


def blurred(photo: Image.Image, style: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(3))


def recolored(photo: Image.Image, style: Image.Image) -> Image.Image:
    """Every color channel gets the mean and the deviation that it has in the style picture."""
    moments = [torch.std_mean(to_tensor(p).flatten(1), 1, keepdim=True) for p in (photo, style)]
    (deviation, mean), (wanted_deviation, wanted_mean) = moments
    even = (to_tensor(photo).flatten(1) - mean) / deviation
    return to_image((even * wanted_deviation + wanted_mean).view(3, READING_SIDE, READING_SIDE))


def overlaid(photo: Image.Image, style: Image.Image) -> Image.Image:
    """The style picture shines through the recolored photo."""
    return Image.blend(recolored(photo, style), style, 0.5)


def pasted(photo: Image.Image, style: Image.Image) -> Image.Image:
    """Half the width of a picture of the collection in the recolored photo."""
    picture = recolored(photo, style)
    picture.paste(style.crop((72, 72, 216, 216)), (20, 120))
    return picture


def replaced(photo: Image.Image, style: Image.Image) -> Image.Image:
    return style


TRICKS: dict[str, Trick] = {
    "the photo": untouched,
    "blurred": blurred,
    "recolored": recolored,
    "overlaid": overlaid,
    "a piece pasted in": pasted,
    "a collection's picture": replaced,
}


def square(path: Path) -> Image.Image:
    return ImageOps.fit(read_picture(path), (READING_SIDE, READING_SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", required=True, type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    photos = list(find_content(DataConfig()).paths)
    collections, name = find_collections(COLLECTION, str(DEMO))
    styles = collections[name]
    pictures = ReadablePictures()
    extractor = FeatureExtractor(picture_features(), "compact", READING_SIDE)
    evaluator = CollectionEvaluator(extractor, collections, name, photos, pictures)
    rows: list[list[str]] = []
    shown: list[Tensor] = [to_tensor(square(styles[0]))]
    metrics = [metric for metric in METRICS if metric not in ("moments", "gram", "fid")]
    for what, trick in TRICKS.items():
        outputs = [
            Output(photo.stem, photo, None, partial(trick, square(photo), square(style)))
            for photo, style in zip(photos, styles, strict=False)
        ]
        scores = evaluator.evaluate(outputs, pictures)
        rows.append([what, *(scores.cell(metric) for metric in metrics)])
        shown.append(to_tensor(outputs[0].get()))
    text = table((f"{len(photos)} photos, {name}", *metrics), rows)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "misleading.md").write_text(text + "\n", encoding="utf-8")
    save_picture(picture_grid([shown], ["style", *TRICKS]), options.out / "misleading.jpg")
    print(text)


if __name__ == "__main__":
    main()
