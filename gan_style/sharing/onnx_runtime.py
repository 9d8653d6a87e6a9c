"""Paint photos with exported ONNX files, without PyTorch.

Needs numpy, Pillow, onnxruntime and safetensors, and nothing else of gan_style: this file can be
copied to where the files are used.

    python onnx_runtime.py photo.jpg --model out/model.onnx --style my.style.safetensors -o out.png

Shapes: H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

import argparse
import json
import math
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path
from statistics import median_high
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Floats: TypeAlias = NDArray[np.float32]
Picture: TypeAlias = str | Path | Image.Image

# As in gan_style.sizes and gan_style.painting.plan, which this file does not import.
LEAST_SIDE = 32
READING_SIDES = (192, 288, 512, 1024)
READ_ALWAYS = 288
CARRIED_SIDE = 512
LARGEST_SIDE = 2048
OWN_SIDE = 1024
MOST_ENLARGED = 2.25
LONGEST_RATIO = 4


class Style(NamedTuple):
    """A style code.

    codes: (R, d). sides: R short sides in pixels, ascending, at which pictures were read. model:
    the id of the model that it belongs to; empty if that is not known.
    """

    codes: Floats
    sides: tuple[int, ...]
    model: str = ""

    def at(self, side: float) -> Floats:
        """The code (1, d) at a short side: linear in its logarithm between those that there are."""
        place = bisect(self.sides, side)
        if place in (0, len(self.sides)):
            return self._row(max(0, place - 1))
        below, above = self.sides[place - 1 : place + 1]
        share = np.float32(math.log(side / below) / math.log(above / below))
        low, high = self._row(place - 1), self._row(place)
        between: Floats = low + share * (high - low)
        return between

    def _row(self, place: int) -> Floats:
        return self.codes[place : place + 1]


class OnnxStylizer:
    """Paints pictures with the files that `gan-style export --onnx` wrote.

    Args:
        model: the file of the painting; those of the encoder and of enlarging are beside it.
        providers: of ONNX Runtime, the preferred first.
        threads: on the CPU; None lets ONNX Runtime choose.

    Raises:
        ValueError: no file that `gan-style export --onnx` wrote.
    """

    def __init__(
        self,
        model: str | Path,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        threads: int | None = None,
    ) -> None:
        self._file = Path(model)
        self._providers = list(providers)
        self._threads = threads
        self._sessions: dict[str, Any] = {}
        facts = self._session("").get_modelmeta().custom_metadata_map
        if facts.get("gan_style.part") != "painting":
            raise ValueError(f"{model} is not the file of a painting by gan-style export --onnx")
        self.id: str = facts["gan_style.model"]
        """The id of the model, as its style codes have it."""

    def stylize(
        self,
        picture: Picture,
        style: Style | str | Path,
        strength: float = 1.0,
        *,
        size: int | None = None,
    ) -> Image.Image:
        """Paint a picture in a style, as `gan_style.Stylizer.stylize` does.

        Args:
            picture: PIL picture or path.
            style: from `read_style` or `encode`, or the path of a *.style.safetensors.
            strength: 0 gives the picture back, 1 the full style.
            size: short side in pixels of the painting; None keeps the picture's own.

        Raises:
            ValueError: a style of another model, or a strength or size that is not allowed.
        """
        wanted = style if isinstance(style, Style) else read_style(style)
        if wanted.model not in ("", self.id):
            raise ValueError(f"the style is of model {wanted.model}, the files are of {self.id}")
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is {strength}; allowed: 0 to 1")
        if size is not None and size < LEAST_SIDE:
            raise ValueError(f"size is {size}; allowed: {LEAST_SIDE} or more")
        photo = _opened(picture)
        if size is not None:
            photo = _resized(photo, size)
        return _picture(self._painted(photo, wanted, strength)) if strength else photo

    def encode(self, pictures: Sequence[Picture]) -> Style:
        """Read a style from one or more pictures, as `gan_style.Stylizer.encode` does."""
        read, lengths = [], []
        for opened in map(_opened, pictures):
            cut = _cropped(opened)
            lengths.append(min(opened.size))
            sides = _reading_sides(min(cut.size))
            read.append([self._read(_floats(_resized(cut, side)))[0] for side in sides])
        sides = _reading_sides(median_high(lengths))
        rows = [[codes[min(row, len(codes) - 1)] for row in range(len(sides))] for codes in read]
        return Style(np.mean(rows, axis=0, dtype=np.float32), sides, self.id)

    def _painted(self, photo: Image.Image, style: Style, strength: float) -> Floats:
        short = min(photo.size)
        largest = min(LARGEST_SIDE, max(CARRIED_SIDE, style.sides[-1]))
        side = max(LEAST_SIDE, min(short, largest))
        code = style.at(side)
        small = _floats(_resized(photo, side))
        painted = self._paint(small, code, strength)
        if short > 2 * side <= LARGEST_SIDE:  # paint over it once it is enlarged
            if strength < 1:
                own = self._read(_floats(_resized(photo, min(side, OWN_SIDE))))
                code = own + np.float32(strength) * (code - own)
            larger = _floats(_resized(photo, 2 * side))
            enlarged = self._enlarged(larger, small, painted)
            over = self._paint(enlarged, code, 1.0)
            small, painted = larger, enlarged + np.float32(0.5 * strength) * (over - enlarged)
        if short > min(small.shape[2:]):
            painted = self._enlarged(_floats(photo), small, painted)
        elif painted.shape[3:1:-1] != photo.size:  # under 32 px, which networks get enlarged
            shrunk = _picture(painted).resize(photo.size, Image.Resampling.BOX)
            painted = _floats(shrunk)
        return painted

    def _paint(self, photo: Floats, code: Floats, strength: float) -> Floats:
        share = np.array([strength], np.float32)
        return self._run("", {"photo": photo, "code": code, "strength": share})

    def _enlarged(self, photo: Floats, small: Floats, painted: Floats) -> Floats:
        return self._run("enlarge", {"photo": photo, "small": small, "painted": painted})

    def _read(self, pictures: Floats) -> Floats:
        return self._run("encoder", {"pictures": pictures})

    def _run(self, part: str, inputs: dict[str, Floats]) -> Floats:
        result: Floats = self._session(part).run(None, inputs)[0]
        return result

    def _session(self, part: str) -> Any:
        """The network of a part, loaded when it is first needed."""
        import onnxruntime

        if part not in self._sessions:
            ending = f".{part}.onnx" if part else ".onnx"
            file = self._file.with_name(self._file.name.removesuffix(".onnx") + ending)
            if not file.is_file():
                raise ValueError(f"{file} does not exist; gan-style export --onnx writes it")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads or 0
            self._sessions[part] = onnxruntime.InferenceSession(
                file, options, providers=self._providers
            )
        return self._sessions[part]


def read_style(path: str | Path) -> Style:
    """The code in a *.style.safetensors.

    Raises:
        ValueError: not such a file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            facts = json.loads((file.metadata() or {})["gan_style_code"])
            codes = np.atleast_2d(file.get_tensor("mean")).astype(np.float32)
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise ValueError(f"{path} is not a style code: {error}") from error
    return Style(codes, tuple(facts.get("sides", (READ_ALWAYS,))), facts["model"])


