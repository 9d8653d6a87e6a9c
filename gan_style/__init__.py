"""Learn a person's own art style, and paint any photo in it."""

from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

__all__ = ["StyleCode", "Stylizer"]
__version__ = "0.1.0"
