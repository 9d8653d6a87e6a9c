"""What to evaluate: every option, its default and what goes together. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from gan_style.cli.arguments import argument, check_choices
from gan_style.errors import EvaluationError
from gan_style.evaluation.extractor import SMALLEST
from gan_style.pretrained import BASE

LEFT_OUT = "diverse"
"""A folder of this name among the others is no collection: it is of many hands."""


@dataclass(frozen=True)
class EvaluateConfig:
    """What to evaluate. The command line takes names, defaults and help from here.

    Raises:
        EvaluationError: options that are missing, not allowed or do not go together.
    """

    kind: str = argument(
        ...,
        "pairs: paintings after one style picture each; collection: after a whole collection",
        choices=("pairs", "collection"),
    )
    content: str = argument(..., "folder of the photos", metavar="CONTENT")
    reference: str = argument(
        ..., "folder of the style pictures, or the collection", metavar="STYLE|COLLECTION"
    )
    model: str = argument(
        "", f"paint with this run folder or model file; without --outputs, {BASE!r}, as shipped"
    )
    style: str = argument(
        "", "for collection, a code, name, picture or folder to paint in its place"
    )
    outputs: str = argument(
        "", "folder of any program's paintings: <content>__<style>.png, or <content>.png"
    )
    others: str = argument(
        "",
        "folder of collections to choose among, for named, hand and photo_rate; a folder "
        f"{LEFT_OUT} in it is left out",
    )
    photos: str = argument("", "folder of plain photos, for hand and photo_rate; else CONTENT")
    size: int = argument(288, "pixels of the squares compared")
    features: str = argument(
        "compact", "network that compares", choices=("compact", "vgg19", "vgg16")
    )
    feature_weights: str = argument("", "file with its weights; else its own", metavar="FILE")
    fid: str = argument(
        "", "add FID, with these weights of Inception; wants gan-style[fid]", metavar="FILE"
    )
    device: str = argument("auto", "where to run", choices=("auto", "cpu", "cuda", "mps"))
    json: str = argument("", "write the numbers here", metavar="FILE")
    sheet: str = argument("", "write a contact sheet here, .png or .jpg", metavar="FILE")
    log: bool = argument(
        False, "add numbers and contact sheet to the log of the run --model, when it is at rest"
    )

    def __post_init__(self) -> None:
        check_choices(self, EvaluationError)
        if self.model and self.outputs:
            raise EvaluationError("give --model or --outputs, not both: what paints, or paintings")
        if self.size < SMALLEST:
            raise EvaluationError(f"--size is {self.size}; allowed: at least {SMALLEST}")
        if self.sheet and not self.sheet.lower().endswith((".png", ".jpg", ".jpeg")):
            raise EvaluationError(f"--sheet is {self.sheet}; allowed: a name in .png or .jpg")
        for name in ("style", "others", "photos", "fid"):
            if self.kind == "pairs" and getattr(self, name):
                raise EvaluationError(f"--{name} is for collection, not for pairs")
        if self.photos and not self.others:
            raise EvaluationError("--photos is of use with --others only")
        if self.log and not (Path(self.model) / "config.yaml").is_file():
            raise EvaluationError(f"--log needs --model RUN, a run folder; it is {self.model!r}")
        if self.style and self.outputs:
            raise EvaluationError("--style says what --model paints; --outputs are painted already")
