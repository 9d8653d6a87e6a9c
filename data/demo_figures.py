"""The near scenes of the demo: a still life, a portrait, a bird on a branch."""

import numpy as np
from demo_shapes import Rng, Shape, blob, box, ellipse, placed, polygon, ridge


def _fruit(rng: Rng, x: float, y: float, radius: float) -> list[Shape]:
    """An apple or pear with its shadow, stalk and light."""
    kind = str(rng.choice(["fruit", "lemon", "fruit"]))
    body = ellipse(x, y, radius, 0.93 * radius, rng.uniform(-0.3, 0.3))
    stalk = polygon((x - 0.08 * radius, y - 0.7 * radius), (x + 0.1 * radius, y - 1.35 * radius))
    stalk = np.concatenate(
        [
            stalk,
            polygon((x + 0.24 * radius, y - 1.3 * radius), (x + 0.08 * radius, y - 0.7 * radius)),
        ]
    )
    return [
        Shape(
            ellipse(x + 0.5 * radius, y + 0.75 * radius, 1.25 * radius, 0.32 * radius),
            "shade",
            0.2,
            0.0,
            0.0,
        ),
        Shape(body, kind, 0.56 if kind == "fruit" else 0.7, 0.6, 1.0),
        Shape(
            ellipse(x - 0.32 * radius, y - 0.36 * radius, 0.2 * radius, 0.14 * radius, -0.6),
            "glint",
            0.98,
            -0.6,
            0.0,
        ),
        Shape(stalk, "trunk", 0.15, 1.3, 0.0),
    ]


def _flower(rng: Rng, x: float, y: float, radius: float) -> list[Shape]:
    """Petals around a dark heart."""
    count, turn = int(rng.integers(5, 8)), rng.uniform(0.0, 6.0)
    shapes = []
    for petal in range(count):
        way = turn + 2.0 * np.pi * petal / count
        at = (x + 0.6 * radius * np.cos(way), y + 0.6 * radius * np.sin(way))
        shapes.append(
            Shape(ellipse(*at, 0.48 * radius, 0.3 * radius, way), "flower", 0.75, way, 0.7)
        )
    return [*shapes, Shape(ellipse(x, y, 0.26 * radius, 0.26 * radius), "heart", 0.25, 0.0, 0.5)]


def _leaf(x: float, y: float, size: float, way: float) -> Shape:
    """A pointed leaf that grows from (x, y) in direction `way`."""
    along = np.linspace(0.0, 1.0, 14)
    half = 0.24 * np.sin(np.pi * along) ** 0.8
    along, half = (
        np.concatenate([along, along[::-1]]) * size,
        np.concatenate([half, -half[::-1]]) * size,
    )
    points = [
        x + along * np.cos(way) - half * np.sin(way),
        y + along * np.sin(way) + half * np.cos(way),
    ]
    return Shape(np.stack(points, axis=1), "leaf", 0.42, way + 0.5, 0.7)


def _vase(x: float, foot: float, tall: float) -> list[Shape]:
    """A turned vase with a band."""
    rise = np.linspace(0.0, 1.0, 24)
    half = tall * (
        0.2 + 0.17 * np.sin(np.pi * rise**0.8) - 0.08 * rise + 0.1 * np.maximum(0.0, rise - 0.85)
    )
    y = foot - tall * rise
    profile = np.concatenate([np.stack([x - half, y], 1), np.stack([x + half, y], 1)[::-1]])
    belt = slice(9, 14)
    band = np.concatenate(
        [np.stack([x - half, y], 1)[belt], np.stack([x + half, y], 1)[belt][::-1]]
    )
    return [
        Shape(ellipse(x + 0.22 * tall, foot, 0.42 * tall, 0.07 * tall), "shade", 0.2, 0.0, 0.0),
        Shape(profile, "vase", 0.5, 0.0, 0.95),
        Shape(band, "band", 0.78, 0.0, 0.8),
    ]


