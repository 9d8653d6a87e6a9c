"""A model that paints the frames of a shot with one code and one set of global statistics.

Measured anew on every frame, both would follow everything that comes into the picture, and all of
the painting would change with it. Here they are measured every few frames, on a reduced frame, and
glide from one measurement to the next; a frame then costs one pass of the generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan_style.device import autocast
from gan_style.models.style_model import StyleModel
from gan_style.painting.config import BrushConfig
from gan_style.painting.painter import CORRECTED_SIDE, Painter, shrunk
from gan_style.painting.strips import Pixels
from gan_style.painting.tiles import paint_tiles, tile_side
from gan_style.style_code import StyleCode
from gan_style.video.state import State

_EVERY = 12
"""Frames from one measurement to the next: that of a 480p frame takes as long as two passes."""
_GLIDE = 0.1
"""Share of the way to the last measurement that is gone with every frame."""


class SteadyPainter:
    """Paints the frames of a video; a `FramePainter`.

    Args:
        model: without gradients, on the device.
        device: where networks run.
        precision: "bfloat16" or "float32".
        style: of this model.
        config: how to paint; its size is not looked at: paintings are as large as the frames.
    """

    def __init__(
        self,
        model: StyleModel,
        device: torch.device,
        precision: str,
        style: StyleCode,
        config: BrushConfig,
    ) -> None:
        self._painter = _HoldingPainter(model, device, precision)
        self._style = style
        self._config = config
        self._count = 0  # frames of this shot

    def paint(self, frame: Pixels, *, first: bool) -> Pixels:
        if first:
            self._count = 0
            self._painter.held = {}
        self._painter.measuring = self._count % _EVERY == 0
        self._count += 1
        return self._painter.paint(frame, self._style, self._config)

    def state(self) -> State:
        state: State = {"count": np.array([self._count])}
        for (height, width), held in self._painter.held.items():
            for kind, tensors in (("now", held.now), ("wanted", held.wanted)):
                for number, tensor in enumerate(tensors):
                    state[f"{height}/{width}/{kind}/{number}"] = tensor.cpu().numpy()
        return state

    def restore(self, state: State) -> None:
        self._count = int(state["count"][0])
        found: dict[tuple[int, int], dict[str, list[Tensor]]] = {}
        for name, values in state.items():  # in the order in which they were written
            if name != "count":
                height, width, kind, _ = name.split("/")
                kinds = found.setdefault((int(height), int(width)), {"now": [], "wanted": []})
                kinds[kind].append(torch.from_numpy(values).to(self._painter.device))
        self._painter.held = {sides: _Held(**kinds) for sides, kinds in found.items()}


@dataclass
class _Held:
    """What a pass of the generator paints with: now, and where that is going.

    Both are the code, (1, d), and then mean and deviation of each normalization, (2, 1, C, 1, 1).
    """

    now: list[Tensor]
    wanted: list[Tensor]

    def glide(self) -> None:
        self.now = [
            one.lerp(other, _GLIDE) for one, other in zip(self.now, self.wanted, strict=True)
        ]


class _HoldingPainter(Painter):
    """Paints with code and statistics that are held from one frame to the next.

    held: of each pass, by its H and W: a photo may be painted, enlarged, and painted over.
    measuring: whether the next frame is to be measured.
    """

    def __init__(self, model: StyleModel, device: torch.device, precision: str) -> None:
        super().__init__(model, device, precision)
        self.held: dict[tuple[int, int], _Held] = {}
        self.measuring = True

    def generate(self, content: Tensor, code: Tensor, pixels: int) -> Tensor:
        height, width = content.shape[2:]
        held = self.held.get((height, width))
        if held is None or self.measuring:
            measured = self._measured(content, code)
            held = self.held.setdefault((height, width), _Held(measured, measured))
            held.wanted = measured
        held.glide()
        code, *statistics = held.now
        generator = self.model.generator
        with (
            autocast(self.device, self.precision),
            generator.with_statistics(_inverted(statistics)),
        ):
            if height * width > pixels:
                return paint_tiles(generator, content, code, tile_side(pixels))
            painted: Tensor = generator(content, code)
            return painted.float()

    def _measured(self, content: Tensor, code: Tensor) -> list[Tensor]:
        """What suits (1, 3, h, w): the corrected code, and the statistics that come with it."""
        code = self.corrected(content, code)
        small = shrunk(content, CORRECTED_SIDE)
        with autocast(self.device, self.precision):
            statistics = self.model.generator.measured(small, code)
        return [code.float(), *_inverted(statistics)]


def _inverted(statistics: Sequence[Tensor]) -> list[Tensor]:
    """Means with inverse deviations -> means with deviations, which glide evenly; and back."""
    return [torch.stack([mean, 1 / deviation]) for mean, deviation in statistics]
