"""What every demo scene is made of: outlines with a material, and the fields a painter reads.

Lengths of a scene are in units of the picture's shorter side, x to the right and y down.
`lay_out` turns a scene into maps of one value a pixel: which shape is on top, how light it is,
and which way a stroke should run there.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]
Rng: TypeAlias = np.random.Generator
LIGHT = (-0.62, -0.78)  # towards the light, which stands at the upper left (x, y)


@dataclass(frozen=True)
class Shape:
    """A closed outline (points, 2) with what it is made of and how it takes the light."""

    outline: Array
    material: str
    tone: float  # 0 black to 1 white
    angle: float = 0.0  # direction of its own strokes, radians, 0 = horizontal
    relief: float = 0.5  # 0 = flat, 1 = as round as a ball
    fade: float = 0.0  # tone added from its top to its bottom


@dataclass(frozen=True)
class Scene:
    """Shapes from the farthest to the nearest, on a ground of `width` x `height` units."""

    shapes: list[Shape]
    width: float
    height: float


@dataclass(frozen=True)
class Fields:
    """Maps (height, width): index of the top shape, tone in [0, 1], stroke direction in radians."""

    label: Labels
    tone: Array
    angle: Array


def ellipse(x: float, y: float, across: float, down: float, turn: float = 0.0) -> Array:
    """Points (48, 2) of an ellipse with half axes `across` and `down`, turned by `turn` radians."""
    around = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    right, below = across * np.cos(around), down * np.sin(around)
    return np.stack(
        [
            x + right * np.cos(turn) - below * np.sin(turn),
            y + right * np.sin(turn) + below * np.cos(turn),
        ],
        axis=1,
    )


def blob(rng: Rng, x: float, y: float, across: float, down: float, lumps: int = 7) -> Array:
    """Points (96, 2) of a lumpy ellipse: a cloud, a bush, the crown of a tree."""
    around = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    swell = 0.9 + 0.16 * np.abs(np.sin(0.5 * lumps * around + rng.uniform(0.0, 6.0)))
    swell = swell + 0.07 * np.sin(2.0 * around + rng.uniform(0.0, 6.0))
    return np.stack(
        [x + across * swell * np.cos(around), y + down * swell * np.sin(around)], axis=1
    )


def polygon(*points: tuple[float, float]) -> Array:
    """Points (len(points), 2) of a polygon."""
    return np.array(points, dtype=np.float64)


def placed(x: float, y: float, size: float, *points: tuple[float, float]) -> Array:
    """Points (len(points), 2) of a polygon given about (0, 0) at size 1, put at (x, y)."""
    outline: Array = polygon(*points) * size + np.array([x, y])
    return outline


def box(left: float, top: float, right: float, bottom: float) -> Array:
    """Points (4, 2) of an upright rectangle."""
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def ridge(rng: Rng, width: float, height: float, top: float, swing: float, bumps: float) -> Array:
    """Points of all below a line around `top` with `bumps` hills of height `swing` across."""
    x = np.linspace(-0.1, width + 0.1, 60)
    line = np.zeros_like(x)
    for octave in (1.0, 2.1, 4.3):
        phase = rng.uniform(0.0, 2.0 * np.pi)
        line += np.sin(2.0 * np.pi * octave * bumps * x / width + phase) / octave**1.2
    points = np.stack([x, top - 0.5 * swing * line], axis=1)
    below = polygon((width + 0.1, height + 0.1), (-0.1, height + 0.1))
    return np.concatenate([points, below])


def blur(picture: Array, radius: float) -> Array:
    """Three box means of about `radius` pixels along both axes, borders repeated."""
    reach = max(1, round(radius))
    for _ in range(3):
        for axis in (0, 1):
            pad = [(reach + 1, reach) if axis == each else (0, 0) for each in (0, 1)]
            total = np.cumsum(np.pad(picture, pad, mode="edge"), axis=axis)
            count = 2 * reach + 1
            upper = np.take(total, range(count, total.shape[axis]), axis=axis)
            lower = np.take(total, range(total.shape[axis] - count), axis=axis)
            picture = (upper - lower) / count
    return picture


def smooth_noise(rng: Rng, shape: tuple[int, int], radius: float) -> Array:
    """Noise (height, width), mean 0, deviation 1, in patches about `radius` pixels wide."""
    noise: Array = blur(rng.random(shape) - 0.5, radius)
    noise -= noise.mean()
    noise /= noise.std() + 1e-12
    return noise


def fill(outline: Array, scale: float, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask of the inside of an outline in units; `size` is (height, width) in pixels.

    By counting the edges left of each pixel's center, and not by Pillow, whose versions differ in a
    few pixels at the border: enough to send a stroke, and all that follow it, another way.
    """
    height, width = size
    start = outline * scale
    end = np.roll(start, -1, axis=0)
    middle = np.arange(height)[None, :] + 0.5
    crosses = (start[:, 1:] <= middle) != (end[:, 1:] <= middle)
    edge, row = np.nonzero(crosses)
    part = (row + 0.5 - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    x = start[edge, 0] + part * (end[edge, 0] - start[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    odd = np.zeros((height, width + 1), dtype=np.bool_)
    np.logical_xor.at(odd, (row, column), True)
    return np.asarray(np.logical_xor.accumulate(odd, axis=1)[:, :width])


def _model(mask: NDArray[np.bool_], shape: Shape) -> tuple[Array, Array, Array]:
    """Tone and doubled direction (cosine, sine) over a mask, as if the shape were inflated."""
    radius = float(np.clip(0.16 * np.sqrt(mask.sum()), 2.0, 22.0))
    down, right = np.gradient(blur(mask.astype(np.float64), radius))
    steep = np.hypot(down, right) * radius * 2.5
    slope = np.minimum(steep, 1.0) / (np.hypot(down, right) + 1e-9)
    facing = -(right * LIGHT[0] + down * LIGHT[1]) * slope
    rows = np.linspace(-0.5, 0.5, mask.shape[0])[:, None]
    tone = shape.tone + 0.48 * shape.relief * facing + shape.fade * rows
    follow = np.minimum(1.0, 1.2 * steep) * np.minimum(1.0, 0.25 + 1.2 * shape.relief)
    along = 2.0 * np.arctan2(right, -down)
    cosine = follow * np.cos(along) + (1.0 - follow) * np.cos(2.0 * shape.angle)
    sine = follow * np.sin(along) + (1.0 - follow) * np.sin(2.0 * shape.angle)
    return tone, cosine, sine


def lay_out(scene: Scene, scale: float, rng: Rng) -> Fields:
    """The fields of a scene drawn at `scale` pixels a unit."""
    size = (round(scene.height * scale), round(scene.width * scale))
    label = np.zeros(size, dtype=np.int64)
    tone, cosine, sine = np.ones(size), np.ones(size), np.zeros(size)
    for index, shape in enumerate(scene.shapes):
        mask = fill(shape.outline, scale, size)
        rows, columns = np.nonzero(mask)
        if rows.size == 0:
            continue
        margin = 24
        window = (
            slice(max(0, rows.min() - margin), rows.max() + margin),
            slice(max(0, columns.min() - margin), columns.max() + margin),
        )
        inside = mask[window]
        label[window][inside] = index
        maps = _model(inside, shape)
        for whole, part in zip((tone, cosine, sine), maps, strict=True):
            whole[window][inside] = part[inside]
    tone = tone + 0.05 * smooth_noise(rng, size, 12.0)
    angle = 0.5 * np.arctan2(sine, cosine) + 0.10 * smooth_noise(rng, size, 14.0)
    return Fields(label, np.clip(tone, 0.0, 1.0), angle)