def still_life(rng: Rng, width: float, height: float) -> list[Shape]:
    """A vase of flowers and fruit on a table by a curtain."""
    edge = rng.uniform(0.6, 0.68) * height
    shapes = [Shape(box(-0.1, -0.1, width + 0.1, height + 0.1), "curtain", 0.52, 1.2, 0.0, -0.2)]
    for x in np.arange(-0.05, width, 0.19):
        sway = rng.uniform(-0.04, 0.04)
        fold = polygon(
            (x, -0.1), (x + 0.08, -0.1), (x + 0.1 + sway, height), (x - 0.02 + sway, height)
        )
        shapes.append(Shape(fold, "fold", 0.36, np.pi / 2, 0.6))
    shapes.append(
        Shape(box(-0.1, edge, width + 0.1, height + 0.1), "table", 0.66, 0.06, 0.1, -0.15)
    )
    cloth = [
        (x, edge + 0.1 + 0.05 * np.sin(9 * x + 2)) for x in np.linspace(0.02, 0.86, 12) * width
    ]
    cloth += [(0.98 * width, 1.1 * height), (-0.05 * width, 1.1 * height)]
    shapes.append(Shape(polygon(*cloth), "cloth", 0.86, 0.5, 0.5))
    x, foot, tall = rng.uniform(0.38, 0.6) * width, edge + 0.16 * height, rng.uniform(0.34, 0.4)
    mouth = foot - tall
    for way in rng.uniform(-2.7, -0.45, 9):
        shapes.append(_leaf(x, mouth + 0.02, rng.uniform(0.16, 0.27), way))
    for way, reach in zip(np.linspace(-2.8, -0.35, 7), rng.uniform(0.12, 0.3, 7), strict=True):
        shapes += _flower(
            rng, x + reach * np.cos(way), mouth + reach * np.sin(way), rng.uniform(0.075, 0.1)
        )
    shapes += _vase(x, foot, tall)
    for place in (0.12, 0.88, 0.3, 0.7, 0.5):
        at = (place + rng.uniform(-0.05, 0.05)) * width, foot + rng.uniform(0.02, 0.12) * height
        shapes += _fruit(rng, *at, rng.uniform(0.07, 0.095))
    return shapes


def _eyes(x: float, y: float, r: float) -> list[Shape]:
    """Two eyes with brows for a head of radius `r` at (x, y)."""
    shapes = []
    for side in (-1.0, 1.0):
        at = x + side * 0.4 * r
        brow = [
            (at - 0.26 * r, y - 0.2 * r),
            (at, y - 0.32 * r),
            (at + 0.26 * r, y - 0.2 * r),
            (at, y - 0.24 * r),
        ]
        shapes += [
            Shape(ellipse(at, y, 0.22 * r, 0.12 * r), "extractor", 0.95, 0.0, 0.1),
            Shape(ellipse(at + 0.02 * r, y, 0.09 * r, 0.11 * r), "pupil", 0.08, 0.0, 0.0),
            Shape(polygon(*brow), "hair", 0.15, 0.0, 0.0),
        ]
    return shapes


def _bust(rng: Rng, x: float, y: float, r: float, bottom: float) -> list[Shape]:
    """Hair, shoulders and neck below a head of radius `r` at (x, y)."""
    shoulders = polygon(
        (x - 0.42, bottom),
        (x - 0.36, y + 1.9 * r),
        (x - 0.1, y + 1.45 * r),
        (x + 0.1, y + 1.45 * r),
        (x + 0.36, y + 1.9 * r),
        (x + 0.42, bottom),
    )
    neck = placed(x, y, r, (-0.4, 0.6), (0.4, 0.6), (0.5, 1.6), (0.0, 2.0), (-0.5, 1.6))
    return [
        Shape(blob(rng, x, y + 0.15 * r, 1.2 * r, 1.45 * r, 5), "hair", 0.22, np.pi / 2, 0.7),
        Shape(shoulders, "dress", 0.42, 0.9, 0.7),
        Shape(neck, "skin", 0.5, 0.2, 0.5),
    ]


def _face(x: float, y: float, r: float) -> list[Shape]:
    """A face of radius `r` at (x, y)."""
    nose = placed(x, y, r, (0.02, 0.02), (-0.14, 0.46), (0.16, 0.46))
    mouth = placed(x, y, r, (-0.3, 0.72), (-0.1, 0.66), (0.1, 0.66), (0.3, 0.72), (0.0, 0.84))
    cheeks = [ellipse(x + side * r, y + 0.42 * r, 0.17 * r, 0.13 * r) for side in (-0.5, 0.5)]
    return [
        Shape(ellipse(x, y + 0.05 * r, 0.84 * r, 1.12 * r), "skin", 0.76, 0.8, 0.9),
        *_eyes(x, y, r),
        Shape(nose, "cheek", 0.5, 1.2, 0.4),
        Shape(mouth, "mouth", 0.3, 0.0, 0.3),
        *(Shape(cheek, "cheek", 0.62, 0.3, 0.2) for cheek in cheeks),
    ]


