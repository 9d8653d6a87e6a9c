"""Deception rate: the share of a painting's patches that a classifier takes for the artist's.

After Sanakoyeu et al. (2018), whose classifier, a VGG-16 trained to name the artist of whole
pictures, knew 624 of them. Ours is linear and is fitted to the collections at hand, with plain
photos as one more class, on patches that are gray and of one brightness and contrast: neither
palette nor light can stand in for the brushwork.

Shapes: n patches, D numbers of a signature.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.data.images import to_tensor
from gan_style.evaluation.metrics import LEAST_DEVIATION, signature
from gan_style.sizes import READING_SIDE

PATCH = 96
"""Side of a patch in pixels, of a picture whose short side is `READING_SIDE`."""
MAXIMUM_PHOTOS = 80
"""At most this many photos stand for the class of photos."""

_ACROSS = 3  # patches in a row and in a column, spread evenly
_FLAT = 0.02  # standard deviation, of a range of 1, below which a patch shows no brushwork
_MEAN, _DEVIATION = 0.45, 0.2  # to which every patch is brought
_DECAY = 0.01  # weight of the squared coefficients
_ITERATIONS = 60


class PatchShares(NamedTuple):
    """To which classes the paintings' patches are assigned.

    deception_rate: share of patches taken for the collection's; photo_rate: for a photo's. The
    rest goes to the other collections.
    """

    deception_rate: float
    photo_rate: float


def gray_patches(picture: Image.Image) -> Tensor:
    """Nine gray patches of a picture, spread evenly, each of the same mean and deviation.

    Patches that are flat are left out: their noise would be taken for strokes.

    Returns:
        (n, 3, PATCH, PATCH), three times the same gray, n from 0 to 9; not limited to [0, 1].
    """
    gray = picture.convert("L")
    scale = READING_SIDE / min(gray.size)
    width, height = (max(READING_SIDE, round(side * scale)) for side in gray.size)
    values = to_tensor(gray.resize((width, height), Image.Resampling.LANCZOS))[0]
    tops, lefts = (
        [int((side - PATCH) * step / (_ACROSS - 1)) for step in range(_ACROSS)]
        for side in (height, width)
    )
    cut = [values[top : top + PATCH, left : left + PATCH] for top in tops for left in lefts]
    patches = torch.stack(cut)
    deviation = patches.std((1, 2), keepdim=True)
    mean = patches.mean((1, 2), keepdim=True)
    even = (patches - mean) / deviation.clamp(min=_FLAT) * _DEVIATION + _MEAN
    return even[deviation.flatten() > _FLAT][:, None].expand(-1, 3, -1, -1)


@torch.no_grad()
def patch_signatures(features: nn.Module, picture: Image.Image, device: torch.device) -> Tensor:
    """Means and deviations of the features of each of `gray_patches`: (n, D), n from 0 to 9."""
    patches = gray_patches(picture).to(device)
    if len(patches):
        return signature(features(patches)).cpu()
    return signature(features(torch.zeros(1, 3, PATCH, PATCH, device=device)))[:0].cpu()


class PatchClassifier:
    """Multinomial logistic regression on standardized signatures, with equal weight per class.

    It minimizes the mean cross-entropy plus 0.01 times the sum of squared coefficients (without
    the constants) by 60 iterations of L-BFGS from zero. That ends near the optimum, not at it, so
    that the order of sums can move a patch that lies between two classes.

    Args:
        classes: for each class the (n, D) signatures of its patches.

    Raises:
        ValueError: a class without a patch.
    """

    def __init__(self, classes: Sequence[Tensor]) -> None:
        counts = torch.tensor([len(signatures) for signatures in classes])
        if not counts.all():
            empty = int((counts == 0).nonzero()[0])
            raise ValueError(f"class {empty} has no patch that is not flat: nothing to learn from")
        known = torch.cat(list(classes))
        self._mean = known.mean(0)
        self._scale = known.std(0).clamp(min=LEAST_DEVIATION)
        self._matrix = torch.zeros(known.shape[1] + 1, len(classes))  # constants are the last row
        labels = torch.arange(len(classes)).repeat_interleave(counts)
        self._fit(self._standardize(known), labels, 1 / counts)

    def _fit(self, standardized: Tensor, labels: Tensor, weights: Tensor) -> None:
        matrix, weights = self._matrix.requires_grad_(), weights / weights.mean()
        search = torch.optim.LBFGS([matrix], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

        def objective() -> Tensor:
            search.zero_grad()
            logits = standardized @ matrix[:-1] + matrix[-1]
            value = F.cross_entropy(logits, labels, weight=weights)
            value = value + _DECAY * matrix[:-1].square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value

        with torch.enable_grad():
            search.step(objective)  # type: ignore[no-untyped-call]
        self._matrix.requires_grad_(False)

    def _standardize(self, signatures: Tensor) -> Tensor:
        return (signatures - self._mean) / self._scale

    def logits(self, signatures: Tensor) -> Tensor:
        """Log-odds of each patch between classes: (n, D) signatures -> (n, classes).

        Those of two classes have to be subtracted; by themselves they mean nothing.
        """
        return self._standardize(signatures) @ self._matrix[:-1] + self._matrix[-1]

    def __call__(self, signatures: Tensor) -> Tensor:
        """The number of the most likely class of each patch: (n, D) signatures -> (n,)."""
        return self.logits(signatures).argmax(1)

    def shares(self, signatures: Tensor, own: int, photos: int) -> PatchShares | None:
        """Shares of (n, D) patches assigned to the classes `own` and `photos`; None if n is 0."""
        if not len(signatures):
            return None
        taken = self(signatures)
        return PatchShares(*((taken == number).double().mean().item() for number in (own, photos)))
