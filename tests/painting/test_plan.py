"""At which sizes a painting is made: values worked out by hand."""

import pytest

from gan_style.painting.plan import Plan, plan_painting
from gan_style.sizes import MINIMUM_SIDE


@pytest.mark.parametrize(
    ("short_side", "stroke_size", "largest_reading", "plan"),
    [
        (288, 1, 512, Plan(288, None, 288)),  # as large as it is, read at its own side
        (512, 1, 512, Plan(512, None, 512)),
        (512, 1, 288, Plan(512, None, 512)),  # enlarged, pictures are read at up to 512 px
        (512, 0.5, 512, Plan(512, None, 256)),
        (512, 2, 512, Plan(256, None, 512)),  # larger strokes than can be read: painted smaller
        (1024, 1, 512, Plan(512, None, 512)),
        (1025, 1, 512, Plan(512, 1024, 512)),  # over twice as large: painted over
        (3000, 1, 512, Plan(512, 1024, 512)),
        (3000, 1, 1024, Plan(1024, 2048, 1024)),  # pictures with more pixels are read larger
        (3000, 0.5, 512, Plan(1024, 2048, 512)),
        (6000, 0.5, 1024, Plan(2048, None, 1024)),  # no painting by the model is larger
        (3000, 4, 512, Plan(128, 256, 512)),
        (100, 4, 512, Plan(100, None, 400)),
        (5, 1, 512, Plan(32, None, 32)),  # networks take no less
    ],
)
def test_plans(short_side: int, stroke_size: float, largest_reading: int, plan: Plan) -> None:
    assert plan_painting(short_side, stroke_size, largest_reading) == plan


def test_strokes_have_the_size_that_is_asked_for_whatever_the_side() -> None:
    """Relative to the picture: the side at which the style is read over that of the painting."""
    for short_side in (*range(MINIMUM_SIDE, 700, 23), 1023, 1024, 1025, 4000):
        for stroke_size in (0.5, 0.8, 1.0, 1.7, 4.0):
            plan = plan_painting(short_side, stroke_size, 512)
            assert plan.reading / plan.side == pytest.approx(stroke_size)
            assert plan.side <= max(MINIMUM_SIDE, short_side)
            assert plan.again is None or plan.side < plan.again < short_side
