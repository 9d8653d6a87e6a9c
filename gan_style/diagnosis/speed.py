"""How fast this machine paints and trains, measured in a few seconds."""

import time

from gan_style.diagnosis.finding import Finding

SIDE = 512  # pixels
PATIENCE = 8.0
"""Seconds after which no further step of training is timed."""
_MANY = 18
"""Pictures of a collection for which the time is told."""


def check_painting() -> list[Finding]:
    """Time the second painting of a photo of SIDE pixels: the first one warms up."""
    from PIL import Image

    from gan_style.shipped import named_styles
    from gan_style.stylizer import Stylizer

    photo = Image.effect_noise((SIDE, SIDE), 64).convert("RGB")
    stylizer = Stylizer.from_pretrained()
    style = stylizer.styles[next(iter(named_styles()))]
    for _ in range(2):
        began = time.monotonic()
        stylizer.stylize(photo, style, size=SIDE)
        seconds = time.monotonic() - began
    return [Finding("painting", seconds, f"{seconds:.2g} s for a photo of {SIDE} px")]


def check_training() -> list[Finding]:
    """Time steps of training with its defaults."""
    from gan_style.config import load_config
    from gan_style.training.forecast import forecast

    expected = forecast(load_config(None), [_MANY], PATIENCE)
    speed, usual = expected.pace.speed or 0.0, expected.pace.usual or 0
    text = f"{speed:.3g} squares/s: the usual {usual:,} take {expected.pace.time_left}"
    return [Finding("training", speed, text)]
