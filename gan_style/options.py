"""How options are declared, checked, described and read from text, wherever they are used.

A section is a frozen dataclass of options, each with its meaning in a string under the field:

    @dataclass(frozen=True)
    class TrainConfig(Section, key="train"):
        batch_size: int = option(8, at_least=1)
        '''Content pictures a step.'''

The sections of a configuration (`gan_style.config`), the settings of an evaluation or an
optimization, and the commands of `gan-style` are declared so; their files, overrides, command
lines, checks and help follow. None means that something is not given.
"""

import ast
import inspect
import json
import math
import re
import reprlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from gan_style.config_files import parse_text
from gan_style.errors import ConfigError

Default = TypeVar("Default")
_TRUTHS = {"true", "false", "yes", "no", "on", "off"}
_NOT_GIVEN = {"null", "none", "~", ""}
_SHOWN = reprlib.Repr()  # values in messages: whole unless they are very long, or nested deep
_SHOWN.maxstring = _SHOWN.maxother = 200


@dataclass(frozen=True)
class Limits:
    """What a value must keep to: the interval of a number (or of each of a tuple), or the words.

    choices: the values allowed. pattern: what a text must match whole, with `allowed` for people.
    """

    at_least: float = -math.inf
    above: float = -math.inf
    at_most: float = math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    allowed: str | None = None

    def hold(self, value: float) -> bool:
        """Say whether the number `value` is finite and inside."""
        inside = self.at_least <= value <= self.at_most and self.above < value < self.below
        return inside and abs(value) <= sys.float_info.max  # a whole number can be larger

    def match(self, text: str) -> bool:
        """Say whether `text` is one of the choices and fits the pattern, where there are any."""
        chosen = not self.choices or text in self.choices
        return chosen and (self.pattern is None or re.fullmatch(self.pattern, text) is not None)

    def __str__(self) -> str:
        return " and ".join(
            f"{name.replace('_', ' ')} {limit}"
            for name, limit in asdict(self).items()
            if isinstance(limit, int | float) and math.isfinite(limit)
        )


def option(
    default: Default = ...,  # type: ignore[assignment]
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
    choices: Iterable[str] = (),
    pattern: str | None = None,
    allowed: str | None = None,
    short: str | None = None,
    metavar: str | None = None,
    positional: bool = False,
    listed: bool = False,
    formerly: str | None = None,
) -> Default:
    """Declare a field of a section.

    Args:
        default: `...` where there is none, and the option has to be given.
        at_least: a limit of a number, or of each of several, as `above`, `at_most` and `below`.
        above: see `at_least`.
        at_most: see `at_least`.
        below: see `at_least`.
        choices: the texts that are allowed.
        pattern: a regular expression that the text has to match whole.
        allowed: `pattern` in words, for people.
        short: a letter for the command line.
        metavar: what stands for the value in a command's help.
        positional: whether a command takes it by its place and not by its name.
        listed: whether a command takes all words after it, up to the next option.
        formerly: the text that meant "not given" before None did, still read as that.
    """
    limits = Limits(at_least, above, at_most, below, tuple(choices), pattern, allowed)
    about = {
        "short": short,
        "metavar": metavar,
        "positional": positional,
        "listed": listed,
        "formerly": formerly,
    }
    start: Any = MISSING if default is ... else default
    declared: Any = field(default=start, metadata={"limits": limits, **about})
    return declared  # type: ignore[no-any-return]


def device_option() -> str:
    """Declare where to run: the one list of devices; `gan_style.device` finds what is there."""
    allowed = "auto | cpu | cuda | cuda:NUMBER | mps"
    return option("auto", pattern=r"auto|cpu|cuda(:\d+)?|mps", allowed=allowed, metavar="DEVICE")


class Section:
    """Options that share the first part of their key, `key`; each is checked on construction."""

    key: ClassVar[str] = ""

    def __init_subclass__(cls, key: str | None = None) -> None:
        if key is not None:
            cls.key = key

    def __post_init__(self) -> None:
        for each in options_of(type(self)):
            each.check(getattr(self, each.name))

    @classmethod
    def label(cls, name: str) -> str:
        """What messages call an option: `train.batch_size`, or its name where there is no key."""
        return f"{cls.key}.{name}" if cls.key else name


