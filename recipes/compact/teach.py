"""Train `compact` to approximate VGG-19 (relu1_1, relu2_1, relu3_1) and SqueezeNet (fire7, fire12).

    python recipes/compact/teach.py PICTURES … --vgg FILE --squeezenet FILE --minutes 20

PICTURES are folders of photos, art and, best of all, outputs of a style model in training: the
losses are taken on those. The student is fitted in two ways at once (knowledge distillation): every
map to the teacher's map (error relative to each channel's deviation), and every loss between two
pictures of a batch to the same loss by the teacher (difference of logarithms), because ranking
outputs is its purpose. The state of the training is kept beside the weights (`.resume.pt`, not
shipped) each minute.
"""

import argparse
import math
import pathlib
import random
import sys
import time

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.linalg import qr
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import squeezenet1_1

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from gan_style.color import to_gray
from gan_style.data.images import find_pictures, read_picture, resize_short_side, to_bytes
from gan_style.device import keep_freed_memory
from gan_style.losses.statistics import StyleStatistics, positions_first, style_statistics
from gan_style.models.compact import CompactPicture, CompactStroke
from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.sizes import READING_SIDE

CHANNELS = {"relu1_1": 32, "relu2_1": 64}
# The stroke network is trained map by map (FitNets, Romero et al. 2015), at first each fire module
# by itself. Trained by its two taps alone, the ReLUs of its last layers died: their maps are
# sparse, so that zero is a fair first approximation of them, and a dead ReLU has no gradient.
HINTS = ("fire3", "fire4", "fire6", "fire9", "fire10", "fire11")
CROP, SHORT_SIDE, BATCH = 128, READING_SIDE, 8


def load_pictures(folders: list[str], leave_out: set[str]) -> list[Tensor]:
    """(3, H, W) uint8 pictures with a short side of at most SHORT_SIDE."""
    found = []
    for folder in folders:
        for path in find_pictures(pathlib.Path(folder)):
            if path.name in leave_out:
                continue
            picture = read_picture(path)
            if min(picture.size) > SHORT_SIDE:
                picture = resize_short_side(picture, SHORT_SIDE)
            if min(picture.size) >= CROP:
                found.append(to_bytes(picture))
    return found


def crop(picture: Tensor, generator: random.Random) -> Tensor:
    """A random square of 64 to 288 px brought to CROP, so that all scales of texture are met."""
    _, height, width = picture.shape
    side = generator.randint(64, min(height, width)) if generator.random() < 0.5 else CROP
    top, left = generator.randint(0, height - side), generator.randint(0, width - side)
    square = picture[None, :, top : top + side, left : left + side].float() / 255
    if side != CROP:
        square = F.interpolate(square, CROP, mode="bilinear", antialias=side > CROP).clamp(0, 1)
    return square.flip(3) if generator.random() < 0.5 else square


