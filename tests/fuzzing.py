"""Damaged and hostile files, read as a user would read them: `make fuzz`, or by hand

    python tests/fuzzing.py --number 20000 --seed 7 --kinds style picture --keep faults

Small valid files are mutated: bytes flipped, cut and repeated, numbers in headers replaced, values
of JSON exchanged, tensors given other numbers, types and shapes (with the checksum put right, so
that what is behind it is reached, too). Whatever comes in, reading either works or raises one of
the package's own errors, within LONGEST seconds and MEMORY bytes. A mutation follows from its kind,
seed and number alone; the inputs of those that failed are kept.
"""

import argparse
import io
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from PIL import Image, ImageCms
from safetensors.torch import load, save

from gan_style.checkpoint import (
    _checksum,
    flatten_state,
    load_checkpoint,
    save_checkpoint,
    unflatten_state,
)
from gan_style.config import SECTIONS, Config, config_to_dict, load_config
from gan_style.data.images import open_picture, picture_size
from gan_style.errors import GanStyleError
from gan_style.models.style_model import StyleModel, StyleModelConfig
from gan_style.options import options_of
from gan_style.pretrained import read_config, read_model, write_config, write_model
from gan_style.shipped import named_styles
from gan_style.style_code import StyleCode

LONGEST = 20  # seconds
MEMORY = 2 * 1024**3  # bytes more than before
_DEEP = 100_000
_NAN, _INFINITY = float("nan"), float("inf")
_NUMBERS = [0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 1.5, _INFINITY, _NAN, 1e38]
_VALUES = [*_NUMBERS, None, True, "", "x" * 5000, [], [[]], {}, {"a": 1}, "\x1b[2J", "${oc.env:X}"]
_WORDS = [
    *(
        "null",
        ".nan",
        "-.inf",
        "1e999",
        "9" * 400,
        "0o17",
        "1:30",
        "2001-01-01",
        "???",
        "${oc.env:X}",
    ),
    *("!!bool ''", "!!int ''", "!!python/name:os.x", "*a", "&a [*a]", "<<: {a: 1}", "? [a]", "- a"),
    *("${oc.env:X}", "[" * 2000, "{a: " * 2000, "'", '"', "|\n", "\t", "\x00", "\ud800"),
]


class Fault(NamedTuple):
    """A mutation that was not read as it should be."""

    kind: str
    seed: int
    number: int
    what: str
    kept: Path


class Kind(NamedTuple):
    """valid: files to begin with. mutate: one of them. read: as a user would."""

    suffix: str
    valid: Callable[[], list[bytes]]
    mutate: Callable[[bytes, random.Random], bytes]
    read: Callable[[Path], object]


# ---------------------------------------------------------------------- mutations


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = _place(len(changed), rng)
        length = min(rng.choice((1, 2, 4, 8, 64, 1000)), len(changed) - at)
        match rng.randrange(7):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + length] = rng.randbytes(length)
            case 2:
                changed[at : at + length] = rng.choice((b"\x00", b"\xff", b"\x7f")) * length
            case 3:
                del changed[at:]
            case 4:
                del changed[at : at + length]
            case 5:
                changed[at:at] = changed[at : at + length] * rng.choice((1, 1, 3))
            case 6:
                size, order = rng.choice((2, 4, 8)), rng.choice(("little", "big"))
                number = rng.choice((0, 1, 2**15, 2**31 - 1, 2**31, 2**63)) % 2 ** (8 * size)
                changed[at : at + size] = number.to_bytes(size, order)  # type: ignore[arg-type]
        if not changed:
            break
    return bytes(changed)


def _place(length: int, rng: random.Random) -> int:
    """Anywhere, or near the beginning, where headers are."""
    return rng.randrange(max(1, rng.choice((length, min(length, 64), min(length, 600)))))


def mutated_json(text: str, rng: random.Random) -> str:
    if rng.random() < 0.03:
        return "[" * _DEEP
    root = [json.loads(text)]
    for _ in range(rng.choice((1, 1, 1, 3))):
        holder, key = rng.choice([*_places(root)])
        if isinstance(holder, dict) and rng.random() < 0.3:
            holder[rng.choice(("", "kind", "other", "list", "tensor"))] = holder.pop(key)
        elif rng.random() < 0.15:
            del holder[key]
            if not root:
                return ""
        else:
            holder[key] = rng.choice([*_VALUES, *(h[k] for h, k in _places(root))])
    try:
        return json.dumps(root[0])
    except (ValueError, RecursionError):  # it holds itself now
        return "{}"


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth > 30:
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key], depth + 1)


