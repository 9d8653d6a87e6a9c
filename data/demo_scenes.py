"""The far scenes of the demo, composed at random for a width and height in units (demo_shapes)."""

import numpy as np
from demo_shapes import Rng, Shape, blob, box, ellipse, polygon, ridge


def _sky(rng: Rng, width: float, height: float, clouds: int) -> list[Shape]:
    """Sky, a sun or moon with its halo, and some clouds in the upper third."""
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.14, 0.24) * height
    radius = rng.uniform(0.07, 0.1)
    shapes = [
        Shape(box(-0.1, -0.1, width + 0.1, height + 0.1), "sky", 0.66, relief=0.0, fade=0.42),
        Shape(ellipse(x, y, 2.1 * radius, 2.1 * radius), "halo", 0.7, relief=0.0),
        Shape(ellipse(x, y, radius, radius), "sun", 0.97, relief=0.1),
    ]
    for _ in range(clouds):
        across = rng.uniform(0.12, 0.22)
        at = (rng.uniform(0.0, 1.0) * width, rng.uniform(0.06, 0.36) * height)
        outline = blob(rng, *at, across, rng.uniform(0.3, 0.42) * across, 9)
        shapes.append(Shape(outline, "cloud", 0.86, relief=0.6))
    return shapes


def _tree(rng: Rng, x: float, foot: float, tall: float) -> list[Shape]:
    """A round tree, a cypress or a fir of height `tall` standing at (x, foot)."""
    wide = 0.045 * tall
    trunk = polygon(
        (x - wide, foot), (x - 0.5 * wide, foot - 0.6 * tall), (x + 0.5 * wide, foot - 0.6 * tall)
    )
    stem = Shape(np.concatenate([trunk, polygon((x + wide, foot))]), "trunk", 0.3, np.pi / 2)
    kind = rng.integers(3)
    if kind == 0:
        crowns = [
            blob(rng, x + dx * tall, foot - dy * tall, 0.24 * tall, 0.2 * tall)
            for dx, dy in ((-0.15, 0.55), (0.17, 0.6), (0.0, 0.8))
        ]
    elif kind == 1:
        crowns = [blob(rng, x, foot - 0.55 * tall, 0.14 * tall, 0.46 * tall, 11)]
    else:
        crowns = [
            polygon(
                (x - s * tall, foot - y * tall),
                (x, foot - (y + 0.45) * tall),
                (x + s * tall, foot - y * tall),
            )
            for s, y in ((0.28, 0.12), (0.22, 0.34), (0.15, 0.56))
        ]
    return [
        stem,
        *(Shape(crown, "leaf", rng.uniform(0.34, 0.46), np.pi / 2.5, 0.8) for crown in crowns),
    ]


def _house(rng: Rng, x: float, foot: float, size: float) -> list[Shape]:
    """A house seen from a corner: lit gable, shaded side, roof, door and windows."""
    tall, deep, half = 0.8 * size, rng.uniform(0.7, 1.1) * size, 0.38 * size
    top, peak = foot - tall, foot - 1.35 * size
    gable = polygon((x - half, foot), (x - half, top), (x, peak), (x + half, top), (x + half, foot))
    side = box(x + half, top, x + half + deep, foot)
    roof = polygon(
        (x - 0.03 * size, peak - 0.05 * size),
        (x + deep, peak - 0.05 * size),
        (x + half + deep + 0.06 * size, top + 0.06 * size),
        (x + half + 0.03 * size, top + 0.06 * size),
    )
    shapes = [
        Shape(gable, "wall", 0.9, np.pi / 2, 0.1),
        Shape(side, "wall", 0.36, 0.0, 0.1),
        Shape(roof, "roof", 0.42, 1.1, 0.2),
        Shape(
            box(x - 0.1 * size, foot - 0.36 * size, x + 0.12 * size, foot),
            "window",
            0.12,
            np.pi / 2,
            0.0,
        ),
    ]
    for column in np.arange(x + half + 0.18 * size, x + half + deep - 0.2 * size, 0.36 * size):
        outline = box(column, top + 0.25 * size, column + 0.16 * size, top + 0.5 * size)
        shapes.append(Shape(outline, "window", 0.15, 0.0, 0.0))
    return shapes


