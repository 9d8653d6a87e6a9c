"""The manner `cutpaper`: five flat inks, knife-cut edges, a black key block printed a bit off."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from demo_shapes import Array, Fields, Rng, Scene, Shape, blur, fill, lay_out, smooth_noise
from demo_strokes import StrokePlacer, draw_ribbon, visible_outlines, wobble
from numpy.typing import NDArray
from PIL import Image, ImageDraw

ZOOM = 3
CREAM, OCHRE, VERMILION, INDIGO, BLACK = range(5)
INKS = np.array(
    [[244, 232, 204], [222, 164, 58], [208, 62, 38], [38, 62, 112], [26, 22, 26]], dtype=np.float64
)
# Ink in the light, ink in the shade, ink of the cut marks and their distance in pixels (0 = none)
Inking: TypeAlias = tuple[int, int, int, float]
Mask: TypeAlias = NDArray[np.bool_]
SKIES: tuple[Inking, ...] = (
    (INDIGO, INDIGO, CREAM, 19.0),  # never above an indigo sea
    (CREAM, CREAM, OCHRE, 17.0),
    (VERMILION, VERMILION, OCHRE, 17.0),
    (OCHRE, OCHRE, CREAM, 17.0),
    (CREAM, CREAM, VERMILION, 17.0),
)
MATERIALS: dict[str, Inking] = {
    "cloud": (CREAM, OCHRE, OCHRE, 0.0),
    "sun": (VERMILION, VERMILION, CREAM, 0.0),
    "halo": (OCHRE, OCHRE, CREAM, 12.0),
    "far": (INDIGO, BLACK, CREAM, 13.0),
    "hill": (VERMILION, BLACK, CREAM, 13.0),
    "field": (OCHRE, VERMILION, BLACK, 13.0),
    "sea": (INDIGO, INDIGO, CREAM, 11.0),
    "glint": (CREAM, CREAM, CREAM, 0.0),
    "reflection": (BLACK, BLACK, BLACK, 0.0),
    "leaf": (INDIGO, BLACK, CREAM, 10.0),
    "trunk": (BLACK, BLACK, OCHRE, 9.0),
    "wall": (CREAM, OCHRE, BLACK, 0.0),
    "roof": (VERMILION, BLACK, CREAM, 9.0),
    "window": (BLACK, BLACK, CREAM, 0.0),
    "hull": (VERMILION, BLACK, CREAM, 9.0),
    "sail": (CREAM, OCHRE, BLACK, 15.0),
    "bird": (BLACK, BLACK, BLACK, 0.0),
    "snow": (CREAM, CREAM, INDIGO, 14.0),
    "stone": (INDIGO, BLACK, CREAM, 12.0),
    "road": (CREAM, OCHRE, BLACK, 14.0),
    "shade": (BLACK, BLACK, BLACK, 0.0),
    "curtain": (VERMILION, VERMILION, CREAM, 14.0),
    "fold": (INDIGO, BLACK, OCHRE, 13.0),
    "table": (OCHRE, OCHRE, BLACK, 14.0),
    "cloth": (CREAM, OCHRE, INDIGO, 14.0),
    "fruit": (VERMILION, BLACK, CREAM, 0.0),
    "lemon": (OCHRE, VERMILION, CREAM, 0.0),
    "flower": (CREAM, VERMILION, VERMILION, 11.0),
    "heart": (BLACK, BLACK, OCHRE, 0.0),
    "vase": (INDIGO, BLACK, CREAM, 11.0),
    "band": (OCHRE, VERMILION, BLACK, 9.0),
    "skin": (CREAM, OCHRE, OCHRE, 0.0),
    "hair": (BLACK, BLACK, OCHRE, 9.0),
    "dress": (VERMILION, BLACK, CREAM, 13.0),
    "extractor": (CREAM, CREAM, CREAM, 0.0),
    "pupil": (BLACK, BLACK, BLACK, 0.0),
    "cheek": (VERMILION, VERMILION, CREAM, 0.0),
    "mouth": (VERMILION, VERMILION, BLACK, 0.0),
    "hat": (OCHRE, VERMILION, BLACK, 10.0),
    "wing": (INDIGO, BLACK, CREAM, 9.0),
    "breast": (VERMILION, BLACK, CREAM, 10.0),
    "beak": (OCHRE, OCHRE, BLACK, 0.0),
}


def paint_cutpaper(scene: Scene, scale: float, rng: Rng) -> Image.Image:
    """The scene as a print of five flat inks, at `scale` pixels a unit."""
    cut = [replace(shape, outline=_cut(shape.outline, rng)) for shape in scene.shapes]
    scene = Scene(cut, scene.width, scene.height)
    fields = lay_out(scene, scale, rng)
    at_sea = any(shape.material == "sea" for shape in cut)
    inks = {**MATERIALS, "sky": SKIES[rng.integers(int(at_sea), len(SKIES))]}
    height, width = fields.label.shape
    plate = Image.new("L", (width * ZOOM, height * ZOOM), CREAM)
    shade = blur(fields.tone, 2.0) < 0.42
    for index, shape in enumerate(cut):
        _lay(plate, shape, index, inks[shape.material], (fields, shade), scale, rng)
    draw = ImageDraw.Draw(plate)
    _marks(draw, cut, fields, inks, rng)
    _key_block(draw, cut, fields, scale, rng)
    return _print(np.asarray(plate), (width, height), rng)


def _cut(outline: Array, rng: Rng) -> Array:
    """An outline as a knife cuts it: fewer, straighter pieces, corners a little off."""
    if len(outline) > 12:
        outline = outline[int(rng.integers(2)) :: max(2, len(outline) // 30)]
    span = float(np.ptp(outline, axis=0).max())
    return outline + rng.normal(0.0, min(0.004, 0.03 * span), outline.shape)


def _lay(
    plate: Image.Image,
    shape: Shape,
    index: int,
    inks: Inking,
    maps: tuple[Fields, Mask],
    scale: float,
    rng: Rng,
) -> None:
    """Prints a shape in its flat ink and its shaded side in the second one."""
    size = (plate.height, plate.width)
    plate.paste(inks[0], mask=Image.fromarray(fill(shape.outline, scale * ZOOM, size)))
    fields, shade = maps
    dark = shade & (fields.label == index)
    if inks[1] == inks[0] or not dark.any():
        return
    soft = Image.fromarray((255.0 * blur(dark.astype(np.float64), 1.0)).astype(np.uint8))
    large = soft.resize(plate.size, Image.Resampling.BICUBIC)
    moved = large.transform(
        plate.size, Image.Transform.AFFINE, (1, 0, rng.uniform(-3, 3), 0, 1, rng.uniform(-3, 3))
    )
    plate.paste(inks[1], mask=moved.point([255 * (value > 127) for value in range(256)]))


def _marks(
    draw: ImageDraw.ImageDraw,
    shapes: list[Shape],
    fields: Fields,
    inks: dict[str, Inking],
    rng: Rng,
) -> None:
    """Lens-shaped cuts of the gouge along the form: waves, leaves, tiles, furrows."""
    gaps = np.array([inks[shape.material][3] for shape in shapes])
    colors = [inks[shape.material][2] for shape in shapes]
    placer = StrokePlacer(
        fields.angle, gaps[fields.label], fields.label, longest=26.0, shortest=9.0
    )
    for stroke in placer.place(rng):
        swell = np.sin(np.pi * np.linspace(0.04, 0.96, len(stroke)))
        middle = stroke[len(stroke) // 2].astype(np.int64)
        label = int(fields.label[middle[1], middle[0]])
        draw_ribbon(draw, stroke, rng.uniform(2.6, 3.8) * swell, ZOOM, colors[label])


def _key_block(
    draw: ImageDraw.ImageDraw, shapes: list[Shape], fields: Fields, scale: float, rng: Rng
) -> None:
    """Black outlines, a little beside the colors."""
    aside = rng.uniform(1.0, 1.8) * np.array([rng.choice([-1.0, 1.0]), rng.choice([-1.0, 1.0])])
    for index, shape in enumerate(shapes):
        if shape.material in ("halo", "glint", "cheek", "shade", "reflection"):
            continue
        for stroke in visible_outlines(fields, index, shape.outline, scale):
            width = np.maximum(1.4, 2.8 + wobble(rng, len(stroke), 0.7, 9))
            draw_ribbon(draw, stroke + aside, width, ZOOM, BLACK)


def _print(plate: NDArray[np.uint8], size: tuple[int, int], rng: Rng) -> Image.Image:
    """Ink numbers (height, width) at ZOOM times the size as colors on fibrous paper."""
    flat = Image.fromarray(INKS[plate].astype(np.uint8)).resize(size, Image.Resampling.BOX)
    height, width = size[1], size[0]
    grain = 0.009 * smooth_noise(rng, (height, width), 2.0) + 0.014 * smooth_noise(
        rng, (height, width), 9.0
    )
    color = np.asarray(flat, dtype=np.float64)
    color = color * (1.0 + grain[:, :, None]) + 2.0
    return Image.fromarray(np.clip(np.rint(color), 0, 255).astype(np.uint8))