def mutated_tensors(tensors: dict[str, torch.Tensor], rng: random.Random) -> None:
    name = rng.choice(sorted(tensors))
    values = tensors.pop(name)
    match rng.randrange(7):
        case 0:
            return  # it is missing
        case 1:
            name += rng.choice(("'", ".weight", "\x1b[2J", "\u202e"))
        case 2:
            kinds = (torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool)
            values = values.to(rng.choice((*kinds, torch.float8_e4m3fn, torch.complex64)))
        case 3:
            values = rng.choice((values.flatten(), values[None], values.sum(), values.new_empty(0)))
        case _ if values.is_floating_point() and values.numel():
            values = values.clone()
            wild = torch.tensor(rng.choice((_NAN, _INFINITY, 1e38, -1e38, 1e7, 1e-45))).to(values)
            values.view(-1)[rng.randrange(values.numel())] = wild
            if rng.random() < 0.5:
                values.copy_(wild)
    tensors[name] = values.contiguous()


def mutated_tensor_file(data: bytes, rng: random.Random, description: str) -> bytes:
    """Of bytes, of the file's own header, or of the description and tensors in it."""
    way = rng.random()
    if way < 0.3:
        return mutated_bytes(data, rng)
    length = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + length], data[8 + length :]
    if way < 0.55:
        header = mutated_json(header.decode(), rng).encode()
        return len(header).to_bytes(8, "little") + header + rest
    texts, tensors = json.loads(header)["__metadata__"], load(data)
    if way < 0.8:
        texts[description] = mutated_json(texts[description], rng)
    else:
        mutated_tensors(tensors, rng)
    if "crc32" in texts:
        texts["crc32"] = str(_checksum(tensors, texts[description]))
    return save(tensors, texts)


def mutated_text(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return mutated_bytes(data, rng)
    lines = data.decode().splitlines()
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(lines))
        key = lines[at].partition(":")[0]
        word = rng.choice(_WORDS)
        lines[at] = rng.choice((f"{key}: {word}", word, lines[at] * 2, "# a remark", ""))
    return "\n".join(lines).encode(errors="surrogatepass")


def mutated_override(data: bytes, rng: random.Random) -> bytes:
    key, _, value = data.decode().partition("=")
    text = rng.choice(
        (*_WORDS, *map(str, _NUMBERS), "[0.5, ${oc.env:HOME}]", f"[{value}, {value}]")
    )
    if rng.random() < 0.5:
        text = mutated_bytes(rng.choice((value, text)).encode(errors="surrogatepass"), rng).decode(
            errors="surrogateescape"
        )
    if rng.random() < 0.05:
        key = mutated_bytes(key.encode(), rng).decode(errors="surrogateescape")
    return f"{key}={text}".encode(errors="surrogatepass")


# ---------------------------------------------------------------------- valid files


def _written(write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "valid")
        return (Path(folder) / "valid").read_bytes()


def valid_styles() -> list[bytes]:
    return [path.read_bytes() for path in list(named_styles().values())[:3]]


def valid_model() -> list[bytes]:
    torch.manual_seed(0)
    config = StyleModelConfig(8, supersampling=1)
    state = StyleModel(config).state_dict()
    codes = torch.zeros(2, 1, 8)
    return [_written(lambda path: write_model(path, state, config, codes))]


def valid_checkpoint() -> list[bytes]:
    layer = torch.nn.Conv2d(2, 2, 3)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2, 4, 4)).sum().backward()
    optimizer.step()
    state = {"model": layer.state_dict(), "optimizer": optimizer.state_dict(), "steps": (1, [2.5])}
    tensors, skeleton = flatten_state(state)
    metadata = {"kind": "checkpoint", "state": skeleton, "best": {"lowest": float("inf")}}
    return [_written(lambda path: save_checkpoint(path, tensors, metadata))]


def valid_configurations() -> list[bytes]:
    whole = yaml.safe_dump(config_to_dict(Config()))
    return [whole.encode(), b"train: {steps: 3, betas: [0.5, 0.9]}\nrun:\n  name: mine\n"]


def valid_overrides() -> list[bytes]:
    options = [each for kind in SECTIONS.values() for each in options_of(kind)]
    return [f"{each.key}={each.default}".encode() for each in options]


def valid_description() -> list[bytes]:
    return [_written(lambda path: write_config(path, StyleModelConfig()))]


def valid_pictures() -> list[bytes]:
    values = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    picture = Image.fromarray(values)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    about = {"exif": exif.tobytes(), "icc_profile": profile}
    made = [(picture, kind, about) for kind in ("PNG", "JPEG", "TIFF", "WEBP")]
    made += [(picture.quantize(8), "GIF", {}), (picture, "BMP", {})]
    made += [(Image.fromarray(values[..., 0].astype(np.uint16) * 257), "PNG", {})]
    made += [(picture, "TIFF", {"compression": "tiff_lzw"}), (picture.convert("CMYK"), "JPEG", {})]
    found = []
    for each, kind, options in made:
        packed = io.BytesIO()
        each.save(packed, kind, **options)
        found.append(packed.getvalue())
    return found


