"""Bringing a small painting up to the size of the photo, with the photo's own edges.

Enlarged by itself, a painting is soft where the photo has an edge. What the photo has and its
reduced copy has not is therefore added, as strongly as the painting follows the photo around that
place: around each pixel of the small painting, color is an affine function of the photo's
luminance, with the slope of the guided filter (He et al. 2013, eq. 5), whose coefficients are
enlarged in place of its output (He & Sun 2015). Chen et al. (2016) enlarge operators in the same
way with a bilateral grid. Other than there, what is no function of the photo, strokes above all,
is kept and enlarged.

Shapes: h, w sides of the small painting; H, W of the photo; pictures are RGB.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.painting.strips import strips

_RADIUS = 3  # pixels of the small painting around each
_LEAST_VARIANCE = 1e-3  # of luminance: less is noise, and its slope is taken for flatter
_STEEPEST = 1.5  # slopes are cut off here: beyond, noise of the photo becomes visible


class Enlargement:
    """A small painting, ready to be brought up part by part.

    Args:
        small: (1, 3, h, w) in [0, 1], the photo reduced.
        painted: (1, 3, h, w) in [0, 1], its painting.
        size: H and W.
    """

    def __init__(self, small: Tensor, painted: Tensor, size: tuple[int, int]) -> None:
        gray = to_gray(small)
        self._smooth = _Resized(painted, size, "bicubic")
        self._gray = _Resized(gray, size, "bicubic")
        self._slope = _Resized(luminance_slope(gray, painted), size, "bilinear")
        self.size = size

    def whole(self, photo: Tensor) -> Tensor:
        """The large painting of the photo, (1, 3, H, W) both."""
        return torch.cat([self.rows(part, photo[:, :, part]) for part in strips(*self.size)], dim=2)

    def rows(self, part: slice, photo: Tensor) -> Tensor:
        """Some rows of the large painting, (1, 3, rows, W) in [0, 1].

        Args:
            part: which rows.
            photo: these rows of the photo, (1, 3, rows, W) in [0, 1].
        """
        detail = to_gray(photo) - self._gray(part)
        brought_up = self._smooth(part) + self._slope(part) * detail
        return brought_up.clamp_(0, 1)


def luminance_slope(gray: Tensor, painted: Tensor) -> Tensor:
    """How much each color changes with the photo's luminance around a pixel, (1, 3, h, w).

    Args:
        gray: (1, 1, h, w) in [0, 1], the luminance of the reduced photo.
        painted: (1, 3, h, w) in [0, 1], its painting.
    """
    mean = _mean(gray)
    with_color = _mean(gray * painted) - mean * _mean(painted)
    own = (_mean(gray * gray) - mean * mean).clamp(min=0) + _LEAST_VARIANCE
    return _mean((with_color / own).clamp(-_STEEPEST, _STEEPEST))


def _mean(values: Tensor) -> Tensor:
    side = 2 * _RADIUS + 1
    return F.avg_pool2d(values, side, 1, _RADIUS, count_include_pad=False)


class _Resized:
    """Maps (1, C, h, w) as `interpolate` would enlarge them, rows at a time."""

    def __init__(self, maps: Tensor, size: tuple[int, int], mode: str) -> None:
        self._maps = maps[0]
        self._width = size[1]
        self._mode = mode
        rows = maps.shape[2]  # interpolation is linear: that of the unit matrix is all there is
        unit = torch.eye(rows, device=maps.device)[None, None]
        self._matrix = F.interpolate(unit, (size[0], rows), mode=mode)[0, 0]  # (H, h)

    def __call__(self, part: slice) -> Tensor:
        weights = self._matrix[part]  # (rows, h), of which few columns are not 0
        used = weights.abs().sum(0).nonzero().flatten()
        first, last = int(used[0]), int(used[-1]) + 1
        rows = weights[:, first:last] @ self._maps[:, first:last]  # (C, rows, w)
        sides = (len(weights), self._width)
        return F.interpolate(rows[None], sides, mode=self._mode)