@dataclass(frozen=True)
class Option:
    """One setting: its name in its section, what it may be and what it means.

    kind: its type; of `X | None`, X. optional: whether it may be None.
    words: that stand for a number: of `int | Literal["auto"]`, "auto".
    """

    section: type[Section]
    name: str
    kind: Any
    optional: bool
    words: tuple[str, ...]
    limits: Limits
    default: Any
    meaning: str
    about: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The name that files, overrides and messages use, such as `train.batch_size`."""
        return self.section.label(self.name)

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts allowed; empty where it is no choice."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else self.limits.choices

    @property
    def allowed(self) -> str:
        """Type and limits in words, such as `a whole number at least 1`."""
        allowed = ", or ".join([self._allowed(), *self.words])
        return allowed + (", or null" if self.optional and self.section.key else "")

    def _allowed(self) -> str:
        if self.choices:
            return " | ".join(self.choices)
        if self.limits.allowed:
            return self.limits.allowed
        words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
        parts = ["…" if part is Ellipsis else "number" for part in get_args(self.kind)]
        kind = words.get(self.kind) or f"[{', '.join(parts)}], each"
        return f"{kind} {self.limits}".rstrip()

    def check(self, value: Any) -> None:
        """Raise ConfigError unless `value` has the right type and keeps the limits."""
        if (value is None and self.optional) or value in self.words:
            return
        if not _accepts(self.kind, self.limits, value):
            raise self.refusal(value)

    def refusal(self, value: Any) -> ConfigError:
        """Return the error that says what was given and what is allowed."""
        shown = _SHOWN.repr(value)
        near = get_close_matches(shown.strip("'"), self.choices or self.words, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return ConfigError(f"{self.key} is {shown}; it must be {self.allowed}{hint}")

    def plain(self, value: Any) -> Any:
        """Return `value` so that OmegaConf reads no more into it than is written."""
        several = get_origin(self.kind) is tuple
        if isinstance(value, list | tuple | Mapping) and not several:
            raise self.refusal(value)
        if value == "???":
            raise ConfigError(f"{self.key} has to be chosen: {self.meaning}")
        if self.optional and (value is None or self._means_not_given(value)):
            return None
        if self.kind is bool and str(value).lower() not in _TRUTHS:
            raise self.refusal(value)
        if several:
            return self._several(value)
        if self.kind is not str and isinstance(value, str) and "${" in value:
            raise self.refusal(value)  # OmegaConf would look for what it stands for
        if self.words and isinstance(value, str):
            return self._word_or_number(value)
        if isinstance(value, str):
            return re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # no interpolation
        return value

    def _several(self, value: Any) -> list[Any]:
        """The values of a list, or of what is one in YAML."""
        try:
            values = parse_text(value) if isinstance(value, str) else value
        except (yaml.YAMLError, RecursionError) as error:
            raise self.refusal(value) from error
        if not isinstance(values, list | tuple):
            raise self.refusal(value)
        if any(isinstance(each, list | tuple | Mapping) or "${" in str(each) for each in values):
            raise self.refusal(value)
        return list(values)

    def _word_or_number(self, text: str) -> Any:
        """OmegaConf reads no number from text where a word is allowed, too."""
        word = text.strip().lower()
        try:
            return word if word in self.words else self.kind(word)
        except ValueError as error:
            raise self.refusal(text) from error

    def _means_not_given(self, value: Any) -> bool:
        text = str(value).strip().lower()
        if text in _NOT_GIVEN:
            return True
        formerly = self.about["formerly"]
        return formerly is not None and text in (formerly, f"{formerly}.0")

    def describe(self) -> str:
        """Return the option's entry in the help of `train`."""
        default = self.default if isinstance(self.default, str) else json.dumps(self.default)
        return f"  {self.key}={default}\n      {self.meaning} [{self.allowed}]"


def options_of(section: type[Section]) -> tuple[Option, ...]:
    """Return a section's options in their order; meanings are the strings under the fields."""
    kinds = get_type_hints(section)
    return tuple(
        Option(
            section,
            declared.name,
            *_kind(kinds[declared.name]),
            declared.metadata.get("limits", Limits()),
            declared.default,
            _meaning(section, declared.name),
            {
                **dict.fromkeys(("short", "metavar", "positional", "listed", "formerly")),
                **declared.metadata,
            },
        )
        for declared in fields(section)  # type: ignore[arg-type]
    )


def _kind(annotation: Any) -> tuple[Any, bool, tuple[str, ...]]:
    """The type, whether it may be None, and the words that stand for a number."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, False, ()
    parts = [part for part in get_args(annotation) if part is not type(None)]
    words = [word for part in parts[1:] for word in get_args(part)]
    return parts[0], len(parts) < len(get_args(annotation)), tuple(words)


def _meaning(section: type[Section], name: str) -> str:
    """The string under a field, in the class that declares it."""
    for owner in section.__mro__:
        if found := _meanings(owner.__module__).get(f"{owner.__name__}.{name}"):
            return found
    return ""


@cache
def _meanings(module: str) -> dict[str, str]:
    """Read the string under each field of a module's classes: {`Class.field`: meaning}."""
    return {
        f"{section.name}.{ast.unparse(declared.target)}": note.value.value
        for section in ast.parse(inspect.getsource(sys.modules[module])).body
        if isinstance(section, ast.ClassDef)
        for declared, note in pairwise(section.body)
        if isinstance(declared, ast.AnnAssign)
        and isinstance(note, ast.Expr)
        and isinstance(note.value, ast.Constant)
        and isinstance(note.value.value, str)
    }


def _accepts(kind: Any, limits: Limits, value: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        if not isinstance(value, tuple):
            return False
        if kinds[-1] is Ellipsis:  # any number of one kind
            kinds = (kinds[0],) * len(value)
        right_length = len(value) == len(kinds)
        return right_length and all(map(_accepts, kinds, [limits] * len(kinds), value))
    if kind in (int, float):
        number = int if kind is int else (int, float)
        return isinstance(value, number) and not isinstance(value, bool) and limits.hold(value)
    return isinstance(value, kind) and (kind is not str or limits.match(value))
