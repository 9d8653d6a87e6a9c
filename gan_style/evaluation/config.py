"""What to evaluate: every option, its default, and which go together."""

from dataclasses import dataclass

from gan_style.errors import EvaluationError
from gan_style.networks import PICTURE_NETWORKS
from gan_style.options import Section, device_option, option
from gan_style.sizes import READING_SIDE

LEFT_OUT = "diverse"
"""A folder of this name among the others is no collection: it holds pictures by many artists."""
SMALLEST = 64
"""Smallest side in pixels at which pictures are compared."""


@dataclass(frozen=True)
class Comparison(Section):
    """What to compare with what, at any size.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
        EvaluationError: options that are missing or do not go together.
    """

    kind: str = option(choices=("pairs", "collection"), positional=True)
    """pairs: paintings in the style of one picture each; collection: in that of a collection."""
    content: str = option(positional=True)
    """Folder of the photos."""
    reference: str = option(positional=True, metavar="STYLES|COLLECTION")
    """Folder of the style pictures, or of the collection."""
    model: str | None = option(None, metavar="MODEL")
    """Paint with this run folder or model file; the shipped model if not given."""
    style: str | None = option(None, metavar="STYLE")
    """For a collection: a code, name, picture or folder to paint in its place."""
    outputs: str | None = option(None, metavar="FOLDER")
    """Score the paintings of any program: <content>__<style>.png, or <content>.png."""
    others: str | None = option(None, metavar="FOLDER")
    """Folder of collections to choose among, for centroid_accuracy, deception_rate and
    photo_rate; a folder `diverse` in it is left out."""
    photos: str | None = option(None, metavar="FOLDER")
    """Folder of plain photos, for deception_rate and photo_rate; those painted if not given."""
    features: str = option("compact", choices=PICTURE_NETWORKS)
    """Network whose maps are compared."""
    feature_weights: str | None = option(None, metavar="FILE")
    """File with its weights; what is shipped, or torchvision's download, if not given."""
    fid: str | None = option(None, metavar="FILE")
    """Add FID, with these weights of Inception; needs the extra `fid`."""
    device: str = device_option()
    """Where to run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        label = type(self).label
        if self.model and self.outputs:
            both = f"{label('model')} or {label('outputs')}"
            raise EvaluationError(f"give {both}, not both: what paints, or paintings")
        for name in ("style", "others", "photos", "fid"):
            if self.kind == "pairs" and getattr(self, name):
                raise EvaluationError(f"{label(name)} is for a collection, not for pairs")
        if self.photos and not self.others:
            raise EvaluationError(f"{label('photos')} is of use with {label('others')} only")
        if self.style and self.outputs:
            painted = f"those of {label('outputs')} are painted already"
            raise EvaluationError(f"{label('style')} says what the model paints; {painted}")


@dataclass(frozen=True)
class EvaluateConfig(Comparison):
    """What to compare with what, at one size.

    Raises:
        ConfigError: a value that is not allowed, naming it and what is.
        EvaluationError: options that are missing or do not go together.
    """

    size: int = option(READING_SIDE, at_least=SMALLEST, metavar="PIXELS")
    """Side of the squares that are compared, and short side at which a model paints."""
