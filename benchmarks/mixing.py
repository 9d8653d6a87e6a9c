"""Are mixtures smooth, and are samples as different from each other as styles are?

    python benchmarks/mixing.py PHOTO STYLES [--model M] [--features vgg19 …] [-o OUT]

Mixing: PHOTO is painted in 17 codes on the straight line between two pictures of STYLES, for
--pairs pairs; of the 16 steps in the moments of the paintings, the largest over the mean one.

Samples: the mean distance in moments between each two of --count paintings, in drawn codes, in the
codes of as many pictures of STYLES, and between these pictures themselves. OUT takes a sheet of
the paintings in drawn codes.
"""

import argparse
import sys
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean, median

from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.data.grid import picture_grid
from gan_style.data.images import evenly, find_pictures, read_picture, save_picture, to_tensor
from gan_style.device import keep_freed_memory
from gan_style.evaluation.extractor import FeatureExtractor
from gan_style.evaluation.metrics import moments_distance
from gan_style.losses.statistics import StyleStatistics, style_statistics
from gan_style.models.feature_networks import picture_features

STEPS = 16
ACROSS = 8


class PhotoStylizer:
    """Stylizes one photo in any code, and measures the result."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.model = Stylizer.from_pretrained(options.model)
        network = picture_features(options.features, options.feature_weights)
        self.extractor = FeatureExtractor(network, options.features, options.size)
        self.photo = read_picture(options.photo)
        self.size = options.size

    def stylize(self, code: StyleCode) -> Image.Image:
        return self.model.stylize(self.photo, code, size=self.size)

    def measure(self, picture: Image.Image) -> StyleStatistics:
        return style_statistics(self.extractor.maps(self.extractor.square(picture)))


def steps(stylizer: PhotoStylizer, one: StyleCode, other: StyleCode) -> list[float]:
    line = [one.interpolate(other, step / STEPS) for step in range(STEPS + 1)]
    found = [stylizer.measure(stylizer.stylize(code)) for code in line]
    return [moments_distance(a, b) for a, b in pairwise(found)]


def spread(found: list[StyleStatistics]) -> float:
    return mean(moments_distance(a, b) for a, b in combinations(found, 2))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--size", type=int, default=288)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights", default=None)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    stylizer = PhotoStylizer(options)
    chosen = evenly(find_pictures(options.styles), options.count)
    codes = [stylizer.model.encode(path) for path in chosen]
    ratios = []
    for one, other in tqdm(list(pairwise(codes))[: options.pairs]):
        found = steps(stylizer, one, other)
        ratios.append(max(found) / mean(found))
    print(f"mixing: largest / mean step {median(ratios):.2f} (median), {max(ratios):.2f} (worst)")
    drawn = [stylizer.stylize(stylizer.model.sample_style(seed)) for seed in range(options.count)]
    samples = spread([stylizer.measure(picture) for picture in drawn])
    painted = spread([stylizer.measure(stylizer.stylize(code)) for code in codes])
    styles = spread([stylizer.measure(read_picture(path)) for path in chosen])
    print(
        f"mean distance in moments: paintings in {options.count} samples {samples:.3g}, "
        f"in {len(codes)} styles {painted:.3g}; these pictures themselves {styles:.3g}"
    )
    if options.out:
        tensors = [to_tensor(picture) for picture in drawn]
        rows = [tensors[i : i + ACROSS] for i in range(0, len(tensors), ACROSS)]
        save_picture(picture_grid(rows, [""] * len(rows[0])), options.out)


if __name__ == "__main__":
    main()
