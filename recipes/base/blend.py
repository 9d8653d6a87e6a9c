"""Average the weights of two stages of one model.

    python recipes/base/blend.py RUN_A RUN_B SHARE OUT

RUN_B continued RUN_A with other weights of the losses. OUT becomes a run folder with a checkpoint
whose encoder and generator are 1 - SHARE of RUN_A and SHARE of RUN_B, and whose discriminator is
RUN_B's. Its paintings lie between those of the two, as training with loss weights in between would
have made them (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

import argparse
import sys
from pathlib import Path

from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint

BLENDED = ("average.", "model.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs=2, metavar="RUN")
    parser.add_argument("share", type=float, metavar="SHARE")
    parser.add_argument("out", type=Path, metavar="OUT")
    options = parser.parse_args()
    if not 0 <= options.share <= 1:
        parser.error(f"SHARE is {options.share}; allowed: 0 to 1")
    if options.out.exists():
        parser.error(f"{options.out} exists; name a new folder")
    paths = [checkpoint_of(run) for run in options.runs]
    (first, _), (second, header) = (load_checkpoint(path) for path in paths)
    blended = {
        name: blend(first[name], tensor, options.share) if name.startswith(BLENDED) else tensor
        for name, tensor in second.items()
    }
    save_checkpoint(options.out / "checkpoints" / paths[1].name, blended, header)


def checkpoint_of(run: Path) -> Path:
    """Find the newest checkpoint of a run folder; without one the program ends."""
    newest = newest_checkpoint(run / "checkpoints")
    if newest is None:
        sys.exit(f"no checkpoint in {run}")
    return newest


def blend(first: Tensor, second: Tensor, share: float) -> Tensor:
    """The weighted mean of two tensors of one shape; integers are taken from the second."""
    if not second.is_floating_point():
        return second
    return (share * second.double() + (1 - share) * first.double()).to(second.dtype)


if __name__ == "__main__":
    main()