def spoil(pictures: Tensor, generator: random.Random) -> Tensor:
    """Artifacts of outputs in training: noise, blur, grids, washed-out or shifted color."""
    kind = generator.randrange(8)
    if kind == 0:
        pictures = pictures + 0.2 * generator.random() * torch.randn_like(pictures)
    elif kind == 1:
        small = F.interpolate(pictures, CROP // generator.choice((2, 3, 4)), mode="area")
        pictures = F.interpolate(small, CROP, mode=generator.choice(("nearest", "bicubic")))
    elif kind == 2:
        pictures = pictures.lerp(pictures.roll(1, 0), generator.random())
    elif kind == 3:
        mean = pictures.mean((2, 3), keepdim=True)
        pictures = mean + (pictures - mean) * generator.uniform(0.1, 1.8)
    elif kind == 4:
        pictures = pictures + 0.2 * torch.randn(len(pictures), 3, 1, 1)
    return pictures.clamp(0, 1)


def load_triples(folder: str | None) -> list[list[Tensor]]:
    """Style, output and photo of every NAME_sty.png, NAME_out.png, NAME_con.png."""
    if folder is None:
        return []
    names = sorted(
        str(path)[: -len("_out.png")] for path in pathlib.Path(folder).glob("**/*_out.png")
    )
    kinds = ("_sty.png", "_out.png", "_con.png")
    return [[to_bytes(read_picture(name + kind)) for kind in kinds] for name in names]


def crop_triple(triple: list[Tensor], generator: random.Random) -> list[Tensor]:
    """Squares of a triple, output and photo at the same place; sometimes only half painted."""
    state = generator.getrandbits(32)
    style, output, photo = triple
    squares = [crop(style, random.Random(state + 1))]
    squares += [crop(picture, random.Random(state)) for picture in (output, photo)]
    if generator.random() < 0.3:
        squares[1] = squares[1].lerp(squares[generator.choice((0, 2))], generator.random())
    return squares


def batch(pictures: list[Tensor], triples: list[list[Tensor]], generator: random.Random) -> Tensor:
    """(BATCH, 3, CROP, CROP): two triples and two pictures, or pictures, half of them spoiled.

    Neighbors are compared, so style, output and photo stand in this order.
    """
    if triples and generator.random() < 0.6:
        chosen = [generator.choice(triples) for _ in range(2)]
        squares = [square for triple in chosen for square in crop_triple(triple, generator)]
        squares += [crop(generator.choice(pictures), generator) for _ in range(BATCH - 6)]
        return torch.cat(squares)
    chosen_pictures = [generator.choice(pictures) for _ in range(BATCH - 1)]
    whole = torch.cat([crop(p, generator) for p in [chosen_pictures[0], *chosen_pictures]])
    if generator.random() < 0.5:
        half = BATCH // 2
        whole = torch.cat([whole[:half], spoil(whole[:half], generator)])
    return whole


def select_channels(teacher: nn.Module, pictures: list[Tensor]) -> dict[str, Tensor]:
    """The channels that best stand for the rest: pivots of a QR factorisation of activations."""
    generator = random.Random(0)
    with torch.inference_mode():
        maps = [teacher(batch(pictures, [], generator)) for _ in range(12)]
    chosen = {}
    for layer, count in CHANNELS.items():
        rows = torch.cat([m[layer].permute(0, 2, 3, 1).flatten(0, 2)[::97] for m in maps])
        _, _, pivots = qr(rows.numpy(), mode="economic", pivoting=True)
        chosen[layer] = torch.from_numpy(np.sort(pivots[:count]))
    return chosen


def distances(maps: Tensor, statistics: StyleStatistics, layer: str) -> Tensor:
    """Logarithms of Gram, moments and map distances between each picture and the next, (3, B)."""
    gram = statistics.gram[layer]
    moments = torch.stack([statistics.mean[layer], statistics.deviation[layer]], 1)
    others = gram.roll(1, 0)
    relative = (gram - others).square().sum((1, 2)) / others.square().sum((1, 2))
    shifted = (moments - moments.roll(1, 0)).square().mean((1, 2))
    apart = (maps[1:] - maps[:-1]).square().mean((1, 2))
    return torch.cat([relative, shifted, apart]).clamp(min=1e-8).log()


def objective(
    student: dict[str, Tensor], teacher: dict[str, Tensor], width: dict[str, Tensor]
) -> Tensor:
    """Error of the maps, in units of the teacher's deviation, and of the losses taken on them."""
    total = torch.zeros(())
    mine, wanted = style_statistics(student), style_statistics(teacher)
    for layer in student:
        maps, target = positions_first(student[layer]), positions_first(teacher[layer])
        total = total + ((maps - target) / width[layer]).square().mean()
        if layer in HINTS:
            continue
        close = distances(maps, mine, layer), distances(target, wanted, layer)
        total = total + F.smooth_l1_loss(*close)
    return total


def before_activation(fire: nn.Module, maps: Tensor) -> Tensor:
    """What a fire module of the student, or of torchvision, adds up before its last ReLU."""
    names = ("point", "square") if hasattr(fire, "point") else ("expand1x1", "expand3x3")
    squeezed = F.relu(fire.squeeze(maps))  # type: ignore[operator]
    return torch.cat([fire.get_submodule(name)(squeezed) for name in names], 1)


def read_channels(path: pathlib.Path) -> dict[str, Tensor]:
    """The channels that the weights in a file stand for."""
    with safe_open(path, "pt") as file:
        header = file.metadata()
    return {layer: torch.tensor([int(n) for n in header[layer].split()]) for layer in CHANNELS}


class StrokeTeacher(nn.Module):
    """SqueezeNet on the gray picture, with the maps of all layers that the student is fitted to."""

    def __init__(self, weights: str) -> None:
        super().__init__()
        tapped = stroke_features("squeezenet", weights)
        self.mean, self.deviation = tapped.mean, tapped.deviation
        self.taps = {int(name[4:]): name for name in ("fire7", "fire12", *HINTS)}
        self.layers = squeezenet1_1().features[: max(self.taps) + 1]
        state = tapped.layers.state_dict()
        self.layers.load_state_dict({k.removeprefix("features."): v for k, v in state.items()})
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def normalized(self, pictures: Tensor) -> Tensor:
        gray = to_gray(pictures).expand(-1, 3, -1, -1)
        return ((gray - self.mean) / self.deviation).to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        x, maps = self.normalized(pictures), {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                maps[self.taps[index]] = x
        return maps


class Teaching:
    """Student, teachers, optimizer: everything that one step needs."""

    def __init__(self, options: argparse.Namespace, pictures: list[Tensor]) -> None:
        self.pictures = pictures
        self.triples = load_triples(options.triples)
        self.vgg = picture_features("vgg19", options.vgg) if "picture" in options.parts else None
        self.squeezenet = StrokeTeacher(options.squeezenet)
        self.channels = {} if self.vgg is None else select_channels(self.vgg, pictures)
        self.student = nn.ModuleDict({"picture": CompactPicture(), "stroke": CompactStroke()})
        for module in self.student["stroke"].modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        self.student["stroke"].taps |= {int(name[4:]): name for name in HINTS}  # type: ignore[operator]
        self.student.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.student.parameters(), 2e-3, (0.9, 0.99))
        self.average = torch.optim.swa_utils.AveragedModel(
            self.student, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
        )
        self.step = 0
        generator = random.Random(1)
        maps = [self.teach(batch(pictures, [], generator)) for _ in range(8)]
        self.width = {
            layer: torch.cat([positions_first(m[layer]) for m in maps]).std((0, 1), keepdim=True)
            for layer in maps[0]
        }
        for layer, width in self.width.items():  # or nearly constant channels would dominate
            self.width[layer] = width.clamp(min=0.2 * width.median().item())

    @torch.no_grad()
    def teach(self, pictures: Tensor) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            maps = {**self.squeezenet(pictures)}
            if self.vgg is not None:
                maps |= self.vgg(pictures)
        for layer in self.channels.keys() & maps.keys():
            channels = self.channels[layer]
            last = maps[layer].permute(0, 2, 3, 1)  # keeps the channels last in memory
            maps[layer] = last[..., channels].permute(0, 3, 1, 2)
        return maps

    def first_of_teacher(self, pictures: Tensor) -> Tensor:
        """The teacher's maps before its first fire module."""
        x = self.squeezenet.normalized(pictures)
        for layer in self.squeezenet.layers[:3]:
            x = layer(x)
        return x

    def drill(self, learning_rate: float) -> float:
        """One step in which every fire module learns from the teacher's maps before it.

        The targets are those before the activation: they are not sparse, and no unit dies.
        """
        pictures = batch(self.pictures, self.triples, random.Random(self.step + 2))
        stroke, total = self.student["stroke"], torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16):
            maps = stroke.first(pictures)
            with torch.no_grad():
                wanted_maps = self.first_of_teacher(pictures)
            for index, fire in stroke.fires.items():
                with torch.no_grad():
                    wanted = before_activation(self.squeezenet.layers[int(index)], wanted_maps)
                    width = positions_first(wanted).std((0, 1), keepdim=True)
                    width = width.clamp(min=0.2 * width.median().item())
                given = before_activation(fire, maps)
                error = (positions_first(given) - positions_first(wanted)) / width
                total = total + error.square().mean()
                wanted_maps = F.relu(wanted)
                if index in ("4", "7"):
                    wanted_maps = F.max_pool2d(wanted_maps, 3, stride=2, ceil_mode=True)
                maps = wanted_maps
        return self.update(total, learning_rate)

    def learn(self, learning_rate: float) -> float:
        """One step on the maps as the student makes them, and on the losses taken on them."""
        pictures = batch(self.pictures, self.triples, random.Random(self.step + 2))
        teacher = self.teach(pictures)
        with torch.autocast("cpu", torch.bfloat16):
            student = self.student["stroke"](pictures)
            if self.vgg is not None:
                student |= self.student["picture"](pictures)
        if self.step % 8:  # the first map is one linear layer: it needs few steps and costs most
            student.pop("relu1_1", None)
        return self.update(objective(student, teacher, self.width), learning_rate)

    def update(self, loss: Tensor, learning_rate: float) -> float:
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.student)
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def unexplained(self) -> str:
        """Share of each map's variance that the averaged student misses, on one batch."""
        pictures = batch(self.pictures, self.triples, random.Random(1))
        teacher, student = self.teach(pictures), self.average.module["stroke"](pictures)
        shares = []
        for layer, maps in student.items():
            error = (maps - teacher[layer]).square().mean((0, 2, 3)).sum()
            shares.append(f"{layer} {error / teacher[layer].var((0, 2, 3)).sum():.2f}")
        return ", ".join(shares)

    def save(self, path: pathlib.Path) -> None:
        weights = {k: v.half().contiguous() for k, v in self.average.module.state_dict().items()}
        channels = {k: " ".join(map(str, v.tolist())) for k, v in self.channels.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, path, {"steps": str(self.step), **channels})
        state = {"student": self.student, "optimizer": self.optimizer, "average": self.average}
        whole = {k: v.state_dict() for k, v in state.items()}
        torch.save(
            {**whole, "step": self.step, "channels": self.channels}, path.with_suffix(".resume.pt")
        )

    def resume(self, path: pathlib.Path) -> None:
        state = torch.load(path.with_suffix(".resume.pt"), weights_only=True)
        for name in ("student", "optimizer", "average"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.channels = state["step"], state["channels"]

    def begin_from(self, path: pathlib.Path) -> None:
        """Begin with those of the shipped weights whose shape has not changed."""
        known, channels = load_file(path), read_channels(path)
        mine = self.student.state_dict()
        fitting = {k: v.float() for k, v in known.items() if k in mine and mine[k].shape == v.shape}
        for network in (self.student, self.average.module):
            network.load_state_dict({**mine, **fitting})
        self.channels = channels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pictures", nargs="+", help="folders; name one twice to see it twice as often"
    )
    parser.add_argument("--vgg", required=True, help="weights of VGG-19 up to relu3_1")
    parser.add_argument("--squeezenet", required=True, help="weights of SqueezeNet 1.1")
    parser.add_argument("--triples", help="folder of outputs, as benchmarks/compact.py dump makes")
    parser.add_argument("--parts", nargs="+", default=["picture", "stroke"], help="what is taught")
    parser.add_argument("--begin-from", type=pathlib.Path, help="weights whose shapes may differ")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="the highest of it")
    parser.add_argument(
        "--drill", type=float, default=0.35, help="share of the time for module by module"
    )
    parser.add_argument("--leave-out", nargs="*", default=[], help="file names that are not shown")
    parser.add_argument("--resume", action="store_true", help="go on from OUT's .resume.pt")
    parser.add_argument(
        "-o", "--out", type=pathlib.Path, default="gan_style/weights/compact.safetensors"
    )
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_float32_matmul_precision("medium")
    torch.manual_seed(0)
    teaching = Teaching(options, load_pictures(options.pictures, set(options.leave_out)))
    if options.begin_from:
        teaching.begin_from(options.begin_from)
    if options.resume:
        teaching.resume(options.out)
    print(f"{len(teaching.pictures)} pictures, {len(teaching.triples)} triples", flush=True)
    begin = saved = time.monotonic()
    recent: list[float] = []
    while (share := (time.monotonic() - begin) / 60 / options.minutes) < 1:
        warm = min(1.0, share * options.minutes / 0.3)
        rate = options.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-6
        drilled = not options.resume and share < options.drill
        recent.append(teaching.drill(2 * rate) if drilled else teaching.learn(rate))
        if time.monotonic() - saved > 60:
            print(f"step {teaching.step}  loss {np.mean(recent):.4f}  {share:.0%}", flush=True)
            print("   unexplained: ", teaching.unexplained(), flush=True)
            teaching.save(options.out)
            saved, recent = time.monotonic(), []
    teaching.save(options.out)


if __name__ == "__main__":
    main()
