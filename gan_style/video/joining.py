"""Segments -> one file or folder, with the sound of the source."""

import heapq
import io
import logging
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from gan_style.errors import VideoError
from gan_style.files import replacing
from gan_style.video.encoding import Packets
from gan_style.video.frames import Look, exact
from gan_style.video.reading import VideoFile
from gan_style.video.target import Encoder, Kind, set_up

logger = logging.getLogger(__name__)

_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "creation_time"}
"""Notes of a file that say how it was written, and not what it is about."""
_GIF_TIME_BASE = Fraction(1, 100)
_OPTIONS = {"fflags": "+bitexact"}
_MP4_OPTIONS = _OPTIONS | {"movflags": "+faststart"}  # so that players need not wait for the end


class Container:
    """How the output is written: its kind, its codec and its look.

    Args:
        kind: one with a container.
        encoder: what the packets were encoded with.
        look: of the upright frames.
        quality: 1 to 100; with it a file's head is as in the segments.
        sound: where sound and notes come from, if anywhere.
    """

    def __init__(
        self, kind: Kind, encoder: Encoder, look: Look, quality: int, sound: VideoFile | None
    ) -> None:
        self.kind = kind
        self.encoder = encoder
        self.look = look
        self.quality = quality
        self.sound = sound

    def refuse_what_it_cannot_hold(self, output: Path) -> None:
        """Write the head of the file, to nowhere.

        Raises:
            VideoError: the container cannot hold the video or a stream of sound as it is.
        """
        try:
            with (
                self._opened_sound() as source,
                av.open(io.BytesIO(), "w", format=self.kind.container) as written,
            ):
                self._add_streams(written, source)
                written.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            names = ", ".join(self._codecs_of_sound()) or "no sound"
            raise VideoError(
                f"{output.suffix} files cannot hold this video with its sound ({names}) as it is; "
                f".mkv files hold most kinds ({error})"
            ) from error

    def write(self, segments: Iterable[Packets], output: Path) -> int:
        """Write the file, whole or not at all.

        Returns:
            How many streams of sound it has.
        """
        with replacing(output, durable=True) as temporary, self._opened_sound() as source:
            options = _MP4_OPTIONS if self.kind.container in ("mp4", "mov") else _OPTIONS
            with av.open(
                str(temporary), "w", format=self.kind.container, options=options
            ) as written:
                video, sounds = self._add_streams(written, source)
                pictures = self._pictures(segments, video)
                sound = self._sound(source, sounds)
                for _, _, packet in heapq.merge(pictures, sound, key=lambda each: each[:2]):
                    written.mux_one(packet)
            return len(sounds)

    def _opened_sound(self) -> Any:
        return self.sound.opened() if self.sound is not None else _Nothing()

    def _codecs_of_sound(self) -> list[str]:
        with self._opened_sound() as source:
            return [each.codec_context.name for each in source.streams.audio] if source else []

    def _add_streams(
        self, written: OutputContainer, source: InputContainer | None
    ) -> tuple[VideoStream, dict[int, AudioStream]]:
        """The stream of pictures, and those of sound by their number in the source."""
        video = written.add_stream(self.encoder.name)
        assert isinstance(video, VideoStream)
        set_up(video.codec_context, self.encoder, self.look, self.quality)
        video.time_base = self.look.time_base
        if self.look.rotation or self.look.mirrored:
            video.set_display_rotation(self.look.rotation, hflip=self.look.mirrored)
        if source is None:
            return video, {}
        notes = {k: v for k, v in source.metadata.items() if k.lower() not in _OF_THE_FILE}
        written.metadata.update(notes)
        sounds = {}
        for each in source.streams.audio:
            sounds[each.index] = written.add_stream_from_template(each)
            sounds[each.index].metadata.update(each.metadata)
        return video, sounds

    def _pictures(
        self, segments: Iterable[Packets], video: VideoStream
    ) -> "Iterator[tuple[Fraction, int, Packet[Any]]]":
        """Packets with their seconds; each lasts until the next."""
        waiting: Packet[Any] | None = None
        for packets in segments:
            for data, time, duration, key in zip(
                packets.data, packets.times, packets.durations, packets.keys, strict=True
            ):
                packet: Packet[Any] = Packet(data)
                packet.pts = packet.dts = time
                packet.duration = duration
                packet.time_base = self.look.time_base
                packet.is_keyframe = key
                packet.stream = video
                if waiting is not None:
                    assert waiting.pts is not None
                    waiting.duration = time - waiting.pts
                    yield waiting.pts * self.look.time_base, 0, waiting
                waiting = packet
        if waiting is not None:
            assert waiting.pts is not None
            yield waiting.pts * self.look.time_base, 0, waiting

    def _sound(
        self, source: InputContainer | None, sounds: dict[int, AudioStream]
    ) -> "Iterator[tuple[Fraction, int, Packet[Any]]]":
        """Packets of sound that begin in the part that is painted, bit for bit."""
        if source is None or not sounds or self.sound is None:
            return
        wanted = [each for each in source.streams.audio if each.index in sounds]
        begin = self.sound.origin if self.sound.start else None
        end = self.sound.beginning + exact(self.sound.end) if self.sound.end else None
        for packet in _as_far_as_possible(source.demux(*wanted), self.sound.name):
            time = packet.pts if packet.pts is not None else packet.dts
            if time is None or not packet.size:
                continue
            seconds = time * packet.time_base
            if (begin is not None and seconds < begin) or (end is not None and seconds >= end):
                continue
            shift = round(self.sound.origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = sounds[packet.stream_index]
            yield seconds - self.sound.origin, 1, packet


class _Nothing:
    """A source without sound."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def _as_far_as_possible(packets: "Iterator[Packet[Any]]", name: str) -> "Iterator[Packet[Any]]":
    try:
        yield from packets
    except av.FFmpegError as error:
        logger.warning("%s: its sound ends early: %s", name, error.strerror)


def write_gif(segments: Iterable[Packets], output: Path, look: Look) -> None:
    """Write PNG frames as one GIF that repeats, each with a palette of its own.

    Args:
        segments: their packets are PNG files.
        output: the file.
        look: of the frames.
    """
    with (
        replacing(output, durable=True) as temporary,
        av.open(str(temporary), "w", format="gif", options=_OPTIONS | {"loop": "0"}) as written,
    ):
        stream = written.add_stream("gif")
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = look.sides
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = _GIF_TIME_BASE
        last = -1
        for packets in segments:
            for data, time, duration in zip(
                packets.data, packets.times, packets.durations, strict=True
            ):
                frame = _in_palette(data)
                ticks = look.time_base / _GIF_TIME_BASE
                last = max(last + 1, round(time * ticks))
                frame.pts, frame.time_base = last, _GIF_TIME_BASE
                for packet in stream.encode(frame):
                    packet.duration = max(1, round(duration * ticks))
                    written.mux_one(packet)
        for packet in stream.encode(None):
            written.mux_one(packet)


def _in_palette(data: bytes) -> VideoFrame:
    with Image.open(io.BytesIO(data)) as image:
        few = image.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colors = np.array(few.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0] = 255  # alpha comes first
    palette[: len(colors), 1:] = colors
    return VideoFrame.from_ndarray((np.asarray(few), palette), "pal8")  # type: ignore[arg-type]


def write_pictures(segments: Iterable[Packets], folder: Path, made_in: Path) -> None:
    """Write PNG frames as the files of a folder, named like those that they were painted from.

    Args:
        segments: their packets are PNG files.
        folder: if it is not there yet, it appears with all of them.
        made_in: another folder on the same disk, in which that is prepared.
    """
    there = folder.exists()
    place = folder if there else made_in / "pictures"
    place.mkdir(parents=True, exist_ok=True)
    number = 0
    for packets in segments:
        for data, name in zip(packets.data, packets.names, strict=True):
            number += 1
            with replacing(place / f"{name or f'{number:06d}'}.png") as temporary:
                temporary.write_bytes(data)
    if not there:
        os.replace(place, folder)
