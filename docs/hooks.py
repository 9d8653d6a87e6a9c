"""What the site is built with beside MkDocs: equations as MathML, and tables read from the code.

A page says where a table goes: `<!-- options -->` for every option of a training run,
`<!-- commands -->` for every command, `<!-- fields module.Class -->` for the fields of a class of
options. All are read from the package, so that they cannot drift.
"""

import html
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import click
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gan_style.cli.main import command_line
from gan_style.config import SECTIONS
from gan_style.options import Option, Section, options_of

REPOSITORY = Path(__file__).resolve().parents[1]
_CARDS = REPOSITORY / "gan_style" / "weights"

_MATH = re.compile(
    r'(<(?:div|span) class="arithmatex">)\\([\[(])(.*?)\\[\])](</(?:div|span)>)', re.S
)
_MARK = re.compile(r"^<!-- (options|commands|fields) ?([\w.]*) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Show the model cards, which belong beside the weights, as pages of the site."""
    for name in ("base", "compact"):
        card = str(_CARDS / f"{name}.md")
        files.append(File.generated(config, f"models/{name}.md", abs_src_path=card))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables where a page asks for them."""
    write = {
        "options": lambda _: option_tables(),
        "commands": lambda _: commands(),
        "fields": field_table,
    }
    return _MARK.sub(lambda found: write[found[1]](found[2]), markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Turn equations into MathML, which browsers show by themselves: no script, no fonts."""

    def typeset(found: re.Match[str]) -> str:
        begin, kind, latex, end = found.groups()
        display = "block" if kind == "[" else "inline"
        return begin + convert(html.unescape(latex), display=display) + end

    return _MATH.sub(typeset, content)


# ---------------------------------------------------------------------- options


def option_tables() -> str:
    """A table of options for each section of the configuration."""
    return "\n\n".join("\n".join(_section(name)) for name in SECTIONS)


def _section(name: str) -> Iterator[str]:
    yield f"## {name}\n\n{inspect.getdoc(SECTIONS[name])}\n"
    yield from _rows(SECTIONS[name])


def field_table(name: str) -> str:
    """A table of the fields of a class of options, such as `module.Class`."""
    module, _, kind = name.rpartition(".")
    return "\n".join(_rows(getattr(importlib.import_module(module), kind)))


def _rows(section: type[Section]) -> Iterator[str]:
    yield "| Option | Default | Meaning |\n| --- | --- | --- |"
    for option in options_of(section):
        meaning = f"{option.meaning} *Allowed:* {_allowed(option)}."
        yield f"| `{option.key}` | {_default(option.default)} | {_cell(meaning)} |"


def _allowed(option: Option) -> str:
    words = option.allowed.split(" | ")
    return ", ".join(f"`{word}`" for word in words) if len(words) > 1 else option.allowed


def _default(value: Any) -> str:
    if value is MISSING:
        return "*required*"
    if value is None:
        return "`null`"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


def _cell(text: str) -> str:
    words = " ".join(text.split()).replace("|", r"\|")
    return re.sub(r"`[^`]*`|<", lambda found: "&lt;" if found[0] == "<" else found[0], words)


# ---------------------------------------------------------------------- commands


def commands() -> str:
    """Usage, arguments, options and examples of every command, as the command line has them."""
    group = command_line()
    context = click.Context(group, info_name="gan-style")
    listed = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return "\n\n".join(
        "\n".join(_command(click.Context(command, parent=context, info_name=name)))
        for name, command in listed
        if command and not command.hidden
    )


def _command(context: click.Context) -> Iterator[str]:
    command = context.command
    about, _, examples = (command.help or "").partition("\n\n\b\nExamples:\n")
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"## {context.info_name}\n\n{about}\n\n```text\n{usage}\n```\n"
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter))]
    if rows:
        yield "| Argument or option | Default | Meaning |\n| --- | --- | --- |"
        yield from rows
    if examples:
        yield f"\n```sh\n{inspect.cleandoc(examples)}\n```"
    if context.info_name == "train":
        yield "\n[Options](options.md) lists every `section.name=value`."


def _row(parameter: click.Parameter) -> str | None:
    names = ", ".join(f"`{name}`" for name in parameter.opts if name != "--help")
    if not names:
        return None
    if isinstance(parameter, click.Argument):
        names = f"`{parameter.metavar or parameter.human_readable_name}`"
    help_text = str(getattr(parameter, "help", None) or "")
    if isinstance(parameter.type, click.Choice):
        help_text += f" *Allowed:* {', '.join(f'`{each}`' for each in parameter.type.choices)}."
    return f"| {names} | {_command_default(parameter)} | {_cell(help_text)} |"


def _command_default(parameter: click.Parameter) -> str:
    if parameter.required:
        return "*required*"
    if isinstance(parameter, click.Argument) or getattr(parameter, "is_flag", False):
        return ""
    return "" if parameter.default in (None, ()) else f"`{parameter.default}`"
