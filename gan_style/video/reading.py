"""Video files -> frames, in whatever container and codec FFmpeg knows.

Frames are always decoded in a row from one place on, and never sought one by one: so a second pass
gives the same frames as the first, whatever the file is like.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gan_style.errors import VideoError
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels
from gan_style.video.fingerprint import fingerprint
from gan_style.video.frames import HD, UNKNOWN, Colors, Frame, Look, exact

logger = logging.getLogger(__name__)

_MATRICES = {1, UNKNOWN, 4, 5, 6, 7, 9}  # of ITU-T H.273, those that swscale computes with
_FULL = 2  # the range of colors of JPEG
_TEXT = "tty"  # FFmpeg plays text files as if a terminal typed them
_PICTURE = ("image2", "_pipe")
_PLACEHOLDER = 255  # what is seen through transparent pixels of a GIF


class VideoFile:
    """The frames of one video stream of a file, and what belongs to them; see `frames.Source`.

    Args:
        path: of the file.
        start: seconds from the beginning; frames before are left out.
        end: seconds; frames from there on are left out. None is the end of the video.

    Raises:
        VideoError: not a video, or no frame in it can be decoded.
    """

    def __init__(self, path: Path, start: float = 0.0, end: float | None = None) -> None:
        self.path = path
        self.name = str(path)
        self.start = start
        self.end = end
        self.damaged = 0
        with self.opened() as container:
            stream = _video_stream(container, path)
            first = next(self._decoded(container, stream), None)
            if first is None:
                where = f" from {start:g} s on" if start else ""
                raise VideoError(f"{path}: no frame{where} could be decoded")
            self.beginning = _seconds_of_start(container)
            self.look = _look(container, stream, first[0], self._seconds(container, stream))
            self._shift = first[1] if start else 0
            self.besides = _besides(container, stream)
            """What else the file has beside these frames and sound, in words."""
        self.origin = self._shift * self.look.time_base
        """Seconds of the source's clock that are 0 in what is written."""

    @property
    def identity(self) -> str:
        """Changes with the content of the file."""
        return fingerprint([self.path])

    @contextmanager
    def opened(self) -> Iterator[InputContainer]:
        """The container, open.

        Raises:
            VideoError: it is no container that FFmpeg knows, or cannot be opened.
        """
        try:
            container = av.open(str(self.path), "r", metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = "it is empty" if not self.path.stat().st_size else _reason(error)
            raise VideoError(f"{self.path} cannot be read as a video: {reason}") from error
        with container:
            yield container

    def frames(self) -> Iterator[Frame]:
        """Decode once more from the first frame on."""
        self.damaged = 0
        with self.opened() as container:
            stream = _video_stream(container, self.path)
            step = max(1, round(1 / (self.look.rate * self.look.time_base)))
            for frame, time in self._decoded(container, stream):
                pixels = self.look.upright(_pixels(frame))
                if pixels.shape[:2] != self.look.sides:  # a stream may change its size midway
                    pixels = resized(pixels, self.look.sides)
                yield Frame(pixels, time - self._shift, frame.duration or step)

    def _decoded(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[VideoFrame, int]]:
        """Frames between start and end with their times, which grow; damaged ones are left out."""
        time_base = _time_base(stream)
        beginning = _seconds_of_start(container)
        if self.start:
            seconds = exact(self.start) + beginning
            container.seek(int(seconds / time_base), stream=stream, backward=True)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        last: int | None = None
        for frame in self._all(container, stream):
            time = frame.pts if frame.pts is not None else frame.dts
            if time is None:
                time = 0 if last is None else last + max(1, round(1 / (rate * time_base)))
            if last is not None and time <= last:
                time = last + 1
            last = time
            seconds = time * time_base - beginning
            if self.end is not None and seconds >= exact(self.end):
                return
            if not self.start or seconds >= exact(self.start):
                yield frame, time

    def _all(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        for packet in self._packets(container, stream):
            try:
                decoded = stream.codec_context.decode(packet)
            except av.FFmpegError:
                self.damaged += 1
                continue
            for frame in decoded:
                if frame.is_corrupt:
                    self.damaged += 1
                else:
                    yield frame

    def _packets(
        self, container: InputContainer, stream: VideoStream
    ) -> "Iterator[Packet[VideoStream] | None]":
        """The packets, and None at the end, which makes the decoder give what it still holds."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                logger.warning("%s ends before its end: %s", self.path, _reason(error))
                packet = None
            if packet is None or (packet.dts is None and not packet.size):
                yield None
                return
            if packet.size:  # in AVI, none says that the frame before stays
                yield packet

    def _seconds(self, container: InputContainer, stream: VideoStream) -> Fraction:
        """About how long the part between start and end is; 0 if that is not known."""
        if stream.duration:
            whole = stream.duration * _time_base(stream)
        else:
            whole = Fraction(container.duration or 0, av.time_base)
        end = whole if self.end is None else min(whole, exact(self.end))
        return max(Fraction(0), end - exact(self.start))


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures: the cover of an album is none.

    Raises:
        VideoError: there is none, or the file is a single picture.
    """
    covers = av.stream.Disposition.attached_pic
    streams = [each for each in container.streams.video if not each.disposition & covers]
    if not streams:
        kinds = sorted({each.type for each in container.streams})
        found = f"it has {' and '.join(kinds)} only" if kinds else "it has no streams"
        raise VideoError(f"{path} has no video stream: {found}")
    if container.format.name.endswith(_PICTURE):
        raise VideoError(f"{path} is a picture; gan-style stylize paints those")
    if container.format.name == _TEXT:
        raise VideoError(f"{path} is text, and no video")
    if streams[0].codec_context is None:  # a codec that this FFmpeg was built without
        raise VideoError(f"{path}: no decoder for its video stream")
    return streams[0]


def _besides(container: InputContainer, stream: VideoStream) -> list[str]:
    counts = Counter(
        "further pictures" if each.type == "video" else each.type
        for each in container.streams
        if each.index != stream.index and each.type != "audio"
    )
    found = [f"{kind} ({count})" if count > 1 else kind for kind, count in sorted(counts.items())]
    if chapters := len(container.chapters()):
        found.append(f"chapters ({chapters})")
    return found


def _look(
    container: InputContainer, stream: VideoStream, frame: VideoFrame, seconds: Fraction
) -> Look:
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    rotation, mirrored = _turn(frame)
    look = Look(
        sides=(frame.height, frame.width),
        time_base=_time_base(stream),
        rotation=rotation,
        mirrored=mirrored,
        colors=_colors(stream, frame),
        aspect=stream.sample_aspect_ratio or None,
        rate=rate,
        count=round(seconds * rate),
    )
    if look.quarters % 2:
        return replace(look, sides=look.sides[::-1])
    return look


def _turn(frame: VideoFrame) -> tuple[float, bool]:
    """Degrees counterclockwise that a player turns the frame by, and whether it then mirrors it."""
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return 0.0, False
    matrix = np.frombuffer(side_data, np.int32).reshape(3, 3)[:2, :2].astype(float)
    mirrored = bool(np.linalg.det(matrix) < 0)
    if mirrored:  # FFmpeg mirrors by the sign of the first column
        matrix[:, 0] *= -1
    across, down = matrix[0] / np.maximum(np.hypot(*matrix), 1e-9)
    return -math.degrees(math.atan2(down, across)), mirrored


def _colors(stream: VideoStream, frame: VideoFrame) -> Colors:
    """The tags of the stream, or those of HD where the frames are no luminance and chroma."""
    context = stream.codec_context
    if frame.format.is_rgb or context.colorspace not in _MATRICES:
        return HD
    full = context.color_range == _FULL or frame.format.name.startswith("yuvj")
    return Colors(
        context.colorspace, context.color_primaries, context.color_trc, _FULL if full else 1
    )


def _pixels(frame: VideoFrame) -> Pixels:
    """(H, W, 3) uint8 of a stored frame; what is transparent is white."""
    if not any(part.is_alpha for part in frame.format.components):
        return frame.to_ndarray(format="rgb24")
    colored = frame.to_ndarray(format="rgba")
    alpha = colored[..., 3:].astype(np.uint16)
    if alpha.min() == _PLACEHOLDER:
        return colored[..., :3]
    over = colored[..., :3] * alpha + _PLACEHOLDER * (255 - alpha)
    return ((over + 127) // 255).astype(np.uint8)


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 1000)


def _seconds_of_start(container: InputContainer) -> Fraction:
    return Fraction(container.start_time or 0, av.time_base)


def _reason(error: Any) -> str:
    """What FFmpeg says, without numbers and paths."""
    return str(getattr(error, "strerror", None) or error)
