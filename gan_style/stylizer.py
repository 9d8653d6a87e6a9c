"""Use of a trained model: pictures -> style code, photo and code -> painting. No training code."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gan_style.color import transfer_luminance
from gan_style.data.images import read_picture, resize_short_side, to_image, to_rgb, to_tensor
from gan_style.device import bfloat16_is_fast, choose_device
from gan_style.errors import ModelError, PictureError, StyleError
from gan_style.models.generator import MINIMUM_SIDE
from gan_style.models.style_model import StyleModel, model_id
from gan_style.pretrained import BASE, read_model
from gan_style.style_code import StyleCode, make_thumbnail, picture_hash

Picture = Image.Image | str | Path
ENCODED_SIDE = 288
"""Short side in pixels at which example pictures are read, as in training."""
_LONGEST = 4
"""Pictures are cut to at most this many times their short side before they are read."""


class Stylizer:
    """Paints pictures in the styles that a trained model knows.

    >>> stylizer = Stylizer.from_pretrained("runs/mine")
    >>> code = stylizer.encode(["a.jpg", "b.jpg"])
    >>> stylizer.stylize("photo.jpg", code, strength=0.8).save("painted.png")
    """

    def __init__(
        self,
        model: StyleModel,
        identity: str,
        device: torch.device,
        codes: Tensor | None = None,
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.id = identity
        self.device = device
        self._codes = torch.empty(0) if codes is None else codes
        self._half = device.type != "mps" and bfloat16_is_fast(device)

    @classmethod
    def from_pretrained(cls, path: str | Path = BASE, device: str = "auto") -> "Stylizer":
        """Load the averaged networks of a model.

        Args:
            path: a run folder, a checkpoint, an exported model (model.safetensors), or "base", the
                model that comes with the package.
            device: "auto", "cpu", "cuda" or "mps".

        Raises:
            ModelError: nothing there, or not a model.
            ValueError: a device that is not here.
        """
        read = read_model(path)
        try:
            model = StyleModel(read.code, read.size)
            model.load_state_dict(read.model)
        except (ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]  # torch lists every tensor that does not fit
            raise ModelError(f"{read.path} is not a gan_style model: {reason}") from error
        return cls(model, model_id(model), choose_device(device), read.codes)

    def encode(
        self,
        pictures: Picture | Sequence[Picture],
        name: str = "",
        *,
        report: Callable[[str], None] = print,
        progress: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
    ) -> StyleCode:
        """Read a style from one or more pictures.

        The code of a set is the mean of its pictures' codes; the spread is their deviation.
        A picture that cannot be read is reported in a line and skipped. `progress` is wrapped
        around the pictures, as tqdm is.

        Raises:
            PictureError: not one of the pictures can be read.
        """
        if isinstance(pictures, str | Path | Image.Image):
            pictures = [pictures]
        codes: list[Tensor] = []
        hashes: list[str] = []
        shown: list[Image.Image] = []
        for opened in _readable(pictures, report, progress):
            codes.append(self._code(opened))
            hashes.append(picture_hash(opened))
            if len(shown) < 4:
                shown.append(resize_short_side(opened, 160))
        if not codes:
            raise PictureError(f"no picture of {len(pictures)} can be read: nothing to encode")
        stacked = torch.stack(codes)
        return StyleCode(
            mean=stacked.mean(0),
            spread=stacked.std(0, correction=0),
            name=name or "style",
            model=self.id,
            count=len(codes),
            hashes=tuple(hashes),
            thumbnail=make_thumbnail(shown),
        )

    def sample(self, seed: int) -> StyleCode:
        """A style that nobody has painted: somewhere between two pictures the model learned from.

        On the middle half of the straight line between two of the training codes. Normal numbers
        with the codes' covariance, as most would draw, lie where no code is: they came out dark
        and blurred (docs/LOG.md, 2026-11-26). `StyleCode.sample` draws near one style instead.

        Raises:
            ModelError: the model keeps no codes of the pictures it learned from; the base does.
        """
        if len(self._codes) < 2:
            raise ModelError(
                f"model {self.id} keeps no codes to draw between; draw near one style instead"
            )
        rng = torch.Generator().manual_seed(seed)
        one, other = self._codes[torch.randperm(len(self._codes), generator=rng)[:2]]
        code = torch.lerp(one, other, 0.25 + torch.rand((), generator=rng) / 2)
        return StyleCode(code, torch.zeros_like(code), f"sample {seed}", self.id, count=0)

    def stylize(
        self,
        picture: Picture,
        code: StyleCode,
        strength: float = 1.0,
        *,
        keep_color: bool = False,
        size: int | None = None,
    ) -> Image.Image:
        """Paint a picture in a style.

        Args:
            picture: PIL picture or path.
            code: of this model.
            strength: 0 gives the picture back, 1 the full style.
            keep_color: keep the picture's colors and take only the light and dark of the paint.
            size: short side in pixels of the painting; None keeps the picture's own. Strokes keep
                their size in pixels, so a larger painting has finer ones.

        Raises:
            PictureError: the picture cannot be read.
            StyleError: the code is another model's.
            ValueError: strength outside [0, 1] or size below 32.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is {strength}; allowed: 0 to 1")
        if size is not None and size < MINIMUM_SIDE:
            raise ValueError(f"size is {size}; allowed: at least {MINIMUM_SIDE}")
        self._refuse_foreign(code)
        opened = _open(picture)
        if size is not None:
            opened = resize_short_side(opened, size)
        painted = to_image(self._paint(to_tensor(opened), code.mean, strength))
        return transfer_luminance(opened, painted) if keep_color else painted

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which this device paints fastest: bfloat16 where that is fast."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._half)

    def _refuse_foreign(self, code: StyleCode) -> None:
        if code.model != self.id:
            raise StyleError(
                f"style {code.name!r} was made by model {code.model or '(unknown)'}, this one is "
                f"{self.id}: encode its pictures again with this model"
            )
        if code.mean.shape != (self.model.code,):
            raise StyleError(
                f"style {code.name!r} has {len(code.mean)} numbers, the model {self.model.code}"
            )

    @torch.inference_mode()
    def _code(self, picture: Image.Image) -> Tensor:
        small = to_tensor(resize_short_side(_trim(picture), ENCODED_SIDE))
        # float32: codes are computed once, and have to agree to the last digit across machines
        return self.model.encode(small.to(self.device)[None, None])[0].cpu()

    @torch.inference_mode()
    def _paint(self, content: Tensor, code: Tensor, strength: float) -> Tensor:
        """(3, H, W) in [0, 1] -> the same. Pictures under 32 px are enlarged for the networks."""
        if strength == 0:
            return content
        height, width = content.shape[1:]
        photo = content[None].to(self.device)
        enlarge = max(1.0, MINIMUM_SIDE / min(height, width))
        if enlarge > 1:
            sides = [max(MINIMUM_SIDE, round(side * enlarge)) for side in (height, width)]
            photo = torch.nn.functional.interpolate(photo, sides, mode="bilinear")
        target = code[None].to(self.device)
        if strength < 1:  # part of the way from the photo's own code, and of the way in pixels
            target = self.model.encode(photo[:, None]).lerp(target, strength)
        # at the size at which codes are read, and in float32, as they are: rounding would move them
        target = self.model.corrected(_shrunk(photo, ENCODED_SIDE), target)
        with self.autocast():
            painted = self.model.generator(photo, target).float()
        painted = photo.lerp(painted, min(1.0, 2 * strength))
        if enlarge > 1:
            painted = torch.nn.functional.interpolate(painted, (height, width), mode="area")
        return painted[0].cpu()


def _shrunk(photo: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) with a short side of at most so many pixels."""
    factor = side / min(photo.shape[2:])
    if factor >= 1:
        return photo
    sides = [round(length * factor) for length in photo.shape[2:]]
    return torch.nn.functional.interpolate(photo, sides, mode="bilinear", antialias=True)


def _open(picture: Picture) -> Image.Image:
    return to_rgb(picture) if isinstance(picture, Image.Image) else read_picture(picture)


def _readable(
    pictures: Sequence[Picture],
    report: Callable[[str], None],
    progress: Callable[[Iterable[Picture]], Iterable[Picture]],
) -> Iterator[Image.Image]:
    """Open each, and report those that cannot be read and how many they were."""
    skipped = 0
    for picture in progress(pictures):
        try:
            opened = _open(picture)
        except PictureError as error:
            skipped += 1
            report(f"skipped: {error}")
        else:
            yield opened
    if skipped:
        report(f"{skipped} of {len(pictures)} pictures were skipped")


def _trim(picture: Image.Image) -> Image.Image:
    """The middle of a very long picture: a style is read from a bounded number of pixels."""
    width, height = picture.size
    longest = _LONGEST * min(width, height)
    left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
    return picture.crop((left, top, left + min(width, longest), top + min(height, longest)))
