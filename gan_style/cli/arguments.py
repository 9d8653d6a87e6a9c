"""Dataclasses whose fields are a command's arguments: one place for defaults, help and choices."""

import argparse
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def argument(default: Any, meaning: str, **more: Any) -> Any:
    """A field with what argparse's add_argument needs to know of it.

    Args:
        default: ... for a positional argument, which has none; False for a flag.
        meaning: the help, without the default.
        more: as add_argument takes it; `type` is that of the default unless it is given.
    """
    if default is ...:
        return field(metadata={"help": meaning, **more})
    if default is False:
        return field(default=False, metadata={"help": meaning, "action": "store_true"})
    told = meaning if default in ("", None) else f"{meaning} (default: {default})"
    metadata = {"help": told, "default": default, "type": type(default), **more}
    return field(default=default, metadata=metadata)


def check_choices(values: Any, error: type[ValueError] = ValueError) -> None:
    """Raise `error` for a field of the dataclass that is none of its choices."""
    for option in fields(values):
        value, choices = getattr(values, option.name), option.metadata.get("choices")
        if choices and value not in choices:
            raise error(f"{option.name} is {value!r}; allowed: {', '.join(choices)}")


def add_arguments(parser: argparse.ArgumentParser, kind: Any) -> None:
    """Give a command every field of the dataclass: those with a default as --name."""
    for option in fields(kind):
        flag = f"--{option.name.replace('_', '-')}"
        name = option.name if option.default is MISSING else flag
        parser.add_argument(name, **option.metadata)


def given(kind: type[T], options: argparse.Namespace) -> T:
    """The dataclass with what was given to the command; its errors are its own."""
    return kind(**{each.name: getattr(options, each.name) for each in fields(kind)})  # type: ignore[arg-type]
