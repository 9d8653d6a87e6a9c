"""A whole video: what is wrong with it is said before any work, and then it is painted."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np

from gan_style import __version__
from gan_style.errors import ConfigError
from gan_style.files import is_there
from gan_style.painting.resizing import resized
from gan_style.sizes import with_short_side
from gan_style.video.config import VideoConfig
from gan_style.video.encoding import FrameEncoder, PictureEncoder, VideoEncoder
from gan_style.video.frames import Frame, Look, Source
from gan_style.video.joining import Container, write_gif, write_pictures
from gan_style.video.reading import VideoFile
from gan_style.video.segments import Segments, unfinished
from gan_style.video.state import below, within
from gan_style.video.steadiness import Steadied
from gan_style.video.target import GIF, Encoder, Kind, encoder_of, even, kind_of

logger = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[Iterable[Frame], int, int], Iterable[Frame]]
"""Wrapped around the frames; told how many there are about, and how many are done already."""


def as_they_are(frames: Iterable[Frame], total: int, done: int) -> Iterable[Frame]:
    """Frames without anything around them: no progress is shown."""
    return frames


SEGMENT = 48
"""Frames in a segment: what a kill costs at most, and how often a video can be entered."""


@dataclass(frozen=True)
class Outcome:
    """What came of it. damaged: frames that could not be read. sounds: streams of sound."""

    frames: int
    damaged: int
    sounds: int


class Job:
    """One video to be painted.

    Args:
        source: a video file, or a folder of pictures.
        output: a file of one of `target.KINDS`, or a folder.
        config: how.
        force: replace what is there.

    Raises:
        ConfigError: options that do not fit together, or the output is there already.
        VideoError: no video, or the output cannot hold it.
    """

    def __init__(
        self, source: Path, output: Path, config: VideoConfig, *, force: bool = False
    ) -> None:
        self.output = output
        self.config = config
        self.force = force
        self.kind: Kind = kind_of(output)
        self.encoder: Encoder | None = encoder_of(self.kind, config.codec, output)
        self._refuse_to_replace(source)
        self.source = _source(source, config)
        self.look = self._written_look(self.source.look)
        self._container: Container | None = None
        if self.encoder is not None:
            sound = self.source if isinstance(self.source, VideoFile) else None
            self._container = Container(self.kind, self.encoder, self.look, config.quality, sound)
            self._container.refuse_what_it_cannot_hold(output)
        if isinstance(self.source, VideoFile) and self.source.besides:
            logger.warning("left out of the output: %s", ", ".join(self.source.besides))

    def paint(
        self,
        steadied: Steadied,
        about: Mapping[str, str],
        progress: Progress = as_they_are,
        segment: int = SEGMENT,
    ) -> Outcome:
        """Paint what is not painted yet, and write the output.

        Args:
            steadied: paints the frames; new.
            about: what it depends on, by names: work that was begun with something else is not
                gone on with.
            progress: wrapped around the frames.
            segment: frames in each.

        Raises:
            ConfigError: work on this output was begun in another way.
            TooLargeError: a frame does not fit into memory.
            OSError: something cannot be written.
        """
        segments = Segments(self.output, self._plan(about, segment), force=self.force)
        state = segments.state()
        done = int(state["frames"][0]) if state else 0
        if done:
            logger.info("going on after %d frames that are painted", done)
        if state:
            steadied.restore(within(state, "steadied"))
        frames = iter(progress(self._frames(done), self.look.count, done))
        while True:
            encoder = self._new_encoder()
            before = done
            for frame in islice(frames, segment):
                encoder.add(replace(frame, pixels=steadied.paint(frame.pixels)))
                done += 1
            if done == before:
                break
            left = below("steadied", steadied.state())
            segments.add(encoder.finish(), left | {"frames": np.array([done])})
        sounds = self._join(segments)
        segments.remove()
        return Outcome(done, self.source.damaged, sounds)

    @property
    def is_begun(self) -> bool:
        """Whether there is work that the same job would go on with."""
        return unfinished(self.output).exists()

    def _frames(self, done: int) -> Iterator[Frame]:
        """The frames after those that are done, in the size of the paintings."""
        for frame in islice(self.source.frames(), done, None):
            yield replace(frame, pixels=resized(frame.pixels, self.look.sides))

    def _new_encoder(self) -> FrameEncoder:
        if self.encoder is None:
            return PictureEncoder()
        return VideoEncoder(self.encoder, self.look, self.config.quality)

    def _join(self, segments: Segments) -> int:
        """Write the output; returns how many streams of sound it has."""
        if self._container is not None:
            return self._container.write(segments, self.output)
        if self.kind is GIF:
            write_gif(segments, self.output, self.look)
        else:
            write_pictures(segments, self.output, segments.folder)
        return 0

    def _plan(self, about: Mapping[str, str], segment: int) -> dict[str, str]:
        return {
            "source": self.source.identity,
            **about,
            **{name: str(value) for name, value in asdict(self.config).items()},
            "segments of": str(segment),
            "version": f"{__version__}, PyAV {av.__version__}",
        }

    def _written_look(self, look: Look) -> Look:
        sides = look.sides
        if self.config.size is not None:
            sides = with_short_side(sides, self.config.size)
        if self.encoder is None:  # nothing there says how a picture is to be turned
            return replace(look, sides=sides, rotation=0.0, mirrored=False)
        if even(sides) != sides:
            logger.info("the video gets %d x %d px: its sides are even", *even(sides)[::-1])
        return replace(look, sides=even(sides))

    def _refuse_to_replace(self, source: Path) -> None:
        if self.output.exists() and self.output.resolve() == source.resolve():
            raise ConfigError(f"--output is {self.output}, the video itself; give another name")
        there = any(self.output.iterdir()) if self.output.is_dir() else is_there(self.output)
        if there and not self.force:
            raise ConfigError(f"{self.output} is there already; --force replaces it")


def _source(path: Path, config: VideoConfig) -> Source:
    """A folder of pictures, or a video file."""
    if path.is_dir():
        # here, because pictures load PyTorch, and a video that is refused need not wait for that
        from gan_style.video.folder import USUAL_RATE, FrameFolder

        return FrameFolder(path, config.fps or USUAL_RATE, config.start, config.end)
    if config.fps is not None:
        raise ConfigError(f"--fps is for folders of pictures; {path} says itself when frames come")
    return VideoFile(path, config.start, config.end)
