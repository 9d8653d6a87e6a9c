"""The report on a run: how similar its paintings are, whether they copy, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from gan_style.data.inspection import ENOUGH
from gan_style.evaluation.memorization import Memorization
from gan_style.losses.adversarial import discriminator_loss
from gan_style.training.validation import FEWEST, Quality

_MEANINGS = {"stroke": "stroke error", "gram": "style error", "content": "content error"}
_LITTLE = 0.1  # a change of an error by less than this share counts as none
_UNLIKE = 1.5  # content error that grew by more than this factor
_WON = 0.1  # a discriminator has won below this share of the loss of an untrained one


@dataclass(frozen=True)
class Outcome:
    """What is known of a run at its end.

    before, after: of the model that the run began with, if not from scratch, and of the best one.
    best_step: of the checkpoint that was exported. steps: of the whole run.
    early: whether it stopped because the checkpoints got no better any more.
    counts: pictures of each style. held_out: how many of them were not trained on.
    discriminator_losses: the last ones, in the `form`; empty if there is no discriminator.
    copied: by style; None where too little is known of the style.
    """

    before: Quality
    after: Quality
    best_step: int
    steps: int
    early: bool
    counts: Mapping[str, int]
    held_out: int
    form: str = "hinge"
    discriminator_losses: Sequence[float] = ()
    copied: Mapping[str, Memorization | None] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report as text."""
        advice = self._advice() or ["nothing to improve: paint"]
        first, *rest = (f"- {line}" for line in advice)
        return [
            *self._similarity(),
            f"copying     {self._copying()}",
            f"advice      {first}",
            *(f"            {line}" for line in rest),
        ]

    def numbers(self) -> dict[str, float]:
        """The numbers behind `lines`, for the log."""
        values: dict[str, float] = {}
        for when, quality in (("before", self.before), ("after", self.after)):
            values |= {f"{when}/learned/{name}": value for name, value in quality.learned.items()}
            values |= {f"{when}/held_out/{name}": v for name, v in quality.held_out.items()}
        values |= {f"memorization/{k}": m.ratio for k, m in self.copied.items() if m is not None}
        return values | {"best_step": float(self.best_step), "early": float(self.early)}

    @property
    def discriminator_won(self) -> bool:
        """Whether its loss is so low that the model learns nothing from it any more."""
        losses = self.discriminator_losses
        if not losses:
            return False
        untrained = discriminator_loss(self.form, torch.zeros(1), torch.zeros(1)).item()
        return sum(losses) / len(losses) < _WON * untrained

    def _similarity(self) -> list[str]:
        learned = _compared(self.before.learned, self.after.learned)
        lines = [f"similarity  to the pictures trained on: {learned}"]
        if self.held_out:
            held_out = _compared(self.before.held_out, self.after.held_out)
            lines.append(f"            to {self.held_out} held out: {held_out}")
        return lines

    def _copying(self) -> str:
        known = {name: found for name, found in self.copied.items() if found is not None}
        if not known:
            return "unknown: there are too few pictures, or too plain ones"
        copying = [name for name, found in known.items() if found.warns]
        if copying:
            return f"WARNING: paintings repeat pieces of the pictures of {', '.join(copying)}"
        lowest = min(found.ratio for found in known.values())
        return f"none found (novelty {lowest:.2f}; among the pictures themselves it is about 1)"

    def _advice(self) -> list[str]:
        advice = []
        few = [name for name, count in self.counts.items() if count < ENOUGH]
        if few:
            listed = ", ".join(f"{name} has {self.counts[name]}" for name in few[:3])
            advice.append(
                f"add pictures by the same artist, of one scale: {listed}, {ENOUGH} or more help"
            )
        if any(found is not None and found.warns for found in self.copied.values()):
            advice.append("train for fewer minutes, or add pictures, because the model copies")
        if self.discriminator_won:
            advice.append(
                "the discriminator won: it recognizes every painting, and the model learns no more "
                "from it; try discriminator.r1=1, or a lower train.discriminator_learning_rate"
            )
        if self.early:
            advice.append("training stopped early: the errors on held-out pictures fell no more")
        elif self.held_out >= FEWEST and self.best_step >= self.steps:
            advice.append("the last checkpoint was the best: more train.minutes may help")
        return [*advice, *self._what_changed()] if self.before.learned else advice

    def _what_changed(self) -> list[str]:
        change = partial(_change, self.before.learned, self.after.learned)
        known = self.before.learned.keys() & self.after.learned.keys()
        advice = []
        style = [name for name in ("stroke", "gram") if name in known]
        if style and min(map(change, style)) > -_LITTLE:
            advice.append(
                "the errors fell little below those of the model that training began with, which "
                "may serve as well: paint a few photos with each and compare"
            )
        if "content" in known and change("content") > _UNLIKE - 1:
            advice.append(
                "much of the photo is painted over: paint with --strength 0.7, or train with a "
                "higher losses.content"
            )
        return advice


def _change(before: Mapping[str, float], after: Mapping[str, float], name: str) -> float:
    return after[name] / max(before[name], 1e-9) - 1


def _compared(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """The errors after training, with those before it and the change, where there are any."""
    parts = []
    for name, meaning in _MEANINGS.items():
        if name in after:
            change = f"{_change(before, after, name):+.0%}" if name in before else ""
            was = f", {before[name]:.3g} before ({change})" if name in before else ""
            parts.append(f"{meaning} {after[name]:.3g}{was}")
    return "; ".join(parts) or "not measured"