def _reading_sides(length: int) -> tuple[int, ...]:
    most = max(READ_ALWAYS, length, min(CARRIED_SIDE, MOST_ENLARGED * length))
    return tuple(side for side in READING_SIDES if side <= most)


def _opened(picture: Picture) -> Image.Image:
    opened = picture if isinstance(picture, Image.Image) else Image.open(picture)
    return ImageOps.exif_transpose(opened).convert("RGB")


def _cropped(picture: Image.Image) -> Image.Image:
    """The middle, at most LONGEST_RATIO times as long as it is wide."""
    most = LONGEST_RATIO * min(picture.size)
    width, height = (min(side, most) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _resized(picture: Image.Image, short_side: int) -> Image.Image:
    width, height = (round(side * short_side / min(picture.size)) for side in picture.size)
    if (width, height) == picture.size:
        return picture
    return picture.resize((width, height), Image.Resampling.LANCZOS, None, 3.0)


def _floats(picture: Image.Image) -> Floats:
    """(1, 3, H, W)."""
    values = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    return np.ascontiguousarray(values)


def _picture(values: Floats) -> Image.Image:
    scaled = np.nan_to_num(values[0]).clip(0, 1) * 255
    return Image.fromarray(scaled.round().astype(np.uint8).transpose(1, 2, 0))


def main() -> None:
    """The command of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photo")
    parser.add_argument("--model", required=True, help="that gan-style export --onnx wrote")
    parser.add_argument("--style", required=True, nargs="+", help="a style code, or pictures")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 1")
    parser.add_argument("--size", type=int, help="short side of the painting in pixels")
    parser.add_argument("-o", "--output", required=True)
    words = parser.parse_args()
    try:
        stylizer = OnnxStylizer(words.model)
        is_code = words.style[0].endswith(".safetensors")
        style = words.style[0] if is_code else stylizer.encode(words.style)
        painted = stylizer.stylize(words.photo, style, words.strength, size=words.size)
        painted.save(words.output)
    except (ValueError, OSError) as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()
