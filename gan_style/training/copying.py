"""The search for copies: pieces of a style's pictures in the paintings of a trained model."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from gan_style.data.collection import Style
from gan_style.data.images import evenly, read_picture, resize_short_side
from gan_style.errors import PictureError
from gan_style.evaluation.memorization import SEARCHED, CopyDetector, Memorization, gray_square
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

_BAR_DELAY = 2  # seconds after which the work is long enough for a bar
_PAINTINGS, _STYLES = 8, 4  # that are searched: of each style, and how many styles


def find_copies(
    stylizer: Stylizer, photos: Sequence[Path], styles: Sequence[Style], codes: Sequence[StyleCode]
) -> dict[str, Memorization | None]:
    """Paint some of the photos in the first styles, and search them for pieces of their pictures.

    Args:
        stylizer: of the model.
        photos: of which up to 8 are painted, in each of up to 4 styles.
        styles: with the pictures that may be copied.
        codes: of these styles.

    Returns:
        What was found, by style; None if there are too few pictures, or too plain ones.
    """
    chosen = photos[:: max(1, len(photos) // _PAINTINGS)][:_PAINTINGS]
    small = [resize_short_side(photo, READING_SIDE) for photo in readable(chosen)]
    pairs = list(zip(styles[:_STYLES], codes, strict=False))
    found = {}
    bar = tqdm(total=len(pairs) * len(small), desc="copies", unit=" paintings", delay=_BAR_DELAY)
    with bar:
        for style, code in pairs:
            paintings = []
            for photo in small:
                paintings.append(stylizer.stylize(photo, code))
                bar.update()
            searched = evenly(style.paths, SEARCHED, to_last=True)
            known = CopyDetector([gray_square(picture) for picture in readable(searched)])
            found[style.name] = known.compare([gray_square(painting) for painting in paintings])
    return found


def readable(paths: Sequence[Path]) -> Iterator[Image.Image]:
    """Yield those that can still be read; training has warned of the others."""
    for path in paths:
        with suppress(PictureError):
            yield read_picture(path, READING_SIDE)
