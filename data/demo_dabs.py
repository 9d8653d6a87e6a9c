"""The manner `dabs`: thick short strokes along the form, blue in shadow, orange in light."""

from dataclasses import dataclass

import numpy as np
from demo_shapes import LIGHT, Array, Fields, Rng, Scene, lay_out, smooth_noise
from demo_strokes import wobble
from PIL import Image

ZOOM = 2
HAIRS = 14
Colors = tuple[str, str, str]
# Shadow, own color and light of each material
PALETTE: dict[str, Colors] = {
    "sky": ("2b4fae", "4f8fe0", "f6dfa0"),
    "cloud": ("7d86d6", "f3c7c0", "fff3d2"),
    "sun": ("ff8a1f", "ffb01e", "ffd84a"),
    "halo": ("d078a8", "eaa08c", "f6bc7c"),
    "far": ("3b3f9e", "6a78d0", "b8b4e8"),
    "hill": ("1d5a5e", "3f9a4a", "d6cf3c"),
    "field": ("a0622a", "e0a52c", "ffe36a"),
    "sea": ("17407f", "2b86b8", "8fe0cf"),
    "glint": ("3f9ac8", "7fd0d8", "dff0cc"),
    "reflection": ("1a2a6c", "31489c", "5a78c8"),
    "leaf": ("123f5a", "2f8a3c", "c9d63a"),
    "trunk": ("3a1f4e", "8a4a2a", "e08a48"),
    "wall": ("5f58b8", "b898c8", "fff0cc"),
    "roof": ("6a1f4a", "d8482a", "ff9a4a"),
    "window": ("1c2460", "2c4a94", "4f86c8"),
    "hull": ("33205e", "b03a2e", "f08a3a"),
    "sail": ("8f8ad8", "f8e0b8", "fff8e4"),
    "bird": ("22265e", "34408a", "8f9ad0"),
    "snow": ("7f94e0", "dfe4f4", "fff2e0"),
    "stone": ("2e2f7e", "5a5cae", "c09ac0"),
    "road": ("9a6fb0", "efc28a", "ffe6b8"),
    "shade": ("252c78", "3f50a8", "6f7ed0"),
    "curtain": ("1f3f7e", "2f7a8e", "66b8a8"),
    "fold": ("162a66", "28588e", "4f9aa8"),
    "table": ("7a3a2e", "cf7a34", "f8c060"),
    "cloth": ("7f88d8", "e8e0ee", "fff6e0"),
    "fruit": ("7a1440", "e0362a", "ffa43c"),
    "lemon": ("a8741c", "f2c21e", "fff07a"),
    "flower": ("b0307e", "f0688e", "ffd0c0"),
    "heart": ("5a2a1c", "a8601e", "f0b030"),
    "vase": ("16327e", "2c62c8", "8fd0f0"),
    "band": ("b05a20", "f0a830", "ffe68a"),
    "skin": ("9a4a5e", "f0a070", "ffdcae"),
    "hair": ("2a1840", "6a3020", "c86a2c"),
    "dress": ("1c2a78", "2f58c0", "70b0e8"),
    "extractor": ("7a90d0", "e0e8f0", "ffffff"),
    "pupil": ("101440", "1c2a5e", "2c4a8e"),
    "cheek": ("c05a50", "f08a70", "ffb890"),
    "mouth": ("8a1838", "d02c3c", "f06a5a"),
    "hat": ("8a5a20", "e8b030", "ffec90"),
    "wing": ("162470", "2a5cc0", "5ac8d8"),
    "breast": ("a83a20", "f08030", "ffd070"),
    "dusk": ("2a2f8e", "a05ab4", "ff9a5a"),
    "dawn": ("2f86b4", "6fc4c8", "ffd0a8"),
    "beak": ("a86010", "f0b020", "ffe060"),
}
# Each coat: length, width and distance of its dabs in pixels; the share of flat places left alone
COATS = ((28.0, 10.5, 7.0, 0.0), (21.0, 7.4, 5.8, 0.0), (13.0, 4.6, 4.2, 0.6))


@dataclass
class Canvas:
    """Wet paint at ZOOM times the size: color (height, width, 3) in [0, 255], thickness."""

    color: Array
    thickness: Array  # (height, width), 1 = a full brush
    bristles: Array  # (brushes, HAIRS): how much paint each hair across a brush holds, in [0, 1]


def _color_table() -> dict[str, Array]:
    """Each material's shadow, own color and light as (3, 3) numbers in [0, 255]."""
    return {
        name: np.array(
            [[int(text[at : at + 2], 16) for at in (0, 2, 4)] for text in texts], dtype=np.float64
        )
        for name, texts in PALETTE.items()
    }


def paint_dabs(scene: Scene, scale: float, rng: Rng) -> Image.Image:
    """The scene in thick dabs, at `scale` pixels a unit."""
    fields = lay_out(scene, scale, rng)
    height, width = fields.label.shape
    size = (height * ZOOM, width * ZOOM)
    hairs = np.stack([wobble(rng, HAIRS, 1.0, 1) for _ in range(24)])
    canvas = Canvas(
        color=np.full((*size, 3), (196.0, 140.0, 88.0)),
        thickness=np.zeros(size),
        bristles=np.clip(0.5 + 0.3 * hairs, 0.0, 1.0),
    )
    colors = _color_table()
    colors["sky"] = colors[str(rng.choice(["sky", "dusk", "dawn"]))]
    materials = [colors[shape.material] for shape in scene.shapes]
    down, right = np.gradient(fields.tone)
    edges = np.hypot(down, right) + 0.1 * (
        np.hypot(*np.gradient(fields.label.astype(np.float64))) > 0.0
    )
    for coat in COATS:
        _coat(canvas, fields, materials, edges, coat, rng)
    return _light(canvas, (width, height), rng)