def _boat(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A sailing boat of length `size` with two sails and its dark reflection."""
    lean = rng.uniform(-0.06, 0.06) * size
    hull = polygon(
        (x - 0.5 * size, y), (x + 0.55 * size, y - 0.04 * size), (x + 0.36 * size, y + 0.18 * size)
    )
    hull = np.concatenate([hull, polygon((x - 0.36 * size, y + 0.18 * size))])
    mast, tip = x + 0.02 * size, (x + lean, y - 1.1 * size)
    main = polygon(tip, (mast + 0.42 * size, y - 0.1 * size), (mast + 0.01 * size, y - 0.08 * size))
    jib = polygon(tip, (mast - 0.01 * size, y - 0.08 * size), (mast - 0.38 * size, y - 0.12 * size))
    return [
        Shape(ellipse(x, y + 0.24 * size, 0.45 * size, 0.09 * size), "reflection", 0.25, 0.0, 0.0),
        Shape(main, "sail", 0.9, 1.3, 0.5),
        Shape(jib, "sail", 0.66, 1.8, 0.4),
        Shape(hull, "hull", 0.26, 0.0, 0.4),
    ]


def _birds(rng: Rng, width: float, height: float, count: int) -> list[Shape]:
    """Gulls: pairs of thin bent wings."""
    shapes = []
    for _ in range(count):
        x, y, s = (
            rng.uniform(0.1, 0.9) * width,
            rng.uniform(0.3, 0.46) * height,
            rng.uniform(0.045, 0.065),
        )
        wings = polygon(
            (x - s, y - 0.3 * s), (x - 0.4 * s, y - 0.6 * s), (x, y), (x + 0.4 * s, y - 0.6 * s)
        )
        under = polygon(
            (x + s, y - 0.3 * s),
            (x + 0.4 * s, y - 0.25 * s),
            (x, y + 0.35 * s),
            (x - 0.4 * s, y - 0.25 * s),
        )
        shapes.append(Shape(np.concatenate([wings, under]), "bird", 0.12, relief=0.0))
    return shapes


def hills(rng: Rng, width: float, height: float) -> list[Shape]:
    """Rolling fields with a farm and trees."""
    shapes = _sky(rng, width, height, 3)
    rows = (
        (0.42, 0.12, "far", 0.6),
        (0.52, 0.1, "hill", 0.45),
        (0.64, 0.1, "field", 0.72),
        (0.82, 0.08, "hill", 0.38),
    )
    for top, swing, material, tone in rows:
        outline = ridge(rng, width, height, top * height, swing, rng.uniform(0.7, 1.3))
        shapes.append(Shape(outline, material, tone, rng.uniform(-0.5, 0.5), 0.55, -0.25))
        if material == "field":
            shapes += _house(
                rng, rng.uniform(0.25, 0.5) * width, 0.76 * height, rng.uniform(0.14, 0.18)
            )
            for _ in range(3):
                shapes += _tree(
                    rng, rng.uniform(0.05, 0.95) * width, 0.8 * height, rng.uniform(0.16, 0.26)
                )
    return shapes + _tree(
        rng, rng.choice([0.14, 0.86]) * width, 0.97 * height, rng.uniform(0.45, 0.55)
    )


def harbour(rng: Rng, width: float, height: float) -> list[Shape]:
    """Boats on the sea before a coast, gulls above."""
    shapes = _sky(rng, width, height, 3)
    shapes.append(Shape(ridge(rng, width, height, 0.44 * height, 0.1, 0.9), "far", 0.45, 0.3, 0.5))
    shapes.append(
        Shape(box(-0.1, 0.5 * height, width + 0.1, height + 0.1), "sea", 0.52, 0.0, 0.1, -0.3)
    )
    for row in range(7):
        y, across = (0.54 + 0.065 * row) * height, 0.08 + 0.025 * row
        for x in rng.uniform(0.0, width, 3):
            outline = ellipse(x, y + rng.uniform(-0.02, 0.02), across, 0.006 + 0.0025 * row)
            shapes.append(Shape(outline, "glint", 0.85, 0.0, 0.1))
    for x, y, size in ((0.7, 0.58, 0.17), (0.22, 0.66, 0.24), (0.6, 0.84, 0.36)):
        shapes += _boat(rng, (x + rng.uniform(-0.08, 0.08)) * width, y * height, size)
    return shapes + _birds(rng, width, height, 4)


def village(rng: Rng, width: float, height: float) -> list[Shape]:
    """Rows of houses below a church tower."""
    shapes = _sky(rng, width, height, 2)
    shapes.append(Shape(ridge(rng, width, height, 0.45 * height, 0.16, 0.8), "far", 0.5, 0.4, 0.6))
    x, foot = rng.uniform(0.3, 0.7) * width, 0.66 * height
    shapes.append(Shape(box(x - 0.06, 0.3 * height, x + 0.01, foot), "wall", 0.85, np.pi / 2, 0.1))
    shapes.append(Shape(box(x + 0.01, 0.3 * height, x + 0.06, foot), "wall", 0.34, 0.0, 0.1))
    spire = polygon((x - 0.075, 0.31 * height), (x, 0.1 * height), (x + 0.075, 0.31 * height))
    shapes.append(Shape(spire, "roof", 0.34, 1.2, 0.4))
    shapes.append(Shape(ellipse(x - 0.025, 0.37 * height, 0.018, 0.025), "window", 0.12, 0.0, 0.0))
    for row, (foot, size) in enumerate(((0.64, 0.13), (0.78, 0.18), (0.93, 0.22))):
        for column in np.arange(-0.1 + 0.13 * (row % 2), width, 1.75 * size):
            shapes += _house(rng, column + rng.uniform(0.0, 0.06), foot * height, size)
        bank = ridge(rng, width, height, (foot + 0.01) * height, 0.03, 1.5)
        shapes.append(
            Shape(bank, "field" if row % 2 else "hill", 0.55, rng.uniform(-0.4, 0.4), 0.4, -0.2)
        )
        shapes += _tree(rng, rng.uniform(0.05, 0.95) * width, (foot + 0.05) * height, 1.4 * size)
    return shapes


def mountains(rng: Rng, width: float, height: float) -> list[Shape]:
    """Snowy peaks over a lake with firs on its shore."""
    shapes = _sky(rng, width, height, 2)
    for x, top, half in ((0.15, 0.3, 0.42), (0.85, 0.26, 0.45), (0.5, 0.18, 0.5)):
        x, y, base = x * width + rng.uniform(-0.08, 0.08), top * height, 0.62 * height
        mid = (x + rng.uniform(0.0, 0.08), 0.5 * (y + base))
        shapes.append(
            Shape(
                polygon((x - half, base), (x, y), mid, (x + 0.02, base)),
                "snow",
                0.9,
                -0.9,
                0.1,
                -0.2,
            )
        )
        shapes.append(
            Shape(
                polygon((x, y), (x + half, base), (x + 0.02, base), mid),
                "stone",
                0.34,
                0.8,
                0.15,
                0.2,
            )
        )
    shapes.append(Shape(ridge(rng, width, height, 0.58 * height, 0.07, 1.4), "far", 0.4, 0.5, 0.5))
    shapes.append(
        Shape(box(-0.1, 0.64 * height, width + 0.1, height + 0.1), "sea", 0.62, 0.0, 0.1, -0.3)
    )
    for _ in range(9):
        at = (rng.uniform(0.0, width), rng.uniform(0.68, 0.86) * height)
        shapes.append(Shape(ellipse(*at, rng.uniform(0.06, 0.16), 0.01), "glint", 0.88, 0.0, 0.1))
    shapes.append(
        Shape(ridge(rng, width, height, 0.89 * height, 0.07, 0.8), "hill", 0.35, 0.3, 0.5)
    )
    for x in np.sort(rng.uniform(0.02, 0.98, 6)):
        shapes += _tree(rng, x * width, rng.uniform(0.88, 0.99) * height, rng.uniform(0.2, 0.36))
    return shapes


def avenue(rng: Rng, width: float, height: float) -> list[Shape]:
    """A road between trees that runs to the horizon."""
    shapes = _sky(rng, width, height, 4)
    shapes.append(Shape(ridge(rng, width, height, 0.5 * height, 0.08, 1.1), "far", 0.45, 0.4, 0.5))
    shapes.append(
        Shape(ridge(rng, width, height, 0.58 * height, 0.02, 1.0), "field", 0.66, -0.25, 0.3, -0.2)
    )
    to = rng.uniform(0.42, 0.58) * width
    road = polygon(
        (to - 0.02, 0.575 * height), (to + 0.02, 0.575 * height), (0.86 * width, 1.1 * height)
    )
    road = np.concatenate([road, polygon((0.12 * width, 1.1 * height))])
    shapes.append(Shape(road, "road", 0.84, 0.0, 0.25, -0.1))
    for near in np.linspace(0.0, 1.0, 6) ** 1.6:
        foot = (0.6 + 0.38 * near) * height
        for side, edge in ((-1.0, 0.12), (1.0, 0.88)):
            x = to + (edge * width - to) * (0.12 + 0.85 * near) + side * 0.05
            shadow = ellipse(x + 0.12 * near + 0.03, foot, 0.14 * near + 0.03, 0.02 * near + 0.006)
            shapes.append(Shape(shadow, "shade", 0.25, 0.0, 0.0))
            shapes += _tree(rng, x, foot, 0.14 + 0.5 * near)
    return shapes
