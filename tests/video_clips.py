"""Clips of which every frame is known: a pan over a picture, something that moves, a cut, sound."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("av")  # whoever imports this needs both
pytest.importorskip("cv2")
import av
from av.video.frame import VideoFrame

Pixels = NDArray[np.uint8]
FINE = Fraction(1, 30000)
FILM = [1001 * number for number in range(400)]
"""Times at 29.97 frames a second."""
VARIABLE = [1001 * number + 250 * (number % 3) + 40 * (number % 7) for number in range(400)]


def scenery(seed: int, height: int, width: int, coarse: int = 12) -> Pixels:
    """(H, W, 3): soft spots with finer ones on them."""
    random = np.random.default_rng(seed)
    whole = np.zeros((height, width, 3), np.float32)
    for size, share in ((coarse, 0.7), (coarse // 3, 0.3)):
        sides = (height // size + 2, width // size + 2, 3)
        spots = Image.fromarray(random.integers(0, 256, sides, dtype=np.uint8))
        whole += share * np.asarray(spots.resize((width, height), Image.Resampling.BICUBIC))
    gray = whole.mean(2, keepdims=True)  # videos keep color at half the size
    whole = gray + (whole - gray) / 4
    whole = 128 + 1.5 * (whole - 128)
    return whole.clip(0, 255).astype(np.uint8)


def pan(
    count: int, sides: tuple[int, int] = (64, 96), step: int = 2, noise: float = 0.0, seed: int = 0
) -> list[Pixels]:
    """Frames that look `step` px further to the right each time; exactly known motion."""
    height, width = sides
    whole = scenery(seed, height, width + step * count)
    random = np.random.default_rng(seed + 1)
    frames = []
    for number in range(count):
        seen = whole[:, step * number : step * number + width].astype(np.float32)
        seen = seen + noise * random.standard_normal(seen.shape)
        frames.append(seen.round().clip(0, 255).astype(np.uint8))
    return frames


def flat(count: int, sides: tuple[int, int] = (32, 48)) -> list[Pixels]:
    """Frames of one color each, that tell their number by it."""
    return [np.full((*sides, 3), 20 + 8 * (n % 28), np.uint8) for n in range(count)]


def write_clip(
    path: Path,
    frames: Sequence[Pixels],
    times: Sequence[int] = FILM,
    *,
    time_base: Fraction = FINE,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: float = 0,
    mirrored: bool = False,
    colors: tuple[int, int, int, int] = (1, 1, 1, 1),
    sound: str | None = None,
) -> Path:
    """Write a video; `colors` are matrix, primaries, transfer and range. No coder delays sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        options = {"crf": "4", "preset": "ultrafast"} if codec == "libx264" else {}
        video = file.add_stream(codec, options=options)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = pix_fmt
        video.codec_context.time_base = video.time_base = time_base
        context = video.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = colors
        if rotation or mirrored:
            video.set_display_rotation(rotation, hflip=mirrored)
        audio = file.add_stream(sound, rate=16000, layout="mono") if sound else None
        for pixels, time in zip(frames, times, strict=False):
            frame = VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                format=pix_fmt, dst_colorspace=colors[0], dst_color_range=colors[3]
            )
            frame.pts, frame.time_base, frame.duration = time, time_base, times[1] - times[0]
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if audio is not None:
            seconds = float(times[len(frames) - 1] * time_base)
            for tone in sine(seconds, audio.codec_context.format.name):
                file.mux(audio.encode(tone))
            file.mux(audio.encode(None))
    return path


def sine(seconds: float, form: str) -> Iterable[av.AudioFrame]:
    """440 Hz in frames of 1024 samples."""
    values = np.sin(2 * np.pi * 440 * np.arange(int(16000 * seconds)) / 16000)
    for start in range(0, len(values) - 1023, 1024):
        part = values[None, start : start + 1024]
        coded = part.astype(np.float32) if form.startswith("flt") else (part * 3e4).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(coded, form, "mono")
        frame.rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        yield frame


def sound_of(path: Path) -> tuple[str, list[float]]:
    """The hash of all packets of sound, and their times in seconds."""
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.size]
        seconds = [round(float(packet.pts * packet.time_base), 3) for packet in packets]
        return hashlib.sha256(b"".join(map(bytes, packets))).hexdigest(), seconds


def seconds_of(path: Path) -> list[Fraction]:
    """The times of all frames."""
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


def garbled(path: Path, number: int) -> Path:
    """Damage one packet of the video in a file, and leave the others as they are."""
    with av.open(str(path)) as file:
        packet = [packet for packet in file.demux(video=0) if packet.size][number]
        data = bytes(packet)
    content = path.read_bytes()
    assert content.count(data) == 1
    path.write_bytes(content.replace(data, data[:9] + bytes(len(data) - 9)))
    return path


def with_subtitles(source: Path, output: Path) -> Path:
    """Copy a video, with two streams of subtitles beside what it has."""
    text = output.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:00,100\nHello\n")
    with ExitStack() as opened:
        files = [opened.enter_context(av.open(str(path))) for path in (source, text, text)]
        written = opened.enter_context(av.open(str(output), "w"))
        copies = {each: written.add_stream_from_template(each) for f in files for each in f.streams}
        for file in files:
            for packet in file.demux():
                if packet.size:
                    packet.stream = copies[packet.stream]
                    written.mux(packet)
    return output
