"""The commands that make style codes: encode, mix, sample, strip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import Model, Output, existing, existing_pictures, numbers
from gan_style.errors import ConfigError
from gan_style.options import option
from gan_style.shipped import STYLE_SUFFIX
from gan_style.sizes import MINIMUM_SIDE, READING_SIDE

if TYPE_CHECKING:
    from gan_style.style_code import StyleCode
    from gan_style.stylizer import Stylizer


@dataclass(frozen=True, kw_only=True)
class Encode(Output, Model):
    """Turn example pictures into a style code, a file under 100 KB."""

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style encode my_pictures -o mine.style.safetensors",
        "gan-style encode my_pictures -o mine.style.safetensors --refine 30",
    )

    pictures: tuple[str, ...] = option(positional=True, metavar="PICTURE")
    """Pictures of one style, or folders of them."""
    name: str | None = None
    """Name kept in the code; the file's if not given."""
    refine: float | None = option(None, above=0, metavar="SECONDS")
    """Weigh the pictures for so long, so that paintings come nearer to them all."""
    content: str = option("scikit-image", metavar="FOLDER")
    """Photos to paint while refining; those of scikit-image if not given."""

    def run(self) -> None:
        """Encode, refine if that is wanted, and save."""
        self.refuse_outputs(self.style_file)
        pictures = existing_pictures(self.pictures)
        from tqdm import tqdm

        from gan_style.stylizer import Stylizer

        stylizer = Stylizer.from_pretrained(self.model, device=self.device)
        name = self.name or self.style_file.name.removesuffix(STYLE_SUFFIX)
        style = stylizer.encode(pictures, name, progress=partial(tqdm, unit=" pictures"))
        if self.refine is not None:
            style = self._refined(stylizer, style, pictures, self.refine)
        style.save(self.style_file)
        print(
            f"{self.style_file}: style {style.name!r} from {style.count} pictures, "
            f"model {style.model}"
        )

    def _refined(
        self, stylizer: "Stylizer", style: "StyleCode", pictures: list[Path], seconds: float
    ) -> "StyleCode":
        from tqdm import tqdm

        from gan_style.config import DataConfig
        from gan_style.data.collection import load_content
        from gan_style.training.refine import refine

        photos = load_content(DataConfig(content=self.content))
        with tqdm(total=100, bar_format="refining {percentage:3.0f}%|{bar}| {elapsed}") as bar:
            return refine(
                stylizer,
                style,
                pictures,
                photos,
                seconds,
                progress=lambda share: bar.update(100 * share - bar.n),
            )


@dataclass(frozen=True, kw_only=True)
class Mix(Output, Model):
    """Make one style of several: the weighted mean of their codes."""

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style mix woodblock mine.style.safetensors --weights 0.3,0.7 -o mixed",
    )

    styles: tuple[str, ...] = option(positional=True, metavar="STYLE")
    """Codes, pictures, folders of pictures, or names."""
    weights: str | None = option(None, metavar="W,W")
    """One for each style, brought to a sum of 1; all alike if not given."""

    def run(self) -> None:
        """Mix and save."""
        self.refuse_outputs(self.style_file)
        weights = numbers(self.weights, self.label("weights")) or [1.0] * len(self.styles)
        from gan_style.style_code import StyleCode

        mixed = StyleCode.mix(_styles(self.styles, self), weights)
        mixed.save(self.style_file)
        print(f"{self.style_file}: {mixed.name}")


@dataclass(frozen=True, kw_only=True)
class Sample(Output, Model):
    """Invent styles: between pictures that the model learned from, or near a style of yours."""

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style sample --n 8 --photo photo.jpg -o invented",
        "gan-style sample --n 4 --near mine.style.safetensors --photo photo.jpg -o near_mine",
    )

    n: int = option(8, at_least=1)
    """How many."""
    near: str | None = option(None, metavar="STYLE")
    """Vary this style as its own pictures vary."""
    photo: str | None = None
    """Paint this photo in each, as a preview."""
    size: int | None = option(None, at_least=MINIMUM_SIDE, metavar="PIXELS")
    """Short side of the paintings."""
    seed: int = option(0, at_least=0)
    """Seed of the first; the next one's is one more."""

    def run(self) -> None:
        """Draw, paint if there is a photo, and save."""
        output = Path(self.output)
        files = {
            seed: [output / f"sample-{seed}{ending}" for ending in (STYLE_SUFFIX, ".png")]
            for seed in range(self.seed, self.seed + self.n)
        }
        self.refuse_outputs(*chain.from_iterable(files.values()))
        photo = existing(self.photo) if self.photo else None
        from gan_style.data.images import save_picture
        from gan_style.stylizer import Stylizer

        stylizer = Stylizer.from_pretrained(self.model, device=self.device)
        near = stylizer.style(self.near) if self.near else None
        for seed, (path, picture) in files.items():
            style = stylizer.sample_style(seed) if near is None else near.perturb(seed)
            if photo:
                save_picture(stylizer.stylize(photo, style, size=self.size), picture)
            style.save(path)
        print(f"{self.n} styles in {self.output}")


@dataclass(frozen=True, kw_only=True)
class Strip(Output, Model):
    """Paint one photo on the way from style to style, side by side."""

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style strip photo.jpg woodblock mosaic pen-and-ink -o strip.png",
    )

    photo: str = option(positional=True)
    """The photo to paint."""
    styles: tuple[str, ...] = option(positional=True, metavar="STYLE")
    """Codes, pictures, folders of pictures, or names; two or more."""
    steps: int = option(5, at_least=1)
    """Steps from one style to the next."""
    size: int = option(READING_SIDE, at_least=MINIMUM_SIDE, metavar="PIXELS")
    """Short side of each painting."""

    def run(self) -> None:
        """Paint and save."""
        output = Path(self.output)
        if len(self.styles) < 2:
            raise ConfigError("a strip leads from one style to another: give two or more")
        self.refuse_outputs(output)
        photo = existing(self.photo)
        from tqdm import tqdm

        from gan_style.data.grid import Cell, wrapped_sheet
        from gan_style.data.images import open_picture, resize_short_side, save_picture
        from gan_style.stylizer import Stylizer

        stylizer = Stylizer.from_pretrained(self.model, device=self.device)
        styles = [stylizer.style(place) for place in self.styles]
        shares = [step / self.steps for step in range(self.steps)]
        between = [one.interpolate(two, share) for one, two in pairwise(styles) for share in shares]
        names = [""] * (len(between) + 1)
        names[:: self.steps] = [style.name for style in styles]
        before = Cell(resize_short_side(open_picture(photo), self.size), "photo")
        painted = [
            Cell(stylizer.stylize(before.picture, style), name)
            for style, name in zip(
                tqdm([*between, styles[-1]], unit=" paintings", leave=False), names, strict=True
            )
        ]
        save_picture(wrapped_sheet([(before, painted)]), output)
        print(f"painted {output}")


def _styles(places: Sequence[str], options: Model) -> list["StyleCode"]:
    """The codes; the model is loaded only if it has to read pictures, or knows a name."""
    from gan_style.style_code import StyleCode
    from gan_style.stylizer import Stylizer

    if all(place.endswith(STYLE_SUFFIX) for place in places):
        return [StyleCode.load(place) for place in places]
    stylizer = Stylizer.from_pretrained(options.model, device=options.device)
    return [stylizer.style(place) for place in places]
