"""Compare settings: the base model is fine-tuned briefly with each, and all are scored alike.

    python recipes/base/variants.py DATA -o OUT [--steps N] NAME:key.sub=value,… NAME:…

DATA is what prepare.py laid out. Every variant begins with --model, is trained on the same pictures
in the same order, and is scored on all pairs of DATA/squares by `gan-style evaluate pairs`;
"plain:" is the one to compare with. Variants that are in OUT already are not trained again.
"""

import argparse
import logging
import sys
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style.checkpoint import newest_checkpoint
from gan_style.config import config_to_dict, load_config
from gan_style.data.training_data import TrainingData
from gan_style.device import choose_device, choose_precision, keep_freed_memory, matrix_products
from gan_style.evaluation.config import EvaluateConfig
from gan_style.evaluation.evaluate import evaluate
from gan_style.training.loop import TrainingLoop
from gan_style.training.run_dir import describe_run
from gan_style.training.run_state import begin
from gan_style.training.tracking import build_tracker
from gan_style.training.trainer import Trainer

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "base.yaml"
MEASURES = ("content", "moments", "gram", "ssim")


def run_variant(options: argparse.Namespace, name: str, changes: list[str]) -> Path:
    """Train, unless that has been done; returns the last checkpoint."""
    folder: Path = options.out / name
    if (last := newest_checkpoint(folder / "checkpoints")) is not None:
        return last
    given = [
        f"data.styles={options.data / 'styles'}",
        f"data.content={options.data / 'photos'}",
        f"run.dir={folder}",
        f"train.steps={options.steps}",
        "train.minutes=null",
        "train.learning_rate=3e-4",
        "train.discriminator_learning_rate=3e-4",
        "train.warmup=80",
        "train.ema_half_life=300",  # the average has to follow within the few steps there are
        "tracking.wandb=off",
        f"train.init={options.model}",
    ]
    config = load_config(str(CONFIG), given + options.set + changes)
    device = choose_device(config.train.device)
    data = TrainingData(config.data, config.train.batch_size, config.train.seed)
    with matrix_products(choose_precision(config.train.precision, device)):
        trainer = Trainer(config, device)
        state = begin(config, trainer, data, None)
        describe_run(folder, config, device, trainer.precision)
        tracker = build_tracker(config.tracking, name, folder, config_to_dict(config))
        # no results as of a whole run: to write the codes of 447 styles takes longer than this
        TrainingLoop(folder, data, trainer, state, tracker).fit()
        tracker.close()
    last = newest_checkpoint(folder / "checkpoints")
    assert last is not None
    return last


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("variants", nargs="+", metavar="NAME:key.sub=value,…")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--model", default="base")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--set", nargs="+", default=[], metavar="key.sub=value", help="in all")
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    keep_freed_memory()
    squares = options.data / "squares"
    for variant in options.variants:
        name, _, changes = variant.partition(":")
        checkpoint = run_variant(options, name, [word for word in changes.split(",") if word])
        config = EvaluateConfig(
            kind="pairs",
            content=str(squares / "content"),
            reference=str(squares / "style"),
            model=str(checkpoint),
            features=options.features,
            feature_weights=options.feature_weights,
        )
        scores = evaluate(config, tqdm)
        print(name, *(f"{m} {scores.cell(m)}" for m in MEASURES), flush=True)


if __name__ == "__main__":
    main()
