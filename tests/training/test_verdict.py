import math

import pytest

from gan_style.training.likeness import Likeness
from gan_style.training.validation import Quality
from gan_style.training.verdict import BETTER, SAME, WORSE, Verdict, in_words

BASE = {"stroke": 0.5, "gram": 0.2, "content": 2.0}


def verdict(
    stroke: float, gram: float, *, content: float = 2.0, likeness: Likeness | None = None
) -> Verdict:
    """Of errors that are so many times those of the base model, on pictures trained on."""
    after = {"stroke": 0.5 * stroke, "gram": 0.2 * gram, "content": content}
    return Verdict(Quality(BASE, BASE), Quality(after, after), 0, likeness)


def likeness(difference: float, error: float = 0.5, *, base: float = 0.284) -> Likeness:
    return Likeness(base, 0.4, 0.811, difference, error)


@pytest.mark.parametrize(
    ("stroke", "gram", "word"),
    [
        (0.9, 0.8, BETTER),
        (1.0, 0.8, BETTER),
        (1.0, 0.96, SAME),  # 0.98 in the mean
        (1.06, 0.6, SAME),  # colors may not buy strokes
        (1.04, 1.04, SAME),
        (1.06, 1.06, WORSE),
        (0.98, 1.21, WORSE),  # 1.09
        (math.nan, 0.1, WORSE),
        (0.0, 0.0, BETTER),
    ],
)
def test_the_rule(stroke: float, gram: float, word: str) -> None:
    assert verdict(stroke, gram).word == word


def test_the_mean_is_geometric() -> None:
    assert verdict(0.5, 2.0).ratio == pytest.approx(1)


def test_the_content_error_is_a_trade() -> None:
    assert verdict(0.8, 0.8, content=9.0).word == BETTER


@pytest.mark.parametrize(("held_out", "word"), [(3, WORSE), (2, BETTER)])
def test_pictures_held_out_decide_where_there_are_three(held_out: int, word: str) -> None:
    learned, other = {"stroke": 0.4, "gram": 0.1}, {"stroke": 0.6, "gram": 0.3}
    found = Verdict(Quality(BASE, BASE), Quality(learned, other), held_out)
    assert (found.word, found.by_held_out) == (word, held_out == 3)
    assert found.worse_errors == ["stroke error", "style error"]  # wherever they are


def test_what_was_not_measured_on_pictures_held_out_is_taken_from_the_others() -> None:
    found = Verdict(Quality(BASE, BASE), Quality({"stroke": 0.4, "gram": 0.1}), 6)
    assert (found.word, found.by_held_out) == (BETTER, False)


def test_from_scratch_there_is_none() -> None:
    found = Verdict(Quality(), Quality(BASE, BASE), 6)
    assert (found.word, found.ratio, found.worse_errors) == (None, None, [])


def test_in_words() -> None:
    assert [in_words(r) for r in (0.94, 0.95, 1.05, 1.06)] == [BETTER, SAME, SAME, WORSE]


@pytest.mark.parametrize(
    ("difference", "error", "base", "word"),
    [
        (1.01, 0.5, 0.3, BETTER),
        (0.99, 0.5, 0.3, SAME),
        (9.0, 0.5, 0.37, BETTER),
        (9.0, 0.5, 0.39, SAME),  # one patch in a hundred
        (9.0, 0.5, 0.5, SAME),  # log-odds and patches say different things
        (-0.99, 0.5, 0.5, SAME),
        (-1.01, 0.5, 0.5, WORSE),
        (-9.0, 0.5, 0.41, SAME),
        (-9.0, 0.5, 0.3, SAME),
        (0.0, 0.0, 0.4, SAME),  # the base model itself
        (0.1, 0.0, 0.3, BETTER),
    ],
)
@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_likeness_decides_where_it_is_known(
    difference: float, error: float, base: float, word: str, ratio: float
) -> None:
    found = verdict(ratio, ratio, likeness=likeness(difference, error, base=base))
    assert found.word == word
    assert bool(found.worse_errors) == (ratio == 2)  # which are named all the same


def test_the_line() -> None:
    better = "better than the base model, by the errors on pictures trained on"
    assert verdict(0.5, 0.5).line() == better
    same = "about the same as the base model, by the errors on pictures trained on"
    assert verdict(1, 1).line() == same
    held_out = Verdict(Quality(BASE, BASE), Quality(BASE, BASE), 3)
    assert held_out.line().endswith("by the errors on pictures held out")


@pytest.mark.parametrize(
    ("difference", "base", "words"),
    [(2, 0.284, "better than"), (0, 0.284, "about the same as"), (-2, 0.5, "worse than")],
)
def test_the_line_says_what_the_likeness_is(difference: float, base: float, words: str) -> None:
    assert verdict(1, 1, likeness=likeness(difference, base=base)).line() == (
        f"{words} the base model: 40 % of patches of its paintings are taken for yours, "
        f"{100 * base:.0f} % of the base model's, 81 % of your own pictures"
    )
