"""`gan-style video`: paint a video in a style."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gan_style.cli.command import Model, Output, existing
from gan_style.cli.photos import refuse_unwritable
from gan_style.errors import ConfigError
from gan_style.options import option
from gan_style.video.config import VideoConfig

if TYPE_CHECKING:
    from gan_style.video.frames import Frame
    from gan_style.video.job import Job, Outcome

_PACKAGES = {"av": "PyAV", "cv2": "OpenCV"}


@dataclass(frozen=True, kw_only=True)
class Video(Output, Model, VideoConfig):
    """Paint a video in a style.

    The sound is copied as it is, and frame times, rotation and color tags are kept. Broken off, it
    goes on where it was when the same command is given again. Needs the extra `video`.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style video clip.mp4 --style woodblock -o painted.mp4",
        "gan-style video clip.mov --style mosaic -o painted.mp4 --size 480 --start 5 --end 15",
        "gan-style video clip.mp4 --style mine --model runs/mine -o painted.mkv --codec av1",
        "gan-style video dancing.gif --style woodcut -o painted.gif",
        "gan-style video frames --style my_pictures -o painted.mp4 --fps 30",
    )

    source: str = option(positional=True, metavar="VIDEO")
    """A video, an animated GIF, or a folder of pictures, one a frame."""
    style: str = option(metavar="STYLE")
    """A code, a picture, a folder of pictures, or a name."""
    output: str = option(short="o", metavar="PATH")
    """A file that ends in .mp4, .m4v, .mov, .mkv, .webm or .gif, or a folder for pictures."""

    def run(self) -> None:
        """Paint all frames, and put them together with the sound."""
        source, output = existing(self.source), Path(self.output)
        try:
            from gan_style.video.job import Job
        except ImportError as error:
            if error.name not in _PACKAGES:
                raise
            raise ConfigError(
                f"videos need {_PACKAGES[error.name]} ({error}): pip install 'gan-style[video]'"
            ) from error
        refuse_unwritable([output])
        job = Job(source, output, self.only(VideoConfig), force=self.force)
        outcome = self._paint(job)
        if outcome.damaged:
            print(f"{outcome.damaged} damaged frames were left out; the ones before stay longer")
        sound = f" with {outcome.sounds} streams of sound" if outcome.sounds > 1 else ""
        print(f"painted {outcome.frames} frames into {self.output}{sound}")

    def _paint(self, job: "Job") -> "Outcome":
        from tqdm import tqdm

        from gan_style.device import keep_freed_memory
        from gan_style.stylizer import Stylizer
        from gan_style.video.painting import run

        def progress(frames: "Iterable[Frame]", total: int, done: int) -> Any:
            return tqdm(frames, total=total or None, initial=done, unit=" frames")

        keep_freed_memory()
        stylizer = Stylizer.from_pretrained(self.model, device=self.device)
        try:
            return run(job, stylizer, self.style, progress)
        except BaseException:
            if job.is_begun:
                print("what is painted is kept; the same command goes on with the rest")
            raise
