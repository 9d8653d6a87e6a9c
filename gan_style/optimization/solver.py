"""Minimizing a loss of a picture by moving its pixels, within a number of evaluations.

This module knows nothing of style or features: a loss is any function of a picture.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress

import torch
from torch import Tensor

from gan_style.errors import DivergedError

Loss = Callable[[Tensor], Tensor]

VECTORS: Mapping[str, int] = {"lbfgs": 46, "adam": 6, "sgd": 5}
"""Vectors of the picture's size that an optimizer holds; L-BFGS two for each step it keeps."""
_KEPT_STEPS = 20  # by which L-BFGS knows the curvature
_FIRST_STEP = 0.01  # of L-BFGS, of the pixels' range
_SCALE = 1000.0  # of the loss, for L-BFGS
_ADAM_RATE = 0.02  # of the pixels' range for a step, falling to 0
_SGD_RATE = 0.005  # of the pixels' range for a step without momentum, on average; falling to 0
_SGD_MOMENTUM = 0.9


class _Spent(Exception):  # noqa: N818 - the way out of an optimizer, not an error
    """No evaluation is left, or none can help."""


class Descent:
    """The minimization of a picture's loss; `best` is the picture of the least loss so far.

    Args:
        loss: of a picture of `start`'s shape; called once for each evaluation.
        start: the first picture, of any shape.
    """

    def __init__(self, loss: Loss, start: Tensor) -> None:
        self.loss = loss
        self.best = start
        self.least = math.inf
        self.spent = 0

    def run(self, optimizer: str, evaluations: int) -> Tensor:
        """Move the pixels by one of `OPTIMIZERS`; returns the best picture.

        Takes at most `evaluations` of the loss, and fewer if no step lowers it any more.

        Raises:
            DivergedError: the first loss is not finite. If a later one is not, the result is the
                best picture before it.
        """
        with suppress(_Spent):
            OPTIMIZERS[optimizer](self.best, self._counted(evaluations), evaluations)
        return self.best

    def _counted(self, evaluations: int) -> Loss:
        def counted(pixels: Tensor) -> Tensor:
            if self.spent >= evaluations:
                raise _Spent
            self.spent += 1
            loss = self.loss(pixels)
            value = loss.item()
            if not math.isfinite(value):
                if math.isinf(self.least):
                    raise DivergedError(f"the loss of the first picture is {value}")
                raise _Spent  # its gradient gives no direction
            if value < self.least:
                self.least, self.best = value, pixels.detach().clone()
            return loss

        return counted


def _lbfgs(start: Tensor, loss: Loss, evaluations: int) -> None:
    """L-BFGS (Liu & Nocedal 1989) with a line search for the strong Wolfe conditions.

    Two of PyTorch's constants are absolute, and a picture's gradient is tiny: a step is left out
    of memory if the gradient changes along it by less than 1e-10, and the values of the first step
    add up to 1. So the loss is multiplied by `_SCALE`, and what is moved is the picture in units
    that make the first step `_FIRST_STEP` of the pixels' range on average. Not by more: the line
    search squares slopes of the loss in float32, and at 1024 px they overflowed.
    """
    unit = _FIRST_STEP * start.numel()
    moved = (start / unit).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [moved],
        max_iter=evaluations,
        max_eval=2 * evaluations,  # `loss` counts, exactly
        history_size=_KEPT_STEPS,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        scaled = loss(moved * unit) * _SCALE
        scaled.backward()  # type: ignore[no-untyped-call]
        return scaled

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _adam(start: Tensor, loss: Loss, evaluations: int) -> None:
    """Adam (Kingma & Ba 2015) with a rate that falls linearly to 0."""
    pixels = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=_ADAM_RATE, betas=(0.9, 0.99))
    for index in range(evaluations):
        _set_rate(optimizer, _ADAM_RATE * (1 - index / evaluations))
        optimizer.zero_grad()
        loss(pixels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _sgd(start: Tensor, loss: Loss, evaluations: int) -> None:
    """Gradient descent with momentum (Polyak 1964) on the gradient over its mean absolute value.

    The size of a picture's gradient depends on its pixels, losses and weights; divided by its mean,
    one rate suits them all. The rate falls linearly to 0. On scikit-image's astronaut at 128 px
    after the demo's dabs/1-hills.jpg, 300 evaluations took the loss from 680 to 7.0 (L-BFGS 6.6,
    Adam 8.2), and 50 to 8.9 (7.2 and 21.0).
    """
    pixels = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([pixels], lr=_SGD_RATE, momentum=_SGD_MOMENTUM)
    for index in range(evaluations):
        _set_rate(optimizer, _SGD_RATE * (1 - index / evaluations))
        optimizer.zero_grad()
        loss(pixels).backward()  # type: ignore[no-untyped-call]
        assert pixels.grad is not None
        pixels.grad /= pixels.grad.abs().mean().clamp(min=1e-30)
        optimizer.step()


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


OPTIMIZERS: Mapping[str, Callable[[Tensor, Loss, int], None]] = {
    "lbfgs": _lbfgs,
    "adam": _adam,
    "sgd": _sgd,
}
"""Each moves pixels from a start, by at most so many evaluations of a loss that counts itself."""
