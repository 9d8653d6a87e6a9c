"""A model as ONNX files: painting, reading styles, and enlarging paintings.

Each part is converted by itself and then put together, because PyTorch takes ten times as long for
the whole: the generator and the encoder are used twice.

Shapes: H rows, W columns, d numbers in a style code.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style import __version__
from gan_style.data.images import to_tensor
from gan_style.errors import ConfigError, ModelError
from gan_style.files import replacing
from gan_style.models.style_model import StyleModel
from gan_style.sharing.graphs import (
    Enlarging,
    Painting,
    Reading,
    Shrinking,
)
from gan_style.sharing.onnx_graph import Assembly, halved
from gan_style.sharing.resampling import REPLACEMENTS
from gan_style.shipped import named_styles
from gan_style.style_code import StyleCode

if TYPE_CHECKING:
    import onnx

OPSET = 20
"""Version of ONNX's operators; ONNX Runtime reads it from 1.17 on."""
TOLERANCE = 1e-3
"""Largest difference from PyTorch, of values in [0, 1], with which a file is written."""
CHECKED_SIZES = ((256, 256), (320, 512), (511, 383))
"""Heights and widths of the pictures with which the files are compared with PyTorch."""
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_EXAMPLE = 160, 208  # sizes of examples mean nothing, but must not be equal


@dataclass(frozen=True)
class ExportedGraph:
    """A file that was written.

    path: of the file. size: in bytes. differences: the largest difference from PyTorch in float32,
    for each height and width that was compared: of values in [0, 1], or of codes as a share of the
    largest number in them.
    """

    path: Path
    size: int
    differences: Mapping[tuple[int, int], float]


def part_files(path: Path) -> tuple[Path, Path, Path]:
    """The files that an export to this one writes: painting, reading, enlarging."""
    stem = path.name.removesuffix(".onnx")
    return (
        path,
        path.with_name(f"{stem}.encoder.onnx"),
        path.with_name(f"{stem}.enlarge.onnx"),
    )


def export_onnx(
    model: StyleModel, identity: str, path: Path, *, half: bool = False
) -> list[ExportedGraph]:
    """Write a model as ONNX files, after comparing each with PyTorch.

    Inputs and outputs have the names and shapes of `Painting`, `Reading` and `Enlarging`, in
    float32, pictures of every size from 32 x 32 on.

    Args:
        model: on the CPU.
        identity: `model_id` of the model, which is kept in the files.
        path: of the first; `part_files` has the others.
        half: keep weights in float16. They are computed with in float32 all the same.

    Returns:
        What was written.

    Raises:
        ConfigError: a library is missing.
        ModelError: a file would differ from PyTorch by more than TOLERANCE.
        OSError: a file cannot be written.
    """
    require_onnx()
    reading = reading_graph(model)
    graphs = {
        "painting": (Painting(model), painting_graph(model, reading)),
        "encoder": (Reading(model), reading),
        "enlarge": (Enlarging(), enlarging_graph()),
    }
    facts = {"model": identity, "code_dim": str(model.config.code_dim), "version": __version__}
    packed: list[tuple[Path, bytes, dict[tuple[int, int], float]]] = []
    for file, (name, (module, graph)) in zip(part_files(path), graphs.items(), strict=True):
        if half:
            graph = halved(graph)
        for key, value in {**facts, "part": name}.items():
            graph.metadata_props.add(key=f"gan_style.{key}", value=value)
        content = graph.SerializeToString()
        packed.append((file, content, differences(module, content, model.config.code_dim)))
        _refuse_different(name, packed[-1][2])
    with ExitStack() as together:  # none is there before all are written
        for file, content, _ in packed:
            together.enter_context(replacing(file)).write_bytes(content)
    return [ExportedGraph(file, len(content), found) for file, content, found in packed]


