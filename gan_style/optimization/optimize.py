"""Style transfer by optimization: a painting's pixels are the parameters (Gatys et al. 2016).

No network is trained: the picture itself is changed until its features have the photo's content
and the style's Gram matrices. It is slow, and the baseline that trained models are compared with.

Differences from the paper, and why:

- content is relu3_1 and not relu4_2, the deepest that our VGG-like networks have (`resnet50` and
  `inception_v3` have their own, see `gan_style.networks`). It ties contours and texture down more
  firmly, hence its small weight against the style's;
- style layers are relu1_1, relu2_1 and relu3_1 of the paper's five, equally weighted as there,
  but each relative to the size of the style's own matrix (see losses.perceptual.gram_loss), so
  that one weight fits every style and every network;
- from coarse to fine (Gatys et al. 2017, section 6): features have a receptive field of 24 px, so
  that larger strokes have to be laid while the picture is small;
- maps are taken of a mirrored margin, so that there is no frame (see objective.seamless_maps).
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from gan_style.data.images import (
    Picture,
    open_picture,
    refuse_too_large_picture,
    resize_short_side,
    save_picture,
)
from gan_style.device import choose_device, keep_freed_memory
from gan_style.errors import PictureError
from gan_style.files import replacing
from gan_style.models.feature_networks import picture_features
from gan_style.networks import PICTURE_NETWORKS
from gan_style.optimization.coarse_to_fine import CoarseToFine, Progress, Show, in_color
from gan_style.optimization.config import LossRecord, OptimizeConfig
from gan_style.optimization.objective import Objective, StyleTargets, check_weights
from gan_style.optimization.solver import VECTORS

__all__ = [
    "Interrupted",
    "LossRecord",
    "OptimizeConfig",
    "optimize",
    "optimize_file",
    "save_history",
]

logger = logging.getLogger(__name__)

PREVIEW_EVERY = 25
"""Evaluations after which the file of an unfinished painting is rewritten."""
_VECTOR = 12  # bytes per pixel of a float32 picture
_OVERHEAD = 0.2e9  # bytes, whatever the size


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during an optimization. Holds the best `picture` so far and the `history` of losses.

    The picture has full size.
    """

    def __init__(self, picture: Image.Image, history: list[LossRecord]) -> None:
        super().__init__()
        self.picture = picture
        self.history = history


def optimize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    config: OptimizeConfig | None = None,
    *,
    weights: Sequence[float] = (),
    progress: Progress = lambda record, show: None,
) -> tuple[Image.Image, list[LossRecord]]:
    """Paint a photo in a style by optimizing its pixels.

    Examples:
        >>> picture, history = optimize("photo.jpg", "starry_night.jpg", OptimizeConfig(size=512))

    Args:
        content: the photo, PIL picture or path.
        styles: pictures or folders; a folder stands for all of its pictures. Those that cannot be
            read are skipped with a warning.
        config: how to optimize; the defaults if not given.
        weights: of the styles, one each; equal if not given.
        progress: called at every evaluation with its losses, and with a function that returns the
            best picture so far.

    Returns:
        The best picture, and the losses at every evaluation.

    Raises:
        GanStyleError: pictures that cannot be read (PictureError), weights of the features that
            do not fit (FeaturesError) or of the styles (StyleError), a painting too large for the
            memory (TooLargeError, which names a size that fits), a first loss that is not finite
            (DivergedError).
        Interrupted: on Ctrl-C, with the best picture so far.
    """
    groups = [styles] if isinstance(styles, str | Path | Image.Image) else list(styles)
    shares = check_weights(weights or [1.0] * len(groups), len(groups))
    schedule = _schedule(content, config or OptimizeConfig(), progress)
    try:
        _optimize(schedule, list(zip(groups, shares, strict=True)))
    except KeyboardInterrupt:
        if schedule.history:
            raise Interrupted(schedule.best(), schedule.history) from None
        raise
    return schedule.best(), schedule.history


def _schedule(content: Picture, config: OptimizeConfig, progress: Progress) -> CoarseToFine:
    device = choose_device(config.device)
    network = PICTURE_NETWORKS[config.features].bytes_per_pixel
    per_pixel = network + VECTORS[config.optimizer] * _VECTOR
    refuse_too_large_picture(content, config.size, per_pixel, _OVERHEAD, device)
    photo = open_picture(content, config.size)
    if config.size is not None:
        photo = resize_short_side(photo, config.size)
    return CoarseToFine(photo, config, progress, device)


def _optimize(schedule: CoarseToFine, styles: Sequence[tuple[Picture, float]]) -> None:
    config, device = schedule.config, schedule.device
    features = picture_features(config.features, config.feature_weights).to(device)
    targets = StyleTargets(features, schedule.sides, schedule.luminance, device)
    for side, target in zip(schedule.sides, targets.mixed(styles), strict=True):
        photo = schedule.pixels(schedule.photo, side)
        schedule.optimize(side, Objective(features, in_color(photo), target))


def optimize_file(
    content: str | Path,
    styles: Sequence[str | Path],
    output: Path,
    config: OptimizeConfig,
    *,
    weights: Sequence[float] = (),
    progress: Callable[[LossRecord], None] = lambda record: None,
) -> None:
    """`optimize` into files: `output`, a picture, and beside it the losses as .json.

    The picture is rewritten every `PREVIEW_EVERY` evaluations; on Ctrl-C both are written, too.

    Raises:
        GanStyleError: as `optimize`; PictureError also for an `output` that is no .png or .jpg, or
            cannot be written.
        OSError: the .json file cannot be written.
        Interrupted: after the files are written.
    """
    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise PictureError(f"{output}: pictures are written as .png, .jpg or .jpeg")
    keep_freed_memory()

    def preview(record: LossRecord, show: Show) -> None:
        progress(record)
        if record.evaluation % PREVIEW_EVERY == 1:
            save_picture(show(), output)

    facts: dict[str, Any] = {"content": str(content), "styles": [str(style) for style in styles]}
    facts |= {"weights": list(weights), "settings": asdict(config)}
    try:
        made = optimize(content, styles, config, weights=weights, progress=preview)
    except Interrupted as stopped:
        _save(stopped.picture, stopped.history, output, facts)
        count = len(stopped.history)
        logger.info("stopped after %d evaluations; the best picture is in %s", count, output)
        raise
    _save(*made, output, facts)


def _save(
    picture: Image.Image, history: Sequence[LossRecord], output: Path, facts: dict[str, Any]
) -> None:
    save_picture(picture, output)
    save_history(output.with_suffix(".json"), history, facts)


def save_history(path: Path, history: Sequence[LossRecord], facts: dict[str, Any]) -> None:
    """Write `facts` and the losses at every evaluation as JSON, completely or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    records = [asdict(record) for record in history]
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(facts | {"history": records}, indent=1), encoding="utf-8")
