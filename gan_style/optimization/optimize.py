"""The optimization baseline: a painting's pixels are the parameters (Gatys et al. 2016).

No network is trained: the picture itself is moved until its features have the photo's content and
the style's Gram matrices. Slow, and the reference that learned results are compared with.

Where we differ from the paper, and why:

- content is relu3_1 and not relu4_2, the deepest that our networks have. It ties contours and
  texture down more firmly, hence its small weight against the style's;
- style layers are relu1_1, relu2_1 and relu3_1 of the paper's five, equally weighted as there,
  but each relative to the size of the style's own matrix (see losses.gram_loss), so that one
  weight fits every style and every network;
- from coarse to fine (Gatys et al. 2017, 6.): features see 24 px, so strokes larger than that
  have to be laid while the picture is small;
- maps are taken of a mirrored margin, so that there is no frame (see objective.seamless_maps).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from gan_style.data.images import picture_size, save_picture
from gan_style.device import choose_device, keep_freed_memory
from gan_style.errors import PictureError
from gan_style.files import replacing
from gan_style.memory import refuse_too_large
from gan_style.models.feature_networks import picture_features
from gan_style.optimization.config import LossRecord, OptimizeConfig
from gan_style.optimization.objective import Objective, Picture, StyleReader, check_weights
from gan_style.optimization.painting import Painting, Progress, Show, in_color, open_picture
from gan_style.optimization.solver import ADAM_VECTORS, LBFGS_VECTORS

__all__ = [
    "LossRecord",
    "Interrupted",
    "OptimizeConfig",
    "optimize",
    "optimize_file",
    "save_history",
]

PREVIEW_EVERY = 25
"""Evaluations after which the file of a painting on the way is rewritten."""
_BYTES = {"compact": 2500, "vgg16": 3750, "vgg19": 3750}  # a pixel, by benchmarks/optimize.py
_VECTOR = 12  # bytes a pixel of a float32 picture
_OVERHEAD = 0.2e9  # bytes, whatever the size


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while painting. Holds the best `picture` so far, of full size, and the `history`."""

    def __init__(self, picture: Image.Image, history: list[LossRecord]) -> None:
        super().__init__()
        self.picture = picture
        self.history = history


def optimize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    settings: OptimizeConfig | None = None,
    *,
    weights: Sequence[float] = (),
    report: Callable[[str], None] = print,
    progress: Progress = lambda row, show: None,
) -> tuple[Image.Image, list[LossRecord]]:
    """Paint a photo in a style by moving its pixels; the best picture, and all evaluations.

    >>> picture, history = optimize("photo.jpg", "starry_night.jpg", OptimizeConfig(size=512))

    Args:
        content: the photo, PIL picture or path.
        styles: pictures or folders; a folder stands for all of its pictures.
        settings: how; None takes the defaults.
        weights: of the styles, one each; none makes all alike.
        report: takes a line for each picture of a folder that cannot be read.
        progress: see `Progress`.

    Raises:
        ValueError: pictures that cannot be read (PictureError), weights of the features that do
            not fit (FeaturesError), or of the styles, a painting too large for the memory
            (TooLargeError, which names a size that is not), losses not finite (DivergedError).
        Interrupted: on Ctrl-C, with the best picture so far.
    """
    settings = settings or OptimizeConfig()
    device = choose_device(settings.device)
    groups = [styles] if isinstance(styles, str | Path | Image.Image) else list(styles)
    shares = check_weights(weights or [1.0] * len(groups), len(groups))
    _refuse_too_large(content, settings, device)
    painting = Painting(open_picture(content, settings.size), settings, progress, device)
    try:
        _paint(painting, list(zip(groups, shares, strict=True)), report)
    except KeyboardInterrupt:
        if painting.history:
            raise Interrupted(painting.show(), painting.history) from None
        raise
    return painting.show(), painting.history


def _paint(
    painting: Painting, styles: Sequence[tuple[Picture, float]], report: Callable[[str], None]
) -> None:
    settings = painting.settings
    features = picture_features(settings.features, settings.feature_weights).to(painting.device)
    read = StyleReader(features, painting.sides, painting.light, painting.device, report)
    for side, target in zip(painting.sides, read.mixed(styles), strict=True):
        photo = painting.pixels(painting.photo, side)
        painting.paint(side, Objective(features, in_color(photo), target))


def optimize_file(
    content: str | Path,
    styles: Sequence[str | Path],
    output: Path,
    settings: OptimizeConfig,
    *,
    weights: Sequence[float] = (),
    report: Callable[[str], None] = print,
    progress: Callable[[LossRecord], None] = lambda row: None,
) -> None:
    """`optimize` into files: `output`, a picture, and beside it the loss curve as .json.

    The picture is rewritten every `PREVIEW_EVERY` evaluations; on Ctrl-C both are written too.

    Raises:
        ValueError: as `optimize`; an `output` that is no .png or .jpg, or cannot be written.
        Interrupted: after the files are written.
    """
    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise PictureError(f"{output}: pictures are written as .png, .jpg or .jpeg")
    keep_freed_memory()

    def keep(row: LossRecord, show: Show) -> None:
        progress(row)
        if row.evaluation % PREVIEW_EVERY == 1:
            save_picture(show(), output)

    facts = {
        "content": str(content),
        "styles": [str(style) for style in styles],
        "weights": list(weights),
        "settings": asdict(settings),
    }
    try:
        made = optimize(content, styles, settings, weights=weights, report=report, progress=keep)
    except Interrupted as stopped:
        _keep(stopped.picture, stopped.history, output, facts)
        report(f"stopped after {len(stopped.history)} evaluations; the best is in {output}")
        raise
    _keep(*made, output, facts)


def _keep(
    picture: Image.Image, history: Sequence[LossRecord], output: Path, facts: dict[str, Any]
) -> None:
    save_picture(picture, output)
    save_history(output.with_suffix(".json"), history, facts)


def save_history(path: Path, history: Sequence[LossRecord], facts: dict[str, Any]) -> None:
    """Write `facts` and every evaluation as JSON, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [asdict(row) for row in history]
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(facts | {"history": rows}, indent=1), encoding="utf-8")


def _refuse_too_large(content: Picture, settings: OptimizeConfig, device: torch.device) -> None:
    """Before anything is decode_image."""
    sides = content.size if isinstance(content, Image.Image) else picture_size(content)
    scale = settings.size / min(sides) if settings.size else 1
    width, height = (max(1, round(side * scale)) for side in sides)
    vectors = LBFGS_VECTORS if settings.method == "lbfgs" else ADAM_VECTORS
    per_pixel = _BYTES[settings.features] + vectors * _VECTOR
    refuse_too_large(width, height, per_pixel, _OVERHEAD, device)
