"""Paints pairs by several methods, scores them alike, and writes a table and a contact sheet.

    python benchmarks/quality.py -o OUT [--model RUN] [--pairs N] [--outputs FOLDER …]

Methods: *identity* (the photo untouched), *optimize* with `compact` and, where its weights are,
with VGG-19 (`gan-style optimize`, the reference: slow and near the optimum of its losses), our
model (--model), and folders of any other program's paintings, <content>__<style>.png (--outputs).
All are scored by VGG-19 where its weights are, else by `compact`, which favors what was trained
or optimized on it.

The pairs are those of ../shared/data/VALIDATION.tsv, or every photo of --content with every
picture of --style. Of all pairs, the first N take photos and styles in turn, so that few pairs
hold many of both. Paintings lie in OUT/<method>/; those that are there already are not made
again, so delete the folder of a method that has changed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import read_picture, resize_short_side, save_picture
from gan_style.device import choose_device, keep_freed_memory
from gan_style.evaluation.evaluate import write_json
from gan_style.evaluation.evaluators import PairEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, Log
from gan_style.evaluation.outputs import BETWEEN, Output, Painter, named_pictures, painter
from gan_style.evaluation.scores import Scores, contact_sheet
from gan_style.models.feature_networks import picture_features
from gan_style.optimization.config import OptimizeConfig
from gan_style.optimization.optimize import optimize

SHARED = Path(__file__).resolve().parents[2] / "shared"
VGG = SHARED / "weights" / "vgg19_normalized_relu3_1.pth"
Pair = tuple[Path, Path]


def find_pairs(options: argparse.Namespace) -> list[Pair]:
    """The photos and styles asked for, as pairs in which both take turns."""
    if options.content:
        places = (options.content, options.style)
        contents, styles = (list(named_pictures(p, str(p)).values()) for p in places)
    else:
        lines = options.validation.read_text(encoding="utf-8").splitlines()[1:]
        rows = [line.split("\t") for line in lines]
        folder = options.validation.parent
        contents = [folder / path for role, path in rows if role == "content"]
        styles = [folder / path for role, path in rows if role == "style"]
    pairs = list(
        dict.fromkeys(
            (contents[i % len(contents)], styles[(i + turn) % len(styles)])
            for turn in range(len(styles))
            for i in range(len(contents) * len(styles))
        )
    )
    return pairs[: options.pairs] if options.pairs else pairs


def find_methods(options: argparse.Namespace) -> dict[str, Painter]:
    """What paints, by name."""

    def identity(content: Path, style: Path | None) -> object:
        return resize_short_side(read_picture(content), options.size)

    def optimized(features: str, weights: str, content: Path, style: Path | None) -> object:
        settings = OptimizeConfig(
            size=options.size,
            features=features,
            feature_weights=weights,
            evaluations=options.evaluations,
            device=options.device,
        )
        return optimize(content, style, settings, report=tqdm.write)[0]

    methods: dict[str, Callable[..., object]] = {"identity": identity}
    if options.evaluations:
        methods["optimize compact"] = partial(optimized, "compact", "")
        if options.vgg.is_file():
            methods["optimize vgg19"] = partial(optimized, "vgg19", str(options.vgg))
    if options.model:
        stylizer = Stylizer.from_pretrained(options.model, options.device)
        methods[Path(options.model).name] = painter(stylizer, options.size)
    return methods


def files(folder: Path, pairs: list[Pair]) -> list[Path]:
    """Where the paintings of pairs lie."""
    return [folder / f"{content.stem}{BETWEEN}{style.stem}.png" for content, style in pairs]


def paint(method: str, painter: Painter, pairs: list[Pair], folder: Path) -> float:
    """Paint what is not there yet; returns the mean seconds, nan if all was there."""
    seconds = []
    for pair, path in tqdm(list(zip(pairs, files(folder, pairs), strict=True)), desc=method):
        if not path.exists():
            began = time.perf_counter()
            painting = painter(*pair)
            seconds.append(time.perf_counter() - began)
            save_picture(painting, path)
    return sum(seconds) / len(seconds) if seconds else float("nan")


def score(folders: Mapping[str, Path], pairs: list[Pair], options: argparse.Namespace) -> dict:
    """Score every method on the pairs asked for, and on no others that lie in its folder."""
    vgg = options.vgg.is_file()
    network = picture_features(*(("vgg19", str(options.vgg)) if vgg else ("compact",)))
    device = choose_device(options.device)
    judge = PairEvaluator(
        FeatureExtractor(network, "vgg19" if vgg else "compact", options.size, device)
    )
    scores: dict[str, Scores] = {}
    for method, folder in folders.items():
        outputs = [
            Output(path.stem, *pair, partial(read_picture, path))
            for pair, path in zip(pairs, files(folder, pairs), strict=True)
        ]
        scores[method] = judge.evaluate(outputs, Log(), partial(tqdm, desc=f"scoring {method}"))
    return scores


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--model", help="a run folder or a model file")
    parser.add_argument("--outputs", nargs="*", type=Path, default=[])
    parser.add_argument("--pairs", type=int, default=0, help="so many only (all)")
    parser.add_argument("--size", type=int, default=288, help="short side in pixels (288)")
    told = "of the losses by optimize (300); 0 leaves it out"
    parser.add_argument("--evaluations", type=int, default=300, help=told)
    parser.add_argument("--content", type=Path, help="folder of photos, with --style")
    parser.add_argument("--style", type=Path, help="folder of style pictures")
    parser.add_argument("--validation", type=Path, default=SHARED / "data" / "VALIDATION.tsv")
    parser.add_argument("--vgg", type=Path, default=VGG, help="weights of VGG-19")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (auto)")
    options = parser.parse_args()
    if bool(options.content) != bool(options.style):
        parser.error("--content and --style go together")
    return options


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
    measures = ("content", "moments", "gram", "ssim")
    rows = [
        [name, *(s.cell(m) for m in measures), f"{seconds.get(name, float('nan')):.3g}"]
        for name, s in scores.items()
    ]
    first = next(iter(scores.values()))
    about = f"{first.count} pairs, {first.size} px, by {first.features}"
    told = table((about, *measures, "s a painting"), rows)
    (options.out / "table.md").write_text(told + "\n", encoding="utf-8")
    write_json(options.out / "scores.json", {name: s.to_json() for name, s in scores.items()})
    save_picture(contact_sheet(scores), options.out / "sheet.png")
    print(told)


if __name__ == "__main__":
    main()
