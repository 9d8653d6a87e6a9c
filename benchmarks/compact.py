"""`compact` against VGG-19 and SqueezeNet: does it rank as they do, and what does it cost?

    python benchmarks/compact.py --pairs FOLDER … --vgg FILE --squeezenet FILE
    python benchmarks/compact.py dump OUT data.styles=… data.content=… train.steps=N

FOLDER holds triples NAME_out.png, NAME_sty.png, NAME_con.png (output, style and content picture),
NAME being STAGE_NUMBER; `dump` trains as configured and writes such triples on the way, from the
live and the averaged model in turn, and the averaged model at the end.

Ranks: content (output and content picture), moments, Gram and stroke (output and style picture)
of every triple, by the functions of losses/perceptual.py. The teachers run in float32; `compact`
runs in the arithmetic of training (bfloat16 where that is fast). Spearman's correlation over all
triples profits from the spread between stages; that within one stage is the harder one.

Times: forward and backward to the picture, which is float32 and laid out as the generator gives
it; networks are channels_last under autocast, as in training; the gradient is 1 at every tap. The
alternatives take turns, and medians are given.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr  # type: ignore[import-untyped]
from timing import interleaved, table
from torch import Tensor, nn
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style.config import load_config
from gan_style.data.dataset import Batch
from gan_style.data.images import read_picture, save_picture, to_image, to_tensor
from gan_style.data.training_data import TrainingData
from gan_style.device import bfloat16_is_fast, choose_device, keep_freed_memory
from gan_style.errors import ConfigError, FeaturesError, PictureError
from gan_style.losses.perceptual import content_loss, gram_loss, moments_loss, stroke_loss
from gan_style.losses.statistics import style_statistics
from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.models.style_model import MODEL_FILE
from gan_style.pretrained import write_model
from gan_style.training.trainer import Trainer

LOSSES = ("content", "moments", "gram", "stroke")
EARLY_STEPS, DUMP_EVERY = (5, 15, 30, 60), 100
SIDE, BATCHES = 256, (2, 8)
FEWEST = 4  # triples of which a rank correlation is given


# ---------------------------------------------------------------------- ranks


@dataclass(frozen=True)
class Triple:
    """Three picture files, the folder they lie in, and the stage of training they come from."""

    folder: str
    stage: str
    output: Path
    style: Path
    content: Path


def find_triples(folder: Path) -> list[Triple]:
    """Every triple of a folder, by name.

    Raises:
        ValueError: there is none, or one is not complete.
    """
    triples = []
    for output in sorted(folder.glob("*_out.png")):
        name = output.name.removesuffix("_out.png")
        style, content = (folder / f"{name}_{kind}.png" for kind in ("sty", "con"))
        if missing := [path for path in (style, content) if not path.is_file()]:
            raise ValueError(f"{output} has no {missing[0].name} beside it")
        stage = name.rpartition("_")[0].lstrip("0") or name
        triples.append(Triple(str(folder), stage, output, style, content))
    if not triples:
        raise ValueError(f"there is no NAME_out.png in {folder}")
    return triples


@dataclass(frozen=True)
class Networks:
    """A pair of frozen networks and the arithmetic they run in."""

    picture: nn.Module
    stroke: nn.Module
    autocast: bool

    @torch.inference_mode()
    def losses(self, triple: Triple) -> list[float]:
        """The four losses of one triple, in the order of LOSSES."""
        paths = (triple.output, triple.style, triple.content)
        output, style, content = (to_tensor(read_picture(path))[None] for path in paths)
        with arithmetic(self.autocast):
            maps, style_maps = self.picture(output), self.picture(style)
            content_map = self.picture(content)[self.picture.content_layer]
            strokes, style_strokes = self.stroke(output), self.stroke(style)
        generated, wanted = style_statistics(maps), style_statistics(style_maps)
        terms = (
            content_loss(maps[self.picture.content_layer], content_map),
            moments_loss(generated, wanted),
            gram_loss(generated, wanted),
            stroke_loss(style_statistics(strokes), style_statistics(style_strokes)),
        )
        return [term.item() for term in terms]


def arithmetic(autocast: bool) -> AbstractContextManager[Any]:
    """The context in which networks run in training here, or plain float32."""
    fast = bfloat16_is_fast(torch.device("cpu"))
    return torch.autocast("cpu", torch.bfloat16, enabled=autocast and fast)


def compare_ranks(triples: Sequence[Triple], compact: Networks, teachers: Networks) -> str:
    """Tables of rank correlations (all, by folder, by stage) and of ratios."""
    progress = tqdm(triples, "losses", leave=False)
    both = np.array([[compact.losses(t), teachers.losses(t)] for t in progress])  # (n, 2, 4)
    groups = {"all": list(range(len(triples)))}
    for index, triple in enumerate(triples):
        groups.setdefault(triple.folder, []).append(index)
    for index, triple in enumerate(triples):
        groups.setdefault(f"stage {triple.stage}", []).append(index)
    rows = [
        [name, str(len(chosen)), *(rank_correlation(both[chosen, :, i]) for i in range(4))]
        for name, chosen in groups.items()
    ]
    ratios = np.quantile(both[:, 0] / both[:, 1].clip(1e-12), (0.05, 0.5, 0.95), axis=0)
    spread = [
        [name, f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}"]
        for name, (low, middle, high) in zip(LOSSES, ratios.T, strict=True)
    ]
    ranks = table(("Spearman's correlation", "pairs", *LOSSES), rows)
    return f"{ranks}\n\n{table(('compact / teacher', 'median', '5 %', '95 %'), spread)}"


def rank_correlation(values: "np.ndarray[Any, Any]") -> str:
    """Spearman's correlation of two columns, or a dash where there are too few rows."""
    if len(values) < FEWEST:
        return "-"
    return f"{spearmanr(values[:, 0], values[:, 1]).statistic:.3f}"


