"""What a report says follows from what happened."""

from pathlib import Path

import pytest

from gan_style import Stylizer
from gan_style.data.collection import Style
from gan_style.data.images import find_pictures
from gan_style.evaluation.memorization import Memorization
from gan_style.training.copying import find_copies
from gan_style.training.report import Outcome
from gan_style.training.validation import Quality

TERMS = {"stroke": 0.5, "gram": 0.4, "content": 2.0, "score": 9.0}
NEARER = {"stroke": 0.4, "gram": 0.1, "content": 2.5, "score": 5.0}
OTHERS = {"stroke": 0.6, "gram": 0.3, "content": 2.5, "score": 6.0}
BEFORE, AFTER = Quality(TERMS, TERMS), Quality(NEARER, OTHERS)
GOOD = {"before": BEFORE, "after": AFTER, "best_step": 80, "steps": 100}
GOOD |= {"early": False, "held_out": 6}
GOOD |= {"counts": {"mine": 60}, "discriminator_losses": [1.5, 1.9]}


def report(**changes: object) -> str:
    return "\n".join(Outcome(**{**GOOD, **changes}).lines())


def test_a_good_run_needs_no_advice() -> None:
    lines = report(copied={"mine": Memorization(1.02, [], 8)}).splitlines()
    assert lines[:2] == [
        "similarity  to the pictures trained on: stroke error 0.4, 0.5 before (-20%); "
        "style error 0.1, 0.4 before (-75%); content error 2.5, 2 before (+25%)",
        "            to 6 held out: stroke error 0.6, 0.5 before (+20%); "
        "style error 0.3, 0.4 before (-25%); content error 2.5, 2 before (+25%)",
    ]
    assert lines[2].startswith("copying     none found (novelty 1.02;")
    assert lines[3:] == ["advice      - nothing to improve: paint"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"mine": 60, "few": 3}}, "few has 3, 10 or more help"),
        ({"early": True}, "stopped early"),
        ({"steps": 80}, "the last checkpoint was the best"),
        ({"discriminator_losses": [0.1, 0.2]}, "the discriminator won"),
        ({"copied": {"mine": Memorization(0.2, [1], 8)}}, "the model copies"),
        ({"after": Quality({**TERMS, "gram": 0.37}, OTHERS)}, "fell little below"),
        ({"after": Quality({**NEARER, "content": 3.1}, OTHERS)}, "painted over"),
    ],
)
def test_what_went_wrong_is_named(changes: dict[str, object], words: str) -> None:
    assert words not in report()
    assert words in report(**changes)


def test_copies_are_a_warning() -> None:
    found = report(copied={"mine": Memorization(0.2, [1], 8), "other": Memorization(1.0, [], 8)})
    assert "WARNING: paintings repeat pieces of the pictures of mine" in found
    assert "unknown: there are too few" in report(copied={"mine": None})


def test_from_scratch_there_is_no_before() -> None:
    line = report(before=Quality(), held_out=0).splitlines()[0]
    errors = "stroke error 0.4; style error 0.1; content error 2.5"
    assert line == f"similarity  to the pictures trained on: {errors}"


def test_better_strokes_alone_are_enough() -> None:
    assert "fell little below" not in report(after=Quality({**TERMS, "stroke": 0.4}, OTHERS))


def test_what_was_never_finite_is_not_report() -> None:
    assert "to 6 held out: not measured" in report(after=Quality(NEARER), best_step=0)


@pytest.mark.parametrize("left_out", [["content"], ["stroke", "gram"], [*TERMS]])
def test_a_loss_of_weight_0_is_left_out(left_out: list[str]) -> None:
    before, after = (
        Quality(*[{name: v for name, v in terms.items() if name not in left_out}] * 2)
        for terms in (TERMS, NEARER)
    )
    text = report(before=before, after=after)
    meanings = {"stroke": "stroke error", "gram": "style error", "content": "content error"}
    for name, meaning in meanings.items():
        assert (meaning in text) == (name not in left_out)
    assert ("not measured" in text) == ("content" in left_out and "gram" in left_out)


def test_a_losing_discriminator_has_not_won() -> None:
    outcome = Outcome(**{**GOOD, "discriminator_losses": [], "form": "relativistic"})
    assert not outcome.discriminator_won
    assert Outcome(
        **{**GOOD, "discriminator_losses": [0.01], "form": "relativistic"}
    ).discriminator_won


def test_numbers_are_those_of_the_lines() -> None:
    numbers = Outcome(**GOOD, copied={"mine": Memorization(1.5, [], 8), "x": None}).numbers()
    assert numbers["before/learned/gram"] == numbers["before/held_out/gram"] == 0.4
    assert (numbers["after/learned/gram"], numbers["after/held_out/gram"]) == (0.1, 0.3)
    assert numbers["memorization/mine"] == 1.5
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
