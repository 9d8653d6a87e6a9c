"""The command `gan-style`: thin functions over the package."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from tqdm import tqdm

from gan_style.config import ConfigError, describe_options, load_config
from gan_style.evaluate import Request, evaluate
from gan_style.images import PictureError, save_picture, some_pictures
from gan_style.inspection import inspect_folder
from gan_style.optimize import Evaluation, Settings, optimize_file
from gan_style.run import NonFiniteLossError, train
from gan_style.style import SUFFIX, StyleCode
from gan_style.stylizer import Stylizer

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `gan-style`; returns the exit code: 0, 1 for a run that broke, 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="gan-style", description="Learn your own art style, and paint any photo in it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="learn the styles of a folder of pictures"), "")
    _add_encode(commands.add_parser("encode", help="turn example pictures into a style code"))
    _add_stylize(commands.add_parser("stylize", help="paint photos in a style"))
    _add_optimize(commands.add_parser("optimize", help="paint a photo without a model, slowly"))
    _add_evaluate(commands.add_parser("evaluate", help="tell how good paintings are"))
    _add_check(commands.add_parser("check", help="look a folder over before training on it"))
    return run_command(parser, arguments)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, run, and turn what a user can cause into one line and an exit code."""
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NonFiniteLossError as error:
        print(
            f"error: {error}. The checkpoints are whole; a lower train.learning_rate may help",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def train_main(default: Path, arguments: Sequence[str] | None = None) -> int:
    """`train.py`: the command `train` with a configuration to begin from."""
    parser = argparse.ArgumentParser(prog="train.py")
    _add_train(parser, str(default))
    return run_command(parser, arguments)


# ---------------------------------------------------------------------- train


def _add_train(parser: argparse.ArgumentParser, default: str) -> None:
    parser.description = "Learn the styles of a folder of pictures."
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"Options, each as key.sub=value:\n\n{describe_options()}"
    parser.add_argument(
        "words",
        nargs="*",
        metavar="CONFIG.yaml | key.sub=value",
        help=f"a configuration (default: {default or 'the defaults below'}) and changes to it",
    )
    parser.set_defaults(command=partial(_train, default=default))


def _train(options: argparse.Namespace, default: str) -> None:
    files = [word for word in options.words if "=" not in word]
    if len(files) > 1:
        raise ConfigError(f"one configuration at a time, not {len(files)}: {', '.join(files)}")
    overrides = [word for word in options.words if "=" in word]
    train(load_config(files[0] if files else default or None, overrides))


# ---------------------------------------------------------------------- encode


def _add_encode(parser: argparse.ArgumentParser) -> None:
    parser.description = "Turn example pictures into a style code, a file under 100 KB."
    parser.add_argument("pictures", nargs="+", type=Path, help="folders or pictures of one style")
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"NAME{SUFFIX}")
    _add_model(parser)
    parser.add_argument("--name", default="", help="name kept in the code (default: the file's)")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.set_defaults(command=_encode)


def _encode(options: argparse.Namespace) -> None:
    output: Path = options.output
    if not output.name.endswith(SUFFIX):
        output = output.with_name(output.name.removesuffix(".safetensors") + SUFFIX)
    _refuse_to_replace(output, options.force)
    pictures = _pictures(options.pictures)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    name = options.name or output.name.removesuffix(SUFFIX)
    code = stylizer.encode(
        pictures, name, report=tqdm.write, progress=partial(tqdm, unit=" pictures")
    )
    code.save(output)
    print(f"{output}: style {code.name!r} from {code.count} pictures, model {code.model}")


# ---------------------------------------------------------------------- stylize


def _add_stylize(parser: argparse.ArgumentParser) -> None:
    parser.description = "Paint photos in a style."
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos or folders")
    parser.add_argument(
        "--style", required=True, type=Path, help=f"a style code (*{SUFFIX}), a picture or a folder"
    )
    _add_model(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="a file for one photo; a folder takes <stem>.png of each",
    )
    parser.add_argument("--strength", type=float, default=1.0, help="0 (the photo) to 1 (default)")
    parser.add_argument("--keep-colour", action="store_true", help="keep the photo's colours")
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
        _refuse_to_replace(target, options.force)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    code = _style(options.style, stylizer)
    skipped = 0
    for photo, target in tqdm(targets.items(), unit=" photos", disable=len(targets) == 1):
        try:
            painted = stylizer.stylize(
                photo, code, options.strength, keep_colour=options.keep_colour, size=options.size
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


def _style(path: Path, stylizer: Stylizer) -> StyleCode:
    if path.name.endswith(".safetensors"):
        return StyleCode.load(path)
    return stylizer.encode(_pictures([path]), path.stem, report=tqdm.write)


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


# ---------------------------------------------------------------------- optimize


def _add_optimize(parser: argparse.ArgumentParser) -> None:
    parser.description = "Paint a photo by moving its pixels (Gatys et al. 2016); needs no model."
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the photo")
    told = "a picture, or a folder that stands for all of its pictures; may be repeated"
    parser.add_argument("--style", required=True, action="append", type=Path, help=told)
    told = "one for each --style (default: all alike)"
    parser.add_argument("--weights", type=float, nargs="+", default=(), help=told)
    told = "OUT.png, rewritten as it goes; OUT.json takes the loss curve"
    parser.add_argument("-o", "--output", required=True, type=Path, help=told)
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    for option in fields(Settings):
        flag = f"--{option.name.replace('_', '-')}"
        parser.add_argument(flag, default=option.default, **option.metadata)
    parser.set_defaults(command=_optimize)


def _optimize(options: argparse.Namespace) -> None:
    for path in (options.output, options.output.with_suffix(".json")):
        _refuse_to_replace(path, options.force)
    settings = Settings(**{each.name: getattr(options, each.name) for each in fields(Settings)})
    with tqdm(total=settings.evaluations, unit=" evaluations") as bar:

        def progress(row: Evaluation) -> None:
            losses = {name: getattr(row, name) for name in ("width", "content", "gram", "tv")}
            bar.set_postfix(losses, refresh=False)
            bar.update()

        optimize_file(
            options.content,
            options.style,
            options.output,
            settings,
            weights=options.weights,
            report=bar.write,
            progress=progress,
        )
    print(f"painted {options.output}")


# ---------------------------------------------------------------------- evaluate


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.description = "Tell how much of the photo and how much of the style is in paintings."
    for option in fields(Request):
        flag = f"--{option.name.replace('_', '-')}"
        name = flag if "default" in option.metadata else option.name
        parser.add_argument(name, **option.metadata)
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    request = Request(**{each.name: getattr(options, each.name) for each in fields(Request)})
    scores = evaluate(request, tqdm.write, partial(tqdm, unit=" pictures", leave=False))
    print("\n".join(scores.lines()))


# ---------------------------------------------------------------------- check


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.description = "Look a folder of pictures over before training on it."
    parser.add_argument("folder", type=Path)
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> None:
    print("\n".join(inspect_folder(options.folder).lines()))


# ---------------------------------------------------------------------- shared


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="a run folder or a model file")
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="default: auto"
    )


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


def _refuse_to_replace(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise ValueError(f"{path} is there already; --force replaces it")
