"""The commands of `gan-style` that make styles and paint in them."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from gan_style.config import DataConfig
from gan_style.data.collection import load_content
from gan_style.data.images import save_picture, some_pictures
from gan_style.errors import PictureError
from gan_style.pretrained import BASE, code_at, named_styles
from gan_style.style_code import SUFFIX, StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.refine import refine

STYLES = f"a code (*{SUFFIX}), a picture, a folder, or a name: {', '.join(named_styles())}"


# ---------------------------------------------------------------------- encode


def _add_encode(parser: argparse.ArgumentParser) -> None:
    parser.description = "Turn example pictures into a style code, a file under 100 KB."
    parser.add_argument("pictures", nargs="+", type=Path, help="folders or pictures of one style")
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"NAME{SUFFIX}")
    add_model(parser)
    parser.add_argument("--name", default="", help="name kept in the code (default: the file's)")
    told = "weigh the pictures for so long, to paint nearer to them all (default: all alike)"
    parser.add_argument("--refine", type=float, metavar="SECONDS", help=told)
    told = "folder of photos to paint while refining (default: those of scikit-image)"
    parser.add_argument("--content", default="scikit-image", metavar="FOLDER", help=told)
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.set_defaults(command=_encode)


def _encode(options: argparse.Namespace) -> None:
    output = style_file(options.output)
    refuse_to_replace(output, options.force)
    if options.refine is not None and not options.refine > 0:
        raise ValueError(f"--refine is {options.refine}; allowed: above 0")
    pictures = _pictures(options.pictures)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    name = options.name or output.name.removesuffix(SUFFIX)
    code = stylizer.encode(
        pictures, name, report=tqdm.write, progress=partial(tqdm, unit=" pictures")
    )
    if options.refine is not None:
        code = _refined(stylizer, code, pictures, options)
    code.save(output)
    print(f"{output}: style {code.name!r} from {code.count} pictures, model {code.model}")


def _refined(
    stylizer: Stylizer, code: StyleCode, pictures: list[Path], options: argparse.Namespace
) -> StyleCode:
    photos = load_content(DataConfig(content=options.content), tqdm.write)
    with tqdm(total=100, bar_format="refining {percentage:3.0f}%|{bar}| {elapsed}") as bar:
        return refine(
            stylizer,
            code,
            pictures,
            photos,
            options.refine,
            progress=lambda share: bar.update(100 * share - bar.n),
        )


# ---------------------------------------------------------------------- stylize


def _add_stylize(parser: argparse.ArgumentParser) -> None:
    parser.description = "Paint photos in a style."
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos or folders")
    parser.add_argument("--style", required=True, type=Path, help=f"one of {STYLES}")
    add_model(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="a file for one photo; a folder takes <stem>.png of each",
    )
    parser.add_argument("--strength", type=float, default=1.0, help="0 (the photo) to 1 (default)")
    parser.add_argument("--keep-color", action="store_true", help="keep the photo's colors")
    parser.add_argument(
        "--size", type=int, help="short side of the painting (default: the photo's)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.set_defaults(command=_stylize)


def _stylize(options: argparse.Namespace) -> None:
    if not 0 <= options.strength <= 1:
        raise ValueError(f"--strength is {options.strength}; allowed: 0 to 1")
    targets = _targets(_pictures(options.photos), options.output, options.photos)
    for target in targets.values():
        refuse_to_replace(target, options.force)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    code = style_at(options.style, stylizer)
    skipped = 0
    for photo, target in tqdm(targets.items(), unit=" photos", disable=len(targets) == 1):
        try:
            painted = stylizer.stylize(
                photo, code, options.strength, keep_color=options.keep_color, size=options.size
            )
        except PictureError as error:
            skipped += 1
            tqdm.write(f"skipped: {error}")
            continue
        save_picture(painted, target)
    if skipped == len(targets):
        raise PictureError("no photo could be read: nothing was painted")
    if skipped:
        print(f"{skipped} of {len(targets)} photos were skipped")
    print(f"painted {len(targets) - skipped} into {options.output}")


def style_at(place: Path, stylizer: Stylizer) -> StyleCode:
    """The code in a file, that of a name, or that of a picture or folder."""
    if (code := code_at(place)) is not None:
        return code
    return stylizer.encode(_pictures([place]), place.stem, report=tqdm.write)


def _targets(photos: list[Path], output: Path, given: list[Path]) -> dict[Path, Path]:
    """Where each photo's painting goes; two of one name are refused rather than overwritten."""
    if len(given) == 1 and not given[0].is_dir() and output.suffix and not output.is_dir():
        return {photos[0]: output}
    targets: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for photo in photos:
        target = output / f"{photo.stem}.png"
        if target in taken:
            raise ValueError(f"{taken[target]} and {photo} would both become {target}; rename one")
        targets[photo], taken[target] = target, photo
    return targets


# ---------------------------------------------------------------------- shared


def add_model(parser: argparse.ArgumentParser) -> None:
    """Give a command --model and --device."""
    told = f"a run folder, a model file, or {BASE!r}, which is shipped (default)"
    parser.add_argument("--model", default=BASE, help=told)
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default: auto"
    )


def style_file(path: Path) -> Path:
    """The name with the ending of style codes, which a user may leave out."""
    if path.name.endswith(SUFFIX):
        return path
    return path.with_name(path.name.removesuffix(".safetensors") + SUFFIX)


def _pictures(places: list[Path]) -> list[Path]:
    """Picture files, folders searched; a file that does not exist is refused before any work."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += some_pictures(place)
        elif place.exists():
            found.append(place)
        else:
            raise PictureError(f"{place} does not exist")
    return found


def refuse_to_replace(path: Path, force: bool) -> None:
    """Raise a ValueError for a file that is there, unless forced."""
    if path.exists() and not force:
        raise ValueError(f"{path} is there already; --force replaces it")


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "encode": ("turn example pictures into a style code", _add_encode),
    "stylize": ("paint photos in a style", _add_stylize),
}
"""What each says of itself in a line, and what gives it its options."""
