"""Controls that several tabs have."""

import html
from collections.abc import Iterable
from dataclasses import replace

import gradio as gr

from gan_style.app.catalog import Choice
from gan_style.app.desk import Desk
from gan_style.errors import StyleError
from gan_style.painting.config import PaintConfig
from gan_style.shipped import STYLE_SUFFIX
from gan_style.style_code import StyleCode

PICTURES = ["image", ".heic", ".heif", ".hif", ".avif", ".jfif"]
"""What the browser offers to choose; some systems take the last ones for no pictures."""
OWN_SIZE = "Its own"
_SIZES = [OWN_SIZE, "2048", "1024", "512"]
_DEFAULTS = PaintConfig()


def strength_slider() -> gr.Slider:
    """How much of the style."""
    return gr.Slider(
        0,
        1,
        _DEFAULTS.strength,
        step=0.05,
        label="Strength",
        info="0 is the photo, 1 the full style.",
        min_width=140,
    )


def stroke_slider() -> gr.Slider:
    """How large strokes are."""
    return gr.Slider(
        0.5,
        4,
        _DEFAULTS.stroke_size,
        step=0.1,
        label="Stroke size",
        info="1 is as in the style's pictures.",
        min_width=140,
    )


def keep_color_box(what: str = "photo") -> gr.Checkbox:
    """Whether the photo keeps its colors."""
    return gr.Checkbox(label=f"Keep the {what}'s colors", value=_DEFAULTS.keep_color)


def size_choice(value: str = OWN_SIZE) -> gr.Dropdown:
    """The short side of the painting."""
    return gr.Dropdown(_SIZES, value=value, label="Short side in pixels", min_width=140)


def own_size(text: str) -> int | None:
    """The short side that was chosen; None for the picture's own."""
    return None if text == OWN_SIZE else int(text)


def style_choices(styles: Iterable[Choice]) -> list[tuple[str, str]]:
    """What a list to choose from shows, with the keys that it gives."""
    return [(each.label, each.key) for each in styles]


def save_code(desk: Desk, code: StyleCode | None, name: str) -> str:
    """Save a style code under a name that is not taken yet; returns its key.

    Raises:
        StyleError: there is no code.
    """
    if code is None:
        raise StyleError("there is no style to keep yet")
    file = desk.folder.new_place("codes", name, STYLE_SUFFIX)
    stem = file.name.removesuffix(STYLE_SUFFIX)
    replace(code, name=stem).save(file)
    return f"code:{stem}"


def as_text(text: str) -> str:
    """Text for components that take HTML or Markdown."""
    return html.escape(text).replace("_", "&#95;").replace("*", "&#42;")
