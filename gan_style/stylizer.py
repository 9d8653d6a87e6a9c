"""Use of a trained model: pictures -> style code, photo and style -> painting. No training code."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_style.data.images import Picture, open_picture
from gan_style.device import autocast, choose_device, choose_precision
from gan_style.encoding import Progress, encode_pictures, pictures_of
from gan_style.errors import ModelError, StyleError
from gan_style.hub_model import HubModel, located
from gan_style.merging import merge_models
from gan_style.models.style_model import StyleModel, model_id
from gan_style.painting.budget import refuse_too_large_painting
from gan_style.painting.config import PaintConfig
from gan_style.painting.masks import Mask, read_mask
from gan_style.painting.painter import Engine, Painter
from gan_style.painting.regions import Region, paint_regions
from gan_style.painting.strips import Pixels
from gan_style.pretrained import base_id, code_at, read_model
from gan_style.remote.hub import Download
from gan_style.shipped import BASE, named_styles
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode
from gan_style.training_facts import TrainingFacts

Style: TypeAlias = StyleCode | Picture | Sequence[Picture]
"""A code, the path of its file, its name, or pictures to encode: in memory, paths, or a folder."""
Regions: TypeAlias = Sequence[tuple[Style, Mask | None]]
"""Styles and where each goes; with None, where the masks of the others leave something."""


class Stylizer(HubModel):
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
        codes: (n, R, d) of the pictures that it was trained on, for `sample_style`.
        styles: files of its named style codes.
        sides: R short sides at which these were read; see `StyleCode`.
        facts: how it was trained, for its model card.
        engine: another runtime, which paints instead of PyTorch what needs no tiles.

    Raises:
        ModelError: the engine has another model.
    """

    def __init__(
        self,
        model: StyleModel,
        identity: str,
        device: torch.device,
        codes: Tensor | None = None,
        styles: Mapping[str, Path] | None = None,
        sides: Sequence[int] = (READING_SIDE,),
        facts: TrainingFacts | None = None,
        engine: Engine | None = None,
    ) -> None:
        if engine is not None and engine.model != identity:
            raise ModelError(
                f"the engine has model {engine.model}, this is {identity}: export this one anew"
            )
        self._engine = engine
        self.model = model.to(device).eval().requires_grad_(False)
        self.id = identity
        self.device = device
        self.precision = choose_precision("auto", device)
        self._codes = torch.empty(0) if codes is None else codes
        self._sides = tuple(sides)
        self._style_files = dict(styles or {})
        self._styles = _StyleFiles(self._style_files)
        self._facts = facts

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path = BASE,
        *,
        device: str | torch.device = "auto",
        engine: Engine | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
    ) -> "Stylizer":
        """Load the averaged networks of a model.

        Args:
            path: a run folder, a folder that `save_pretrained` wrote, a checkpoint, an exported
                model (model.safetensors), "base", the model that comes with the package, or an
                address, such as "hf:user/name". Text of the form "user/name" is looked up at the
                Hugging Face hub, too, if nothing on this machine is called so.
            device: "auto", "cpu", "cuda", "cuda:N", "mps" or a torch.device.
            engine: another runtime, which paints instead of PyTorch what needs no tiles:
                `OnnxEngine("model.onnx")` of gan_style.sharing.onnx_engine.
            revision: of a model at the hub: branch, tag or commit.
            token: to read it; None takes the one of `hf auth login`, or of HF_TOKEN.
            cache_dir: where it is kept; None takes the cache of huggingface_hub.
            force_download: download it again.
            local_files_only: do not look for a newer one than in the cache.

        Raises:
            ModelError: nothing there, not a model, its parts do not fit together, or the engine
                has another model.
            RemoteError: the hub has no such model, refuses, or cannot be reached.
            CheckpointError: a damaged file.
            ConfigError: a device that is not available.
        """
        chosen = choose_device(device)
        download = Download(token, cache_dir, force_download, local_files_only)
        read = read_model(located(path, revision, download))
        model = read.build()
        identity = model_id(model)
        styles = read.styles
        if identity == base_id():
            styles = named_styles() | dict(styles)
        return cls(model, identity, chosen, read.codes, styles, read.sides, read.facts, engine)

    @classmethod
    def merge(
        cls,
        paths: Sequence[str | Path],
        weights: Sequence[float],
        *,
        device: str | torch.device = "auto",
    ) -> "Stylizer":
        """A model between others: the weighted mean of their weights; see `merge_models`.

        Style codes fit the model that made them, so it has none: encode the pictures with it.

        Examples:
            >>> halfway = Stylizer.merge(["base", "runs/mine"], [0.5, 0.5])
            >>> halfway.save_pretrained("halfway")

        Args:
            paths: of models that were trained from the same one, as `from_pretrained` takes them.
            weights: one for each, brought to sum 1. A negative one leads away from its model.
            device: as `from_pretrained` takes it.

        Raises:
            ModelError: differing counts, weights that sum to 0, or networks of different sizes;
                and what `from_pretrained` raises.
        """
        chosen = choose_device(device)
        read = [read_model(located(path, None, Download())) for path in paths]
        model = merge_models(read, weights)
        return cls(model, model_id(model), chosen)

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

        The code of a set is the mean of its pictures' codes; the spread is their deviation. They
        are read at every side of READING_SIDES that half of them have, 512 px at least. A picture
        that cannot be read is skipped with a warning in the log.

        Args:
            pictures: in memory or paths; one path may be a folder, whose pictures are taken.
            name: of the style; None takes that of the one path, without its ending, or "style".
            progress: wrapped around the pictures.

        Raises:
            PictureError: not one of the pictures can be read.
        """
        found, own_name = pictures_of(pictures)
        return encode_pictures(self.model, self.device, found, name or own_name, self.id, progress)

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
        spread = torch.zeros_like(code)
        return StyleCode(code, spread, f"sample {seed}", self.id, count=0, sides=self._sides)

    def stylize(
        self,
        picture: Picture,
        style: Style | Regions,
        strength: float = 1.0,
        *,
        keep_color: bool = False,
        size: int | None = None,
        stroke_size: float = 1.0,
        memory: float | None = None,
        feather: float = 0.0,
        protect: str | None = None,
        strength_map: Mask | None = None,
    ) -> Image.Image:
        """Paint a picture in a style.

        Strokes are as large, relative to the picture, as in the style's own pictures, whatever the
        size of the painting. A large picture is painted smaller, and then brought up with its own
        edges (`gan_style.painting`).

        Args:
            picture: PIL picture or path.
            style: as `style` takes it: a code of this model, a file, a name, or pictures. Or
                several, each with a mask: a gray picture of the photo's proportions, white where
                the style is seen. What no mask covers stays the photo, unless the mask of one of
                them is None.
            strength: 0 gives the picture back, 1 the full style.
            keep_color: keep the picture's colors and take only the light and dark of the painting.
            size: short side in pixels of the painting; None keeps the picture's own.
            stroke_size: 0.5 to 4, how many times as large strokes are as in the style's pictures.
            memory: GB that painting may take; None takes what is free, no more than 2 on a CPU.
            feather: percent of the short side over which the borders of masks are softened.
            protect: "faces" paints faces at half the strength.
            strength_map: a gray picture: how much of the strength goes where, white all of it.

        Raises:
            PictureError: the picture, a mask, or not one of the style's, can be read; a mask has
                other proportions than the picture.
            StyleError: no such style, a code of another model, or two without a mask.
            ConfigError: an option that is not allowed, such as a strength outside [0, 1].
            TooLargeError: the painting does not fit into memory; it names a size that does.
        """
        config = PaintConfig(
            strength=strength,
            keep_color=keep_color,
            size=size,
            stroke_size=stroke_size,
            memory=memory,
            feather=feather,
            protect=protect,
        )
        regions = self.regions(style)
        strengths = None if strength_map is None else read_mask(strength_map, "the strength map")
        refuse_too_large_painting(picture, size)
        opened = open_picture(picture)
        return Image.fromarray(self.paint(np.asarray(opened), regions, config, strengths))

    def regions(self, style: Style | Regions, *, progress: Progress = iter) -> list[Region]:
        """What `paint` takes, of one style or of several with their masks.

        Args:
            style: as `stylize` takes it.
            progress: as for `style`.

        Raises:
            PictureError: a mask, or not one of the pictures of a style, can be read.
            StyleError: no such style, a code of another model, or two without a mask.
        """
        pairs: Regions = style if _are_regions(style) else [(style, None)]  # type: ignore[list-item]
        masks = [None if m is None else read_mask(m) for _, m in pairs]
        without = sum(mask is None for mask in masks)
        if without > 1:
            raise StyleError(
                f"{without} styles have no mask; one may have none, which takes what "
                "the masks of the others leave"
            )
        styles = [self.style(each, progress=progress) for each, _ in pairs]
        for each in styles:
            self.refuse_foreign(each)
        return [Region(each, mask) for each, mask in zip(styles, masks, strict=True)]

    def paint(
        self,
        pixels: Pixels,
        style: StyleCode | Sequence[Region],
        config: PaintConfig = PaintConfig(),  # noqa: B008
        strengths: Pixels | None = None,
    ) -> Pixels:
        """As `stylize`, from and to arrays of pixels.

        Args:
            pixels: (H, W, 3) RGB, uint8 or uint16; is not changed.
            style: a code of this model, or regions of such codes.
            config: the options of `stylize`.
            strengths: (h, w) uint8 of the same proportions: how much of the strength goes where.

        Returns:
            (H, W, 3) of the same type, or with the short side `config.size`.

        Raises:
            PictureError: a mask has other proportions than the pixels.
            StyleError: a code of another model.
            TooLargeError: the painting does not fit into memory.
        """
        regions = [Region(style)] if isinstance(style, StyleCode) else style
        for region in regions:
            self.refuse_foreign(region.style)
        paint = Painter(self.model, self.device, self.precision, self._engine).paint
        if all(each is None for each in (regions[0].mask, strengths, config.protect)):
            return paint(pixels, regions[0].style, config)
        return paint_regions(paint, pixels, regions, config, strengths)

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which this device paints fastest: bfloat16 where that is fast."""
        return autocast(self.device, self.precision)

    def refuse_foreign(self, code: StyleCode) -> None:
        """Raise StyleError for a code of another model."""
        if code.model != self.id:
            raise StyleError(
                f"style {code.name!r} was made by model {code.model or '(unknown)'}, this one is "
                f"{self.id}: paint with that one, or encode its pictures again with this model"
            )
        if code.dim != self.model.config.code_dim:
            raise StyleError(
                f"style {code.name!r} has {code.dim} numbers, the model "
                f"{self.model.config.code_dim}"
            )


def _are_regions(style: Style | Regions) -> TypeGuard[Regions]:
    """Whether these are styles with masks, and not pictures of one style."""
    if not isinstance(style, Sequence) or isinstance(style, str):
        return False
    return bool(style) and all(isinstance(each, tuple) for each in style)


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
