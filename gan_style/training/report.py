"""What came of a run, in plain words: how near, whether it copies, what to do next."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from gan_style.data.collection import Style
from gan_style.data.images import read_picture, resize_short_side
from gan_style.data.inspection import ENOUGH
from gan_style.errors import PictureError
from gan_style.evaluation.memorization import CopyDetector, Memorization, gray_square
from gan_style.losses.adversarial import discriminator_loss
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

FEWEST = 3
"""Pictures held out from which on they can tell which checkpoint is best."""
_SIDE = 288  # pixels of the paintings that are searched for copies
_PAINTINGS, _STYLES = 8, 4  # that are searched: of each style, and how many styles
_MEANINGS = {"stroke": "stroke error", "gram": "style error", "content": "content error"}
_LITTLE = 0.1  # a change of an error by less than this share is none
_UNLIKE = 1.5  # content error that grew by more than this factor
_WON = 0.1  # share of the loss of an ignorant discriminator below which it has won


@dataclass(frozen=True)
class Best:
    """The checkpoint that painted best in the pictures held out: its score, step and terms.

    later: checkpoints since then, of which none was better.
    """

    score: float = math.inf
    step: int = 0
    terms: Mapping[str, float] = field(default_factory=dict)
    later: int = 0


@dataclass(frozen=True)
class Seen:
    """Terms of a model's paintings: against pictures that were trained on, and those held out.

    Empty where nothing was measured.
    """

    learned: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What is known of a run at its end.

    before, after: of the model that the run began with, if not from nothing, and of the best one.
    best_step: of the checkpoint that was exported. steps: of the whole run.
    early: whether it stopped because nothing got better any more.
    counts: pictures of each style. held_out: how many of them were not trained on.
    logits: last losses of the discriminator, in the `form`; empty if there is none.
    copied: by style; None where nobody can tell.
    """

    before: Seen
    after: Seen
    best_step: int
    steps: int
    early: bool
    counts: Mapping[str, int]
    held_out: int
    form: str = "hinge"
    logits: Sequence[float] = ()
    copied: Mapping[str, Memorization | None] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Tell it to a person."""
        advice = self._advice() or ["nothing: paint"]
        first, *rest = (f"- {line}" for line in advice)
        return [
            f"how near    {self._nearness()}",
            f"copies      {self._copies()}",
            f"what next   {first}",
            *(f"            {line}" for line in rest),
        ]

    def numbers(self) -> dict[str, float]:
        """The same for a program: what `lines` rests on."""
        values: dict[str, float] = {}
        for when, seen in (("before", self.before), ("after", self.after)):
            values |= {f"{when}/learned/{name}": value for name, value in seen.learned.items()}
            values |= {f"{when}/held_out/{name}": value for name, value in seen.held_out.items()}
        values |= {f"memorization/{k}": m.ratio for k, m in self.copied.items() if m is not None}
        return values | {"best_step": float(self.best_step), "early": float(self.early)}

    @property
    def discriminator_won(self) -> bool:
        """Whether it tells paintings from pictures so surely that it no longer teaches."""
        if not self.logits:
            return False
        ignorant = discriminator_loss(self.form, torch.zeros(1), torch.zeros(1)).item()
        return sum(self.logits) / len(self.logits) < _WON * ignorant

    def _nearness(self) -> str:
        told = f"on the pictures trained on: {_told(self.before.learned, self.after.learned)}"
        if not self.held_out:
            return told
        others = _told(self.before.held_out, self.after.held_out)
        return f"{told}\n            on {self.held_out} held out: {others}"

    def _copies(self) -> str:
        known = {name: found for name, found in self.copied.items() if found is not None}
        if not known:
            return "nobody can tell: too few pictures, or too plain ones"
        copying = [name for name, found in known.items() if found.warns]
        if copying:
            return f"WARNING: paintings repeat pieces of the pictures of {', '.join(copying)}"
        lowest = min(found.ratio for found in known.values())
        return f"none found (novelty {lowest:.2f}; 1 is usual among the pictures themselves)"

    def _advice(self) -> list[str]:
        advice = []
        few = [name for name, count in self.counts.items() if count < ENOUGH]
        if few:
            listed = ", ".join(f"{name} has {self.counts[name]}" for name in few[:3])
            advice.append(
                f"add pictures of the same hand and scale: {listed}, {ENOUGH} or more help"
            )
        if any(found is not None and found.warns for found in self.copied.values()):
            advice.append("train for fewer minutes, or add pictures: it copies")
        if self.discriminator_won:
            advice.append(
                "the discriminator won: it tells every painting from your pictures and teaches no "
                "more; try discriminator.r1=1, or a lower train.discriminator_learning_rate"
            )
        if self.early:
            advice.append("it stopped early: nothing got better on the pictures held out")
        elif self.held_out >= FEWEST and self.best_step >= self.steps:
            advice.append("the last checkpoint was the best: more train.minutes may help")
        return [*advice, *self._what_changed()] if self.before.learned else advice

    def _what_changed(self) -> list[str]:
        change = partial(_change, self.before.learned, self.after.learned)
        advice = []
        if min(change("stroke"), change("gram")) > -_LITTLE:
            advice.append(
                "it came little nearer than the model it began with, which may serve as well: "
                "paint a few photos with each and compare"
            )
        if change("content") > _UNLIKE - 1:
            advice.append(
                "much of the photo is painted over: paint with --strength 0.7, or train with a "
                "higher losses.content"
            )
        return advice


def _change(before: Mapping[str, float], after: Mapping[str, float], name: str) -> float:
    return after[name] / max(before[name], 1e-9) - 1


def _told(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    if not after:
        return "not measured"
    told = []
    for name, meaning in _MEANINGS.items():
        was = f", {before[name]:.3g} before ({_change(before, after, name):+.0%})" if before else ""
        told.append(f"{meaning} {after[name]:.3g}{was}")
    return "; ".join(told)


def find_copies(
    stylizer: Stylizer, photos: Sequence[Path], styles: Sequence[Style], codes: Sequence[StyleCode]
) -> dict[str, Memorization | None]:
    """Paint some of the photos in the first styles, and search them for pieces of their pictures.

    Returns:
        What was found, by style; None if there are too few pictures, or too plain ones.
    """
    chosen = photos[:: max(1, len(photos) // _PAINTINGS)][:_PAINTINGS]
    small = [resize_short_side(photo, _SIDE) for photo in _readable(chosen)]
    found = {}
    for style, code in zip(styles[:_STYLES], codes, strict=False):
        paintings = [stylizer.stylize(photo, code) for photo in small]
        known = CopyDetector([gray_square(picture) for picture in _readable(style.paths)])
        found[style.name] = known.compare([gray_square(painting) for painting in paintings])
    return found


def _readable(paths: Sequence[Path]) -> Iterator[Image.Image]:
    """Those that can still be read; training has told of the others."""
    for path in paths:
        with suppress(PictureError):
            yield read_picture(path, _SIDE)
