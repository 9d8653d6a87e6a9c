"""The report on a run: whether it helped, how similar its paintings are, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import torch

from gan_style.data.inspection import ENOUGH
from gan_style.evaluation.memorization import Memorization
from gan_style.losses.adversarial import discriminator_loss
from gan_style.training.likeness import Likeness
from gan_style.training.pace import Pace, duration
from gan_style.training.validation import Quality
from gan_style.training.verdict import BETTER, STYLE_ERRORS, Verdict, in_words

_MEANINGS = STYLE_ERRORS | {"content": "content error"}
_UNLIKE = 1.5  # times the content error of the base model: more than that is much
_WON = 0.1  # a discriminator has won below this share of the loss of an untrained one


@dataclass(frozen=True)
class Outcome:
    """What is known of a run at its end.

    before, after: of the model that the run began with, if not from scratch, and of the best one.
    pace: at the end.
    base_command, go_on_command, merge_command: what to type to paint with the base model, to train
        on, and for a model halfway to the base model; None from scratch.
    best_step: of the checkpoint that was exported.
    improving: whether the error on pictures held out was lowest at the last checkpoint.
    early: whether it stopped because the checkpoints got no better any more.
    counts: pictures of each style. held_out: how many of them were not trained on.
    sheet: file on which the base model and this one are compared, if there is one.
    likeness: of the paintings of both to the pictures; None if it could not be measured.
    discriminator_losses: the last ones, in the `form`; empty if there is no discriminator.
    copied: by style; None where too little is known of the style.
    """

    before: Quality
    after: Quality
    pace: Pace
    base_command: str | None
    go_on_command: str | None
    merge_command: str | None
    best_step: int
    improving: bool
    early: bool
    counts: Mapping[str, int]
    held_out: int
    sheet: str | None = None
    likeness: Likeness | None = None
    form: str = "hinge"
    discriminator_losses: Sequence[float] = ()
    copied: Mapping[str, Memorization | None] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Whether training helped."""
        return Verdict(self.before, self.after, self.held_out, self.likeness)

    @property
    def helped(self) -> bool:
        """Whether the model is better than the base model, or there is none to compare it with."""
        return self.verdict.word in (BETTER, None)

    def lines(self) -> list[str]:
        """The report as text."""
        verdict = [] if self.verdict.word is None else [self.verdict.line()]
        advice = [
            f"{'  ' if i else '- '}{line}"
            for item in self._advice() or ["nothing to improve: paint"]
            for i, line in enumerate(item.splitlines())
        ]
        parts = {
            "verdict": verdict,
            "training": [self._training()],
            "compare": [] if self.sheet is None else [f"{self.sheet} (photo, base model, mine)"],
            "similarity": self._similarity(),
            "copying": [self._copying()],
            "advice": advice,
        }
        return [
            f"{'' if i else name:12}{line}"
            for name, lines in parts.items()
            for i, line in enumerate(lines)
        ]

    def numbers(self) -> dict[str, float]:
        """The numbers behind `lines`, for the log."""
        values: dict[str, float] = {}
        for when, quality in (("before", self.before), ("after", self.after)):
            values |= {f"{when}/learned/{name}": value for name, value in quality.learned.items()}
            values |= {f"{when}/held_out/{name}": v for name, v in quality.held_out.items()}
        values |= {f"memorization/{k}": m.ratio for k, m in self.copied.items() if m is not None}
        if (ratio := self.verdict.ratio) is not None:
            values["error_ratio"] = ratio
        if self.likeness is not None:
            values |= {f"likeness/{name}": value for name, value in asdict(self.likeness).items()}
        if self.pace.usual is not None:
            values["usual_squares"] = float(self.pace.usual)
        return values | {"best_step": float(self.best_step), "early": float(self.early)}

    @property
    def discriminator_won(self) -> bool:
        """Whether its loss is so low that the model learns nothing from it any more."""
        losses = self.discriminator_losses
        if not losses:
            return False
        untrained = discriminator_loss(self.form, torch.zeros(1), torch.zeros(1)).item()
        return sum(losses) / len(losses) < _WON * untrained

    def _training(self) -> str:
        pace, limit = self.pace, self.pace.limits.minutes
        took = f"in {duration(pace.seconds)}"
        if limit is not None and pace.seconds < 60 * limit:
            took += f" of the {limit:g} minutes allowed"
        if pace.usual is None:
            return f"it saw {pace.squares:,} squares {took}"
        if pace.squares >= pace.usual:
            return f"it saw {pace.squares:,} squares ({pace.usual:,} are usual) {took}"
        few = ": too few to learn much from" if pace.few and not self.helped else ""
        return f"it saw {pace.squares:,} of the {pace.usual:,} squares that are usual, {took}{few}"

    def _similarity(self) -> list[str]:
        learned = _compared(self.before.learned, self.after.learned)
        lines = [f"to the pictures trained on: {learned}"]
        if self.held_out:
            held_out = _compared(self.before.held_out, self.after.held_out)
            lines.append(f"to {self.held_out} held out: {held_out}")
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
        """What to do; an item may have several lines."""
        advice = self._about_base() + self._about_pictures()
        if self.discriminator_won:
            advice.append(
                "the discriminator won: it recognizes every painting, and the model learns no more "
                "from it; try discriminator.r1=1, or a lower train.discriminator_learning_rate"
            )
        return advice + self._about_length() + self._about_content()

    def _about_base(self) -> list[str]:
        worse = " and ".join(self.verdict.worse_errors)
        if self.helped:
            return [f"look at the sheet before you paint: worse is the {worse}"] if worse else []
        return [f"training did not help: paint with the base model\n{self.base_command}"]

    def _about_pictures(self) -> list[str]:
        few = [name for name, count in self.counts.items() if count < ENOUGH]
        if not few:
            return []
        listed = ", ".join(f"{name} has {self.counts[name]}" for name in few[:3])
        return [f"add pictures by the same artist, of one scale: {listed}, {ENOUGH} or more help"]

    def _about_length(self) -> list[str]:
        """Whether to train on fewer squares, or on more, and with which command."""
        pace = self.pace
        if any(found is not None and found.warns for found in self.copied.values()):
            half = f"train.images={max(1, pace.squares // 2)}"
            return [f"train on fewer squares ({half}), or add pictures, because the model copies"]
        if self.early:
            return ["training stopped early: the errors on held-out pictures fell no more"]
        if not (pace.few or self.improving) and self.helped:
            return []
        if pace.goal is None:
            return ["the last checkpoint was the best: longer training may help"]
        paint = " paint, or" if self.helped and not self.verdict.worse_errors else ""
        if pace.few:
            why = "it is better already, though it saw little:" if paint else "it saw little:"
        else:
            why = "the last checkpoint was the best:" if self.helped else "or train longer:"
        more = f"{pace.goal:,} squares, about {pace.time_left} more on this machine"
        return [f"{why}{paint} go on to {more}\n{self.go_on_command}"]

    def _about_content(self) -> list[str]:
        before, after = self.before.learned.get("content"), self.after.learned.get("content")
        if before is None or after is None or after <= _UNLIKE * before:
            return []
        return [
            "much of the photo is painted over: train with a higher losses.content, or make a "
            f"model halfway to the base model, which keeps more of it\n{self.merge_command}"
        ]


def _compared(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """The errors after training, with how many times those of the base model, where there are any.

    Of the content error it is not said whether that is good: style is paid with it.
    """
    parts: list[str] = []
    for name, meaning in _MEANINGS.items():
        if name in after:
            part = f"{meaning} {after[name]:.3g}"
            if name in before:
                ratio = after[name] / max(before[name], 1e-9)
                word = f": {in_words(ratio)}" if name in STYLE_ERRORS else ""
                base = "" if parts else " that of the base model"
                part += f" ({ratio:.2f} times{base}{word})"
            parts.append(part)
    return "; ".join(parts) or "not measured"
