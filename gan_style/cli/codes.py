"""The commands of `gan-style` that make styles of styles: mix, sample, strip."""

import argparse
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

from tqdm import tqdm

from gan_style.cli.stylize import (
    STYLES,
    add_model,
    refuse_to_replace,
    style_at,
    style_file,
)
from gan_style.data.grid import picture_grid
from gan_style.data.images import save_picture, to_tensor
from gan_style.pretrained import code_at
from gan_style.style_code import SUFFIX, StyleCode
from gan_style.stylizer import Stylizer


def _add_mix(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make one style of several: the weighted mean of their codes."
    _add_styles(parser)
    told = "one for each style (default: all alike); brought to a sum of 1"
    parser.add_argument("--weights", type=float, nargs="+", default=(), help=told)
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"NAME{SUFFIX}")
    add_model(parser)
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.set_defaults(command=_mix)


def _mix(options: argparse.Namespace) -> None:
    output = style_file(options.output)
    refuse_to_replace(output, options.force)
    styles = _styles(
        options.styles, lambda: Stylizer.from_pretrained(options.model, options.device)
    )
    mixed = StyleCode.mix(styles, options.weights or [1.0] * len(styles))
    mixed.save(output)
    print(f"{output}: {mixed.name}")


def _add_sample(parser: argparse.ArgumentParser) -> None:
    parser.description = "Invent styles: draw codes as the training pictures' are, or near one."
    parser.add_argument("--n", type=int, default=8, help="how many (default: 8)")
    told = f"vary this style as its own pictures vary: one of {STYLES}"
    parser.add_argument("--near", type=Path, help=told)
    parser.add_argument("--photo", type=Path, help="paint it in each, as a look at them")
    parser.add_argument("--size", type=int, help="short side of the paintings")
    parser.add_argument("--seed", type=int, default=0, help="of the first (default: 0)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder for them")
    add_model(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.set_defaults(command=_sample)


def _sample(options: argparse.Namespace) -> None:
    if options.n < 1:
        raise ValueError(f"--n is {options.n}; allowed: 1 or more")
    seeds = range(options.seed, options.seed + options.n)
    files = {
        seed: [options.output / f"sample-{seed}{ending}" for ending in (SUFFIX, ".png")]
        for seed in seeds
    }
    for made in chain.from_iterable(files.values()):
        refuse_to_replace(made, options.force)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    near = style_at(options.near, stylizer) if options.near else None
    for seed, (path, picture) in files.items():
        code = stylizer.sample(seed) if near is None else near.sample(seed)
        if options.photo:
            save_picture(stylizer.stylize(options.photo, code, size=options.size), picture)
        code.save(path)
    print(f"{options.n} styles in {options.output}")


def _add_strip(parser: argparse.ArgumentParser) -> None:
    parser.description = "Paint one photo on the way from style to style, side by side."
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="the one to paint")
    _add_styles(parser)
    parser.add_argument("--steps", type=int, default=5, help="from one to the next (default: 5)")
    parser.add_argument("--size", type=int, default=288, help="short side of each (default: 288)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a picture")
    add_model(parser)
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.set_defaults(command=_strip)


def _strip(options: argparse.Namespace) -> None:
    if options.steps < 1:
        raise ValueError(f"--steps is {options.steps}; allowed: 1 or more")
    if len(options.styles) < 2:
        raise ValueError("a strip leads from one style to another: give two or more")
    refuse_to_replace(options.output, options.force)
    stylizer = Stylizer.from_pretrained(options.model, options.device)
    styles = _styles(options.styles, lambda: stylizer)
    shares = [step / options.steps for step in range(options.steps)]
    between = [one.interpolate(other, share) for one, other in pairwise(styles) for share in shares]
    painted = [
        to_tensor(stylizer.stylize(options.photo, code, size=options.size))
        for code in tqdm([*between, styles[-1]], unit=" paintings", leave=False)
    ]
    names = ["" for _ in painted]
    names[:: options.steps] = [style.name for style in styles]
    save_picture(picture_grid([painted], names), options.output)
    print(f"painted {options.output}")


def _add_styles(parser: argparse.ArgumentParser) -> None:
    told = f"each one of {STYLES}"
    parser.add_argument("styles", type=Path, nargs="+", metavar="STYLE", help=told)


def _styles(places: Sequence[Path], load: Callable[[], Stylizer]) -> list[StyleCode]:
    """Codes of each place; the model is loaded, once, only if it has to read pictures."""
    codes = [code_at(place) for place in places]  # all are found before one is read
    reader = cache(load)
    return [code or style_at(place, reader()) for code, place in zip(codes, places, strict=True)]


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "mix": ("make one style of several", _add_mix),
    "sample": ("invent styles", _add_sample),
    "strip": ("paint a photo on the way from style to style", _add_strip),
}
"""What each says of itself in a line, and what gives it its options."""
