"""How a video is painted: every option."""

from dataclasses import dataclass

from gan_style.errors import ConfigError
from gan_style.options import option
from gan_style.painting.config import BrushConfig

CODECS = ("h264", "h265", "av1", "vp9")
"""What videos are written in; which of them a kind of file takes, `target.KINDS` says."""


@dataclass(frozen=True, kw_only=True)
class VideoConfig(BrushConfig):
    """Options of a painted video, whatever its frames and style.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
    """

    steady: float = option(0.9, at_least=0, at_most=1)
    """How much of the painting before is kept where the frames agree; 0 paints each as a photo."""
    start: float = option(0.0, at_least=0, metavar="SECONDS")
    """Where in the video to begin."""
    end: float | None = option(None, above=0, metavar="SECONDS")
    """Where in the video to end; where it ends itself if not given."""
    codec: str | None = option(None, choices=CODECS)
    """What to write the video in; h264 if not given, or vp9 in a .webm file."""
    quality: int = option(75, at_least=1, at_most=100, metavar="1..100")
    """Of the written video; higher is better and larger."""
    fps: float | None = option(None, above=0, at_most=1000, metavar="RATE")
    """Frames a second of a folder of pictures; 25 if not given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end is not None and self.end <= self.start:
            raise ConfigError(
                f"{self.label('end')} is {self.end:g}; it must be above {self.label('start')}, "
                f"which is {self.start:g}"
            )
