"""A person's style as a value: a compact code, with what it was made from.

Knows nothing of networks: a code is made and used by `Stylizer`.
"""

import hashlib
import io
import json
import math
import reprlib
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from gan_style.errors import GanStyleError, StyleError
from gan_style.files import parse_json, replacing
from gan_style.sizes import READING_SIDE
from gan_style.tensor_files import read_header, read_tensors

THUMBNAIL_SIDE = 128
MAXIMUM_HASHES = 4000
"""Hashes of this many pictures keep the file under 100 KB."""
FORMAT = 2
"""Version of the file's layout; in 1 there was one code, read at READING_SIDE."""
LARGEST_FILE = 16 * 1024**2
"""Bytes of a style code's file that are read."""
LARGEST_NUMBER = 1e6
"""Numbers of a code are no larger; those of real styles are under 100."""
_LARGEST_THUMBNAIL = 1024  # pixels of a side
_LONGEST_NAME = 1000  # characters
_MOST_PICTURES = 2**53  # that a code can say it was made from
_HEADER = "gan_style_code"  # key of a style code's file header


@dataclass(frozen=True, eq=False, repr=False)
class StyleCode:
    """A style learned from a set of pictures.

    A style looks different at different sizes: read at a larger one, its strokes are larger. So
    there is a code for each of R sizes, between which `at` interpolates.

    Attributes:
        mean: (R, d) the codes; (d,) is taken as one row.
        spread: (R, d) deviations of the single pictures' codes around them; 0 for one picture.
        sides: R short sides in pixels, ascending, at which the pictures were read.
        name: of the style, for people.
        model: `Stylizer.id` of the model that encoded it; codes mean nothing to another one.
        count: pictures it was made from.
        hashes: SHA-256 of their pixels, first 16 bytes as hexadecimal digits.
        thumbnail: the pictures at a glance.
    """

    mean: Tensor
    spread: Tensor
    name: str = "style"
    model: str = ""
    count: int = 1
    hashes: tuple[str, ...] = ()
    thumbnail: Image.Image | None = None
    sides: tuple[int, ...] = (READING_SIDE,)

    def __post_init__(self) -> None:
        for name in ("mean", "spread"):  # frozen: set as dataclasses do it themselves
            codes = getattr(self, name)
            object.__setattr__(self, name, codes[None] if codes.ndim == 1 else codes)
        if self.mean.ndim != 2 or self.spread.shape != self.mean.shape:
            raise StyleError(
                f"style {self.name!r}: mean {tuple(self.mean.shape)} and spread "
                f"{tuple(self.spread.shape)} have to be of one shape (R, d)"
            )
        if len(self.sides) != len(self.mean) or not _ascending(self.sides):
            raise StyleError(
                f"style {self.name!r}: it was read at {list(self.sides)} px, which has to be one "
                f"ascending side for each of its {len(self.mean)} codes"
            )
        for codes in (self.mean, self.spread):
            if not torch.isfinite(codes).all():
                raise StyleError(f"style {self.name!r}: the code holds numbers that are not finite")
            if codes.numel() and codes.abs().max() > LARGEST_NUMBER:
                raise StyleError(
                    f"style {self.name!r}: the code holds {codes.abs().max().item():g}; numbers of "
                    f"a code are at most {LARGEST_NUMBER:g}"
                )

    def __repr__(self) -> str:
        made = f"{self.count} picture{'' if self.count == 1 else 's'}"
        model = self.model or "unknown"
        return f"StyleCode({self.name!r}, model {model}, {made}, d={self.dim})"

    @property
    def dim(self) -> int:
        """d, the numbers in a code."""
        return self.mean.shape[1]

    def at(self, side: float) -> Tensor:
        """The code (d,) as if the pictures had been read at a short side of so many pixels.

        Linear in the logarithm of the side between the two nearest that there are; beyond the
        smallest and the largest side it is theirs.
        """
        place = bisect(self.sides, side)
        if place in (0, len(self.sides)):
            return self.mean[max(0, place - 1)]
        below, above = self.sides[place - 1 : place + 1]
        share = math.log(side / below) / math.log(above / below)
        return self.mean[place - 1].lerp(self.mean[place], share)

    def perturb(self, seed: int) -> "StyleCode":
        """A variant: the mean plus the spread times normal numbers drawn from `seed`."""
        drawn = torch.randn(self.dim, generator=torch.Generator().manual_seed(seed))
        return replace(self, mean=self.mean + self.spread * drawn, name=f"{self.name} #{seed}")

    def read_at(self, sides: Sequence[int]) -> "StyleCode":
        """The style with codes at these sides, ascending, which are interpolated as by `at`."""
        if tuple(sides) == self.sides:
            return self
        spreads = replace(self, mean=self.spread)
        return replace(
            self,
            mean=torch.stack([self.at(side) for side in sides]),
            spread=torch.stack([spreads.at(side) for side in sides]),
            sides=tuple(sides),
        )

    def interpolate(self, other: "StyleCode", share: float) -> "StyleCode":
        """The style `share` of the way to `other`; 0 is this one, 1 the other."""
        return StyleCode.mix([self, other], [1 - share, share])

    @staticmethod
    def mix(styles: "Sequence[StyleCode]", weights: Sequence[float]) -> "StyleCode":
        """Weighted mean of styles of one model; the weights are brought to sum 1.

        It has every size at which one of them was read.

        Raises:
            StyleError: different models, differing counts, or weights that sum to 0.
        """
        shares = proportions(weights, len(styles), "styles", StyleError)
        if len({s.model for s in styles}) > 1:
            named = ", ".join(f"{s.name!r} of {s.model or 'no model'}" for s in styles)
            raise StyleError(f"styles of different models cannot be mixed: {named}")
        if len({s.dim for s in styles}) > 1:
            raise StyleError("styles with codes of different lengths cannot be mixed")
        sides = sorted({side for style in styles for side in style.sides})
        read = [style.read_at(sides) for style in styles]
        name = " + ".join(s.name for s in styles)
        return StyleCode(
            mean=torch.stack([s.mean * w for s, w in zip(read, shares, strict=True)]).sum(0),
            spread=torch.stack([s.spread * w for s, w in zip(read, shares, strict=True)]).sum(0),
            sides=tuple(sides),
            name=name if len(name) <= _LONGEST_NAME else f"mix of {len(styles)} styles",
            model=styles[0].model,
            count=sum(s.count for s in styles),
            thumbnail=styles[0].thumbnail,
        )

    def save(self, path: str | Path) -> Path:
        """Write the style to one file under 100 KB, whole or not at all."""
        path = Path(path)
        facts = {
            "name": self.name,
            "model": self.model,
            "count": self.count,
            "sides": self.sides,
            "format": FORMAT,
        }
        tensors = {
            "mean": self.mean.float().contiguous(),
            "spread": self.spread.float().contiguous(),
        }
        digests = b"".join(bytes.fromhex(h) for h in self.hashes[:MAXIMUM_HASHES])
        tensors["hashes"] = _bytes_to_tensor(digests)
        if self.thumbnail is not None:
            packed = io.BytesIO()
            small = self.thumbnail.convert("RGB")  # a copy
            small.thumbnail((_LARGEST_THUMBNAIL, _LARGEST_THUMBNAIL))
            small.save(packed, "JPEG", quality=80)
            tensors["thumbnail"] = _bytes_to_tensor(packed.getvalue())
        # not by save_file: it gives 0600 whatever the umask (huggingface/safetensors issue 782)
        packed_file = save(tensors, {_HEADER: json.dumps(facts)})
        with replacing(path) as temporary:
            temporary.write_bytes(packed_file)
        return path

    @classmethod
    def load(cls, path: str | Path) -> "StyleCode":
        """Read a style code's file.

        Raises:
            StyleError: a file that is missing, damaged or not a style code.
        """
        if "gan_style" in _header(path):  # as `checkpoint` writes it
            raise StyleError(
                f"{path} is a model or checkpoint, not a style code: give it as the model (--model)"
            )
        try:
            tensors, header = read_tensors(Path(path), LARGEST_FILE)
            facts = _facts(header)
            mean, spread = (_of_type(tensors, name, torch.float32) for name in ("mean", "spread"))
            digests = bytes(_of_type(tensors, "hashes", torch.uint8).flatten().numpy())
            if len(digests) % 16:
                raise ValueError("its hashes are not whole")
            picture = None
            if "thumbnail" in tensors:
                picture = _thumbnail(_of_type(tensors, "thumbnail", torch.uint8))
        except FileNotFoundError as error:
            raise StyleError(f"style code {path} does not exist") from error
        except (OSError, ValueError) as error:
            raise StyleError(
                f"{path} is not a style code: {error}. `gan-style encode` makes one"
            ) from error
        return cls(
            mean=mean,
            spread=spread,
            name=facts["name"],
            model=facts["model"],
            count=facts["count"],
            sides=tuple(facts["sides"]),
            hashes=tuple(digests[i : i + 16].hex() for i in range(0, len(digests), 16)),
            thumbnail=picture,
        )


