"""Learn the style of a folder of pictures, and paint any photo in it.

    from gan_style import Stylizer
    Stylizer.from_pretrained().stylize("photo.jpg", "woodblock").save("painted.png")

What is named here is imported when it is first used (PEP 562): `import gan_style` itself takes
milliseconds, and imports no PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_style.config import Config, load_config
    from gan_style.errors import GanStyleError
    from gan_style.evaluation.config import EvaluateConfig
    from gan_style.evaluation.evaluate import evaluate
    from gan_style.optimization.config import OptimizeConfig
    from gan_style.optimization.optimize import optimize
    from gan_style.style_code import StyleCode
    from gan_style.stylizer import Stylizer
    from gan_style.training.run import train

__all__ = [
    "Config",
    "EvaluateConfig",
    "GanStyleError",
    "OptimizeConfig",
    "StyleCode",
    "Stylizer",
    "evaluate",
    "load_config",
    "optimize",
    "train",
]
__version__ = "0.1.0"

_MODULES = {
    "Config": "config",
    "load_config": "config",
    "GanStyleError": "errors",
    "EvaluateConfig": "evaluation.config",
    "evaluate": "evaluation.evaluate",
    "OptimizeConfig": "optimization.config",
    "optimize": "optimization.optimize",
    "StyleCode": "style_code",
    "Stylizer": "stylizer",
    "train": "training.run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # the next time it is found without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
