"""The paintings of an evaluation: files that any program made, or painted when their turn comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from PIL import Image

from gan_style.data.images import find_pictures, read_picture
from gan_style.errors import EvaluationError
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

BETWEEN = "__"
"""What stands between the names of photo and style in the name of a painting."""

Painter = Callable[[Path, Path | None], Image.Image]
"""Photo and style picture -> painting; no style picture where the style is a collection."""


@dataclass(frozen=True)
class Output:
    """A painting: what it is called, what it was made from, and how to get it.

    style: None where the style is a collection.
    """

    name: str
    content: Path
    style: Path | None
    get: Callable[[], Image.Image]


def named_pictures(folder: Path, what: str) -> dict[str, Path]:
    """Pictures of a folder by their names without suffix.

    Args:
        folder: searched with all folders in it.
        what: what to call the folder in errors.

    Raises:
        EvaluationError: no pictures, or two of one name.
        ValueError: `folder` is missing or not a folder.
    """
    found: dict[str, Path] = {}
    for path in find_pictures(folder):
        if path.stem in found:
            raise EvaluationError(
                f"{found[path.stem]} and {path} are both {path.stem!r}; {what} go by their names "
                "without suffix, rename one"
            )
        found[path.stem] = path
    if not found:
        raise EvaluationError(f"no pictures among the {what}: {folder}")
    return found


def outputs_in(
    folder: Path, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[Output]:
    """The paintings that lie in a folder, in the order of their names.

    They are called <photo>__<style>, or <photo> where the style is a collection (`styles` None);
    not every pair has to be there.

    Raises:
        EvaluationError: a name that fits no photo and style, or fits several.
        ValueError: `folder` is missing or not a folder.
    """
    outputs = []
    for name, path in named_pictures(folder, "paintings").items():
        fits = _readings(name, contents, styles)
        if len(fits) != 1:
            expected = "<content>" if styles is None else f"<content>{BETWEEN}<style>"
            why = "fits several pairs" if fits else f"no such {_missing(name, contents, styles)}"
            raise EvaluationError(f"{path} must be named {expected}.png: {why}")
        content, style = fits[0]
        outputs.append(Output(name, content, style, partial(read_picture, path)))
    return outputs


def _readings(
    name: str, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[tuple[Path, Path | None]]:
    """Every way to read the name as a photo's and a style's; both may hold what is between."""
    if styles is None:
        return [(contents[name], None)] if name in contents else []
    starts = (i for i in range(len(name)) if name.startswith(BETWEEN, i))
    cuts = ((name[:i], name[i + len(BETWEEN) :]) for i in starts)
    return [(contents[c], styles[s]) for c, s in cuts if c in contents and s in styles]


def _missing(name: str, contents: Mapping[str, Path], styles: Mapping[str, Path] | None) -> str:
    content, _, style = name.partition(BETWEEN)
    if styles is None or BETWEEN not in name:
        return f"photo as {name!r}" if styles is None else f"pair: {BETWEEN!r} is not in its name"
    return f"style as {style!r}" if content in contents else f"photo as {content!r}"


def outputs_of(
    paint: Painter, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[Output]:
    """A painting of every photo, in every style or (`styles` None) in the collection's."""
    if styles is None:
        return [
            Output(name, content, None, partial(paint, content, None))
            for name, content in contents.items()
        ]
    return [
        Output(f"{name}{BETWEEN}{other}", content, style, partial(paint, content, style))
        for name, content in contents.items()
        for other, style in styles.items()
    ]


def painter(stylizer: Stylizer, size: int, code: StyleCode | None = None) -> Painter:
    """Paint with a model at a short side of `size` pixels, in `code` or the style picture's."""
    encode = cache(lambda style: stylizer.encode(style, style.stem))

    def paint(content: Path, style: Path | None) -> Image.Image:
        own = encode(style) if code is None else code
        return stylizer.stylize(content, own, size=size)

    return paint
