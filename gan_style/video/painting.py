"""A video painted in a style by a trained model."""

import hashlib
from dataclasses import replace
from pathlib import Path

from gan_style.painting.painter import Painter
from gan_style.style_code import StyleCode
from gan_style.stylizer import Style, Stylizer
from gan_style.video.config import VideoConfig
from gan_style.video.job import Job, Outcome, Progress, as_they_are
from gan_style.video.steadiness import EachAlone, FramePainter, Steadied
from gan_style.video.steady_painter import SteadyPainter


def paint_video(
    stylizer: Stylizer,
    source: str | Path,
    style: Style,
    output: str | Path,
    config: VideoConfig = VideoConfig(),  # noqa: B008
    *,
    force: bool = False,
    progress: Progress = as_they_are,
) -> Outcome:
    """Paint a video, with its sound, its frame times, its rotation and its color tags.

    Broken off, it is gone on with by the same call: what is painted lies in a folder beside the
    output until then.

    Args:
        stylizer: paints.
        source: a video file, an animated GIF, or a folder of pictures.
        style: as `Stylizer.style` takes it.
        output: a file that ends in .mp4, .m4v, .mov, .mkv, .webm or .gif, or a folder.
        config: how.
        force: replace what is there.
        progress: wrapped around the frames.

    Raises:
        ConfigError: options that do not fit together, or something is there already.
        VideoError: no video, or the output cannot hold it.
        StyleError: no such style, or a code of another model.
        TooLargeError: a frame does not fit into memory.
    """
    job = Job(Path(source), Path(output), config, force=force)
    return run(job, stylizer, style, progress)


def run(job: Job, stylizer: Stylizer, style: Style, progress: Progress = as_they_are) -> Outcome:
    """Do a job that was found to be possible; see `paint_video`."""
    code = stylizer.style(style)
    stylizer.refuse_foreign(code)
    about = {
        "style": f"{code.name} {_hash(code)}",
        "model": stylizer.id,
        "precision": f"{stylizer.precision} on {stylizer.device.type}",
    }
    painter = frame_painter(stylizer, code, job.config)
    return job.paint(Steadied(painter, job.config.steady), about, progress)


def frame_painter(stylizer: Stylizer, style: StyleCode, config: VideoConfig) -> FramePainter:
    """What paints the frames, each alone if the video is not to be steady."""
    config = replace(config, size=None)  # frames come in the size that is wanted
    model = (stylizer.model, stylizer.device, stylizer.precision)
    if config.steady:
        return SteadyPainter(*model, style, config)
    painter = Painter(*model)
    return EachAlone(lambda frame: painter.paint(frame, style, config))


def _hash(code: StyleCode) -> str:
    return hashlib.sha256(code.mean.cpu().numpy().tobytes()).hexdigest()[:8]
