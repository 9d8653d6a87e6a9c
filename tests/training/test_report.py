"""What a report says follows from what happened."""

from pathlib import Path

import pytest

from gan_style import Stylizer
from gan_style.data.collection import Style
from gan_style.data.images import find_pictures
from gan_style.evaluation.memorization import Memorization
from gan_style.training.copying import find_copies
from gan_style.training.likeness import Likeness
from gan_style.training.pace import Pace
from gan_style.training.report import Outcome
from gan_style.training.schedule import RunLimits
from gan_style.training.validation import Quality

TERMS = {"stroke": 0.5, "gram": 0.4, "content": 2.0, "score": 9.0}
NEARER = {"stroke": 0.4, "gram": 0.1, "content": 2.5, "score": 5.0}
OTHERS = {"stroke": 0.5, "gram": 0.3, "content": 2.5, "score": 6.0}
WORSE = {"stroke": 0.53, "gram": 0.42, "content": 2.1, "score": 9.5}
BEFORE, AFTER = Quality(TERMS, TERMS), Quality(NEARER, OTHERS)
PACE = Pace(RunLimits(2_400, None, 5), 8, 8.0, 2_400, squares=2_320, seconds=300.0)
FEW = Pace(RunLimits(2_400, None, 5), 8, 0.32, 2_400, squares=96, seconds=300.0)
FAST = Pace(RunLimits(2_400, None, 5), 8, 40.0, 2_400, squares=2_400, seconds=63.0)
SCRATCH = Pace(RunLimits(None, None, 20), 8, 8.0, None, squares=9_000, seconds=1_200.0)
PAINT = "gan-style stylize PHOTO --style mine -o painted.png"
GO_ON = "gan-style train runs/mine/config.yaml train.resume=true train.minutes=150"
GOOD = {"before": BEFORE, "after": AFTER, "pace": PACE, "best_step": 280, "improving": False}
GOOD |= {"base_command": PAINT, "go_on_command": GO_ON, "early": False, "held_out": 6}
GOOD |= {"merge_command": "gan-style merge base runs/mine -o runs/mine-halfway"}
GOOD |= {"counts": {"mine": 60}, "discriminator_losses": [1.5, 1.9]}
LIKER, LIKE = Likeness(0.28, 0.4, 0.81, 2.0, 0.5), Likeness(0.28, 0.29, 0.81, 0.5, 0.5)
NOTHING = "nothing to improve: paint"


def outcome(**changes: object) -> Outcome:
    return Outcome(**{**GOOD, **changes})  # type: ignore[arg-type]


def report(**changes: object) -> str:
    return "\n".join(outcome(**changes).lines())


def test_a_run_that_is_better_already_did_not_see_too_little() -> None:
    words = "too few to learn much from"
    assert words not in report(pace=FEW)
    assert words in report(pace=FEW, after=Quality(WORSE, WORSE))


def test_a_good_run_needs_no_advice() -> None:
    copied = {"mine": Memorization(1.02, [], 8)}
    lines = report(copied=copied, sheet="samples/a.png").splitlines()
    assert lines[:5] == [
        "verdict     better than the base model, by the errors on pictures held out",
        "training    it saw 2,320 of the 2,400 squares that are usual, in 5.0 minutes",
        "compare     samples/a.png (photo, base model, mine)",
        "similarity  to the pictures trained on: stroke error 0.4 (0.80 times that of the base "
        "model: better); style error 0.1 (0.25 times: better); content error 2.5 (1.25 times)",
        "            to 6 held out: stroke error 0.5 (1.00 times that of the base model: about the "
        "same); style error 0.3 (0.75 times: better); content error 2.5 (1.25 times)",
    ]
    assert lines[5].startswith("copying     none found (novelty 1.02;")
    assert lines[6:] == [f"advice      - {NOTHING}"]


def test_a_fast_machine_is_finished_before_the_clock() -> None:
    lines = report(pace=FAST).splitlines()
    assert lines[1] == (
        "training    it saw 2,400 squares (2,400 are usual) in 1.1 minutes of the 5 minutes allowed"
    )
    assert lines[-1] == f"advice      - {NOTHING}"


def test_a_run_that_saw_few_squares_and_is_worse() -> None:
    """Twelve steps on a busy machine: the report that said `paint` before."""
    lines = report(after=Quality(WORSE, WORSE), pace=FEW).splitlines()
    assert lines[:2] == [
        "verdict     worse than the base model, by the errors on pictures held out",
        "training    it saw 96 of the 2,400 squares that are usual, in 5.0 minutes: "
        "too few to learn much from",
    ]
    assert "stroke error 0.53 (1.06 times that of the base model: worse)" in lines[2]
    assert lines[5:] == [
        "advice      - training did not help: paint with the base model",
        f"              {PAINT}",
        "            - it saw little: go on to 2,400 squares, about 2.0 hours more on this machine",
        f"              {GO_ON}",
    ]


def test_a_run_that_is_the_same_offers_both_too() -> None:
    text = report(after=BEFORE)
    assert text.startswith("verdict     about the same as the base model")
    assert f"- training did not help: paint with the base model\n{'':14}{PAINT}" in text
    assert "- or train longer: go on to 2,400 squares, about 10 seconds more" in text
    assert GO_ON in text