def proportions(
    weights: Sequence[float], count: int, things: str, error: type[GanStyleError]
) -> list[float]:
    """Weights brought to sum 1; raises `error` unless there is one for each of `count` things."""
    if len(weights) != count or not weights:
        raise error(f"{count} {things} with {len(weights)} weights: give one for each")
    total = math.fsum(weights)
    if not math.isfinite(total) or abs(total) < 1e-9:
        raise error(f"weights {list(weights)} sum to {total}; the sum has to differ from 0")
    return [weight / total for weight in weights]


def is_style_file(path: str | Path) -> bool:
    """Whether a file is marked as a style code; `StyleCode.load` finds out whether it is whole."""
    return _HEADER in _header(path)


def _facts(header: dict[str, str]) -> dict[str, Any]:
    """What is said of a code in its file.

    Raises:
        ValueError: something is missing, or is nothing that `save` writes.
    """
    if _HEADER not in header:
        raise ValueError("nothing in it says so")
    facts = parse_json(header[_HEADER])
    if not isinstance(facts, dict):
        raise ValueError("its description is no table")
    version = facts.setdefault("format", 1)
    facts.setdefault("sides", [READING_SIDE])  # in format 1 there was but one
    if not _is_whole(version, FORMAT):
        raise ValueError(f"format {reprlib.repr(version)}, and this version reads up to {FORMAT}")
    for name in ("name", "model"):
        if not isinstance(facts.get(name), str) or len(facts[name]) > _LONGEST_NAME:
            raise ValueError(f"its {name} is no text of at most {_LONGEST_NAME} characters")
    if not _is_whole(facts.get("count"), _MOST_PICTURES):
        raise ValueError(f"it says it was made from {reprlib.repr(facts.get('count'))} pictures")
    sides = facts["sides"]
    if not isinstance(sides, list) or not all(_is_whole(side, LARGEST_FILE) for side in sides):
        raise ValueError(f"it says it was read at {reprlib.repr(sides)} px")
    return facts


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _of_type(tensors: dict[str, Tensor], name: str, kind: torch.dtype) -> Tensor:
    found = tensors.get(name)
    if found is None:
        raise ValueError(f"it has no {name}")
    if found.dtype != kind:
        raise ValueError(f"its {name} is of {found.dtype} instead of {kind}")
    return found


