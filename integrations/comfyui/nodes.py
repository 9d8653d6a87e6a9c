"""The nodes: load a model or a style, encode, mix and save styles, stylize, train.

Each is a class as ComfyUI wants it; what it does is done by gan_style. Errors are gan_style's own,
one line, which ComfyUI shows on the node.
"""

from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from gan_style.errors import ConfigError
from gan_style.painting.config import PaintConfig
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.results import REPORT_FILE

from . import host, library
from .pictures import checked, mask_of, painted, to_pictures
from .training import Training

MODEL, STYLE = "GAN_STYLE_MODEL", "GAN_STYLE"
"""Types of links; ComfyUI's own STYLE_MODEL is something else."""
_CATEGORY = "gan_style"

Inputs: TypeAlias = dict[str, dict[str, tuple[Any, ...]]]


class LoadModel:
    """Loads a trained model, once for a workflow."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Load a gan_style model: the one that is shipped, or one from models/gan_style."
    FUNCTION = "load"
    RETURN_TYPES = (MODEL,)
    RETURN_NAMES = ("model",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        about = "base is shipped with gan_style; runs and model files in models/gan_style follow"
        path = "Another one instead: a run folder, a model file, or an address such as hf:user/name"
        return {
            "required": {"model": (library.model_names(), {"tooltip": about})},
            "optional": {"path": ("STRING", {"default": "", "tooltip": path})},
        }

    @classmethod
    def IS_CHANGED(cls, model: str, path: str = "") -> str:
        return library.fingerprint(path.strip() or library.models().get(model))

    def load(self, model: str, path: str = "") -> tuple[Stylizer]:
        """The model, on ComfyUI's device."""
        place = path.strip() or library.model_place(model)
        return (Stylizer.from_pretrained(place, device=host.device()),)


class LoadStyle:
    """Loads a style code."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Choose a shipped style, or a style code from models/gan_style."
    FUNCTION = "load"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        about = "A style code belongs to the model that made it; those without a folder to base"
        return {
            "required": {
                "model": (MODEL,),
                "style": (list(library.styles()), {"tooltip": about}),
            }
        }

    @classmethod
    def IS_CHANGED(cls, style: str, **_: Any) -> str:
        return library.fingerprint(library.styles().get(style))

    def load(self, model: Stylizer, style: str) -> tuple[StyleCode]:
        """The code, if it is one of the model's."""
        code = model.style(library.styles().get(style, style))
        model.refuse_foreign(code)
        return (code,)


