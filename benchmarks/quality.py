"""Paints pairs by several methods, scores them alike, and writes a table and a contact sheet.

    python benchmarks/quality.py PHOTOS STYLES -o OUT [--model RUN] [--pairs N] [--vgg FILE]
        [--outputs FOLDER …]

Methods: *identity* (the untouched photo), *optimize* with `compact` and, with --vgg, with VGG-19
(`gan-style optimize`, the baseline: slow and near the optimum of its losses), our model (--model),
and folders of any other program's paintings, <content>__<style>.png (--outputs). All are scored by
VGG-19 with --vgg, otherwise by `compact`, which favors what was trained or optimized on it.

The pairs are every photo of PHOTOS with every picture of STYLES. The first N of them take photos
and styles in turn, so that few pairs hold many of both. Paintings are written to OUT/<method>/;
those that are there already are not made again, so delete the folder of a method that has changed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PIL import Image
from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import read_picture, resize_short_side, save_picture
from gan_style.device import choose_device, keep_freed_memory
from gan_style.evaluation.evaluators import PairEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, ReadablePictures
from gan_style.evaluation.outputs import (
    SEPARATOR,
    Output,
    Stylize,
    pictures_by_name,
    stylize_with,
)
from gan_style.evaluation.scores import Scores, contact_sheet, write_json
from gan_style.models.feature_networks import picture_features
from gan_style.optimization.config import OptimizeConfig
from gan_style.optimization.optimize import optimize

Pair = tuple[Path, Path]


def find_pairs(options: argparse.Namespace) -> list[Pair]:
    """Photos and styles as pairs in which both take turns."""
    contents = list(pictures_by_name(options.photos, "photos").values())
    styles = list(pictures_by_name(options.styles, "style pictures").values())
    pairs = list(
        dict.fromkeys(
            (contents[i % len(contents)], styles[(i + turn) % len(styles)])
            for turn in range(len(styles))
            for i in range(len(contents) * len(styles))
        )
    )
    return pairs[: options.pairs] if options.pairs else pairs


def find_methods(options: argparse.Namespace) -> dict[str, Stylize]:
    """The methods by name."""

    def identity(content: Path, style: Path | None) -> Image.Image:
        return resize_short_side(read_picture(content), options.size)

    def optimized(features: str, weights: str | None, content: Path, style: Path) -> Image.Image:
        config = OptimizeConfig(
            size=options.size,
            features=features,
            feature_weights=weights,
            evaluations=options.evaluations,
            device=options.device,
        )
        return optimize(content, style, config)[0]

    methods: dict[str, Callable[..., Image.Image]] = {"identity": identity}
    if options.evaluations:
        methods["optimize compact"] = partial(optimized, "compact", None)
        if options.vgg:
            methods["optimize vgg19"] = partial(optimized, "vgg19", options.vgg)
    if options.model:
        stylizer = Stylizer.from_pretrained(options.model, device=options.device)
        methods[Path(options.model).name] = stylize_with(stylizer, options.size)
    return methods


def files(folder: Path, pairs: list[Pair]) -> list[Path]:
    """Where the paintings of pairs lie."""
    return [folder / f"{content.stem}{SEPARATOR}{style.stem}.png" for content, style in pairs]


def paint(method: str, stylize: Stylize, pairs: list[Pair], folder: Path) -> float:
    """Paint what is not there yet; returns the mean seconds, nan if all was there."""
    seconds = []
    for pair, path in tqdm(list(zip(pairs, files(folder, pairs), strict=True)), desc=method):
        if not path.exists():
            began = time.perf_counter()
            painting = stylize(*pair)
            seconds.append(time.perf_counter() - began)
            save_picture(painting, path)
    return sum(seconds) / len(seconds) if seconds else float("nan")


def score(folders: Mapping[str, Path], pairs: list[Pair], options: argparse.Namespace) -> dict:
    """Score every method on these pairs, and on no others that are in its folder."""
    name = "vgg19" if options.vgg else "compact"
    network, device = picture_features(name, options.vgg), choose_device(options.device)
    evaluator = PairEvaluator(FeatureExtractor(network, name, options.size, device))
    scores: dict[str, Scores] = {}
    for method, folder in folders.items():
        outputs = [
            Output(path.stem, *pair, partial(read_picture, path))
            for pair, path in zip(pairs, files(folder, pairs), strict=True)
        ]
        progress = partial(tqdm, desc=f"scoring {method}")
        scores[method] = evaluator.evaluate(outputs, ReadablePictures(), progress)
    return scores


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--model", help="a run folder or a model file")
    parser.add_argument("--outputs", nargs="*", type=Path, default=[])
    parser.add_argument("--pairs", type=int, help="so many only (all)")
    parser.add_argument("--size", type=int, default=288, help="short side in pixels (288)")
    about = "of the losses by optimize (300); 0 leaves it out"
    parser.add_argument("--evaluations", type=int, default=300, help=about)
    parser.add_argument("--vgg", metavar="FILE", help="weights of VGG-19")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (auto)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    keep_freed_memory()
    try:
        pairs = find_pairs(options)
        methods = find_methods(options)
        folders = {name: options.out / name.replace(" ", "_") for name in methods}
        seconds = {name: paint(name, methods[name], pairs, folders[name]) for name in methods}
        folders |= {folder.name: folder for folder in options.outputs}
        missing = [p for folder in folders.values() for p in files(folder, pairs) if not p.exists()]
        if missing:
            raise ValueError(f"{len(missing)} paintings are missing, such as {missing[0]}")
        scores = score(folders, pairs, options)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    metrics = ("content", "moments", "gram", "ssim")
    rows = [
        [name, *(s.cell(m) for m in metrics), f"{seconds.get(name, float('nan')):.3g}"]
        for name, s in scores.items()
    ]
    first = next(iter(scores.values()))
    about = f"{first.count} pairs, {first.size} px, by {first.features}"
    text = table((about, *metrics, "s a painting"), rows)
    (options.out / "table.md").write_text(text + "\n", encoding="utf-8")
    write_json(options.out / "scores.json", {name: s.to_json() for name, s in scores.items()})
    save_picture(contact_sheet(scores), options.out / "sheet.png")
    print(text)


if __name__ == "__main__":
    main()
