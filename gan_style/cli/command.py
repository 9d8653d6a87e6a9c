"""A command is a dataclass: its fields are its options, its docstring is its help, `run` its work.

    @dataclass(frozen=True, kw_only=True)
    class Greet(Output, Command):
        '''Greet somebody.'''

        who: str = option(positional=True)
        '''Whom to greet.'''

        def run(self) -> None: ...

`main` finds every command in the modules beside this one. Built on click, which typer is built
on, and not on typer: options are declared once, as those of a configuration are
(`gan_style.options`), where typer would want them again as a function's signature.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import click
from click.shell_completion import CompletionItem

from gan_style.disk_space import require_writable
from gan_style.errors import ConfigError, PictureError
from gan_style.files import is_there
from gan_style.options import Option, Section, device_option, option, options_of
from gan_style.remote.places import is_remote
from gan_style.shipped import BASE, STYLE_SUFFIX, named_styles

Settings = TypeVar("Settings", bound=Section)


class Command(Section):
    """Options of a command, and what it does with them."""

    examples: ClassVar[tuple[str, ...]] = ()
    """Command lines that the help shows."""
    free_words: ClassVar[bool] = False
    """Whether words that begin with a dash and are no option reach `run` as well."""

    @classmethod
    def more_help(cls) -> str:
        """What stands below the options in the help."""
        if any(each.about["metavar"] == "STYLE" for each in options_of(cls)):
            return f"Named styles: {', '.join(named_styles())}"
        return ""

    def run(self) -> None:
        """Do it.

        Raises:
            GanStyleError: a user's mistake, reported in one line.
        """
        raise NotImplementedError

    @classmethod
    def label(cls, name: str) -> str:
        """What messages call an option: `--size`, or SIZE where it has no name."""
        declared = {each.name: each for each in fields(cls)}[name]  # type: ignore[arg-type]
        if declared.metadata.get("positional"):
            return str(declared.metadata.get("metavar") or name.upper())
        return f"--{name.replace('_', '-')}"

    def only(self, kind: type[Settings]) -> Settings:
        """Those of the options that are options of `kind`."""
        return kind(**{each.name: getattr(self, each.name) for each in fields(kind)})  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Model(Command):
    """The options of commands that load a model."""

    model: str = option(BASE, metavar="MODEL")
    """A run folder, a model file, or `base`, which is shipped."""
    device: str = device_option()
    """Where to run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_missing_model(self.model)


@dataclass(frozen=True, kw_only=True)
class Output(Command):
    """The options of commands that write something new."""

    output: str = option(short="o", metavar="PATH")
    """Where to write."""
    force: bool = False
    """Replace files that are there."""

    def refuse_outputs(self, *paths: Path) -> None:
        """Raise ConfigError for a file that is there, unless forced, or cannot be written."""
        for path in paths:
            if is_there(path) and not self.force:
                raise ConfigError(f"{path} is there already; --force replaces it")
            require_writable(path.parent, "--output")

    @property
    def style_file(self) -> Path:
        """The output with the ending of style codes, which may be left out."""
        path = Path(self.output)
        if path.name.endswith(STYLE_SUFFIX):
            return path
        return path.with_name(path.name.removesuffix(".safetensors") + STYLE_SUFFIX)


class StyleName(click.Path):
    """A style: completed from files and from the named styles of the shipped model."""

    name = "style"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that begin so, then files."""
        names = [name for name in named_styles() if name.startswith(incomplete)]
        items = [CompletionItem(name) for name in names]
        return [*items, *super().shell_complete(ctx, param, incomplete)]


class _Argument(click.Argument):
    """An argument with a line in the help, which click has of itself from 8.5.1 on."""

    help: str | None = None

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return (self.metavar or "", self.help or "")


class _Option(click.Option):
    """An option that may take all words up to the next option: `--models base runs/mine`."""

    listed = False


class _Command(click.Command):
    """A command that takes `--size 288 512` for `--size 288 --size 512`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [each for each in self.params if isinstance(each, _Option) and each.multiple]
        listed = [name for each in options if each.listed for name in each.opts]
        # what follows a number may be a place of its own
        numbers = [name for each in options if each.type is click.INT for name in each.opts]
        return super().parse_args(ctx, list(_each_named(args, numbers, listed)))


