"""Strokes that follow a direction field at an even distance from each other, and how to draw them.

The placing is after Jobard & Lefer, "Creating Evenly-Spaced Streamlines of Arbitrary Density"
(1997): a new stroke starts beside an old one, and ends where it would come too near to another.
Here it also ends where it would leave its shape, and the distance differs from place to place.
"""

import math

import numpy as np
from demo_shapes import Array, Fields, Labels, Rng
from PIL import ImageDraw

STEP = 2.0  # pixels between two points of a stroke
Point = tuple[float, float]


class StrokePlacer:
    """Places strokes in a direction field; `gap` is the distance wanted, 0 where none may go."""

    def __init__(
        self, angle: Array, gap: Array, label: Labels, longest: float, shortest: float = 8.0
    ) -> None:
        self.cosine, self.sine = np.cos(angle), np.sin(angle)
        self.gap, self.label = gap, label
        self.taken = np.zeros(gap.shape, dtype=np.bool_)  # where no stroke may go
        self.spoken = np.zeros(gap.shape, dtype=np.bool_)  # where none may start
        self.most, self.least = int(longest / STEP), max(2, int(shortest / STEP))

    def place(self, rng: Rng) -> list[Array]:
        """Strokes, each an array (points, 2) of x and y in pixels."""
        height, width = self.gap.shape
        seeds = rng.permutation(height * width)[: height * width // 3]
        strokes = []
        for seed in seeds.tolist():
            waiting = [(float(seed % width), float(seed // width))]
            while waiting:
                stroke = self._trace(waiting.pop(), int(self.most * rng.uniform(0.6, 1.1)))
                if stroke is not None:
                    strokes.append(stroke)
                    waiting += self._beside(stroke)
        return strokes

    def _trace(self, start: Point, most: int) -> Array | None:
        """The stroke through `start`, or None where there is no room for one."""
        at = (int(start[1]), int(start[0]))
        if not self._free(start, None) or self.spoken[at]:
            return None
        own = int(self.label[at])
        ahead = self._walk(start, 1.0, own, most // 2)
        back = self._walk(start, -1.0, own, most - most // 2)
        points = [*back[::-1], start, *ahead]
        if len(points) < self.least:
            return None
        for x, y in points:
            self._take(x, y)
        return np.array(points)

    def _walk(self, start: Point, sign: float, own: int, most: int) -> list[Point]:
        """Points from `start` along the field until it turns sharply or meets another stroke."""
        points: list[Point] = []
        x, y = start
        ahead_x = sign * float(self.cosine[int(y), int(x)])
        ahead_y = sign * float(self.sine[int(y), int(x)])
        while len(points) < most:
            x, y = x + STEP * ahead_x, y + STEP * ahead_y
            if not self._free((x, y), own):
                break
            points.append((x, y))
            right, below = float(self.cosine[int(y), int(x)]), float(self.sine[int(y), int(x)])
            turn = right * ahead_x + below * ahead_y
            if abs(turn) < 0.6:
                break
            ahead_x, ahead_y = (
                math.copysign(right, right * turn),
                math.copysign(below, below * turn),
            )
        return points

    def _free(self, point: Point, own: int | None) -> bool:
        """Whether a stroke in shape `own` (None = any) may pass a point."""
        x, y = point
        if not (0.0 <= x < self.gap.shape[1] and 0.0 <= y < self.gap.shape[0]):
            return False
        at = (int(y), int(x))
        if self.taken[at] or self.gap[at] <= 0.0:
            return False
        return own is None or bool(self.label[at] == own)

    def _take(self, x: float, y: float) -> None:
        """Keeps others out of a disc (drawn as a plus of two boxes) around a point."""
        gap = float(self.gap[int(y), int(x)])
        for mask, reach in ((self.taken, 0.58 * gap), (self.spoken, 0.86 * gap)):
            for wide, high in ((reach, 0.5 * reach), (0.5 * reach, reach)):
                top, left = max(0, round(y - high)), max(0, round(x - wide))
                mask[top : round(y + high) + 1, left : round(x + wide) + 1] = True

    def _beside(self, stroke: Array) -> list[Point]:
        """Points at the wanted distance on both sides of a stroke."""
        points: list[Point] = []
        for x, y in stroke[:: max(1, len(stroke) // 6)].tolist():
            at = (int(y), int(x))
            away = 1.08 * float(self.gap[at])
            across, down = -float(self.sine[at]) * away, float(self.cosine[at]) * away
            points += [(x + across, y + down), (x - across, y - down)]
        return points


def wobble(rng: Rng, count: int, size: float, reach: int = 5) -> Array:
    """A smooth random line (count,) of deviation about `size`: the unsteady hand."""
    noise = rng.normal(0.0, 1.0, count + 2 * reach)
    kernel = np.hanning(2 * reach + 3)[1:-1]
    return size * np.convolve(noise, kernel / np.sqrt((kernel**2).sum()), mode="valid")[:count]


def draw_ribbon(
    draw: ImageDraw.ImageDraw, stroke: Array, width: Array, zoom: float, color: int
) -> None:
    """Draws a stroke (points, 2) of changing width (points,), in pixels, `zoom` times enlarged."""
    along = np.gradient(stroke, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * (0.5 * width[:, None])
    edge = np.concatenate([stroke + side, (stroke - side)[::-1]]) * zoom
    draw.polygon([(x, y) for x, y in edge.tolist()], fill=color)


def sample(field: Array, stroke: Array) -> Array:
    """Values (points,) of a field under a stroke."""
    rows = np.clip(stroke[:, 1].astype(np.int64), 0, field.shape[0] - 1)
    columns = np.clip(stroke[:, 0].astype(np.int64), 0, field.shape[1] - 1)
    return np.asarray(field[rows, columns], dtype=np.float64)


def visible_outlines(fields: Fields, index: int, outline: Array, scale: float) -> list[Array]:
    """The parts of an outline in units that no nearer shape hides, as strokes in pixels."""
    closed = np.concatenate([outline, outline[:1]]) * scale
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    distance = np.concatenate([[0.0], np.cumsum(lengths)])
    points = np.arange(0.0, distance[-1], STEP)
    path = np.stack([np.interp(points, distance, closed[:, axis]) for axis in (0, 1)], axis=1)
    height, width = fields.label.shape
    inside = (path > 0.0).all(axis=1) & (path[:, 0] < width) & (path[:, 1] < height)
    shown = inside & (sample(fields.label.astype(np.float64), path) <= index)
    breaks = np.nonzero(np.diff(shown.astype(np.int64)))[0] + 1
    parts = zip(np.split(path, breaks), np.split(shown, breaks), strict=True)
    return [part for part, seen in parts if len(part) > 3 and seen[0]]
