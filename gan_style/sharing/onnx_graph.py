"""ONNX graphs: putting one together from parts, and keeping its weights in half precision."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

_LARGE = 1024
"""Numbers in a tensor from which on float16 is worth it."""


class Assembly:
    """A graph that grows part by part.

    Args:
        opset: version of the operators of all parts.
    """

    def __init__(self, opset: int) -> None:
        import onnx

        self._opset = opset
        self._graph = onnx.GraphProto()
        self._kept: set[str] = set()

    def take_input(self, name: str, shape: Sequence[int | str]) -> None:
        """Add an input, float32; axes without a fixed size have a name."""
        self._graph.input.append(_declared(name, shape))

    def add(
        self,
        label: str,
        part: "onnx.ModelProto",
        inputs: Sequence[str],
        output: str,
        weights: str | None = None,
    ) -> None:
        """Add a part with one output.

        Args:
            label: goes before the names inside it.
            part: is not changed.
            inputs: names of what it is given.
            output: the name that its output gets.
            weights: goes before the names of its weights; parts with the same one share them.
        """
        graph = part.graph
        names = dict(zip((each.name for each in graph.input), inputs, strict=True))
        (result,) = graph.output
        names[result.name] = output
        for tensor in graph.initializer:
            names[tensor.name] = f"{weights or label}.{tensor.name}"
            if names[tensor.name] not in self._kept:
                self._kept.add(names[tensor.name])
                copy = self._graph.initializer.add()
                copy.CopyFrom(tensor)
                copy.name = names[tensor.name]
        for node in graph.node:
            copied = self._graph.node.add()
            copied.CopyFrom(node)
            copied.name = f"{label}/{node.name}"
            for values in (copied.input, copied.output):
                # the empty name stands for an input that is left out
                values[:] = [each and names.get(each, f"{label}/{each}") for each in values]
            del copied.metadata_props[:]  # where it was in PyTorch: longer than the graph

    def finished(self, name: str, output: str, shape: Sequence[int | str]) -> "onnx.ModelProto":
        """The model with this output.

        Raises:
            onnx.checker.ValidationError: the parts do not fit together.
        """
        import onnx

        self._graph.name = name
        self._graph.output.append(_declared(output, shape))
        model = onnx.helper.make_model(
            self._graph,
            opset_imports=[onnx.helper.make_opsetid("", self._opset)],
            producer_name="gan_style",
            ir_version=10,  # of the same age as the operators: older runtimes refuse newer ones
        )
        onnx.checker.check_model(model)
        return model


def halved(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The model with matrices and kernels kept in float16, and made float32 when it is loaded.

    Nothing is lost of weights that came from a model's file. Vectors keep their precision, as there
    (`pretrained.write_model`).
    """
    import onnx

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph, casts = result.graph, []
    for tensor in graph.initializer:
        large = math.prod(tensor.dims) >= _LARGE
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1 and large:
            name = tensor.name
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, f"{name}.half"))
            casts.append(
                onnx.helper.make_node(
                    "Cast", [tensor.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT
                )
            )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return result


def _declared(name: str, shape: Sequence[int | str]) -> "onnx.ValueInfoProto":
    import onnx

    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))
