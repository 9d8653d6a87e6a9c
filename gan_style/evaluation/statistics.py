"""What is kept of a picture of a collection, and of a painting, to compare the two sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from gan_style.evaluation import metrics
from gan_style.evaluation.artifacts import edge_ringing, plain_energy
from gan_style.evaluation.extractor import FeatureExtractor, Features
from gan_style.evaluation.memorization import gray_square
from gan_style.evaluation.outputs import Output


class Statistics(NamedTuple):
    """Numbers of one picture; D of a signature.

    signature: (1, D). cells: (1, 9, D), for the two-sample test. gray_square: (1, 288, 288), for
    copies. energy: of plain regions. ringing: of contours; None where there are none.
    """

    signature: Tensor
    cells: Tensor
    gray_square: Tensor
    energy: float
    ringing: float | None

    @classmethod
    def measure(
        cls, picture: Image.Image, square: Tensor, features: Features, guide: Tensor
    ) -> "Statistics":
        """Measure a picture, whose plain regions and contours are those of `guide`."""
        artifacts = plain_energy(square, guide), edge_ringing(square, guide)
        return cls(*features, gray_square(picture), *artifacts)


@dataclass(frozen=True)
class Painting:
    """A painting that has been read.

    distances: `content` and `ssim`, from its photo. patches: (0 to 9, D), for the classifier; None
    if nothing needs them.
    """

    name: str
    distances: Mapping[str, float]
    statistics: Statistics
    patches: Tensor | None


def read_painting(
    extractor: FeatureExtractor, output: Output, *, patches: bool
) -> tuple[Painting, Tensor, Tensor]:
    """Read a painting and its photo; the photo only once if paintings of one come together.

    Returns:
        The painting, and the squares of photo and painting: (3, size, size).

    Raises:
        PictureError: one of them cannot be read.
    """
    picture, photo = output.get(), extractor.photo(output.content)
    square = extractor.square(picture)
    maps = extractor.maps(square)
    distances = {
        "content": metrics.content_distance(extractor.content_map(maps), photo.content_map),
        "ssim": metrics.structural_similarity(square[None], photo.square[None]),
    }
    painting = Painting(
        output.name,
        distances,
        Statistics.measure(picture, square, extractor.features_of_maps(maps), photo.square),
        extractor.patch_signatures(picture) if patches else None,
    )
    return painting, photo.square, square
