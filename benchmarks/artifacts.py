"""Sanity checks of plain_energy and edge_ringing, where an eye knows the answer.

    python benchmarks/artifacts.py PHOTOS COLLECTION … -o OUT [--model M] [--size PIXELS]
        [--plain-share 0.1]

Prints, and writes to OUT, four tables:

- contours drawn for the purpose, and what three measures say: edge_ringing (before it is divided
  by that of a collection), the coherence of the structure tensor (Weickert 1999) at the same edges,
  and the share of profiles with more than one turning point of a tenth of their range;
- for each COLLECTION plain_energy, and then edge_ringing, of the photos, untouched, with noise,
  blurred and after an unsharp mask, and of the paintings of the model in the collection's code;
- one half of a collection against the other, over 200 random halves: the median and the range from
  the 10th to the 90th percentile, with the median over pictures, which the metrics use, and for
  plain_energy with the mean; and by how much the collection's median and mean change at most if a
  single picture is left out.

OUT takes a sheet for each metric, too: a row for each collection, with its picture of the median
value, and the paintings with the least and with the greatest.
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from timing import table
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.grid import picture_grid
from gan_style.data.images import find_pictures, read_picture, save_picture, to_image, to_tensor
from gan_style.device import keep_freed_memory
from gan_style.evaluation import artifacts
from gan_style.evaluation.artifacts import edge_ringing, plain_energy, ratio_of_medians
from gan_style.evaluation.scores import write_json
from gan_style.sizes import READING_SIDE

SPLITS, SHOWN = 200, 2
METRICS: dict[str, tuple[Callable[[Tensor, Tensor], float | None], float]] = {
    "plain_energy": (plain_energy, artifacts.LEAST_ENERGY),
    "edge_ringing": (edge_ringing, artifacts.LEAST_RINGING),
}
Values = dict[str, list[float]]

# ---------------------------------------------------------------------- contours drawn for it


def contours(side: int = READING_SIDE) -> dict[str, Tensor]:
    """Gray pictures (side, side) of one disk each, with its contour drawn in different ways."""
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    distance = ((down - 140).square() + (right - 150).square()).float().sqrt() - 80
    random = torch.Generator().manual_seed(0)

    def line(at: float) -> Tensor:
        return torch.exp(-((distance - at) / 1.5).square())

    def noise(levels: float) -> Tensor:
        return levels / 255 * torch.randn(side, side, generator=random)

    step, soft = (0.3 + 0.4 * torch.sigmoid(distance / width) for width in (0.5, 2))
    holes = torch.rand(1, 1, side // 8, side // 8, generator=random) > 0.5
    broken = torch.where(F.interpolate(holes.float(), scale_factor=8)[0, 0] > 0, step, 0.5)
    return {
        "hard step": step,
        "soft step": soft,
        "a line on the step": step - 0.25 * line(0),
        "a line alone": 0.6 - 0.4 * line(0),
        "step, noise of 5/255": step + noise(5),
        "halo, unsharp mask 50 %": sharpened(step, 50),
        "halo, unsharp mask 150 %": sharpened(step, 150),
        "contour with gaps": broken,
        "step, noise of 20/255": step + noise(20),
        "two lines on the step": step - 0.25 * line(-3) - 0.25 * line(4),
        "two lines alone": 0.6 - 0.4 * line(-3) - 0.4 * line(3),
    }


def sharpened(gray: Tensor, percent: int) -> Tensor:
    return to_tensor(unsharp_mask(to_image(gray.expand(3, -1, -1)), percent))[0]


def coherence(gray: Tensor, guide: Tensor) -> float:
    """Mean of ((a - b) / (a + b))² over edges; a and b: eigenvalues of the structure tensor."""
    down, right = torch.gradient(artifacts._blurred(gray, 0.7)[0, 0])
    products = (down * down, right * right, down * right)
    yy, xx, xy = (artifacts._blurred(p[None, None], 3)[0, 0] for p in products)
    values = ((yy - xx).square() + 4 * xy.square()) / (yy + xx).square().clamp(min=1e-12)
    places, _ = artifacts._edges(guide)
    return values[places[:, 0].long(), places[:, 1].long()].mean().item()


def turning_share(gray: Tensor, guide: Tensor) -> float:
    """Share of profiles with more than one turning point of a tenth of their range."""
    profiles = artifacts._profiles(gray, *artifacts._edges(guide)).tolist()
    return mean(turning_points(profile) > 1 for profile in profiles)


def turning_points(profile: Sequence[float]) -> int:
    least = 0.1 * (max(profile) - min(profile))
    kept = [profile[0]]  # what is left when smaller changes of direction are left out
    for value in profile[1:]:
        onward = len(kept) > 1 and (value - kept[-1]) * (kept[-1] - kept[-2]) > 0
        if onward:
            kept[-1] = value
        elif abs(value - kept[-1]) > least:
            kept.append(value)
    return len(kept) - 2 if len(kept) > 1 else 0


def contour_rows() -> list[list[str]]:
    drawn = contours()
    guide = drawn["hard step"][None, None]
    rows = []
    for name, gray in drawn.items():
        picture = gray.clamp(0, 1)[None, None]
        ringing = edge_ringing(picture[0].expand(3, -1, -1), guide[0].expand(3, -1, -1))
        values = (
            math.nan if ringing is None else ringing,
            coherence(picture, guide),
            turning_share(picture, guide),
        )
        rows.append([name, *(f"{value:.3f}" for value in values)])
    return rows


# ---------------------------------------------------------------------- photos and paintings


def unsharp_mask(picture: Image.Image, percent: int = 150) -> Image.Image:
    return picture.filter(ImageFilter.UnsharpMask(2, percent, 0))


def with_noise(picture: Image.Image) -> Image.Image:
    values = to_tensor(picture)
    random = torch.Generator().manual_seed(0)
    return to_image((values + 5 / 255 * torch.randn(values.shape, generator=random)).clamp(0, 1))


TRICKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "photos": lambda photo: photo,
    "noise of 5/255": with_noise,
    "blurred": lambda photo: photo.filter(ImageFilter.GaussianBlur(2)),
    "unsharp mask": unsharp_mask,
}


def square(path: Path, side: int) -> Image.Image:
    return ImageOps.fit(read_picture(path), (side, side), Image.Resampling.LANCZOS)


def measured(pictures: Sequence[Image.Image], guides: Sequence[Image.Image]) -> Values:
    pairs = [(to_tensor(one), to_tensor(two)) for one, two in zip(pictures, guides, strict=True)]
    found = {name: [measure(*pair) for pair in pairs] for name, (measure, _) in METRICS.items()}
    return {name: [math.nan if v is None else v for v in values] for name, values in found.items()}


def relative(values: Values, own: Values, name: str) -> str:
    sides = ([v for v in side[name] if not math.isnan(v)] for side in (values, own))
    return f"{ratio_of_medians(*sides, METRICS[name][1]):.2f}"


def halves(values: Sequence[float], average: Callable[[list[float]], float], least: float) -> str:
    """Ratios of one half of the values to the other, in words."""
    order, known = np.random.default_rng(0), [v for v in values if not math.isnan(v)]
    ratios = []
    for _ in range(SPLITS):
        mixed = [known[i] for i in order.permutation(len(known))]
        one, two = (max(least, average(side)) for side in (mixed[::2], mixed[1::2]))
        ratios.append(one / two)
    low, middle, high = np.percentile(ratios, (10, 50, 90))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def most_of_one(values: list[float], average: Callable[[list[float]], float]) -> str:
    """The largest change of an average when one value is left out, relative to it."""
    without = [average(values[:i] + values[i + 1 :]) for i in range(len(values))]
    return f"{max(abs(value / average(values) - 1) for value in without):.0%}"


def extremes(name: str, values: Values) -> list[int]:
    """Numbers of the paintings with the least and the greatest values."""
    order = np.argsort(values[name])
    return [*order[:SHOWN], *order[-SHOWN:]]


def middle_picture(values: Sequence[float]) -> int:
    return int(np.argsort(values)[len(values) // 2])


# ---------------------------------------------------------------------- tables


def tables_of(
    own: Mapping[str, Values], tricks: Mapping[str, Values], painted: Mapping[str, Values]
) -> dict[str, str]:
    """The tables of the measurements, by their captions."""
    written = {"contours": table(("", "edge_ringing", "coherence", "turning"), contour_rows())}
    for name in METRICS:
        rows = [
            [
                collection,
                *(relative(values, known, name) for values in tricks.values()),
                relative(painted[collection], known, name),
            ]
            for collection, known in own.items()
        ]
        written[name] = table((name, *tricks, "paintings"), rows)
    rows = []
    for collection, known in own.items():
        energies, ringing = known["plain_energy"], known["edge_ringing"]
        rows.append(
            [
                f"{collection}, {len(energies)} pictures",
                halves(energies, median, artifacts.LEAST_ENERGY),
                halves(energies, mean, artifacts.LEAST_ENERGY),
                halves(ringing, median, artifacts.LEAST_RINGING),
                most_of_one(energies, median),
                most_of_one(energies, mean),
            ]
        )
    measures = ("plain_energy", "with the mean", "edge_ringing")
    headings = ("halves", *measures, "median without one", "mean without one")
    return written | {"halves": table(headings, rows)}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("collections", nargs="+", type=Path, metavar="COLLECTION")
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--size", type=int, default=READING_SIDE)
    share = "of a picture that counts as plain, instead of the metric's own"
    parser.add_argument("--plain-share", type=float, help=share)
    return parser.parse_args()


def main() -> None:
    options = parse()
    keep_freed_memory()
    artifacts._PLAIN_SHARE = options.plain_share or artifacts._PLAIN_SHARE
    stylizer = Stylizer.from_pretrained(options.model)
    paths = find_pictures(options.photos)
    photos = [square(path, options.size) for path in paths]
    tricks = {name: measured(list(map(trick, photos)), photos) for name, trick in TRICKS.items()}
    own, painted = dict[str, Values](), dict[str, Values]()
    sheets: dict[str, list[list[Tensor]]] = {name: [] for name in METRICS}
    for folder in tqdm(options.collections):
        pictures = [square(path, options.size) for path in find_pictures(folder)]
        own[folder.name] = measured(pictures, pictures)
        code = stylizer.encode(find_pictures(folder), folder.name)
        paintings = [stylizer.stylize(path, code, size=options.size) for path in paths]
        paintings = [ImageOps.fit(p, photos[0].size, Image.Resampling.LANCZOS) for p in paintings]
        painted[folder.name] = measured(paintings, photos)
        for name, rows in sheets.items():
            shown = [paintings[i] for i in extremes(name, painted[folder.name])]
            usual = pictures[middle_picture(own[folder.name][name])]
            rows.append(list(map(to_tensor, [usual, *shown])))
    written = tables_of(own, tricks, painted)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, rows in sheets.items():
        labels = ["collection", *["least"] * SHOWN, *["greatest"] * SHOWN]
        save_picture(picture_grid(rows, labels), options.out / f"{name}.jpg")
    write_json(options.out / "values.json", {"own": own, "photos": tricks, "paintings": painted})
    text = "\n\n".join(written.values())
    (options.out / "tables.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
