"""How fast the generator is on the CPU under other runtimes than PyTorch's eager mode.

    python benchmarks/runtimes.py [--model M] [--sizes 512 1024 2048] [--repeats N] [--rounds N]
        [--only NAME …] [--cpu-time] [--json FILE]

Every runtime gets a process of its own for each size and round. The table has the seconds until it
has painted once (exporting, compiling and the first painting; not the import of PyTorch or the
loading of weights), the median seconds of a painting afterwards, the peak of memory, and the
difference of the painting from eager bfloat16: the largest and the mean, pixels in [0, 1]. Runtimes
that are not installed are left out with a message. --cpu-time counts seconds of the processor
instead of those on the wall: with one thread (OMP_NUM_THREADS=1), for a machine that others use.

    eager bfloat16, eager float32        as `Stylizer` paints: channels last
    compiled bfloat16, again             torch.compile (needs a C++ compiler); its cache is empty at
                                         first, and then that of the first time
    onnxruntime float32                  of torch.onnx's export
    openvino bfloat16, openvino float32  of the same export
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from machine import describe
from PIL import Image
from skimage import data
from timing import table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import to_tensor
from gan_style.device import autocast, keep_freed_memory
from gan_style.models.generator import Generator

Paint = Callable[[], Tensor]
Start = Callable[[Generator, Tensor, Tensor], Paint]
EAGER = "eager bfloat16"


def eager(precision: str) -> Start:
    def start(generator: Generator, photo: Tensor, code: Tensor) -> Paint:
        def paint() -> Tensor:
            with torch.inference_mode(), autocast(photo.device, precision):
                painting: Tensor = generator(photo, code)
            return painting

        return paint

    return start


def compiled(generator: Generator, photo: Tensor, code: Tensor) -> Paint:
    network = torch.compile(generator, dynamic=False)

    def paint() -> Tensor:
        with torch.no_grad(), autocast(photo.device, "bfloat16"):
            painting: Tensor = network(photo, code)
        return painting

    return paint


def export(generator: Generator, photo: Tensor, code: Tensor, file: Path) -> None:
    """Write it as ONNX, for pictures of this size."""
    with torch.no_grad():
        torch.onnx.export(
            generator,
            (photo, code),
            file,
            input_names=["content", "code"],
            output_names=["painting"],
            dynamo=True,
            verbose=False,
        )


def onnxruntime(generator: Generator, photo: Tensor, code: Tensor) -> Paint:
    import onnxruntime as runtime

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "generator.onnx")
        export(generator, photo, code, file)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    given = {"content": photo.numpy(), "code": code.numpy()}
    return lambda: torch.from_numpy(session.run(None, given)[0])


def openvino(precision: str) -> Start:
    def start(generator: Generator, photo: Tensor, code: Tensor) -> Paint:
        import openvino as runtime  # type: ignore[import-untyped, unused-ignore]

        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "generator.onnx")
            export(generator, photo, code, file)  # of torch.export it lacks the last reduction
            network = runtime.compile_model(file, "CPU", settings)
        given = [photo.numpy(), code.numpy()]
        return lambda: torch.from_numpy(network(given)[0])

    return start


RUNTIMES: dict[str, tuple[Start, tuple[str, ...]]] = {
    EAGER: (eager("bfloat16"), ()),
    "eager float32": (eager("float32"), ()),
    "compiled bfloat16": (compiled, ()),
    "compiled bfloat16, again": (compiled, ()),
    "onnxruntime float32": (onnxruntime, ("onnx", "onnxscript", "onnxruntime")),
    "openvino bfloat16": (openvino("bf16"), ("onnx", "onnxscript", "openvino")),
    "openvino float32": (openvino("f32"), ("onnx", "onnxscript", "openvino")),
}


class Run(NamedTuple):
    """What one process measured."""

    runtime: str
    size: int
    start: float
    seconds: list[float]
    gigabytes: float
    largest: float
    mean: float


def measure(name: str, size: int, options: argparse.Namespace) -> Run:
    """Start a runtime in this process, which has to be a fresh one, and time its paintings."""
    clock = time.process_time if options.cpu_time else time.perf_counter
    keep_freed_memory()
    stylizer = Stylizer.from_pretrained(options.model, device="cpu")
    example = Image.fromarray(data.coffee())
    code = stylizer.encode(example).at(size)[None]
    photo = to_tensor(Image.fromarray(data.astronaut()).resize((size, size)))[None]
    before = clock(), time.perf_counter()
    paint = RUNTIMES[name][0](stylizer.model.generator, photo, code)
    painting = paint().clone()
    started = time.perf_counter() - before[1]  # compilers have processes of their own
    seconds = []
    for _ in range(options.repeats):
        began = clock()
        paint()
        seconds.append(clock() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    plain = eager("bfloat16")(stylizer.model.generator, photo, code)()
    difference = (painting.float() - plain).abs()
    return Run(
        name, size, started, seconds, memory, float(difference.max()), float(difference.mean())
    )


def in_process(name: str, size: int, options: argparse.Namespace, cache: str) -> Run | None:
    words = [__file__, "--alone", name, "--sizes", str(size), "--repeats", str(options.repeats)]
    words += ["--model", options.model, *(["--cpu-time"] if options.cpu_time else [])]
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
    run = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, check=False
    )
    if run.returncode:
        reason = (run.stderr.strip() or "ended without a word").splitlines()[-1]
        print(f"{name} at {size} px failed: {reason}", file=sys.stderr)
        return None
    return Run(**json.loads(run.stdout.splitlines()[-1]))


def installed(names: list[str]) -> list[str]:
    """Those of the runtimes that can be tried here; the others with a message."""
    there = []
    for name in names:
        missing = [module for module in RUNTIMES[name][1] if find_spec(module) is None]
        if missing:
            print(f"{name} is left out: {', '.join(missing)} not installed", file=sys.stderr)
        else:
            there.append(name)
    return there


def runtime_table(measured: dict[tuple[int, str], list[Run]]) -> str:
    rows = []
    for (size, name), runs in measured.items():
        second = median(second for run in runs for second in run.seconds)
        cells = [median(run.start for run in runs), second]
        memory = median(run.gigabytes for run in runs)
        far = f"{runs[0].largest:.3f}, {runs[0].mean:.5f}"
        shown = [f"{cells[0]:.1f}", f"{cells[1]:.3f}", f"{memory:.2f}", far]
        rows.append([f"{size} px, {name}", *shown])
    return table(("painting", "start, s", "s", "GB", "largest, mean difference"), rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(RUNTIMES), default=list(RUNTIMES))
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--alone", help=argparse.SUPPRESS)  # the runtime of this process
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.alone:
        print(json.dumps(measure(options.alone, options.sizes[0], options)._asdict()))
        return
    measured: dict[tuple[int, str], list[Run]] = {}
    names = installed(options.only)
    for _ in range(options.rounds):
        for size in options.sizes:
            with tempfile.TemporaryDirectory() as cache:
                for name in names:
                    if run := in_process(name, size, options, cache):
                        measured.setdefault((size, name), []).append(run)
    about = describe()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    print(runtime_table(measured))
    if options.json:
        found: dict[str, Any] = {"machine": about}
        found["runs"] = [run._asdict() for runs in measured.values() for run in runs]
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
