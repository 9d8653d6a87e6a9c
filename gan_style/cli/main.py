"""The command `gan-style`: finds the commands, runs one, and reports mistakes in one line."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import click

from gan_style import __version__, cli
from gan_style.cli.command import Command, click_command
from gan_style.cli.legacy import translated
from gan_style.cli.terminal import show_error, shown_output
from gan_style.cli.train import Train, with_default_config
from gan_style.errors import GanStyleError, NonFiniteLossError, RunError
from gan_style.files import told

_INTERRUPTED = 130
_SPINNING = "GOMP_SPINCOUNT"
"""How long threads of PyTorch's OpenMP wait awake for the others, about a microsecond each 1000."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `gan-style`; returns the exit code: 0, 1 for a run that broke, 2 for a user's mistake."""
    _rest_while_waiting()
    return _run(command_line(), sys.argv[1:] if arguments is None else arguments, "gan-style")


def train_main(default: Path, arguments: Sequence[str] | None = None) -> int:
    """`train.py`: the command `train`, with a configuration to begin from."""
    _rest_while_waiting()
    words = sys.argv[1:] if arguments is None else arguments
    return _run(click_command(Train), with_default_config(default, words), "train.py")


def _rest_while_waiting() -> None:
    """Let threads that wait for others sleep after a moment, unless the environment says how long.

    Awake they take processors from other programs and, where those are at work, from the very
    threads they wait for: a painting beside a busy process took 1.8 s instead of 1.2
    (docs/experiments/2026-11-27-cpu-speed-profile.md). Read when PyTorch is loaded.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(_SPINNING, "1000")


class _Group(click.Group):
    """Commands, with "did you mean" for one that is not there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.commands, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.commands)}"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@cache
def command_line() -> click.Group:
    """All commands: every class with a `run` in the modules of this package."""
    modules = [
        importlib.import_module(f"{cli.__name__}.{found.name}")
        for found in pkgutil.iter_modules(cli.__path__)
    ]
    kinds = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Command) and "run" in vars(each)
    } - {Command}
    group = _Group(help="Learn your own art style, and paint any photo in it.")
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        group.add_command(click_command(kind))
    return click.version_option(__version__, message="gan-style %(version)s")(group)


def _run(command: click.Command, words: Sequence[str], name: str) -> int:
    """Parse, run, and turn what a user can cause into one line and an exit code."""
    try:
        with shown_output():
            code = command.main(translated(words), prog_name=name, standalone_mode=False)
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else name
        return _failed(f"{error.format_message()} ({place} --help)", 2)
    except OSError as error:
        return _failed(told(error), 2)
    except (GanStyleError, ValueError) as error:
        if isinstance(error, NonFiniteLossError):
            hint = "The checkpoints are whole; a lower train.learning_rate may help"
            return _failed(f"{error}. {hint}", 1)
        return _failed(str(error), 1 if isinstance(error, RunError) else 2)
    except (KeyboardInterrupt, click.Abort):  # which is a RuntimeError
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        return _failed(f"memory ran out ({error}); a smaller --size or --memory takes less", 1)
    except ImportError as error:
        if "torch" not in str(error):
            raise
        return _failed(f"PyTorch cannot be loaded: {error}", 2)  # such as for want of memory
    return int(code or 0)  # click gives that of an Exit, and None where none was raised


def _is_of_memory(error: Exception) -> bool:
    from gan_style.memory import is_of_memory

    return is_of_memory(error)


def _failed(message: str, code: int) -> int:
    show_error(message)
    return code
