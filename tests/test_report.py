"""What a report says follows from what happened."""

from pathlib import Path

import pytest

from gan_style import Stylizer
from gan_style.collection import Style
from gan_style.images import find_pictures
from gan_style.memorisation import Memorisation
from gan_style.report import Best, Outcome, find_copies

BEFORE = {"gram": 0.4, "content": 2.0, "score": 9.0}
AFTER = Best(5.0, 80, {"gram": 0.1, "content": 2.5, "score": 5.0})
GOOD = {"before": BEFORE, "best": AFTER, "steps": 100, "early": False, "held_out": 6}
GOOD |= {"counts": {"mine": 60}, "verdicts": [1.5, 1.9]}


def told(**changes: object) -> str:
    return "\n".join(Outcome(**{**GOOD, **changes}).lines())


def test_a_good_run_needs_no_advice() -> None:
    lines = told(copied={"mine": Memorisation(1.02, [], 8)}).splitlines()
    assert lines[0] == (
        "how near    on 6 pictures held out: style error 0.1, 0.4 before (-75%); "
        "content error 2.5, 2 before (+25%)"
    )
    assert lines[1].startswith("copies      none found (novelty 1.02;")
    assert lines[2:] == ["what next   - nothing: paint"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"mine": 60, "few": 3}}, "few has 3, 10 or more help"),
        ({"early": True}, "stopped early"),
        ({"steps": 80}, "still getting better at the end"),
        ({"verdicts": [0.1, 0.2]}, "the discriminator won"),
        ({"copied": {"mine": Memorisation(0.2, [1], 8)}}, "it copies"),
        ({"best": Best(5.0, 80, {"gram": 0.39, "content": 2.0})}, "came little nearer"),
        ({"best": Best(5.0, 80, {"gram": 0.1, "content": 4.0})}, "painted over"),
    ],
)
def test_what_went_wrong_is_named(changes: dict[str, object], words: str) -> None:
    assert words not in told()
    assert words in told(**changes)


def test_copies_are_a_warning() -> None:
    found = told(copied={"mine": Memorisation(0.2, [1], 8), "other": Memorisation(1.0, [], 8)})
    assert "WARNING: paintings repeat pieces of the pictures of mine" in found
    assert "nobody can tell" in told(copied={"mine": None})


def test_from_nothing_there_is_no_before() -> None:
    line = told(before={}, held_out=0).splitlines()[0]
    assert line == "how near    on the pictures trained on: style error 0.1; content error 2.5"


def test_a_losing_discriminator_has_not_won() -> None:
    outcome = Outcome(**{**GOOD, "verdicts": [], "form": "relativistic"})
    assert not outcome.discriminator_won
    assert Outcome(**{**GOOD, "verdicts": [0.01], "form": "relativistic"}).discriminator_won


def test_numbers_are_those_of_the_lines() -> None:
    numbers = Outcome(**GOOD, copied={"mine": Memorisation(1.5, [], 8), "x": None}).numbers()
    assert numbers["before/gram"] == 0.4
    assert numbers["after/gram"] == 0.1
    assert numbers["memorisation/mine"] == 1.5
    assert (numbers["best_step"], numbers["early"]) == (80, 0)
    assert all(isinstance(value, float) for value in numbers.values())


def test_copies_are_searched_among_what_can_be_read(
    stylizer: Stylizer, collection: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    photos = find_pictures(collection / "photos")
    style = Style("ink", (*find_pictures(collection / "styles" / "ink"), bad))
    code = stylizer.encode(photos)
    assert find_copies(stylizer, [*photos, bad], [style], [code]) == {"ink": None}  # 3 are too few
    four = Style("photos", tuple(photos))
    found = find_copies(stylizer, photos, [four], [code])["photos"]
    assert found is None or found.paintings == 4
