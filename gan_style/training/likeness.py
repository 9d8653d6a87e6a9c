"""Likeness: whether a trained model's paintings are more like the collection than the base model's.

Stroke and style errors say little here: the base model is near their minimum before it is trained.
So a classifier (`evaluation.deception`) is taught gray patches of three classes, the collection's
pictures, photos, and paintings of photos by the base model, and is asked about paintings of other
photos: the differences between the base model's hand and the artist's are what it has learned.

Log-odds are those of the collection against both other classes. Against the base model alone, a
photo, a blurred painting and one that is half photo all came out as nearer to the collection.

Shapes: n patches, D numbers of a signature, P photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from gan_style.data.images import evenly
from gan_style.evaluation.deception import PatchClassifier, patch_signatures
from gan_style.models.feature_networks import picture_features
from gan_style.stylizer import Stylizer
from gan_style.training.comparison import ComparedStyle, reduced_photos
from gan_style.training.copying import readable

_PHOTOS = 16  # that are painted
_PICTURES = 40  # of a style
_FEWEST = 4  # photos, and pictures of a style: halves of fewer say nothing
_EVEN, _ODD = slice(0, None, 2), slice(1, None, 2)
_OWN, _PHOTO, _BASE = range(3)  # classes

_ByPicture: TypeAlias = list[Tensor]  # signatures (n, D) or logits (n, 3) of each


@dataclass(frozen=True)
class Likeness:
    """Whose patches a classifier takes paintings for that it has not seen.

    base, mine: shares of patches of the two models' paintings taken for the collection's.
    own: the same of the collection's own pictures: no model can be expected to have more.
    difference: of the log-odds of the collection, mine less base: the mean over photos.
    standard_error: of `difference`, over photos.
    """

    base: float
    mine: float
    own: float
    difference: float
    standard_error: float

    @property
    def deviations(self) -> float:
        """The difference in standard errors; 0 where there is no difference."""
        if self.difference == 0:
            return 0.0
        return self.difference / max(self.standard_error, 1e-9)


def measure_likeness(
    base: Stylizer, mine: Stylizer, photos: Sequence[Path], styles: Sequence[ComparedStyle]
) -> Likeness | None:
    """Paint photos with two models, and see whose patches are taken for the collection's.

    In two folds: half of the photos, of their paintings by `base` and of the collection's pictures
    teach the classifier, which is asked about the other half. So all of them count once. Several
    styles have a classifier each, and are counted together.

    Args:
        base: the model that training began with.
        mine: the trained one.
        photos: of which up to 16 are painted.
        styles: of each of which up to 40 pictures are used.

    Returns:
        None if there are fewer than 4 photos, if no style has 4 pictures, or if all is plain.
    """
    small = reduced_photos(photos, _PHOTOS)
    if len(small) < _FEWEST:
        return None
    features = picture_features("compact").to(mine.device)
    look = partial(patch_signatures, features, device=mine.device)
    plain = [look(photo) for photo in small]
    answers = []
    for style in styles:
        pictures = [look(each) for each in readable(evenly(style.style.paths, _PICTURES))]
        if len(pictures) >= _FEWEST:
            paintings = (
                [look(stylizer.stylize(photo, code)) for photo in small]
                for stylizer, code in ((base, style.base), (mine, style.mine))
            )
            answers.append(_ask(pictures, plain, *paintings))
    return _likeness([each for each in answers if each is not None])


class _Answers(NamedTuple):
    """Logits (n, 3) of each painting, by photo, and of each of a style's own pictures."""

    base: _ByPicture
    mine: _ByPicture
    own: _ByPicture

    def differences(self) -> Tensor:
        """(P,): mean log-odds of the collection, mine less base; nan where there is no patch."""
        base, mine = (
            torch.stack([_log_odds(logits).mean() for logits in paintings])
            for paintings in (self.base, self.mine)
        )
        return mine - base


def _log_odds(logits: Tensor) -> Tensor:
    """Of the collection against photos and the base model together: (n, 3) -> (n,)."""
    return logits[:, _OWN] - logits[:, [_PHOTO, _BASE]].logsumexp(1)


def _ask(
    own: _ByPicture, photos: _ByPicture, base: _ByPicture, mine: _ByPicture
) -> _Answers | None:
    """Two folds; None if there is a class to learn of which there are only plain patches."""
    groups = base, mine, own
    answers: list[_ByPicture] = [[*group] for group in groups]  # each is replaced in one fold
    for taught, asked in ((_EVEN, _ODD), (_ODD, _EVEN)):
        classes = [torch.cat(group[taught]) for group in (own, photos, base)]
        if not all(len(patches) for patches in classes):
            return None
        classifier = PatchClassifier(classes)
        for group, answer in zip(groups, answers, strict=True):
            answer[asked] = [classifier.logits(patches) for patches in group[asked]]
    return _Answers(*answers)


def _likeness(answers: Sequence[_Answers]) -> Likeness | None:
    """Of all styles together; a photo's difference is the mean over styles."""
    if not answers:
        return None
    base, mine, own = (
        torch.cat([logits.argmax(1) == _OWN for style in styles for logits in style])
        .double()
        .mean()
        .item()
        for styles in zip(*answers, strict=True)
    )
    by_photo = torch.stack([each.differences() for each in answers]).nanmean(0)
    known = by_photo[~by_photo.isnan()].double()
    if len(known) < _FEWEST:
        return None
    error = known.std() / len(known) ** 0.5
    return Likeness(base, mine, own, known.mean().item(), error.item())