# ---------------------------------------------------------------------- times


def compare_times(compact: Networks, teachers: Networks, repeats: int) -> str:
    """A table of forward and backward times for each batch size, and their ratios."""
    alternatives = {
        "VGG-19 to relu3_1": (teachers.picture,),
        "SqueezeNet (gray) to fire12": (teachers.stroke,),
        "VGG-19 + SqueezeNet": (teachers.picture, teachers.stroke),
        "compact, picture part": (compact.picture,),
        "compact, stroke part": (compact.stroke,),
        "compact, both parts": (compact.picture, compact.stroke),
    }
    columns = []
    for count in BATCHES:
        pictures = torch.rand(count, 3, SIDE, SIDE, requires_grad=True)
        parts = {name: round_trip(nets, pictures) for name, nets in alternatives.items()}
        columns.append(interleaved(parts, repeats))
    rows = [[name, *(f"{1e3 * t[name]:.1f} ms" for t in columns)] for name in alternatives]
    for other in ("VGG-19 to relu3_1", "VGG-19 + SqueezeNet"):
        shares = [t["compact, both parts"] / t[other] for t in columns]
        rows.append([f"compact, both parts / {other}", *(f"{share:.3f}" for share in shares)])
    kind = "bfloat16" if bfloat16_is_fast(torch.device("cpu")) else "float32"
    about = f"forward + backward, {SIDE} px, {kind}, {torch.get_num_threads()} threads"
    return table((about, *(f"batch {count}" for count in BATCHES)), rows)


def round_trip(networks: Sequence[nn.Module], pictures: Tensor) -> Callable[[], object]:
    """Work that takes pictures through all networks and gradients of 1 back to the pictures."""

    def forward() -> list[Tensor]:
        with arithmetic(True):
            return [tap for network in networks for tap in network(pictures).values()]

    ones = [torch.ones_like(tap) for tap in forward()]
    return lambda: torch.autograd.grad(forward(), pictures, ones)


# ---------------------------------------------------------------------- triples from training


def dump(folder: Path, overrides: Sequence[str]) -> None:
    """Train for `train.steps` steps and write triples at several stages of it.

    Raises:
        GanStyleError: options or pictures that cannot be used.
    """
    config = load_config(None, overrides)
    steps = config.train.steps
    if not steps:
        raise ConfigError("train.steps is not given; a dump needs train.steps=N")
    data = TrainingData(config.data, config.train.batch_size, config.train.seed)
    trainer = Trainer(config, choose_device(config.train.device))
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for step in tqdm(range(1, steps + 1), "training"):
        batch = data.batch(step - 1).to(trainer.device)
        trainer.step(batch, (step - 1) / steps)
        if step in EARLY_STEPS or step % DUMP_EVERY == 0:
            model = trainer.average if written % 2 else trainer.model
            save_triples(folder, step, batch, paint(model, batch))
            written += 1
    write_model(folder / MODEL_FILE, trainer.average.state_dict(), trainer.model_config)
    print(f"{written * config.train.batch_size} triples and {MODEL_FILE} in {folder}")


@torch.no_grad()
def paint(model: nn.Module, batch: Batch) -> Tensor:
    """(B, 3, H, W): each content picture in the style of its set."""
    code = model.encode(batch.style).repeat_interleave(batch.style.shape[1], dim=0)  # type: ignore[operator]
    painted: Tensor = model(batch.content, code)
    return painted


def save_triples(folder: Path, step: int, batch: Batch, outputs: Tensor) -> None:
    """Write each output beside one style picture of its set and its content picture."""
    kinds = {"out": outputs, "sty": batch.style.flatten(0, 1), "con": batch.content}
    for kind, pictures in kinds.items():
        for index, picture in enumerate(pictures):
            save_picture(to_image(picture), folder / f"{step:05d}_{index}_{kind}.png")


# ---------------------------------------------------------------------- command line


def compare(arguments: Sequence[str]) -> None:
    """Read the options, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--vgg", required=True, help="weights of VGG-19 up to relu3_1")
    parser.add_argument("--squeezenet", required=True, help="weights of SqueezeNet 1.1")
    parser.add_argument("--weights", help="other weights of compact than the shipped")
    parser.add_argument("--repeats", type=int, default=15, help="timed rounds; 0: no timing")
    options = parser.parse_args(arguments)
    own = options.weights
    compact = Networks(picture_features(weights=own), stroke_features(weights=own), autocast=True)
    vgg = picture_features("vgg19", options.vgg)
    squeezenet = stroke_features("squeezenet", options.squeezenet)
    teachers = Networks(vgg, squeezenet, autocast=False)
    triples = [triple for folder in options.pairs for triple in find_triples(folder)]
    print(compare_ranks(triples, compact, teachers))
    if options.repeats > 0:
        print(f"\n{compare_times(compact, teachers, options.repeats)}")


def main() -> None:
    keep_freed_memory()
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["dump"]:
            if len(arguments) < 2 or "=" in arguments[1]:
                raise ConfigError("dump needs a folder: compact.py dump OUT data.styles=… …")
            dump(Path(arguments[1]), arguments[2:])
        else:
            compare(arguments)
    except (FeaturesError, PictureError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
