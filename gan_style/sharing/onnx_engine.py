"""ONNX Runtime as the engine of a `Stylizer`: it paints, everything around stays as it is.

Shapes: H rows, W columns, d numbers in a style code.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_style.errors import ConfigError, ModelError


class OnnxEngine:
    """Paints with a file that `gan-style export --onnx` wrote.

    Examples:
        >>> engine = OnnxEngine("out/model.onnx")
        >>> stylizer = Stylizer.from_pretrained(engine=engine)

    Args:
        path: of the file.
        providers: of ONNX Runtime, the preferred first.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelError: no such file, or not one of a painting.
    """

    def __init__(
        self, path: str | Path, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        if find_spec("onnxruntime") is None:
            raise ConfigError("onnxruntime is not installed: pip install 'gan-style[onnx]'")
        import onnxruntime

        if not Path(path).is_file():
            raise ModelError(f"{path} does not exist; `gan-style export --onnx` writes it")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=list(providers))
        except Exception as error:  # ONNX Runtime has a class for each reason
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{path} cannot be used by ONNX Runtime: {reason}") from error
        facts = self._session.get_modelmeta().custom_metadata_map
        if facts.get("gan_style.part") != "painting":
            raise ModelError(f"{path} is not a painting that `gan-style export --onnx` wrote")
        self.model = facts["gan_style.model"]
        """The id of the model in the file."""

    def __call__(self, content: Tensor, code: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] and (1, d) -> (1, 3, H, W), with the corrected code."""
        inputs = {
            "photo": content.float().cpu().numpy(),
            "code": code.float().cpu().numpy(),
            "strength": np.ones(1, np.float32),
        }
        (painted,) = self._session.run(None, inputs)
        return torch.from_numpy(painted).to(content.device)
