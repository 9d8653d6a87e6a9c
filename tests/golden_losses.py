"""Golden losses: what the first 20 steps of each configuration in configs/ log, in float32.

    python tests/golden_losses.py            # compare; says what differs
    python tests/golden_losses.py --update   # keep what differs as the new values

tests/golden/ has a file for each configuration: the overrides that make it small, the values, and
for each value its spread: how far it moves, relatively, when the same is computed with two threads
or other instructions of the processor. Training multiplies rounding from step to step, most of all
from scratch, so what a value may differ by follows from its own spread.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from small_pictures import write_small_pictures

from gan_style.config import load_config
from gan_style.data.training_data import TrainingData
from gan_style.device import deterministic
from gan_style.training.run_state import begin
from gan_style.training.schedule import RunLimits
from gan_style.training.trainer import Trainer

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = REPOSITORY / "configs"
GOLDEN = REPOSITORY / "tests/golden"
NAMES = sorted({path.stem for path in CONFIGS.glob("*.yaml")} - {"sweep"})
STEPS = (1, 2, 5, 10, 20)

ALLOWED, SPREADS = 1e-4, 10
"""A value may differ by so much, relatively, or by so many times its spread if that is more."""
_NEARLY_ZERO = 1e-9  # differences up to this are none: a term that is 0 has rounding alone

_OTHERWISE = (
    {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"},
    {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default"},
    {"OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"},
)
"""Environments in which the same is computed with other roundings."""

Losses = dict[str, dict[str, float]]  # step -> name -> value


def losses_of(name: str, overrides: list[str]) -> Losses:
    """Train a configuration for 20 steps, and return what it logs at STEPS.

    That is every term with its weight, gradients and the learning rate; the mean of the photos and
    of the style pictures of the batch, which no rounding moves; and how far the averaged weights
    are from those that are trained.
    """
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        write_small_pictures(pictures, (100, 80))
        where = [f"data.styles={pictures / 'styles'}", f"data.content={pictures / 'photos'}"]
        config = load_config(str(CONFIGS / f"{name}.yaml"), [*overrides, *where])
        data = TrainingData(config.data, config.train.batch_size, config.train.seed)
        trainer = Trainer(config, torch.device("cpu"))
        state = begin(config, trainer, data, None)
        limits = RunLimits.of(config.train, state.usual)
        found: Losses = {}
        with deterministic(trainer.device):
            for step in range(1, max(STEPS) + 1):
                batch = data.batch(step - 1)
                progress = limits.progress(trainer.images_seen, trainer.steps_done, 0)
                terms = trainer.step(batch, progress)
                terms |= {"photos": batch.content.mean(), "style pictures": batch.style.mean()}
                terms["average/distance"] = _distance(trainer)
                if step in STEPS:
                    values = {key: _rounded(value.item()) for key, value in terms.items()}
                    values |= _weights(trainer, terms)
                    values["learning_rate"] = _rounded(trainer.learning_rate)
                    found[str(step)] = dict(sorted(values.items()))
        return found


def _weights(trainer: Trainer, terms: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """By what each term is multiplied; Adam hides that from the terms of the first steps."""
    weights = {f"model/{name}": weight for name, weight in trainer.weights.items()}
    for name in {"discriminator/loss", "discriminator/wrong", "discriminator/r1"} & terms.keys():
        weights[name] = trainer.adversarial.weight(name)
    return {f"{name} (weight)": _rounded(weight) for name, weight in weights.items()}


def _distance(trainer: Trainer) -> torch.Tensor:
    pairs = zip(trainer.average.parameters(), trainer.model.parameters(), strict=True)
    apart = [(mine - other).detach().flatten() for mine, other in pairs]
    return torch.cat(apart).norm()


def differences(golden: Mapping[str, Any], found: Losses) -> Iterator[str]:
    """Say, a line each, what differs from a golden file by more than it may."""
    for step, expected in golden["losses"].items():
        for name in [*expected, *(found[step].keys() - expected.keys())]:
            if name not in expected or name not in found[step]:
                yield f"step {step}: {name} is {'new' if name in found[step] else 'gone'}"
                continue
            before, now = expected[name], found[step][name]
            difference = _relative(before, now)
            allowed = max(ALLOWED, SPREADS * golden["spread"][step].get(name, 0.0))
            if difference > allowed:
                yield (
                    f"step {step}: {name} {before:g} -> {now:g}, which differs by "
                    f"{difference:.2g} (allowed: {allowed:.2g})"
                )


def read_golden(name: str) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return golden


def _update(name: str, golden: Mapping[str, Any], losses: Losses) -> None:
    spread: Losses = {step: {} for step in losses}
    for environment in _OTHERWISE:
        other = json.loads(
            subprocess.run(
                [sys.executable, __file__, "--print", name],
                env=os.environ | environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for step, values in losses.items():
            for key, value in values.items():
                moved = _relative(value, other[step][key])
                if moved > ALLOWED / SPREADS / 10:  # less says nothing
                    spread[step][key] = max(float(f"{moved:.1e}"), spread[step].get(key, 0.0))
    text = json.dumps(
        {"overrides": golden["overrides"], "losses": losses, "spread": spread}, indent=1
    )
    (GOLDEN / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _relative(one: float, other: float) -> float:
    apart = abs(one - other)
    return 0.0 if apart <= _NEARLY_ZERO else apart / max(abs(one), abs(other))


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument("--update", action="store_true", help="write what differs")
    parser.add_argument("--print", action="store_true", help="print the values of one as JSON")
    options = parser.parse_args()
    if unknown := {*options.names} - {*NAMES}:
        parser.error(f"there is no configs/{min(unknown)}.yaml; allowed: {', '.join(NAMES)}")
    changed = False
    for name in options.names or NAMES:
        if not (GOLDEN / f"{name}.json").is_file():
            parser.error(f'tests/golden/{name}.json is missing: begin it with {{"overrides": […]}}')
        golden = read_golden(name)
        losses = losses_of(name, golden["overrides"])
        if options.print:
            print(json.dumps(losses))
            continue
        new = "losses" not in golden
        lines = [] if new else [*differences(golden, losses)]
        print(f"{name}: " + ("new" if new else f"{len(lines)} values differ" if lines else "same"))
        print("".join(f"  {line}\n" for line in lines), end="", flush=True)
        if options.update and (new or lines):
            _update(name, golden, losses)
        changed |= new or bool(lines)
    if changed and not options.update:
        print("if that is meant: python tests/golden_losses.py --update")
    return int(changed and not options.update)


if __name__ == "__main__":
    sys.exit(main())