def test_few_squares_may_be_enough() -> None:
    text = report(pace=FEW)
    assert text.startswith("verdict     better")
    assert "it is better already, though it saw little: paint, or go on to 2,400 squares" in text
    assert "did not help" not in text


def test_likeness_decides_and_errors_that_rose_are_named() -> None:
    """Of a run that paints with the collection's strokes, at some cost in errors."""
    lines = report(after=Quality(WORSE, WORSE), likeness=LIKER).splitlines()
    assert lines[0] == (
        "verdict     better than the base model: 40 % of patches of its paintings are taken for "
        "yours, 28 % of the base model's, 81 % of your own pictures"
    )
    assert "1.06 times that of the base model: worse" in lines[2]
    assert lines[-1] == (
        "advice      - look at the sheet before you paint: worse is the stroke error"
    )
    assert outcome(after=Quality(WORSE, WORSE), likeness=LIKER).helped
    text = report(likeness=LIKE)  # and lower errors alone do not help
    assert text.startswith("verdict     about the same as the base model: 29 %")
    assert "training did not help" in text


@pytest.mark.parametrize("learned", [TERMS, NEARER, WORSE])
@pytest.mark.parametrize("other", [TERMS, NEARER, WORSE, {**NEARER, "stroke": 0.6}])
@pytest.mark.parametrize("held_out", [0, 2, 6])
@pytest.mark.parametrize("pace", [PACE, FEW, FAST, SCRATCH])
@pytest.mark.parametrize("likeness", [None, LIKER, LIKE])
def test_nothing_to_improve_never_stands_beside_a_worse_error(
    learned: dict[str, float],
    other: dict[str, float],
    held_out: int,
    pace: Pace,
    likeness: Likeness | None,
) -> None:
    after = Quality(learned, other)
    text = report(after=after, held_out=held_out, pace=pace, likeness=likeness)
    assert not (NOTHING in text and ": worse" in text)
    assert not (NOTHING in text and "too few to learn" in text)
    assert not (": paint, or" in text and ": worse" in text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"mine": 60, "few": 3}}, "few has 3, 10 or more help"),
        ({"early": True}, "stopped early"),
        ({"improving": True}, "the last checkpoint was the best: paint, or go on to"),
        ({"improving": True, "pace": SCRATCH}, "the last checkpoint was the best: longer training"),
        ({"discriminator_losses": [0.1, 0.2]}, "the discriminator won"),
        ({"copied": {"mine": Memorization(0.2, [1], 8)}}, "train on fewer squares (train.images=1"),
        ({"after": Quality({**NEARER, "stroke": 0.6}, OTHERS)}, "worse is the stroke error"),
        ({"after": Quality({**NEARER, "content": 3.1}, OTHERS)}, "runs/mine-halfway"),
    ],
)
def test_what_went_wrong_is_named(changes: dict[str, object], words: str) -> None:
    assert words not in report()
    assert words in report(**changes)
    assert NOTHING not in report(**changes)


def test_a_run_that_copies_is_not_to_train_longer() -> None:
    copied = {"mine": Memorization(0.2, [1], 8)}
    assert GO_ON not in report(copied=copied, after=BEFORE, pace=FEW)


def test_copies_are_a_warning() -> None:
    found = report(copied={"mine": Memorization(0.2, [1], 8), "other": Memorization(1.0, [], 8)})
    assert "WARNING: paintings repeat pieces of the pictures of mine" in found
    assert "unknown: there are too few" in report(copied={"mine": None})


def test_from_scratch_there_is_no_base_to_compare_with() -> None:
    lines = report(before=Quality(), held_out=0, pace=SCRATCH).splitlines()
    errors = "stroke error 0.4; style error 0.1; content error 2.5"
    assert lines[:2] == [
        "training    it saw 9,000 squares in 20 minutes",
        f"similarity  to the pictures trained on: {errors}",
    ]
    assert lines[-1] == f"advice      - {NOTHING}"


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
    assert not outcome(discriminator_losses=[], form="relativistic").discriminator_won
    assert outcome(discriminator_losses=[0.01], form="relativistic").discriminator_won


def test_numbers_are_those_of_the_lines() -> None:
    numbers = outcome(copied={"mine": Memorization(1.5, [], 8), "x": None}).numbers()
    assert numbers["before/learned/gram"] == numbers["before/held_out/gram"] == 0.4
    assert (numbers["after/learned/gram"], numbers["after/held_out/gram"]) == (0.1, 0.3)
    assert numbers["memorization/mine"] == 1.5
    assert (numbers["best_step"], numbers["early"], numbers["usual_squares"]) == (280, 0, 2_400)
    assert numbers["error_ratio"] == pytest.approx((1 * 0.75) ** 0.5)  # of those held out
    assert all(isinstance(value, float) for value in numbers.values())
    assert not [name for name in numbers if name.startswith("likeness")]
    numbers = outcome(likeness=LIKER).numbers()
    assert (numbers["likeness/base"], numbers["likeness/mine"]) == (0.28, 0.4)
    assert (numbers["likeness/own"], numbers["likeness/difference"]) == (0.81, 2.0)
    assert numbers["likeness/standard_error"] == 0.5


@pytest.mark.usefixtures("full_ends")
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
