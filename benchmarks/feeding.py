"""How fast one core feeds training: pictures decoded a second, and folders of many files.

    python benchmarks/feeding.py [--files N]

Pictures are a photograph of scikit-image, enlarged, with the noise of a camera, as JPEG of quality
90. *whole* decodes all of it; *for training* reads it as training does, at a short side of
`data.size`, where a JPEG is decoded at a half, a quarter or an eighth if that is enough, and then
scaled. The folder holds so many pictures of 64 px: what it takes to list it and to read the size of
each is what training pays for a folder beside decoding. `gan-style check` compares all pictures
with each other, so its time is a + b · files for each file, from two numbers of files. Files are in
the cache of the file system; seconds are those of the processor.
"""

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from timing import best, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import DataConfig
from gan_style.data.dataset import decode_image
from gan_style.data.images import find_pictures, picture_size, read_picture
from gan_style.data.inspection import inspect_folder

SIZES = {"12 MP": (4000, 3000), "2 MP": (1632, 1224), "reduced": (533, 400)}
NOISE = 4  # levels of 255
CHECKED = (1_000, 2_000)
"""Files of the folders that are checked."""


def photograph(width: int, height: int) -> bytes:
    """A JPEG of this size."""
    enlarged = Image.fromarray(data.astronaut()).resize((width, height), Image.Resampling.LANCZOS)
    noise = np.random.default_rng(0).normal(0, NOISE, (height, width, 1))
    values = (np.asarray(enlarged) + noise).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG", quality=90)
    return file.getvalue()


def decoding(folder: Path) -> str:
    """A table of pictures a second and core."""
    rows = []
    for name, (width, height) in SIZES.items():
        path = folder / f"{width}.jpg"
        path.write_bytes(photograph(width, height))
        whole = best(lambda path=path: read_picture(path), 5, time.process_time)
        small = best(lambda path=path: decode_image(path, DataConfig.size), 5, time.process_time)
        megabytes = f"{path.stat().st_size / 1e6:.2f} MB"
        rows.append(
            [f"{name}, {width}x{height}", megabytes, f"{1 / whole:.0f}", f"{1 / small:.0f}"]
        )
    return table(("JPEG", "file", "whole", "for training"), rows)


def write_pictures(folder: Path, count: int) -> None:
    """Small pictures, no two alike, in folders of a thousand."""
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"{number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        colors = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(colors).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(place / f"{number}.jpg", quality=90)


def seconds_of(work: Callable[[], object]) -> float:
    """Of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


def of_a_million(few: int, seconds: float, more: int, longer: float) -> float:
    """Seconds for a million files, where the time of each grows linearly with their number.

    Args:
        few: files.
        seconds: for those.
        more: files.
        longer: seconds for these.
    """
    slope = (longer / more - seconds / few) / (more - few)
    return 1e6 * (seconds / few + slope * (1e6 - few))


def folders(folder: Path, count: int) -> str:
    """A table of seconds."""
    many = folder / "many"
    write_pictures(many, count)
    found = find_pictures(many)
    works: dict[str, Callable[[], object]] = {
        "list": lambda: find_pictures(many),
        "size of each": lambda: [picture_size(path) for path in found],
        "decode each": lambda: [read_picture(path) for path in found],
    }
    rows = []
    for name, work in works.items():
        each = seconds_of(work) / count
        rows.append(
            [f"{name}, {count} files", f"{1e6 * each:.0f} µs", f"{1e6 * each / 60:.1f} min"]
        )
    checked = []
    for number in CHECKED:
        write_pictures(folder / str(number), number)
        checked.append(seconds_of(partial(inspect_folder, folder / str(number))))
        each = checked[-1] / number
        rows.append([f"gan-style check, {number} files", f"{1e6 * each:.0f} µs", ""])
    whole = of_a_million(CHECKED[0], checked[0], CHECKED[1], checked[1])
    rows[-1][-1] = f"{whole / 60:.0f} min"
    return table(("", "a file", "a million"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=20_000)
    options = parser.parse_args()
    if options.files < 1:
        parser.error(f"--files is {options.files}; it has to be 1 or more")
    with tempfile.TemporaryDirectory() as place:
        print(decoding(Path(place)))
        print(f"\n{folders(Path(place), options.files)}")


if __name__ == "__main__":
    main()