class EncodeStyle:
    """Makes a style code of example pictures."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Read a style from pictures: a batch of images, or a folder."
    FUNCTION = "encode"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        folder = "Pictures of one style: an absolute path, or a folder below ComfyUI's input folder"
        return {
            "required": {"model": (MODEL,)},
            "optional": {
                "images": ("IMAGE", {"tooltip": "Pictures of one style"}),
                "folder": ("STRING", {"default": "", "tooltip": folder}),
                "name": ("STRING", {"default": "", "tooltip": "Name of the style"}),
            },
        }

    @classmethod
    def IS_CHANGED(cls, folder: str = "", **_: Any) -> str:
        return library.fingerprint(host.input_place(folder)) if folder.strip() else ""

    def encode(
        self, model: Stylizer, images: Tensor | None = None, folder: str = "", name: str = ""
    ) -> tuple[StyleCode]:
        """The code.

        Raises:
            ConfigError: images and a folder are given, or neither, or the folder is missing.
        """
        place = folder.strip()
        if (images is None) == (not place):
            given = "both images and a folder" if place else "neither images nor a folder"
            raise ConfigError(f"{given} are given; a style is encoded from one of them")
        pictures = _existing(folder) if images is None else to_pictures(images)
        return (model.encode(pictures, name.strip() or None, progress=host.each),)


class MixStyles:
    """Makes one style of up to four."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Mix styles of one model: the weighted mean of their codes."
    FUNCTION = "mix"
    RETURN_TYPES = (STYLE,)
    RETURN_NAMES = ("style",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        about = "Weights are brought to a sum of 1; a negative one leads away from the style"
        weight = _number(about, 1, -10, 10)
        numbers = range(1, 5)
        pairs = [{f"style_{n}": (STYLE,), f"weight_{n}": weight} for n in numbers]
        return {"required": pairs[0] | pairs[1], "optional": pairs[2] | pairs[3]}

    def mix(self, **inputs: Any) -> tuple[StyleCode]:
        """The mean of those that are given."""
        numbers = [n for n in range(1, 5) if inputs.get(f"style_{n}") is not None]
        styles = [inputs[f"style_{n}"] for n in numbers]
        weights = [float(inputs.get(f"weight_{n}", 1.0)) for n in numbers]
        return (StyleCode.mix(styles, weights),)


class SaveStyle:
    """Keeps a style code as a file."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Save a style code in models/gan_style/styles, where Load Style lists it."
    FUNCTION = "save"
    RETURN_TYPES = ()
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        about = "Of the file; one that is there is not replaced"
        name = ("STRING", {"default": "my-style", "tooltip": about})
        return {"required": {"style": (STYLE,), "name": name}}

    def save(self, style: StyleCode, name: str) -> dict[str, Any]:
        """Write the file, and show its path."""
        return {"ui": {"text": [str(library.save_style(style, name))]}}


class Stylize:
    """Paints images in a style."""

    CATEGORY = _CATEGORY
    DESCRIPTION = "Paint each image of a batch in a style."
    FUNCTION = "stylize"
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)

    _SIZE = "Short side of the painting in pixels, 32 or more; 0 is the image's own size"
    _MASK = "White where the style is seen; elsewhere the image stays as it is"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "model": (MODEL,),
                "image": ("IMAGE",),
                "style": (STYLE,),
                "strength": _number("0 is the image, 1 the full style", 1, 0, 1),
                "stroke_size": _number("Times as large as in the style's pictures", 1, 0.5, 4),
                "keep_color": _switch("Keep the image's colors"),
                "size": ("INT", {"default": 0, "min": 0, "max": 16384, "tooltip": cls._SIZE}),
            },
            "optional": {
                "mask": ("MASK", {"tooltip": cls._MASK}),
                "feather": _number("Soften the mask's border: % of the short side", 0, 0, 50),
                "protect_faces": _switch("Paint faces at half the strength"),
            },
        }

    def stylize(
        self,
        model: Stylizer,
        image: Tensor,
        style: StyleCode,
        strength: float,
        stroke_size: float,
        keep_color: bool,
        size: int,
        mask: Tensor | None = None,
        feather: float = 0.0,
        protect_faces: bool = False,
    ) -> tuple[Tensor]:
        """The paintings, (B, h, w, C)."""
        config = PaintConfig(
            strength=strength,
            stroke_size=stroke_size,
            keep_color=keep_color,
            size=size or None,
            feather=feather,
            protect="faces" if protect_faces else None,
        )
        images = checked(image)
        sides = images.shape[1], images.shape[2]
        masks = [None if mask is None else mask_of(mask, n, sides) for n in range(len(images))]
        regions = [model.regions([(style, each)]) for each in masks]

        def paint(number: int) -> Tensor:
            return painted(images[number], lambda p: model.paint(p, regions[number], config))

        return (torch.stack([paint(number) for number in host.each(range(len(images)))]),)


class TrainStyle:
    """Learns the style of a folder of pictures."""

    CATEGORY = _CATEGORY
    DESCRIPTION = (
        "Train a model on a folder of pictures of one style. The run is kept in models/gan_style "
        "under its name; after Cancel it goes on from where it was."
    )
    FUNCTION = "train"
    RETURN_TYPES = (MODEL, STYLE, "STRING")
    RETURN_NAMES = ("model", "style", "report")
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        folder = "Pictures of one style: an absolute path, or a folder below ComfyUI's input folder"
        name = "Of the run in models/gan_style. With a name that is there, its training goes on"
        minutes = "Of training in all; more of them later go on with the run"
        options = "More options of gan-style train, key.sub=value, one a line"
        return {
            "required": {
                "folder": ("STRING", {"default": "", "tooltip": folder}),
                "name": ("STRING", {"default": "my-style", "tooltip": name}),
                "minutes": (
                    "FLOAT",
                    {"default": 5.0, "min": 0.1, "max": 1440, "step": 0.5, "tooltip": minutes},
                ),
            },
            "optional": {
                "options": ("STRING", {"default": "", "multiline": True, "tooltip": options})
            },
        }

    def train(self, folder: str, name: str, minutes: float, options: str = "") -> dict[str, Any]:
        """Train, unless it is done, and load what came of it.

        Raises:
            ConfigError: no folder is given, or it is missing.
        """
        if not folder.strip():
            raise ConfigError("no folder is given; it must be one of pictures in one style")
        training = Training.of(name, _existing(folder), minutes, options)
        if not training.is_done:
            training.run()
        model = Stylizer.from_pretrained(training.folder, device=host.device())
        report = (training.folder / REPORT_FILE).read_text(encoding="utf-8")
        (style,) = model.styles.values()
        return {"ui": {"text": [report]}, "result": (model, style, report)}


def _existing(folder: str) -> Path:
    place = host.input_place(folder)
    if not place.is_dir():
        raise ConfigError(
            f"there is no folder {place}; give an absolute path, or that of a folder below "
            "ComfyUI's input folder"
        )
    return place


def _number(about: str, default: float, least: float, most: float) -> tuple[Any, ...]:
    limits = {"default": default, "min": least, "max": most, "step": 0.05}
    return ("FLOAT", {**limits, "tooltip": about})


def _switch(about: str) -> tuple[Any, ...]:
    return ("BOOLEAN", {"default": False, "tooltip": about})


NODE_CLASS_MAPPINGS = {
    "GanStyleLoadModel": LoadModel,
    "GanStyleLoadStyle": LoadStyle,
    "GanStyleEncode": EncodeStyle,
    "GanStyleMix": MixStyles,
    "GanStyleSaveStyle": SaveStyle,
    "GanStyleStylize": Stylize,
    "GanStyleTrain": TrainStyle,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "GanStyleLoadModel": "Load Style Model (gan_style)",
    "GanStyleLoadStyle": "Load Style (gan_style)",
    "GanStyleEncode": "Encode Style (gan_style)",
    "GanStyleMix": "Mix Styles (gan_style)",
    "GanStyleSaveStyle": "Save Style (gan_style)",
    "GanStyleStylize": "Stylize (gan_style)",
    "GanStyleTrain": "Train Style (gan_style)",
}
