"""A sheet of photos in chosen styles, each painted by its own model, and by the base model."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gan_style.app.catalog import Choice
from gan_style.app.studio import Studio
from gan_style.comparing import Candidate, compare_candidates
from gan_style.config import load_config
from gan_style.data.collection import find_styles
from gan_style.errors import ConfigError, GanStyleError, StyleError
from gan_style.shipped import BASE
from gan_style.style_code import StyleCode

_MOST = 120  # paintings on a sheet


@dataclass(frozen=True)
class Wish:
    """What is to be compared.

    with_base: whether the base model paints beside a style that a run learned, too.
    size: short side in pixels of each painting.
    """

    photos: Sequence[Path]
    styles: Sequence[Choice]
    with_base: bool
    strengths: Sequence[float]
    stroke_sizes: Sequence[float]
    size: int


def comparison(
    wish: Wish, studio: Studio, progress: Callable[[list[Any]], Iterable[Any]]
) -> Image.Image:
    """Paint and lay out. Only within `Studio.work`.

    Raises:
        StyleError, ConfigError: nothing is chosen, or too much.
        PictureError: a photo cannot be read.
    """
    if not wish.styles:
        raise StyleError("no style is chosen yet: choose one or more")
    if not wish.strengths or not wish.stroke_sizes:
        raise ConfigError("choose at least one strength and one stroke size")
    groups = [_group(each, wish.with_base, studio) for each in wish.styles]
    settings = len(wish.strengths) * len(wish.stroke_sizes)
    count = len(wish.photos) * settings * sum(map(len, groups))
    if count > _MOST:
        raise ConfigError(f"this would be {count} paintings; a sheet has at most {_MOST}")
    return compare_candidates(
        wish.photos,
        groups,
        strengths=wish.strengths,
        stroke_sizes=wish.stroke_sizes,
        size=wish.size,
        progress=progress,
    )


def _group(choice: Choice, with_base: bool, studio: Studio) -> list[Candidate]:
    """The style as its model paints it, and before it as the base model does, if it can."""
    mine = Candidate(choice.label, studio.stylizer(choice.model), choice.code)
    if choice.run is None or not with_base:
        return [mine]
    base = _by_base(choice.run, choice.code.name, studio)
    if base is None:
        return [mine]
    return [Candidate(f"{choice.label}, base model", studio.stylizer(BASE), base), mine]


def _by_base(run: Path, style: str, studio: Studio) -> StyleCode | None:
    """The code that the base model reads in the pictures of a run; None if they are gone."""
    try:
        config = load_config(str(run / "config.yaml"))
        styles = {each.name: each.paths for each in find_styles(config.data)}
        return studio.stylizer(BASE).encode(list(styles[style]), style)
    except (GanStyleError, KeyError):
        return None
