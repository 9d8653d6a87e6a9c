"""How many dimensions of a style code are used: paintings in codes cut to their main directions.

    python benchmarks/codes.py PHOTOS STYLES [--model M] [--keep 4 16 64 …] [--features vgg19 …]

Every picture of PHOTOS is painted in the code of every picture of STYLES, after the code has been
projected on the first principal components of the codes that the model was trained on; the
paintings are scored as `gan-style evaluate pairs` does. Where the scores stop falling, a code
could be that short.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.device import keep_freed_memory
from gan_style.evaluation.evaluators import PairEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, ReadablePictures
from gan_style.evaluation.outputs import make_outputs, pictures_by_name
from gan_style.models.feature_networks import picture_features
from gan_style.pretrained import read_model

METRICS = ("content", "moments", "gram", "ssim")


def cut(code: StyleCode, center: torch.Tensor, directions: torch.Tensor) -> StyleCode:
    """The code on the affine space through `center` (d,) along `directions` (d, n)."""
    away = code.mean - center
    return replace(code, mean=center + directions @ (directions.T @ away))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--keep", type=int, nargs="+", default=[0, 4, 8, 16, 32, 64, 128, 256])
    parser.add_argument("--size", type=int, default=288)
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights", default=None)
    options = parser.parse_args()
    keep_freed_memory()
    stylizer = Stylizer.from_pretrained(options.model)
    found = read_model(options.model).codes
    if not len(found):
        sys.exit(f"error: {options.model} keeps no codes of its pictures; the base model does")
    center = found.mean(0)
    _, values, across = torch.linalg.svd(found - center)
    directions = across.T
    shares = values.square().cumsum(0) / values.square().sum()
    photos = pictures_by_name(options.photos, "photos")
    styles = pictures_by_name(options.styles, "style pictures")
    codes = {path: stylizer.encode(path) for path in styles.values()}
    network = picture_features(options.features, options.feature_weights)
    extractor = FeatureExtractor(network, options.features, options.size)
    evaluator, rows = PairEvaluator(extractor), []
    for kept in options.keep:
        short = {path: cut(code, center, directions[:, :kept]) for path, code in codes.items()}

        def paint(photo: Path, style: Path, short: dict[Path, StyleCode] = short) -> Image.Image:
            return stylizer.stylize(photo, short[style], size=options.size)

        outputs = make_outputs(paint, photos, styles)
        scores = evaluator.evaluate(outputs, ReadablePictures(), tqdm)
        share = f"{shares[kept - 1]:.3f}" if kept else "0"
        rows.append([str(kept), share, *(scores.cell(m) for m in METRICS)])
    print(table(("dimensions", "variance", *METRICS), rows))


if __name__ == "__main__":
    main()
