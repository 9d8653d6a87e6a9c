"""The manner `hatching`: an engraver's pen on cream paper, tone by lines that follow the form."""

import numpy as np
from demo_shapes import Array, Fields, Rng, Scene, lay_out, smooth_noise
from demo_strokes import StrokePlacer, draw_ribbon, sample, visible_outlines, wobble
from PIL import Image, ImageDraw

ZOOM = 3
PAPER = np.array([243.0, 232.0, 207.0])
INK = np.array([38.0, 26.0, 20.0])
# Each layer of lines: its turn from the form, the tone it starts at, its distance in light and dark
LAYERS = ((0.0, 0.94, 8.5, 5.0), (0.95, 0.45, 6.8, 5.0), (-0.75, 0.3, 6.0, 4.8))


def paint_hatching(scene: Scene, scale: float, rng: Rng) -> Image.Image:
    """The scene as an engraving, at `scale` pixels a unit."""
    fields = lay_out(scene, scale, rng)
    height, width = fields.label.shape
    plate = Image.new("L", (width * ZOOM, height * ZOOM), 0)
    draw = ImageDraw.Draw(plate)
    for turn, below, light_gap, dark_gap in LAYERS:
        _hatch(draw, fields, turn, below, (light_gap, dark_gap), rng)
    _contours(draw, scene, fields, scale, rng)
    ink = np.asarray(plate.resize((width, height), Image.Resampling.BOX), dtype=np.float64) / 255.0
    return _print(ink, rng)


def _hatch(
    draw: ImageDraw.ImageDraw,
    fields: Fields,
    turn: float,
    below: float,
    gaps: tuple[float, float],
    rng: Rng,
) -> None:
    """One layer of lines at `turn` radians from the form, thick where the picture is dark."""
    dark = np.clip((below - fields.tone) / below, 0.0, 1.0)
    gap = np.where(dark > 0.0, gaps[0] + (gaps[1] - gaps[0]) * np.sqrt(dark), 0.0)
    placer = StrokePlacer(fields.angle + turn, gap, fields.label, longest=170.0, shortest=9.0)
    for stroke in placer.place(rng):
        count = len(stroke)
        width = 0.8 + 2.7 * sample(dark, stroke) ** 0.9 + wobble(rng, count, 0.16)
        ends = np.minimum(np.arange(count) + 1.0, np.arange(count)[::-1] + 1.0)
        width = np.maximum(width, 0.55) * np.minimum(1.0, 0.3 + 0.22 * ends)
        shaken = stroke + np.stack([wobble(rng, count, 0.34), wobble(rng, count, 0.34)], axis=1)
        draw_ribbon(draw, shaken, width, ZOOM, int(rng.integers(215, 256)))


def _contours(
    draw: ImageDraw.ImageDraw, scene: Scene, fields: Fields, scale: float, rng: Rng
) -> None:
    """Outlines in a swelling line, drawn over once more here and there."""
    for index, shape in enumerate(scene.shapes):
        if shape.material in ("halo", "shade", "reflection", "cheek"):
            continue
        for stroke in visible_outlines(fields, index, shape.outline, scale):
            for _ in range(1 + int(rng.random() < 0.35)):
                count = len(stroke)
                shaken = stroke + np.stack(
                    [wobble(rng, count, 0.5, 7), wobble(rng, count, 0.5, 7)], axis=1
                )
                width = np.maximum(0.7, 1.7 + wobble(rng, count, 0.6, 9))
                draw_ribbon(draw, shaken, width, ZOOM, 250)


def _print(ink: Array, rng: Rng) -> Image.Image:
    """Ink (height, width) in [0, 1] on paper of uneven color."""
    size = (ink.shape[0], ink.shape[1])
    paper = PAPER + 2.2 * smooth_noise(rng, size, 20.0)[:, :, None] * np.array([1.0, 1.1, 1.5])
    cover = np.clip(ink * (0.96 + 0.05 * smooth_noise(rng, size, 2.0)), 0.0, 1.0)[:, :, None]
    color = paper * (1.0 - cover) + INK * cover
    return Image.fromarray(np.clip(np.rint(color), 0, 255).astype(np.uint8))
