"""What a video can be written as: kinds of files, and the codecs that each can hold."""

from dataclasses import dataclass
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from gan_style.errors import ConfigError, VideoError
from gan_style.video.frames import Look


@dataclass(frozen=True)
class Kind:
    """A kind of output. container: FFmpeg's name of it; None for pictures of their own."""

    container: str | None
    codecs: tuple[str, ...] = ()


PICTURES = Kind(None)
"""A folder of PNG files."""
GIF = Kind("gif")
_MP4 = Kind("mp4", ("h264", "h265", "av1", "vp9"))
KINDS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Kind("mov", ("h264", "h265")),
    ".mkv": Kind("matroska", ("h264", "h265", "av1", "vp9")),
    ".webm": Kind("webm", ("vp9", "av1")),
    ".gif": GIF,
}
"""By the ending of the output; a path without an ending is a folder."""


@dataclass(frozen=True)
class Encoder:
    """How FFmpeg is told to encode.

    name: FFmpeg's of the encoder. worst, best: its number for a quality of 0 and of 100; CRF.
    options: further ones. tag: what the codec is called in MP4 and MOV, where Apple's players
    insist on one.
    """

    name: str
    worst: int
    best: int
    options: tuple[tuple[str, str], ...] = ()
    tag: str | None = None


_ENCODERS = {
    # no frames out of order: what is joined of segments would need times of its own for that
    "h264": Encoder("libx264", 50, 10, (("bf", "0"), ("preset", "medium"))),
    "h265": Encoder("libx265", 50, 12, (("x265-params", "bframes=0:log-level=error"),), tag="hvc1"),
    "av1": Encoder("libsvtav1", 63, 20, (("preset", "8"),)),
    "vp9": Encoder(
        "libvpx-vp9", 63, 15, (("deadline", "good"), ("cpu-used", "4"), ("row-mt", "1"))
    ),
}


def kind_of(output: Path) -> Kind:
    """What is written to a path.

    Raises:
        ConfigError: an ending that is none of those that can be written.
    """
    if output.is_dir() or not output.suffix:
        return PICTURES
    kind = KINDS.get(output.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"--output is {output}; videos are written as {', '.join(KINDS)}, or as a folder of "
            "pictures, which has no ending"
        )
    return kind


def encoder_of(kind: Kind, codec: str | None, output: Path) -> Encoder | None:
    """What encodes for a kind of output; None where frames are kept as pictures.

    Raises:
        ConfigError: the kind cannot hold the codec, or this PyAV has no encoder for it.
    """
    if not kind.codecs:
        if codec is not None:
            what = "a GIF" if kind is GIF else "a folder of pictures"
            raise ConfigError(f"--codec is {codec}, but {output} is {what}; leave it out")
        return None
    chosen = codec or kind.codecs[0]
    if chosen not in kind.codecs:
        raise ConfigError(
            f"--codec is {chosen}, but {output.suffix} files hold {' or '.join(kind.codecs)}"
        )
    encoder = _ENCODERS[chosen]
    if not _has_encoder(encoder.name):
        there = [each for each in kind.codecs if _has_encoder(_ENCODERS[each].name)]
        raise ConfigError(
            f"--codec is {chosen}, but this PyAV has no encoder {encoder.name}; it has "
            f"{', '.join(there) or 'none of those that such a file can hold'}"
        )
    return encoder


def _has_encoder(name: str) -> bool:
    try:
        return bool(av.Codec(name, "w"))
    except av.error.FFmpegError:
        return False
    except ValueError:  # UnknownCodecError
        return False


def set_up(context: VideoCodecContext, encoder: Encoder, look: Look, quality: int) -> None:
    """Make a codec context, which is not open yet, one that encodes frames of this look.

    Args:
        context: of this encoder.
        encoder: see `encoder_of`.
        look: of the written frames; both sides are even.
        quality: 1 to 100.
    """
    crf = encoder.worst + (encoder.best - encoder.worst) * quality / 100
    context.height, context.width = look.stored
    context.pix_fmt = "yuv420p"
    context.time_base = look.time_base
    context.framerate = look.rate.limit_denominator(100_000)  # FFmpeg's are 32 bits
    context.bit_rate = 0  # what counts is the quality
    context.options = {"crf": f"{crf:.0f}", **dict(encoder.options)}
    context.colorspace, context.color_primaries, context.color_trc, context.color_range = (
        look.colors
    )
    if look.aspect is not None:
        context.sample_aspect_ratio = look.aspect
    if encoder.tag is not None:
        context.codec_tag = encoder.tag


def even(sides: tuple[int, int]) -> tuple[int, int]:
    """Sides that a video can have: it keeps color for squares of two by two pixels.

    Raises:
        VideoError: less than that.
    """
    height, width = (side // 2 * 2 for side in sides)
    if not height or not width:
        raise VideoError(f"a video of {sides[1]}x{sides[0]} px is too small to be written")
    return height, width