def require_onnx() -> None:
    """Raise ConfigError unless the libraries of the extra `onnx` are installed."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ConfigError(f"{', '.join(missing)} not installed: pip install 'gan-style[onnx]'")


def painting_graph(model: StyleModel, reading: "onnx.ModelProto") -> "onnx.ModelProto":
    """`Painting` as an ONNX graph, of which `reading` is a part."""
    photo, code = torch.rand(1, 3, *_EXAMPLE), torch.rand(1, model.config.code_dim)
    strength, painting = torch.ones(1), Painting(model)
    sides = {2: "height", 3: "width"}
    generator = _converted(painting.generator, (photo, code), (sides, None))
    all_of_it = Assembly(OPSET)
    add = all_of_it.add
    all_of_it.take_input("photo", (1, 3, "height", "width"))
    all_of_it.take_input("code", tuple(code.shape))
    all_of_it.take_input("strength", (1,))
    add("own", _shrinking(painting.own, photo), ["photo"], "own_photo")
    add("own_reading", reading, ["own_photo"], "own_code", weights="encoder")
    other = torch.rand_like(code)  # of one tensor given twice, the exporter would make one input
    steering = _converted(painting.steering, (other, code, strength), (None, None, None))
    add("steering", steering, ["own_code", "code", "strength"], "wanted")
    add("first", _shrinking(painting.first, photo), ["photo"], "small")
    add("first_painting", generator, ["small", "wanted"], "first_painted", weights="generator")
    add("first_reading", reading, ["first_painted"], "found", weights="encoder")
    correction = _converted(painting.correction, (other, code), (None, None))
    add("correction", correction, ["wanted", "found"], "corrected")
    add("painting", generator, ["photo", "corrected"], "painted", weights="generator")
    given = torch.rand_like(photo), photo, strength
    blending = _converted(painting.blending, given, (sides, sides, None))
    add("blending", blending, ["photo", "painted", "strength"], "painting")
    return all_of_it.finished("gan_style painting", "painting", (1, 3, "height", "width"))


def _shrinking(module: Shrinking, photo: Tensor) -> "onnx.ModelProto":
    return _converted(module, (photo,), ({2: "height", 3: "width"},))


def reading_graph(model: StyleModel) -> "onnx.ModelProto":
    """`Reading` as an ONNX graph."""
    pictures = torch.rand(2, 3, *_EXAMPLE)
    sides = {0: "pictures", 2: "height", 3: "width"}
    converted = _converted(Reading(model), (pictures,), (sides,))
    graph = Assembly(OPSET)
    graph.take_input("pictures", ("pictures", 3, "height", "width"))
    graph.add("reading", converted, ["pictures"], "codes", weights="encoder")
    return graph.finished("gan_style encoder", "codes", ("pictures", model.config.code_dim))


def enlarging_graph() -> "onnx.ModelProto":
    """`Enlarging` as an ONNX graph."""
    photo = torch.rand(1, 3, *_EXAMPLE)
    small = F.avg_pool2d(photo, 2)
    sides, small_sides = {2: "height", 3: "width"}, {2: "small_height", 3: "small_width"}
    dynamic = (sides, small_sides, small_sides)
    converted = _converted(Enlarging(), (photo, small, small.flip(1)), dynamic)
    graph = Assembly(OPSET)
    graph.take_input("photo", (1, 3, "height", "width"))
    for name in ("small", "painted"):
        graph.take_input(name, (1, 3, "small_height", "small_width"))
    graph.add("enlarging", converted, ["photo", "small", "painted"], "enlarged")
    return graph.finished("gan_style enlarging", "enlarged", (1, 3, "height", "width"))


def _converted(
    module: nn.Module, arguments: tuple[Tensor, ...], sides: Sequence[dict[int, str] | None]
) -> "onnx.ModelProto":
    """A part as an ONNX graph for all sizes of the axes that have names."""
    dims = [
        None if axes is None else dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in sides
    ]
    with torch.no_grad(), _quiet():
        program = torch.export.export(module.eval(), arguments, dynamic_shapes=tuple(dims))
        program = program.run_decompositions(dict(REPLACEMENTS))
        converted = torch.onnx.export(program, dynamo=True, opset_version=OPSET, verbose=False)
    assert converted is not None
    graph: onnx.ModelProto = converted.model_proto
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of PyTorch's exporter about its own parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def differences(module: nn.Module, graph: bytes, code_dim: int) -> dict[tuple[int, int], float]:
    """The largest difference of ONNX Runtime from PyTorch at each of CHECKED_SIZES."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    found = {}
    for sides in CHECKED_SIZES:
        given = _examples(names, sides, code_dim)
        with torch.inference_mode():
            expected = module.eval()(*given)
        inputs: dict[str, NDArray[Any]] = {
            name: values.numpy() for name, values in zip(names, given, strict=True)
        }
        (computed,) = session.run(None, inputs)
        largest = max(1.0, float(expected.abs().max()))  # codes go up to about 8
        found[sides] = float(np.abs(computed - expected.numpy()).max()) / largest
    return found


def _examples(names: Sequence[str], sides: tuple[int, int], code_dim: int) -> list[Tensor]:
    """Inputs of these names, of a photo of such sides."""
    picture = StyleCode.load(next(iter(named_styles().values()))).thumbnail
    assert picture is not None, "shipped styles have one"
    photo = to_tensor(picture.resize(sides[::-1]))[None]
    small = F.avg_pool2d(photo, 2)
    rng = torch.Generator().manual_seed(0)
    examples = {
        "photo": photo,
        "code": torch.randn(1, code_dim, generator=rng),
        "strength": torch.tensor([0.75]),
        "pictures": torch.cat([photo, photo.flip(1)]),
        "small": small,
        "painted": small.flip(1),
    }
    return [examples[name] for name in names]


def _refuse_different(name: str, found: Mapping[tuple[int, int], float]) -> None:
    """Raise ModelError for a graph that computes something else than PyTorch."""
    for (height, width), difference in found.items():
        if not difference <= TOLERANCE:
            raise ModelError(
                f"the ONNX graph {name} differs from PyTorch by {difference:.2g} at "
                f"{width}x{height} px; at most {TOLERANCE:g} is allowed, so nothing was written"
            )