def _coat(
    canvas: Canvas,
    fields: Fields,
    materials: list[Array],
    edges: Array,
    coat: tuple[float, float, float, float],
    rng: Rng,
) -> None:
    """Dabs at random order on a jittered grid."""
    length, width, gap, left = coat
    rows, columns = fields.label.shape
    grid = np.mgrid[0.0 : rows + gap : gap, 0.0 : columns + gap : gap].reshape(2, -1).T
    grid = rng.permutation(grid + rng.uniform(-0.6, 0.6, grid.shape) * gap)
    lively = np.quantile(edges, left)
    for y, x in grid.tolist():
        at = (min(max(int(y), 0), rows - 1), min(max(int(x), 0), columns - 1))
        if edges[at] < lively and rng.random() < 0.8:
            continue
        color = _mix(materials[fields.label[at]], float(fields.tone[at]), rng)
        scale = rng.uniform(0.75, 1.2)
        angle = float(fields.angle[at]) + rng.normal(0.0, 0.13)
        _dab(canvas, (x, y), angle, (length * scale, width * rng.uniform(0.8, 1.2)), color, rng)


def _mix(colors: Array, tone: float, rng: Rng) -> Array:
    """A color (3,) of a material at a tone, broken: never twice the same, at times an accent."""
    tone = float(np.clip(tone * 1.15 - 0.1 + rng.normal(0.0, 0.1), 0.0, 1.0))
    lower = 0 if tone < 0.5 else 1
    part = 2.0 * tone - lower
    color = colors[lower] * (1.0 - part) + colors[lower + 1] * part
    accent = np.array([70.0, 60.0, 190.0]) if tone < 0.5 else np.array([255.0, 176.0, 66.0])
    chance = rng.random()
    share = 0.42 if chance < 0.1 else 0.14 if chance < 0.4 else 0.0
    color = color * (1.0 - share) + accent * share
    broken: Array = np.clip(color * rng.uniform(0.9, 1.1) + rng.normal(0.0, 9.0, 3), 0.0, 255.0)
    return broken


def _dab(
    canvas: Canvas,
    center: tuple[float, float],
    angle: float,
    size: tuple[float, float],
    color: Array,
    rng: Rng,
) -> None:
    """One touch of a bristle brush: bent, streaked along its hairs, ragged at its end."""
    half_length, half_width = 0.5 * size[0] * ZOOM, 0.5 * size[1] * ZOOM
    x, y, reach = center[0] * ZOOM, center[1] * ZOOM, int(np.hypot(half_length, half_width)) + 2
    height, width = canvas.thickness.shape
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    bottom, right = min(height, int(y) + reach), min(width, int(x) + reach)
    if top >= bottom or left >= right:
        return
    rows, columns = np.arange(top, bottom)[:, None] - y, np.arange(left, right)[None, :] - x
    along = (columns * np.cos(angle) + rows * np.sin(angle)) / half_length
    across = (rows * np.cos(angle) - columns * np.sin(angle)) / half_width + rng.normal(
        0.0, 0.3
    ) * along**2
    brush = canvas.bristles[rng.integers(len(canvas.bristles))]
    hair = brush[np.clip((across * 0.5 + 0.5) * HAIRS, 0.0, HAIRS - 1.0).astype(np.int64)]
    end = np.where(along > 0.0, 1.0 - 0.45 * hair, 0.95)
    cover = np.clip((1.0 - np.abs(across)) * half_width, 0.0, 1.0) * np.clip(
        (end - np.abs(along)) * half_length, 0.0, 1.0
    )
    cover = cover * (0.86 + 0.14 * hair)
    window = (slice(top, bottom), slice(left, right))
    paint = color[None, None, :] * (0.9 + 0.2 * hair)[:, :, None]
    canvas.color[window] += (paint - canvas.color[window]) * cover[:, :, None]
    thick = 0.35 + 0.75 * hair + 0.5 * np.clip(np.abs(across) - 0.6, 0.0, 0.4) + 0.3 * along
    canvas.thickness[window] += (thick - canvas.thickness[window]) * cover


def _light(canvas: Canvas, size: tuple[int, int], rng: Rng) -> Image.Image:
    """The paint in raking light, reduced to `size` (width, height)."""
    down, right = np.gradient(canvas.thickness)
    slope = -(right * LIGHT[0] + down * LIGHT[1])
    weave = 0.02 * smooth_noise(rng, (canvas.thickness.shape[0], canvas.thickness.shape[1]), 1.0)
    shine = 1.0 + np.clip(0.55 * slope, -0.28, 0.3) + weave
    color = np.clip(
        canvas.color * shine[:, :, None] + 30.0 * np.clip(slope - 0.25, 0.0, 1.0)[:, :, None],
        0.0,
        255.0,
    )
    picture = Image.fromarray(np.rint(color).astype(np.uint8))
    return picture.resize(size, Image.Resampling.LANCZOS)
