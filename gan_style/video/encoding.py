"""Painted frames -> packets: of a codec, or pictures of their own."""

import io
import os
from dataclasses import dataclass, field
from typing import Protocol

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from gan_style.errors import VideoError
from gan_style.video.frames import UNKNOWN, Frame, Look
from gan_style.video.state import State
from gan_style.video.target import Encoder, set_up

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder writes to the terminal of its own accord
_GLOBAL_HEADER = 1 << 22  # of FFmpeg's flags: what a file says once is not in the packets


@dataclass
class Packets:
    """Encoded frames, in the order in which they are shown: nothing is coded ahead.

    data: one for each frame. times, durations: in units of the video's time base. keys: whether
    decoding can begin there. names: of files, for those that have names of their own.
    """

    data: list[bytes] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def to_arrays(self) -> State:
        """As named arrays, for a file."""
        return {
            "data": np.frombuffer(b"".join(self.data), np.uint8),
            "sizes": np.array([len(each) for each in self.data], np.int64),
            "times": np.array(self.times, np.int64),
            "durations": np.array(self.durations, np.int64),
            "keys": np.array(self.keys, bool),
            "names": np.array(self.names, str),
        }

    @classmethod
    def from_arrays(cls, arrays: State) -> "Packets":
        """Those of which `to_arrays` made the arrays."""
        ends = np.cumsum(arrays["sizes"])
        whole = arrays["data"].tobytes()
        data = [whole[end - size : end] for end, size in zip(ends, arrays["sizes"], strict=True)]
        rest = (arrays[name].tolist() for name in ("times", "durations", "keys", "names"))
        return cls(data, *rest)


class FrameEncoder(Protocol):
    """Takes the frames of one segment, and gives its packets in the end."""

    def add(self, frame: Frame) -> None: ...

    def finish(self) -> Packets: ...


class VideoEncoder:
    """Encodes a segment that can be decoded by itself.

    Args:
        encoder: what to encode with.
        look: of the written frames; both sides are even.
        quality: 1 to 100.
    """

    def __init__(self, encoder: Encoder, look: Look, quality: int) -> None:
        self._look = look
        context = av.CodecContext.create(encoder.name, "w")
        assert isinstance(context, VideoCodecContext)
        self._context = context
        set_up(self._context, encoder, look, quality)
        self._context.flags |= _GLOBAL_HEADER
        self._packets = Packets()

    def add(self, frame: Frame) -> None:
        """Encode a frame, upright as `Look.sides` says."""
        matrix = self._look.colors.matrix
        stored = self._look.as_stored(frame.pixels)
        coded = VideoFrame.from_ndarray(stored, "rgb24").reformat(
            format="yuv420p",
            dst_colorspace=None if matrix == UNKNOWN else matrix,
            dst_color_range=self._look.colors.range,
        )
        coded.pts, coded.time_base = frame.time, self._look.time_base
        self._packets.durations.append(frame.duration)
        self._packets.names.append(frame.name)
        self._take(self._context.encode(coded))

    def finish(self) -> Packets:
        """The packets of all frames."""
        self._take(self._context.encode(None))
        if len(self._packets.data) != len(self._packets.durations):
            raise VideoError(
                f"{self._context.name} made {len(self._packets.data)} frames of "
                f"{len(self._packets.durations)}"
            )
        return self._packets

    def _take(self, packets: "list[Packet[VideoStream]]") -> None:
        for packet in packets:
            assert packet.pts is not None
            self._packets.data.append(bytes(packet))
            self._packets.times.append(packet.pts)
            self._packets.keys.append(packet.is_keyframe)


class PictureEncoder:
    """Keeps every frame as a PNG file."""

    def __init__(self) -> None:
        self._packets = Packets()

    def add(self, frame: Frame) -> None:
        """Encode a frame."""
        file = io.BytesIO()
        Image.fromarray(frame.pixels).save(file, "png")
        self._packets.data.append(file.getvalue())
        self._packets.times.append(frame.time)
        self._packets.durations.append(frame.duration)
        self._packets.keys.append(True)
        self._packets.names.append(frame.name)

    def finish(self) -> Packets:
        """The packets of all frames."""
        return self._packets
