"""The command `gan-style`: thin functions over the package."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from gan_style.cli.arguments import add_arguments, given
from gan_style.cli import codes as code_commands
from gan_style.cli import stylize as style_commands
from gan_style.cli.stylize import refuse_to_replace
from gan_style.config import describe_options, load_config
from gan_style.data.inspection import inspect_folder
from gan_style.errors import ConfigError, NonFiniteLossError
from gan_style.evaluation.config import EvaluateConfig
from gan_style.evaluation.evaluate import evaluate
from gan_style.optimization.optimize import LossRecord, OptimizeConfig, optimize_file
from gan_style.training.forecast import expected, forecast
from gan_style.training.run import train

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `gan-style`; returns the exit code: 0, 1 for a run that broke, 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="gan-style", description="Learn your own art style, and paint any photo in it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="learn the styles of a folder of pictures"), "")
    for name, (told, add) in (style_commands.COMMANDS | code_commands.COMMANDS).items():
        add(commands.add_parser(name, help=told))
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
        metavar="FOLDER | CONFIG.yaml | key.sub=value",
        help="a folder of pictures (data.styles), a configuration (default: "
        f"{default or 'the defaults below'}) and changes to it",
    )
    parser.set_defaults(command=partial(_train, default=default))


def _train(options: argparse.Namespace, default: str) -> None:
    plain = [word for word in options.words if "=" not in word]
    folders = [word for word in plain if Path(word).is_dir()]
    files = [word for word in plain if word not in folders]
    for kind, named in (("folder", folders), ("configuration", files)):
        if len(named) > 1:
            raise ConfigError(f"one {kind} at a time, not {len(named)}: {', '.join(named)}")
    changes = [word for word in options.words if "=" in word]
    for folder in folders:
        if other := [word for word in changes if word.startswith("data.styles=")]:
            raise ConfigError(f"data.styles is given twice: as {folder} and as {other[0]}")
        changes.append(f"data.styles={folder}")
    train(load_config(files[0] if files else default or None, changes))


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
    add_arguments(parser, OptimizeConfig)
    parser.set_defaults(command=_optimize)


def _optimize(options: argparse.Namespace) -> None:
    for path in (options.output, options.output.with_suffix(".json")):
        refuse_to_replace(path, options.force)
    settings = given(OptimizeConfig, options)
    with tqdm(total=settings.evaluations, unit=" evaluations") as bar:

        def progress(row: LossRecord) -> None:
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
    add_arguments(parser, EvaluateConfig)
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    scores = evaluate(
        given(EvaluateConfig, options), tqdm.write, partial(tqdm, unit=" pictures", leave=False)
    )
    print("\n".join(scores.lines()))


# ---------------------------------------------------------------------- check


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.description = "Look a folder of pictures over before training on it."
    parser.add_argument("folder", type=Path)
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> None:
    found = inspect_folder(options.folder)
    print("\n".join(found.lines()))
    if found.count:
        print("\n".join(forecast(load_config(None, [])).lines()))
        print(expected(min(found.different.values())))