# ---------------------------------------------------------------------- reading


def use_style(path: Path) -> None:
    code = StyleCode.load(path)
    StyleCode.mix([code, code.perturb(0)], [1, 2]).save(path.with_name("mixed.safetensors"))
    code.at(300)


def use_model(path: Path) -> None:
    from gan_style.stylizer import Stylizer

    read = read_model(path)
    stylizer = Stylizer(read.build(), "0" * 16, torch.device("cpu"), read.codes, {}, read.sides)
    code = StyleCode(torch.zeros(read.config.code_dim), torch.zeros(read.config.code_dim))
    object.__setattr__(code, "model", "0" * 16)
    stylizer.stylize(Image.new("RGB", (32, 32), "orange"), code)


def use_checkpoint(path: Path) -> None:
    tensors, metadata = load_checkpoint(path)
    unflatten_state(tensors, metadata.get("state"))


def use_configuration(path: Path) -> None:
    load_config(str(path))


def use_override(path: Path) -> None:
    override = path.read_bytes().decode(errors="surrogatepass")
    config = load_config(None, [override])
    key, _, text = override.partition("=")
    if key == "run.name" and config.run.name is not None:
        assert config.run.name == text, "a text is taken as it is written"


def use_picture(path: Path) -> None:
    picture_size(path)
    open_picture(path, 16)
    open_picture(path)


def _code_file(data: bytes, rng: random.Random) -> bytes:
    return mutated_tensor_file(data, rng, "gan_style_code")


def _checkpoint_file(data: bytes, rng: random.Random) -> bytes:
    return mutated_tensor_file(data, rng, "gan_style")


def _json_file(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return mutated_bytes(data, rng)
    return mutated_json(data.decode(), rng).encode()


KINDS = {
    "style": Kind(".safetensors", valid_styles, _code_file, use_style),
    "model": Kind(".safetensors", valid_model, _checkpoint_file, use_model),
    "checkpoint": Kind(".safetensors", valid_checkpoint, _checkpoint_file, use_checkpoint),
    "configuration": Kind(".yaml", valid_configurations, mutated_text, use_configuration),
    "override": Kind(".txt", valid_overrides, mutated_override, use_override),
    "description": Kind(".json", valid_description, _json_file, read_config),
    "picture": Kind(".png", valid_pictures, mutated_bytes, use_picture),
}


def hunt(
    kind: str, numbers: range, seed: int, keep: Path, outcomes: Counter[str] | None = None
) -> list[Fault]:
    """Read mutations of a kind.

    Args:
        kind: one of KINDS.
        numbers: of the mutations.
        seed: of all of them.
        keep: folder for the inputs of those that failed.
        outcomes: counts how each ended.
    """
    about = KINDS[kind]
    valid = about.valid()
    faults = []
    outcomes = Counter() if outcomes is None else outcomes
    with tempfile.TemporaryDirectory() as folder, _bounded_memory():
        for number in numbers:
            rng = random.Random(f"{kind} {seed} {number}")
            path = Path(folder) / f"input{about.suffix}"
            path.write_bytes(about.mutate(rng.choice(valid), rng))
            what = _read(about.read, path)
            outcomes[what if what in ("read", "refused") else "fault"] += 1
            if what not in ("read", "refused"):
                kept = keep / f"{kind}-{seed}-{number}{about.suffix}"
                keep.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(path.read_bytes())
                faults.append(Fault(kind, seed, number, what, kept))
    return faults


def _read(read: Callable[[Path], object], path: Path) -> str:
    """How reading ended: "read", "refused", or what was wrong."""

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"not read after {LONGEST} seconds")

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        read(path)
        return "read"
    except GanStyleError as error:
        message = str(error)
        return "refused" if len(message) < 20_000 else f"a message of {len(message)} characters"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        where = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in where if "gan_style" in frame.filename] or where
        return f"{type(error).__name__}: {str(error)[:200]} ({own[-1].name}, line {own[-1].lineno})"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Let nothing take more than MEMORY: it would be a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--number", type=int, default=20_000, help="mutations in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the time if not given")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("faults"), help="for inputs that failed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"seed {options.seed}")
    faults = []
    for kind in options.kinds:
        began, outcomes = time.monotonic(), Counter[str]()
        numbers = range(options.number // len(options.kinds))
        found = hunt(kind, numbers, options.seed, options.keep, outcomes)
        ended = ", ".join(f"{count} {how}" for how, count in sorted(outcomes.items()))
        print(f"{kind}: {ended} in {time.monotonic() - began:.0f} s", flush=True)
        for fault in found:
            print(f"  {fault.number}: {fault.what}\n    {fault.kept}", flush=True)
        faults += found
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
