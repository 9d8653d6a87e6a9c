"""data/PICTURES.tsv: every picture that taught the shipped models, and what is said of them."""

import csv
import re
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "data"
WEIGHTS = REPOSITORY / "gan_style" / "weights"
LAST_YEAR = 1955  # of an artist's death: life and 70 years are over


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


PICTURES, SOURCES, LICENSES = map(table, ("PICTURES.tsv", "SOURCES.tsv", "LICENSES.tsv"))
COUNTS = Counter((row["kind"], row["license"]) for row in PICTURES)
OPEN = {row["license"] for row in LICENSES if row["open"] == "yes"}


def text_of(path: Path) -> str:
    """A page, with its lines joined."""
    return " ".join(path.read_text(encoding="utf-8").split())


def counted(**values: str) -> int:
    """Pictures with these values."""
    return sum(all(row[name] == value for name, value in values.items()) for row in PICTURES)


def test_every_picture_has_a_source_a_license_and_models_that_are_known() -> None:
    sources, licenses = (
        {row[name] for row in rows} for name, rows in (("source", SOURCES), ("license", LICENSES))
    )
    assert {row["source"] for row in PICTURES} == sources
    assert {row["license"] for row in PICTURES} == licenses
    assert {row["open"] for row in LICENSES} == {"yes", "no"}
    assert {row["models"] for row in PICTURES} == {"base", "base,compact"}
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", row["repository"]) for row in SOURCES)
    assert all(re.fullmatch(r"[0-9a-f]{12}", row["commit"]) for row in SOURCES)


def test_no_picture_is_listed_twice() -> None:
    assert all(re.fullmatch(r"[0-9a-f]{12}", row["sha256"]) for row in PICTURES)
    assert len({row["sha256"] for row in PICTURES}) == len(PICTURES)
    assert len({(row["source"], row["file"]) for row in PICTURES}) == len(PICTURES)


def test_artists_died_long_ago_and_photos_name_none() -> None:
    for row in PICTURES:
        if row["kind"] == "photo":
            assert row["artist"] == row["died"] == ""
        else:
            assert row["artist"]
            assert row["died"] == "<1900" or 1300 < int(row["died"]) <= LAST_YEAR, row
    years = {(row["artist"], row["died"]) for row in PICTURES}
    assert len(years) == len({artist for artist, _ in years})  # one year each


def test_the_cards_say_as_many() -> None:
    card = text_of(WEIGHTS / "base.md")
    artists = {row["artist"] for row in PICTURES} - {""}
    works, photos = counted(kind="art"), counted(kind="photo")
    assert f"{works:,} artworks by {len(artists)} artists" in card
    assert f"{photos:,} photos" in card
    row_of = dict(re.findall(r"\| (open|work in [^|]*|research) \| ([^|]*) \|", card))
    for what, group in (
        ("open", OPEN),
        ("research", {"imagenet", "bsds", "selfexsr", "peopleart-photos", "deep-photo", "camvid"}),
    ):
        numbers = [
            int(n.replace(",", ""))
            for n in re.findall(r"(?<![\w.])(\d[\d,]*) (?:photos|of|book|cover)", row_of[what])
        ]
        assert sorted(numbers) == sorted(
            n for (_, license), n in COUNTS.items() if license in group
        )
    assert (
        f"the {sum(n for (_, license), n in COUNTS.items() if license in OPEN):,} open pictures"
        in card
    )
    compact = text_of(WEIGHTS / "compact.md")
    assert f"{counted(kind='photo', models='base,compact')} photos" in compact
    assert f"{counted(kind='art', models='base,compact'):,} artworks" in compact


def test_the_pages_say_as_many() -> None:
    readme = text_of(REPOSITORY / "README.md")
    assert f"{counted(kind='art'):,} artworks" in readme
    assert f"lists all {counted():,} with source" in readme
    page = text_of(DATA / "README.md")
    listed = re.findall(r"\| `([\w.-]+)` \| ([\d,]+) (works|photos) \| (open|the|research)", page)
    assert {
        ("art" if what == "works" else "photo", license): int(count.replace(",", ""))
        for license, count, what, _ in listed
    } == COUNTS
    assert {license for license, *_, state in listed if state == "open"} == OPEN
    remaining = {
        kind: sum(n for (k, license), n in COUNTS.items() if k == kind and license in OPEN)
        for kind in ("photo", "art")
    }
    for text in (page, text_of(REPOSITORY / "docs" / "how-to" / "train-base.md")):
        assert f"{remaining['photo']} photos and {remaining['art']} works" in text
