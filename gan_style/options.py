"""How options are declared, checked, described and read from text; `config` says which there are.

A section is a frozen dataclass of options, each with its meaning in a string under the field:

    @dataclass(frozen=True)
    class TrainConfig(Section, key="train"):
        batch_size: int = limited(8, at_least=1)
"""

import ast
import inspect
import json
import math
import re
import sys
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from gan_style.errors import ConfigError

Default = TypeVar("Default")
_TRUTHS = {"true", "false", "yes", "no", "on", "off"}


@dataclass(frozen=True)
class Limits:
    """The interval that a number, or each number of a tuple, must lie in."""

    at_least: float = -math.inf
    above: float = -math.inf
    at_most: float = math.inf
    below: float = math.inf

    def hold(self, value: float) -> bool:
        """Say whether `value` is finite and inside."""
        inside = self.at_least <= value <= self.at_most and self.above < value < self.below
        return inside and math.isfinite(value)

    def __str__(self) -> str:
        return " and ".join(
            f"{name.replace('_', ' ')} {limit}"
            for name, limit in asdict(self).items()
            if math.isfinite(limit)
        )


def limited(default: Default, **limits: float) -> Default:
    """Declare a dataclass field whose value must keep `Limits(**limits)`."""
    declared: Any = field(default=default, metadata={"limits": Limits(**limits)})
    return declared  # type: ignore[no-any-return]


class Section:
    """Options that share the first part of their key, `key`; each is checked on construction."""

    key: ClassVar[str]

    def __init_subclass__(cls, key: str) -> None:
        cls.key = key

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            option.check(getattr(self, option.name))


@dataclass(frozen=True)
class Option:
    """One setting: its name in its section, what it may be and what it means."""

    section: type[Section]
    name: str
    kind: Any
    limits: Limits
    default: Any
    meaning: str

    @property
    def key(self) -> str:
        """The name that files and overrides use, such as `train.batch_size`."""
        return f"{self.section.key}.{self.name}"

    @property
    def allowed(self) -> str:
        """Type and limits in words, such as `a whole number at least 1`."""
        if get_origin(self.kind) is Literal:
            return " | ".join(get_args(self.kind))
        words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
        kind = words.get(self.kind) or f"[{', '.join(['number'] * len(get_args(self.kind)))}], each"
        return f"{kind} {self.limits}".rstrip()

    def check(self, value: Any) -> None:
        """Raise ConfigError unless `value` has the right type and keeps the limits."""
        if not _accepts(self.kind, self.limits, value):
            raise self.refusal(value)

    def refusal(self, value: Any) -> ConfigError:
        """Return the error that says what was given and what is allowed."""
        return ConfigError(f"{self.key} is {value!r}; it must be {self.allowed}")

    def plain(self, value: Any) -> Any:
        """Return `value` so that OmegaConf reads no more into it than is written."""
        if value == "???":
            raise ConfigError(f"{self.key} has to be chosen: {self.meaning}")
        if self.kind is bool and str(value).lower() not in _TRUTHS:
            raise self.refusal(value)
        if get_origin(self.kind) is tuple and isinstance(value, str):
            try:
                return parse_text(value)
            except yaml.YAMLError as error:
                raise self.refusal(value) from error
        if isinstance(value, str):
            return re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # no interpolation
        return value

    def describe(self) -> str:
        """Return the option's entry in `--help`."""
        default = self.default if isinstance(self.default, str) else json.dumps(self.default)
        return f"  {self.key}={default}\n      {self.meaning} [{self.allowed}]"


def options_of(section: type[Section]) -> tuple[Option, ...]:
    """Return a section's options in their order; meanings are the strings under the fields."""
    kinds = get_type_hints(section)
    return tuple(
        Option(
            section,
            declared.name,
            kinds[declared.name],
            declared.metadata.get("limits", Limits()),
            declared.default,
            _meanings(section.__module__).get(f"{section.__name__}.{declared.name}", ""),
        )
        for declared in fields(section)  # type: ignore[arg-type]
    )


def read_settings(path: str) -> dict[str, Any]:
    """Read a YAML file as {`key.sub`: value}, each value a string (or a list of them, or None).

    Raises:
        ConfigError: The file is missing, unreadable, not YAML or not a mapping.
    """
    try:
        values = parse_text(Path(path).read_text(encoding="utf-8-sig"))
        return settings_of({} if values is None else values)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"cannot use the configuration file {path}: {error}") from error


def settings_of(values: Any) -> dict[str, Any]:
    """Flatten nested mappings to {`key.sub`: value}; ConfigError if `values` is no mapping."""
    if not isinstance(values, Mapping):
        raise ConfigError("a configuration is a mapping, such as `train: {steps: 3}`")
    return dict(_leaves(values, ""))


def settings_of_override(override: str) -> dict[str, Any]:
    """Turn `key.sub=value` into {`key.sub`: `value`}; ConfigError if it is something else."""
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"{override!r} is not an override, which is written key.sub=value")
    return {key.strip(): text}


def parse_text(text: str) -> Any:
    """Parse YAML, leaving words and numbers strings: the option's type decides what they are."""
    return yaml.load(text, _TextLoader)


class _TextLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (it is one in PyYAML)
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.YAMLError(f"{twice!r} stands there twice")
        return super().construct_mapping(node, deep)


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


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
        right_length = isinstance(value, tuple) and len(value) == len(kinds)
        return right_length and all(map(_accepts, kinds, [limits] * len(kinds), value))
    if kind in (int, float):
        number = int if kind is int else (int, float)
        return isinstance(value, number) and not isinstance(value, bool) and limits.hold(value)
    return isinstance(value, kind)