def _thumbnail(packed: Tensor) -> Image.Image:
    """The picture, decoded: a damaged one is found here, not when it is shown."""
    try:
        picture = Image.open(io.BytesIO(bytes(packed.flatten().numpy())), formats=["JPEG"])
        if max(picture.size) > _LARGEST_THUMBNAIL:
            raise ValueError(f"it has {picture.width}x{picture.height} pixels")
        picture.load()
    except Exception as error:  # decoders raise nearly anything on broken files
        raise ValueError(f"its thumbnail is no small JPEG ({error})") from error
    return picture


def _ascending(sides: Sequence[int]) -> bool:
    return all(0 < one < other for one, other in pairwise((*sides, math.inf)))


def _header(path: str | Path) -> dict[str, str]:
    """The header of a safetensors file; empty for a file of another kind, and for none."""
    try:
        return read_header(Path(path))
    except (OSError, ValueError):
        return {}


def picture_hash(picture: Image.Image) -> str:
    """First 16 bytes of the SHA-256 of size and pixels, as hexadecimal digits."""
    digest = hashlib.sha256(f"{picture.size}".encode())
    digest.update(picture.convert("RGB").tobytes())
    return digest.hexdigest()[:32]


def make_thumbnail(pictures: Sequence[Image.Image]) -> Image.Image:
    """Up to four pictures in one square of THUMBNAIL_SIDE px."""
    chosen = list(pictures[:4]) if len(pictures) >= 4 else list(pictures[:1])
    across = 2 if len(chosen) == 4 else 1
    side = THUMBNAIL_SIDE // across
    square = Image.new("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE), "white")
    for index, picture in enumerate(chosen):
        small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        square.paste(small, (index % across * side, index // across * side))
    return square


def _bytes_to_tensor(data: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy())