def portrait(rng: Rng, width: float, height: float) -> list[Shape]:
    """A head with long hair, most often in a hat, before hills."""
    x, y, r = rng.uniform(0.45, 0.55) * width, 0.43 * height, rng.uniform(0.2, 0.23)
    shapes = [Shape(box(-0.1, -0.1, width + 0.1, height + 0.1), "sky", 0.6, 0.4, 0.0, 0.2)]
    for top, material in ((0.5, "far"), (0.64, "hill"), (0.76, "field")):
        outline = ridge(rng, width, height, top * height, 0.1, 0.9)
        shapes.append(Shape(outline, material, rng.uniform(0.4, 0.66), rng.uniform(-0.4, 0.4), 0.5))
    shapes += _bust(rng, x, y, r, 1.1 * height) + _face(x, y, r)
    if rng.random() < 0.7:
        brim = ellipse(x, y - 0.7 * r, 1.65 * r, 0.3 * r, rng.uniform(-0.1, 0.1))
        shapes += [
            Shape(ellipse(x, y - 0.92 * r, 0.92 * r, 0.75 * r), "hat", 0.6, 0.0, 0.8),
            Shape(brim, "hat", 0.7, 0.0, 0.8),
            Shape(ellipse(x, y - 0.82 * r, 0.94 * r, 0.13 * r), "band", 0.2),
        ]
    return shapes


def _branch(rng: Rng, width: float, height: float) -> list[Shape]:
    """A bough across the picture with leaves and blossom."""
    above = ((-0.1, 0.9), (0.3, 0.73), (0.7, 0.7), (1.1, 0.56))
    below = ((1.1, 0.61), (0.72, 0.76), (0.32, 0.8), (-0.1, 1.0))
    bough = polygon(*above, *below) * np.array([width, height])
    shapes = [Shape(bough, "trunk", 0.3, -0.2, 0.8)]
    for place in rng.uniform(0.02, 0.98, 13):
        at, down = place * width, (0.83 - 0.22 * place) * height
        shapes.append(_leaf(at, down, rng.uniform(0.11, 0.18), rng.uniform(-3.0, 3.0)))
    for place in (0.08, 0.26, 0.78, 0.93):
        at, down = place * width, (0.82 - 0.24 * place + rng.uniform(-0.07, 0.07)) * height
        shapes += _flower(rng, at, down, rng.uniform(0.07, 0.1))
    return shapes


def _plumage(x: float, y: float, s: float) -> list[Shape]:
    """A bird of half length `s` at (x, y) that looks to the left."""
    tail = placed(x, y, s, (0.5, 0.5), (2.0, 1.5), (1.75, 1.75), (0.2, 0.9))
    beak = placed(x, y, s, (-1.1, -0.55), (-1.75, -0.36), (-1.08, -0.25))
    feathers = []
    for step in range(4):
        at = (x + (0.3 + 0.18 * step) * s, y + (0.18 + 0.2 * step) * s)
        outline = ellipse(*at, 0.74 * s, 0.26 * s, 0.55)
        feathers.append(Shape(outline, "wing", 0.22 + 0.1 * step, 0.55, 0.6))
    return [
        Shape(tail, "wing", 0.25, 0.6, 0.5),
        Shape(ellipse(x, y + 0.35 * s, 1.1 * s, 0.78 * s, 0.5), "breast", 0.66, 0.7, 0.9),
        *feathers,
        Shape(ellipse(x - 0.7 * s, y - 0.45 * s, 0.52 * s, 0.5 * s), "wing", 0.4, 0.4, 0.9),
        Shape(beak, "beak", 0.5, 0.2, 0.3),
        Shape(ellipse(x - 0.84 * s, y - 0.55 * s, 0.14 * s, 0.14 * s), "extractor", 0.95, 0.0, 0.0),
        Shape(ellipse(x - 0.86 * s, y - 0.55 * s, 0.07 * s, 0.07 * s), "pupil", 0.05, 0.0, 0.0),
    ]


def bird(rng: Rng, width: float, height: float) -> list[Shape]:
    """A large bird on a flowering branch, the sun behind it."""
    x, y, s = 0.52 * width, 0.46 * height, rng.uniform(0.2, 0.24)
    sun = ellipse(x + rng.uniform(-0.2, 0.1), 0.34 * height, 0.27, 0.27)
    return [
        Shape(box(-0.1, -0.1, width + 0.1, height + 0.1), "sky", 0.66, 0.2, 0.0, -0.25),
        Shape(sun, "sun", 0.92, 0.3, 0.3),
        Shape(ridge(rng, width, height, 0.84 * height, 0.14, 0.9), "far", 0.5, 0.3, 0.6),
        *_branch(rng, width, height),
        *_plumage(x, y, s),
    ]
