"""Videos painted on the page. Needs the extra `video`."""

import shutil
from pathlib import Path

from gan_style.app.folder import WorkFolder
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.video.config import VideoConfig
from gan_style.video.job import Job, Progress
from gan_style.video.painting import run
from gan_style.video.segments import unfinished

_GIF, _MP4 = ".gif", ".mp4"


def paint_clip(
    folder: WorkFolder,
    stylizer: Stylizer,
    source: Path,
    style: StyleCode,
    config: VideoConfig,
    progress: Progress,
) -> Path:
    """Paint a video into the work folder: an animated GIF stays one, and all others become MP4.

    Args:
        folder: to write into.
        stylizer: paints.
        source: of any kind that is read.
        style: a code of the stylizer's model.
        config: how.
        progress: wrapped around the frames.

    Returns:
        The file.

    Raises:
        GanStyleError: as `gan_style.video.painting.paint_video`.
    """
    suffix = _GIF if source.suffix.lower() == _GIF else _MP4
    output = folder.new_place("videos", f"{source.stem[:40]}-{style.name}", suffix)
    try:
        run(Job(source, output, config, force=True), stylizer, style, progress)
    except BaseException:  # nobody will give the same command again
        shutil.rmtree(unfinished(output), ignore_errors=True)
        output.unlink(missing_ok=True)
        raise
    return output
