"""How much of a fine lattice there is in paintings: dots in step with the generator's maps.

    python benchmarks/lattice.py FOLDER …

Each FOLDER holds paintings, or photos for comparison, with a short side of 256 px at least, not
enlarged after they were painted. Their power spectra, over squares of 256 px, are compared at the
frequencies of lattices with those around: 1 is no lattice. The maps of a generator that paints 1.5
times as large have periods of 2.7 px (a quarter of the size) and 5.3 px (an eighth).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.data.images import find_pictures, read_picture

SIDE = 256  # px of the squares; both periods below are whole numbers of its frequencies
PERIODS = (8 / 1.5, 4 / 1.5)
NEAR, FAR = 3, 6  # frequencies away from that of the lattice, which are compared with it
Spectrum = NDArray[np.float64]


def spectrum(gray: NDArray[np.float64]) -> Spectrum:
    """Mean power of squares of a picture, every half a square: (SIDE, SIDE)."""
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    height, width = gray.shape
    squares = [
        gray[top : top + SIDE, left : left + SIDE]
        for top in range(0, height - SIDE + 1, SIDE // 2)
        for left in range(0, width - SIDE + 1, SIDE // 2)
    ]
    if not squares:
        raise SystemExit(f"error: a picture has {width}x{height} px; {SIDE} are needed")
    powers = [np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2 for square in squares]
    return np.mean(powers, axis=0)


def peak(power: Spectrum, down: int, across: int) -> float:
    """Power at a frequency, over the median of those around."""
    steps = range(-FAR, FAR + 1)
    around = [
        power[(down + i) % SIDE, (across + j) % SIDE]
        for i in steps
        for j in steps
        if max(abs(i), abs(j)) >= NEAR
    ]
    return float(power[down % SIDE, across % SIDE] / np.median(around))


def peaks(folder: Path) -> list[float]:
    """Geometric means over pictures, for each period: down, across and both diagonals."""
    found = []
    for path in tqdm(find_pictures(folder), desc=folder.name, leave=False):
        power = spectrum(np.asarray(read_picture(path).convert("L"), float))
        places = [round(SIDE / period) for period in PERIODS]
        found.append([peak(power, *at) for k in places for at in ((k, 0), (0, k), (k, k), (k, -k))])
    means: list[float] = np.exp(np.log(found).mean(axis=0)).tolist()
    return means


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    directions = ("down", "across", "diagonal", "other diagonal")
    headings = ["", *(f"{period:.1f} px, {way}" for period in PERIODS for way in directions)]
    rows = [[str(f), *(f"{value:.1f}" for value in peaks(f))] for f in options.folders]
    print(table(headings, rows))


if __name__ == "__main__":
    main()
