"""Which of two methods paints better? Pairs to be judged without knowing whose is whose.

    python benchmarks/blind.py make ONE TWO CONTENT -o OUT [--style COLLECTIONS …] [--pairs 40]
        [--seed 0] [--per-sheet 10] [--height 320]
    python benchmarks/blind.py count OUT/answers.txt OUT/key.json

make: ONE and TWO hold a folder for each collection with paintings of the same names, as
benchmarks/methods.py writes them; CONTENT holds the photos. Pairs are drawn evenly over collections
and photos. OUT takes sheets of numbered rows: the photo, a picture of the collection if the folders
of them are given, and the two paintings, A and B in an order of which each method is first in one
half; and the key, which whoever judges does not open before.

count: answers are lines such as `1 A`, `2 B` or `3 =`, one for each pair; what follows a # is left
out. For each method it prints the share of pairs in which it is preferred, with Wilson's 95 %
interval, of all and of each collection, and the pairs that it lost. An answer = counts one half for
each.
"""

import argparse
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from timing import table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.data.grid import picture_grid
from gan_style.data.images import find_pictures, read_picture, save_picture, to_tensor
from gan_style.errors import GanStyleError
from gan_style.evaluation.outputs import pictures_by_name
from gan_style.evaluation.scores import write_json

METHODS = ("one", "two")
CHOICES = ("A", "B", "=")
NORMAL = 1.959964  # 97.5 % of a normal distribution are below
NUMBER_WIDTH = 48  # pixels
Name = tuple[str, str]  # collection and photo


@dataclass(frozen=True)
class Pair:
    """A row of a sheet; `first` is the method that is A there."""

    number: int
    collection: str
    photo: str
    first: str

    @property
    def second(self) -> str:
        return METHODS[self.first == METHODS[0]]

    def winner(self, answer: str) -> str | None:
        """The method that an answer prefers; None for neither."""
        return {"A": self.first, "B": self.second}.get(answer)


# ---------------------------------------------------------------------- sheets


def paintings_in(folder: Path) -> dict[Name, Path]:
    """The paintings in the folders of a folder: not those loose in it, such as sheets."""
    found = {}
    for path in find_pictures(folder):
        parts = path.relative_to(folder).parts
        if len(parts) == 2:
            found[parts[0], path.stem] = path
    if not found:
        raise SystemExit(f"error: {folder} has no folders with paintings, one for each collection")
    return found


def same_names(folders: Sequence[Path], paintings: Sequence[Mapping[Name, Path]]) -> list[Name]:
    for i, j in ((0, 1), (1, 0)):
        missing = sorted(paintings[i].keys() - paintings[j].keys())
        if missing:
            shown = ", ".join("/".join(name) for name in missing[:3])
            more = " …" if len(missing) > 3 else ""
            raise SystemExit(
                f"error: {folders[j]} lacks {len(missing)} of the paintings in {folders[i]}: "
                f"{shown}{more}"
            )
    return sorted(paintings[0])


def drawn(names: Sequence[Name], number: int, order: random.Random) -> list[Name]:
    """So many of the names, in random order, evenly over collections and then over photos."""
    left = order.sample(names, len(names))
    collections, photos = Counter[str](), Counter[str]()
    chosen = []
    for _ in range(min(number, len(left))):
        name = min(left, key=lambda name: (collections[name[0]], photos[name[1]]))
        left.remove(name)
        collections[name[0]] += 1
        photos[name[1]] += 1
        chosen.append(name)
    return order.sample(chosen, len(chosen))


def pairs_of(names: Sequence[Name], order: random.Random) -> list[Pair]:
    firsts = order.sample([METHODS[i % 2] for i in range(len(names))], len(names))
    return [
        Pair(number, *name, first)
        for number, (name, first) in enumerate(zip(names, firsts, strict=True), 1)
    ]


def style_pictures(
    places: Sequence[Path], collections: Sequence[str], order: random.Random
) -> dict[str, list[Path]]:
    """The pictures of each collection in random order; none if there are no places."""
    found = {}
    for name in collections if places else ():
        folder = next((place / name for place in places if (place / name).is_dir()), None)
        pictures = find_pictures(folder) if folder else []
        if not pictures:
            raise SystemExit(f"error: no pictures of {name} in {', '.join(map(str, places))}")
        found[name] = order.sample(pictures, len(pictures))
    return found


def pictures_of(
    pair: Pair,
    photos: Mapping[str, Path],
    styles: Mapping[str, Sequence[Path]],
    paintings: Mapping[str, Mapping[Name, Path]],
) -> list[Path]:
    """The photo, a picture of the collection if there are styles, and A and B."""
    name = pair.collection, pair.photo
    own = styles.get(pair.collection, ())
    style = [own[pair.number % len(own)]] if own else []
    return [photos[pair.photo], *style, *(paintings[m][name] for m in (pair.first, pair.second))]


def at_height(path: Path, height: int) -> Image.Image:
    picture = read_picture(path)
    width = max(1, round(picture.width * height / picture.height))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def number_picture(number: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (NUMBER_WIDTH, height), "white")
    place = (NUMBER_WIDTH / 2, height / 2)
    font = ImageFont.load_default(24)
    ImageDraw.Draw(picture).text(place, str(number), "black", font, anchor="mm")
    return picture


