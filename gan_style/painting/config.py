"""How a photo is painted: every option, and those of them that a video has, too."""

from dataclasses import dataclass

from gan_style.options import Section, option
from gan_style.sizes import MINIMUM_SIDE


@dataclass(frozen=True, kw_only=True)
class BrushConfig(Section):
    """Options that paintings of photos and of the frames of a video have in common.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
    """

    strength: float = option(1.0, at_least=0, at_most=1)
    """0 is the photo, 1 the full style."""
    keep_color: bool = False
    """Keep the photo's colors."""
    size: int | None = option(None, at_least=MINIMUM_SIDE, metavar="PIXELS")
    """Short side of the painting; the photo's own if not given."""
    stroke_size: float = option(1.0, at_least=0.5, at_most=4, metavar="TIMES")
    """How many times as large strokes are, relative to the picture, as in the style's pictures."""
    memory: float | None = option(None, above=0, metavar="GB")
    """Memory that painting may take; if not given, what is free, and no more than 2 on a CPU."""


@dataclass(frozen=True, kw_only=True)
class PaintConfig(BrushConfig):
    """Options of a painting, whatever its photo and style.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
    """

    feather: float = option(0.0, at_least=0, at_most=50, metavar="PERCENT")
    """Soften the borders of masks over so much of the short side."""
    protect: str | None = option(None, choices=("faces",))
    """Paint faces at half the strength."""
