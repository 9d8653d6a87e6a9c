"""FID by torchmetrics; it needs the weights of Inception and hundreds of pictures."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan_style.distributed import Ranks
from gan_style.errors import EvaluationError

_FILE = "pt_inception-2015-12-05-6726825d.pth"  # torch-fidelity's weights
INSTALL = "pip install 'gan-style[fid]'"
FID_FEWEST = 2
"""Pictures that each side needs at least."""


class FrechetDistance:
    """The Fréchet Inception distance (Heusel et al. 2017), picture by picture.

    It is biased upwards, the more so the fewer pictures there are, and far too large below a few
    thousand a side (Binkowski et al. 2018, section 4). Compare it only between sets of equal
    size, or read KID instead.

    Args:
        weights: torch-fidelity's file pt_inception-2015-12-05-6726825d.pth.

    Raises:
        EvaluationError: torchmetrics is not installed, or the file is missing or does not fit.
    """

    def __init__(self, weights: str) -> None:
        try:
            from torchmetrics.image.fid import FrechetInceptionDistance
        except ImportError as error:
            raise EvaluationError(f"fid needs torchmetrics: {INSTALL}") from error
        if not Path(weights).is_file():
            raise EvaluationError(
                f"fid needs the weights of Inception, and {weights} is missing; download "
                f"{_FILE} from github.com/toshas/torch-fidelity/releases"
            )
        try:
            torch.load(weights, weights_only=True)  # raises if more than numbers is in the file
            self._metric: Any = FrechetInceptionDistance(
                normalize=True,
                feature_extractor_weights_path=weights,
                sync_on_compute=False,  # `collect` does it, in all processes
            )
        except ModuleNotFoundError as error:
            raise EvaluationError(f"fid needs torch-fidelity: {INSTALL}") from error
        except Exception as error:  # torch.load raises many kinds for files that are not weights
            raise EvaluationError(
                f"{weights} does not hold torch-fidelity's weights of Inception"
            ) from error
        self._metric.eval()
        self._counts = {True: 0, False: 0}

    def add(self, picture: Tensor, *, real: bool) -> None:
        """Add one picture (3, H, W) in [0, 1] of the collection (`real`) or of the paintings."""
        self._metric.update(picture[None], real=real)
        self._counts[real] += 1

    def collect(self, ranks: Ranks) -> None:
        """Take in what was added in the other processes; call it in all of them, once."""
        if ranks.count > 1:
            self._metric.sync()
            each = ranks.gathered(self._counts)
            self._counts = {real: sum(counts[real] for counts in each) for real in self._counts}

    def value(self) -> float | None:
        """The distance, 0 or more; None if a side has fewer than 2 pictures."""
        if min(self._counts.values()) < FID_FEWEST:
            return None
        return float(self._metric.compute())