def make(options: argparse.Namespace) -> None:
    key = options.out / "key.json"
    if key.exists():
        raise SystemExit(f"error: {key} exists; give another folder, or remove this one")
    folders = (options.one, options.two)
    paintings = [paintings_in(folder) for folder in folders]
    names = same_names(folders, paintings)
    photos = pictures_by_name(options.content, "photos")
    missing = sorted({photo for _, photo in names} - photos.keys())
    if missing:
        raise SystemExit(f"error: {options.content} has no photo {missing[0]!r}")
    order = random.Random(options.seed)
    pairs = pairs_of(drawn(names, options.pairs, order), order)
    styles = style_pictures(options.style, sorted({name for name, _ in names}), order)
    headings = ["", "photo", *(["collection"] if styles else []), "A", "B"]
    starts = range(0, len(pairs), options.per_sheet)
    for sheet, start in enumerate(tqdm(starts), 1):
        rows = []
        for pair in pairs[start : start + options.per_sheet]:
            shown = pictures_of(pair, photos, styles, dict(zip(METHODS, paintings, strict=True)))
            row = [number_picture(pair.number, options.height)]
            row += [at_height(path, options.height) for path in shown]
            rows.append([to_tensor(picture) for picture in row])
        save_picture(picture_grid(rows, headings), options.out / f"sheet-{sheet:02}.png")
    named = {name: str(folder) for name, folder in zip(METHODS, folders, strict=True)}
    about = named | {"content": str(options.content), "seed": options.seed}
    write_json(key, about | {"pairs": [asdict(pair) for pair in pairs]})
    print(f"{len(pairs)} pairs on {len(starts)} sheets in {options.out}")
    print("write answers.txt, a line for each pair: 1 A, 2 B or 3 =; then count")


# ---------------------------------------------------------------------- answers


def read_answers(text: str) -> dict[int, str]:
    """Answers by the number of the pair.

    Raises:
        ValueError: a line that is no answer, or a second one for the same pair.
    """
    answers: dict[int, str] = {}
    for at, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        number, choice = words[0], words[-1].upper()
        if len(words) != 2 or not number.isdecimal() or choice not in CHOICES:
            raise ValueError(f"line {at} is {line.strip()!r}; it has to be like 1 A, 2 B or 3 =")
        if int(number) in answers:
            raise ValueError(f"line {at} is a second answer for pair {number}")
        answers[int(number)] = choice
    return answers


def check_complete(answers: Mapping[int, str], pairs: Sequence[Pair]) -> None:
    """Raise ValueError unless there is an answer for every pair and for no other."""
    numbers = {pair.number for pair in pairs}
    for what, wrong in (
        ("no answer for pair", numbers - answers.keys()),
        ("an answer for a pair that the key does not have:", answers.keys() - numbers),
    ):
        if wrong:
            raise ValueError(f"{what} {', '.join(map(str, sorted(wrong)))}")


def wilson(preferred: float, number: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): of `preferred` in `number`, at least one."""
    share, square = preferred / number, NORMAL**2 / number
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return middle - half, middle + half


def row_of(name: str, winners: Sequence[str | None]) -> list[str]:
    """How often each method is preferred, and the shares with their intervals."""
    number, equal = len(winners), winners.count(None)
    wins = [winners.count(method) for method in METHODS]
    shares = []
    for won in wins:
        preferred = won + equal / 2
        low, high = wilson(preferred, number)
        shares.append(f"{preferred / number:.0%} ({low:.0%} to {high:.0%})")
    return [name, *map(str, (number, *wins, equal)), *shares]


def summary(pairs: Sequence[Pair], answers: Mapping[int, str]) -> str:
    """The table, and the pairs that each method lost."""
    winners = {pair: pair.winner(answers[pair.number]) for pair in pairs}
    rows = []
    for collection in sorted({pair.collection for pair in pairs}):
        rows.append(
            row_of(collection, [w for p, w in winners.items() if p.collection == collection])
        )
    rows.append(row_of("all", list(winners.values())))
    headings = ("", "pairs", *METHODS, "equal", *(f"share of {method}" for method in METHODS))
    lines = [table(headings, rows)]
    for method in METHODS:
        lost = [pair for pair, winner in winners.items() if winner not in (method, None)]
        named = ", ".join(f"{pair.number} {pair.collection}/{pair.photo}" for pair in lost)
        lines.append(f"lost by {method}: {named or 'none'}")
    return "\n\n".join(lines)


def count(options: argparse.Namespace) -> None:
    try:
        key = json.loads(options.key.read_text(encoding="utf-8"))
        pairs = [Pair(**pair) for pair in key["pairs"]]
        methods = [f"{method}: {key[method]}" for method in METHODS]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"error: {options.key} is no key of `make`") from error
    try:
        answers = read_answers(options.answers.read_text(encoding="utf-8"))
        check_complete(answers, pairs)
    except ValueError as error:
        raise SystemExit(f"error: {options.answers}: {error}") from error
    print("\n".join(methods))
    print(f"\n{summary(pairs, answers)}")


# ---------------------------------------------------------------------- command line


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make", help="sheets and the key")
    making.add_argument("one", type=Path)
    making.add_argument("two", type=Path)
    making.add_argument("content", type=Path)
    making.add_argument("-o", "--out", type=Path, required=True)
    making.add_argument("--style", type=Path, nargs="+", default=[], metavar="COLLECTIONS")
    making.add_argument("--pairs", type=at_least_one, default=40, help="at most (40)")
    making.add_argument("--seed", type=int, default=0)
    making.add_argument("--per-sheet", type=at_least_one, default=10, metavar="ROWS")
    making.add_argument("--height", type=at_least_one, default=320, metavar="PIXELS")
    making.set_defaults(run=make)
    counting = commands.add_parser("count", help="what the answers say")
    counting.add_argument("answers", type=Path)
    counting.add_argument("key", type=Path)
    counting.set_defaults(run=count)
    return parser.parse_args()


def main() -> None:
    options = parse()
    try:
        options.run(options)
    except (GanStyleError, OSError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
