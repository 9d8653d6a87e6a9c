"""Use of a trained model: pictures -> style code, photo and style -> painting. No training code."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import torch
from PIL import Image
from torch import Tensor

from gan_style.color import transfer_luminance
from gan_style.data.images import (
    Picture,
    center_crop,
    open_picture,
    refuse_too_large_picture,
    resize_short_side,
    some_pictures,
    to_image,
    to_tensor,
)
from gan_style.device import autocast, choose_device, choose_precision
from gan_style.errors import ConfigError, ModelError, PictureError, StyleError
from gan_style.files import replacing
from gan_style.models.style_model import MODEL_FILE, StyleModel, model_id
from gan_style.pretrained import (
    CONFIG_FILE,
    base_id,
    code_at,
    read_model,
    write_config,
    write_model,
)
from gan_style.shipped import BASE, STYLE_SUFFIX, STYLES, named_styles
from gan_style.sizes import LONGEST_RATIO, MINIMUM_SIDE, READING_SIDE
from gan_style.style_code import StyleCode, make_thumbnail, picture_hash

logger = logging.getLogger(__name__)

_BYTES = {"bfloat16": 600, "float32": 1000}  # a pixel, by benchmarks/painting.py --memory
_CUDA_BYTES = 1150  # a pixel, as measured on an H200 in bfloat16
_OVERHEAD = 0.1e9  # bytes, whatever the size

Style: TypeAlias = StyleCode | Picture | Sequence[Picture]
"""A code, the path of its file, its name, or pictures to encode: in memory, paths, or a folder."""
Progress: TypeAlias = Callable[[Iterable[Picture]], Iterable[Picture]]
"""Wrapped around what is worked through, as tqdm is."""


class Stylizer:
    """Paints pictures in the styles that a trained model knows.

    Examples:
        >>> stylizer = Stylizer.from_pretrained()
        >>> stylizer.stylize("photo.jpg", "woodblock").save("painted.png")
        >>> code = stylizer.encode(["a.jpg", "b.jpg"])
        >>> stylizer.stylize("photo.jpg", code, strength=0.8).save("painted.png")

    Args:
        model: its weights are frozen, and it is moved to `device`.
        identity: `model_id` of the model, which its style codes carry.
        device: where networks run.
        codes: (n, d) of the pictures that it was trained on, for `sample_style`.
        styles: files of its named style codes.
    """

    def __init__(
        self,
        model: StyleModel,
        identity: str,
        device: torch.device,
        codes: Tensor | None = None,
        styles: Mapping[str, Path] | None = None,
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.id = identity
        self.device = device
        self.precision = choose_precision("auto", device)
        self._codes = torch.empty(0) if codes is None else codes
        self._style_files = dict(styles or {})
        self._styles = _StyleFiles(self._style_files)

    @classmethod
    def from_pretrained(
        cls, path: str | Path = BASE, *, device: str | torch.device = "auto"
    ) -> "Stylizer":
        """Load the averaged networks of a model.

        Args:
            path: a run folder, a folder that `save_pretrained` wrote, a checkpoint, an exported
                model (model.safetensors), or "base", the model that comes with the package.
            device: "auto", "cpu", "cuda", "cuda:N", "mps" or a torch.device.

        Raises:
            ModelError: nothing there, not a model, or its parts do not fit together.
            CheckpointError: a damaged file.
            ConfigError: a device that is not available.
        """
        chosen = choose_device(device)
        read = read_model(path)
        model = read.build()
        identity = model_id(model)
        styles = read.styles
        if identity == base_id():
            styles = named_styles() | dict(styles)
        return cls(model, identity, chosen, read.codes, styles)

    @property
    def styles(self) -> Mapping[str, StyleCode]:
        """The named styles of this model: the shipped ones of "base", of a run those in styles/.

        Codes are read from their files when they are first used.
        """
        return self._styles

    def style(self, style: Style, *, progress: Progress = iter) -> StyleCode:
        """The code of a style, however it is given: what `stylize` and the command line take.

        Args:
            style: a code, the path of its file (*.style.safetensors), one of the names in `styles`,
                or pictures to encode: in memory, paths, or a folder. Files and folders that are
                there are not looked up among the names.
            progress: wrapped around the pictures that are encoded.

        Raises:
            StyleError: nothing of that name, or a file that is no style code.
            PictureError: not one of the pictures can be read.
        """
        if isinstance(style, StyleCode):
            return style
        if isinstance(style, str | Path):
            code = code_at(style, self._style_files)
            if code is not None:
                return code
        return self.encode(style, progress=progress)

    def encode(
        self,
        pictures: Picture | Sequence[Picture],
        name: str | None = None,
        *,
        progress: Progress = iter,
    ) -> StyleCode:
        """Read a style from one or more pictures.

        The code of a set is the mean of its pictures' codes; the spread is their deviation.
        A picture that cannot be read is skipped with a warning in the log.

        Args:
            pictures: in memory or paths; one path may be a folder, whose pictures are taken.
            name: of the style; None takes that of the one path, without its ending, or "style".
            progress: wrapped around the pictures.

        Raises:
            PictureError: not one of the pictures can be read.
        """
        found, own_name = _pictures_of(pictures)
        codes: list[Tensor] = []
        hashes: list[str] = []
        shown: list[Image.Image] = []
        for opened in _readable(found, progress):
            codes.append(self._code(opened))
            hashes.append(picture_hash(opened))
            if len(shown) < 4:
                shown.append(resize_short_side(opened, 160))
        if not codes:
            raise PictureError(f"no picture of {len(found)} can be read: nothing to encode")
        stacked = torch.stack(codes)
        return StyleCode(
            mean=stacked.mean(0),
            spread=stacked.std(0, correction=0),
            name=name or own_name,
            model=self.id,
            count=len(codes),
            hashes=tuple(hashes),
            thumbnail=make_thumbnail(shown),
        )

    def sample_style(self, seed: int) -> StyleCode:
        """A style that nobody has painted: somewhere between two pictures the model learned from.

        On the middle half of the straight line between two of the training codes. Normal numbers
        with the codes' covariance, as most would draw, lie where no code is: they came out dark
        and blurred. `StyleCode.perturb` draws near one style instead.

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
        style: Style,
        strength: float = 1.0,
        *,
        keep_color: bool = False,
        size: int | None = None,
    ) -> Image.Image:
        """Paint a picture in a style.

        Args:
            picture: PIL picture or path.
            style: as `style` takes it: a code of this model, a file, a name, or pictures.
            strength: 0 gives the picture back, 1 the full style.
            keep_color: keep the picture's colors and take only the light and dark of the painting.
            size: short side in pixels of the painting; None keeps the picture's own. Strokes keep
                their size in pixels, so a larger painting has finer ones.

        Raises:
            PictureError: the picture, or not one of the style's, can be read.
            StyleError: no such style, or a code of another model.
            ConfigError: strength outside [0, 1] or size below 32.
            TooLargeError: the painting does not fit into memory; it names a size that does.
        """
        if not 0 <= strength <= 1:
            raise ConfigError(f"strength is {strength}; allowed: 0 to 1")
        if size is not None and size < MINIMUM_SIDE:
            raise ConfigError(f"size is {size}; allowed: at least {MINIMUM_SIDE}")
        code = self.style(style)
        self.refuse_foreign(code)
        self._refuse_too_large(picture, size)
        opened = open_picture(picture)
        if size is not None:
            opened = resize_short_side(opened, size)
        painted = to_image(self._paint(to_tensor(opened), code.mean, strength))
        return transfer_luminance(opened, painted) if keep_color else painted

    def save_pretrained(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write model and named styles into a folder that `from_pretrained` reads.

        config.json (what has to be known to build the model), model.safetensors (weights in half
        precision) and styles/*.style.safetensors.

        Args:
            folder: is made if it is missing.
            force: replace files that are there.

        Returns:
            The folder.

        Raises:
            ModelError: a file is there already, and `force` is not given.
            CheckpointError: the model cannot be written.
            OSError: another file cannot be written.
        """
        folder = Path(folder)
        styles = {
            folder / STYLES / f"{name}{STYLE_SUFFIX}": file
            for name, file in self._style_files.items()
        }
        for path in (folder / CONFIG_FILE, folder / MODEL_FILE, *styles):
            if path.exists() and not force:
                raise ModelError(f"{path} is there already; force=True replaces it")
        contents = {path: file.read_bytes() for path, file in styles.items()}
        codes = self._codes if len(self._codes) else None
        write_model(folder / MODEL_FILE, self.model.state_dict(), self.model.config, codes)
        for path, content in contents.items():
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        write_config(folder / CONFIG_FILE, self.model.config)
        return folder

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which this device paints fastest: bfloat16 where that is fast."""
        return autocast(self.device, self.precision)

    def refuse_foreign(self, code: StyleCode) -> None:
        """Raise StyleError for a code of another model."""
        if code.model != self.id:
            raise StyleError(
                f"style {code.name!r} was made by model {code.model or '(unknown)'}, this one is "
                f"{self.id}: encode its pictures again with this model"
            )
        if len(code.mean) != self.model.config.code_dim:
            raise StyleError(
                f"style {code.name!r} has {len(code.mean)} numbers, the model "
                f"{self.model.config.code_dim}"
            )

    def _refuse_too_large(self, picture: Picture, size: int | None) -> None:
        per_pixel = _CUDA_BYTES if self.device.type == "cuda" else _BYTES[self.precision]
        refuse_too_large_picture(picture, size, per_pixel, _OVERHEAD, self.device)

    @torch.inference_mode()
    def _code(self, picture: Image.Image) -> Tensor:
        # a style is read from a bounded number of pixels: the middle of a very long picture
        small = resize_short_side(center_crop(picture, LONGEST_RATIO), READING_SIDE)
        # float32: codes are computed once, and have to agree to the last digit across machines
        return self.model.encode(to_tensor(small).to(self.device)[None, None])[0].cpu()

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
        target = self.model.corrected(_shrunk(photo, READING_SIDE), target)
        with self.autocast():
            painted = self.model.generator(photo, target).float()
        painted = photo.lerp(painted, min(1.0, 2 * strength))
        if enlarge > 1:
            painted = torch.nn.functional.interpolate(painted, (height, width), mode="area")
        return painted[0].cpu()


class _StyleFiles(Mapping[str, StyleCode]):
    """Named style codes, each read from its file when it is first used."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._read: dict[str, StyleCode] = {}

    def __getitem__(self, name: str) -> StyleCode:
        if name not in self._read:
            self._read[name] = StyleCode.load(self._files[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files  # Mapping's own would read the file

    def __repr__(self) -> str:
        return f"styles({', '.join(self._files)})"


def _shrunk(photo: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) with a short side of at most so many pixels."""
    factor = side / min(photo.shape[2:])
    if factor >= 1:
        return photo
    sides = [round(length * factor) for length in photo.shape[2:]]
    return torch.nn.functional.interpolate(photo, sides, mode="bilinear", antialias=True)


def _pictures_of(pictures: Picture | Sequence[Picture]) -> tuple[Sequence[Picture], str]:
    """The pictures themselves, and what their style is called unless it has a name."""
    if isinstance(pictures, Image.Image):
        return [pictures], "style"
    if not isinstance(pictures, str | Path):
        return pictures, "style"
    place = Path(pictures)
    return (some_pictures(place), place.name) if place.is_dir() else ([place], place.stem)


def _readable(pictures: Sequence[Picture], progress: Progress) -> Iterator[Image.Image]:
    """Open each; log those that cannot be read, and how many they were."""
    skipped = 0
    for picture in progress(pictures):
        try:
            opened = open_picture(picture)
        except PictureError as error:
            skipped += 1
            logger.warning("skipped: %s", error)
        else:
            yield opened
    if skipped:
        logger.warning("%d of %d pictures were skipped", skipped, len(pictures))