def _each_named(words: list[str], numbers: list[str], listed: list[str]) -> Iterator[str]:
    """The words, with the name of an option before each value of it after the first.

    numbers: options that take the whole numbers after them. listed: those that take everything up
    to the next option.
    """
    name, values = None, 0
    for word in words:
        if word in numbers or word in listed:
            name, values = word, 0
        elif name and (word.isdigit() if name in numbers else not word.startswith("-")):
            if values:
                yield name
            values += 1
        else:
            name = None
        yield word


_TYPES: "dict[str, Callable[[], click.ParamType[Any]]]" = {"STYLE": StyleName}
"""The type of options whose value is called so in the help; of other texts it is a path."""


def click_command(kind: type[Command]) -> click.Command:
    """The command of a dataclass, named like it in lower case."""

    def run(**values: Any) -> None:
        kind(**values).run()

    summary = inspect.getdoc(kind) or ""
    shown = "\n".join(f"  {line}" for line in kind.examples)
    return _Command(
        kind.__name__.lower(),
        callback=run,
        params=sorted(map(_parameter, options_of(kind)), key=_comes_later),
        help=summary + (f"\n\n\b\nExamples:\n{shown}" if shown else ""),
        short_help=summary.partition("\n")[0].rstrip("."),
        epilog=kind.more_help(),
        context_settings={"ignore_unknown_options": kind.free_words, "max_content_width": 100},
    )


def _comes_later(parameter: click.Parameter) -> int:
    if isinstance(parameter, click.Argument):
        return 0
    return 1 if parameter.required else 2


def _parameter(each: Option) -> click.Parameter:
    required = each.default is MISSING
    repeated = get_origin(each.kind) is tuple
    kind = _click_type(each, get_args(each.kind)[0] if repeated else each.kind)
    metavar = each.about["metavar"]
    if each.about["positional"]:
        shown = each.key + ("..." if repeated else "")
        count = -1 if repeated else 1
        argument = _Argument([each.name], type=kind, nargs=count, required=required, metavar=shown)
        argument.help = " ".join(each.meaning.split())
        return argument
    default = {} if required else {"default": each.default}  # to click, None is a default, too
    names = [f"-{each.about['short']}"] if each.about["short"] else []
    option = _Option(
        [*names, f"--{each.name.replace('_', '-')}", each.name],
        type=kind,
        is_flag=each.kind is bool,
        required=required,
        multiple=repeated,
        **default,
        show_default=each.kind is not bool and each.default not in (None, (), MISSING),
        metavar=f"{metavar} ..." if each.about["listed"] else metavar,
        help=" ".join(each.meaning.split()),
    )
    option.listed = bool(each.about["listed"])
    return option


def _click_type(each: Option, kind: Any) -> "click.ParamType[Any]":
    if each.choices:
        return click.Choice(each.choices)
    if kind is str:
        return _TYPES.get(each.about["metavar"] or "", click.Path)()
    plain: dict[type, click.ParamType[Any]] = {int: click.INT, float: click.FLOAT, bool: click.BOOL}
    return plain[kind]


def refuse_missing_model(place: str) -> None:
    """Raise ModelError for a model that is not there, and no address.

    `Stylizer.from_pretrained` would look for `runs/mine` at the Hugging Face hub, as users of
    Python expect it; a command goes to the network for an address alone.
    """
    if not (place == BASE or is_remote(place) or Path(place).exists()):
        from gan_style.pretrained import find_model

        find_model(place)


def existing_pictures(places: tuple[str, ...]) -> list[Path]:
    """Picture files, folders searched; what does not exist is refused before any work.

    Raises:
        PictureError: nothing there, an address, or a folder without pictures.
    """
    from gan_style.data.images import some_pictures

    found: list[Path] = []
    for place in places:
        path = existing(place)
        found += some_pictures(path) if path.is_dir() else [path]
    return found


def existing(place: str) -> Path:
    """The path, which has to exist.

    Raises:
        PictureError: nothing there, or an address on the internet.
    """
    if "://" in place:
        raise PictureError(f"{place} is an address; download it first, and give the file")
    path = Path(place)
    if not path.exists():
        raise PictureError(f"{place} does not exist")
    return path


def numbers(text: str | None, label: str) -> list[float]:
    """The numbers of `0.7,0.3`; none of None.

    Raises:
        ConfigError: something else.
    """
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise ConfigError(f"{label} is {text!r}; it must be numbers such as 0.7,0.3") from error
