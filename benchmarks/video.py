"""How steady, how fast and how large a painted video is.

    python benchmarks/video.py [--styles A B C D] [--frames 300] [--height 480] [--steady 0.9]
                               [--clip FILE] [--save FOLDER]

Makes a clip: a pan of two pixels a frame over a photograph with noise, a disc that moves across it,
and in the middle a cut to another one. Paints it in each style, every frame as a photo and then
steadily, and compares neighboring frames with the motion, which is known exactly, undone, away from
the disc and from the cut: the mean absolute difference, in levels of 255, and that over the one of
the clip itself; and the warping error of Lai et al. 2018, the mean squared difference of colors in
[0, 1], times 1000. Then paints the clip once more as a whole command with the first style: frames a
second, and the peak of memory. With --clip it only does that, with a video of one's own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.device import keep_freed_memory
from gan_style.video.config import VideoConfig
from gan_style.video.painting import frame_painter
from gan_style.video.steadiness import Steadied

REPOSITORY = Path(__file__).resolve().parents[1]
STEP, SPEED, NOISE, RATE = 2, 7, 4.0, 30
AROUND = 24  # px around the disc that are not compared: strokes reach beyond it

Pixels = NDArray[np.uint8]


class Shown(NamedTuple):
    """A frame, where in it the disc is not, and whether a shot begins with it."""

    pixels: Pixels
    ground: NDArray[np.bool_]
    first: bool


def clip(frames: int, height: int) -> Iterator[Shown]:
    width = height * 16 // 9 // 2 * 2
    random = np.random.default_rng(0)
    half = (frames + 1) // 2
    for shot, photo in enumerate((data.coffee(), data.chelsea())):
        whole = enlarged(photo, height, width + STEP * half)
        for number in range(min(half, frames - half * shot)):
            seen = whole[:, STEP * number : STEP * number + width].astype(np.float32)
            far = distance(seen.shape[:2], number)
            radius = height / 8
            seen[far < radius] = (240, 220, 60)
            noisy = seen + NOISE * random.standard_normal(seen.shape)
            yield Shown(
                noisy.round().clip(0, 255).astype(np.uint8), far > radius + AROUND, not number
            )


def enlarged(photo: Pixels, height: int, width: int) -> Pixels:
    """The middle of a photo that covers so many pixels."""
    factor = max(height / photo.shape[0], width / photo.shape[1])
    sides = [
        max(height, round(factor * photo.shape[0])),
        max(width, round(factor * photo.shape[1])),
    ]
    large = np.asarray(Image.fromarray(photo).resize(sides[::-1], Image.Resampling.BICUBIC))
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return large[top : top + height, left : left + width]


def distance(sides: tuple[int, int], number: int) -> NDArray[np.float32]:
    """Of each pixel from the middle of the disc."""
    rows, columns = np.indices(sides, dtype=np.float32)
    middle = (SPEED * number) % (sides[1] + sides[0] // 2) - sides[0] // 4
    return np.hypot(rows - 0.6 * sides[0], columns - middle)


def differences(shown: list[Shown], painted: list[Pixels]) -> tuple[float, float]:
    """Mean absolute difference in levels, and warping error times 1000."""
    absolute, squared = [], []
    both = zip(shown, painted, strict=True)
    for (before, old), (now, new) in pairwise(both):
        if now.first:
            continue
        known = now.ground[:, :-STEP] & before.ground[:, STEP:]
        change = (new[:, :-STEP].astype(np.float32) - old[:, STEP:])[known]
        absolute.append(np.abs(change).mean())
        squared.append(np.square(change / 255).mean())
    return float(np.mean(absolute)), 1000 * float(np.mean(squared))


def steadiness(stylizer: Stylizer, styles: list[str], shown: list[Shown], steady: float) -> str:
    own, own_error = differences(shown, [each.pixels for each in shown])
    rows = [["the clip itself", f"{own:.2f}", "1.00", f"{own_error:.3f}", "-"]]
    for style in styles:
        for share in (0.0, steady):
            painter = frame_painter(stylizer, stylizer.style(style), VideoConfig(steady=share))
            steadied = Steadied(painter, share)
            began = time.perf_counter()
            painted = [steadied.paint(each.pixels) for each in shown]
            rate = len(shown) / (time.perf_counter() - began)
            change, error = differences(shown, painted)
            name = f"{style}, steady {share:g}"
            rows.append(
                [name, f"{change:.2f}", f"{change / own:.2f}", f"{error:.3f}", f"{rate:.2f}"]
            )
    heads = ("video", "difference", "over the clip's", "warping error", "frames/s")
    return table(heads, rows)


def write(path: Path, shown: list[Shown]) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"crf": "10"})
        stream.height, stream.width = shown[0].pixels.shape[:2]
        stream.pix_fmt = "yuv420p"
        for each in shown:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(each.pixels, "rgb24")))
        file.mux(stream.encode(None))


def whole_command(model: str, style: str, source: Path, output: Path, steady: float) -> str:
    """Frames a second and peak memory of a `gan-style video` in a process of its own."""
    words = ["video", str(source), "--style", style, "-o", str(output), "--force"]
    words += ["--model", model, "--steady", str(steady)]
    code = (
        "import resource, sys; from gan_style.cli.main import main; code = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", code, *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    seconds = time.perf_counter() - began
    with av.open(str(output)) as file:
        frames = sum(1 for packet in file.demux(video=0) if packet.size)
    peak = int(run.stdout.split()[-1]) / 1e6
    return (
        f"{frames} frames in {seconds:.0f} s, {frames / seconds:.2f} a second, imports and loading "
        f"included; at most {peak:.2f} GB of memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument(
        "--styles", nargs="+", default=["mosaic", "woodblock", "woodcut", "gilded-page"]
    )
    parser.add_argument("--frames", type=int, default=10 * RATE)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--steady", type=float, default=VideoConfig().steady)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--save", type=Path, help="keep the clip and its painting here")
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.save or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source = options.clip
        if source is None:
            shown = list(clip(options.frames, options.height))
            stylizer = Stylizer.from_pretrained(options.model)
            print(steadiness(stylizer, options.styles, shown, options.steady))
            source = folder / "clip.mp4"
            write(source, shown)
        output = folder / "painted.mp4"
        print(whole_command(options.model, options.styles[0], source, output, options.steady))


if __name__ == "__main__":
    main()
