"""The paintings of an evaluation: files that any program made, or painted when they are needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from PIL import Image

from gan_style.data.images import find_pictures, read_picture
from gan_style.errors import EvaluationError
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

SEPARATOR = "__"
"""Stands between the names of photo and style in the file name of a painting."""

Stylize = Callable[[Path, Path | None], Image.Image]
"""Photo and style picture -> painting; no style picture where the style is a collection."""


@dataclass(frozen=True)
class Output:
    """A painting: its name, what it was made from, and how to get it.

    style: None where the style is a collection. get: reads or paints it; raises PictureError.
    """

    name: str
    content: Path
    style: Path | None
    get: Callable[[], Image.Image]


def pictures_by_name(folder: Path, what: str) -> dict[str, Path]:
    """Pictures of a folder by their file names without suffix.

    Args:
        folder: searched with all folders in it.
        what: what the pictures are called in errors.

    Raises:
        EvaluationError: no pictures, or two of the same name.
        DataError: `folder` is missing or not a folder.
    """
    found: dict[str, Path] = {}
    for path in find_pictures(folder):
        if path.stem in found:
            raise EvaluationError(
                f"{found[path.stem]} and {path} are both {path.stem!r}; {what} are identified by "
                "their names without suffix, rename one"
            )
        found[path.stem] = path
    if not found:
        raise EvaluationError(f"no {what} in folder {folder}")
    return found


def find_outputs(
    folder: Path, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[Output]:
    """The paintings in a folder, in the order of their names.

    They are called <photo>__<style>, or <photo> where the style is a collection (`styles` None);
    not every pair has to be there.

    Raises:
        EvaluationError: a name that fits no photo and style, or fits several.
        DataError: `folder` is missing or not a folder.
    """
    outputs = []
    for name, path in pictures_by_name(folder, "paintings").items():
        fits = _pairs_of_name(name, contents, styles)
        if len(fits) != 1:
            expected = "<content>" if styles is None else f"<content>{SEPARATOR}<style>"
            why = "fits several pairs" if fits else f"no such {_missing(name, contents, styles)}"
            raise EvaluationError(f"{path} must be named {expected}.png: {why}")
        content, style = fits[0]
        outputs.append(Output(name, content, style, partial(read_picture, path)))
    return outputs


def _pairs_of_name(
    name: str, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[tuple[Path, Path | None]]:
    """Every photo and style that the name can mean; both names may hold the separator, too."""
    if styles is None:
        return [(contents[name], None)] if name in contents else []
    starts = (i for i in range(len(name)) if name.startswith(SEPARATOR, i))
    cuts = ((name[:i], name[i + len(SEPARATOR) :]) for i in starts)
    return [(contents[c], styles[s]) for c, s in cuts if c in contents and s in styles]


def _missing(name: str, contents: Mapping[str, Path], styles: Mapping[str, Path] | None) -> str:
    content, _, style = name.partition(SEPARATOR)
    if styles is None or SEPARATOR not in name:
        return f"photo as {name!r}" if styles is None else f"pair: {SEPARATOR!r} is not in its name"
    return f"style as {style!r}" if content in contents else f"photo as {content!r}"


def make_outputs(
    stylize: Stylize, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[Output]:
    """A painting of every photo, in every style or (`styles` None) in the collection's."""
    if styles is None:
        return [
            Output(name, content, None, partial(stylize, content, None))
            for name, content in contents.items()
        ]
    return [
        Output(f"{name}{SEPARATOR}{other}", content, style, partial(stylize, content, style))
        for name, content in contents.items()
        for other, style in styles.items()
    ]


def stylize_with(stylizer: Stylizer, size: int, style: StyleCode | None = None) -> Stylize:
    """A model as a function that paints at a short side of `size` pixels.

    The style is `style`, or that of the style picture if it is None.
    """
    encode = cache(lambda picture: stylizer.encode(picture, picture.stem))

    def stylize(content: Path, picture: Path | None) -> Image.Image:
        return stylizer.stylize(content, encode(picture) if style is None else style, size=size)

    return stylize
