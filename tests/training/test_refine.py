"""The code moves towards the collection's statistics; the model does not move."""

from pathlib import Path

import pytest
import torch

from gan_style import Stylizer
from gan_style.config import config_from_dict
from gan_style.data.images import find_pictures
from gan_style.errors import PictureError
from gan_style.training.refine import refine

SMALL = config_from_dict(
    {
        "data": {"size": 48, "crop": 40},
        "train": {"batch_size": 2},
        "losses": {"content": 0.0, "stroke": 0.0},
    }
)


def test_a_code_moves_and_the_model_does_not(stylizer: Stylizer, collection: Path) -> None:
    pictures = find_pictures(collection / "styles" / "ink")
    photos = find_pictures(collection / "photos")
    code = stylizer.encode(pictures, "ink")
    before = {name: value.clone() for name, value in stylizer.model.state_dict().items()}
    shares: list[float] = []
    found = refine(stylizer, code, pictures, photos, 0.5, SMALL, shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert not torch.equal(found.mean, code.mean)
    assert torch.equal(found.spread, code.spread)
    assert (found.name, found.model, found.count) == ("ink", stylizer.id, 3)
    after = stylizer.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    stylizer.stylize(photos[0], found)  # it is a code of this model


def test_the_code_stays_a_weighted_mean_of_the_pictures_codes(
    stylizer: Stylizer, collection: Path
) -> None:
    pictures = find_pictures(collection / "styles" / "ink")
    singles = torch.stack([stylizer.encode(path).mean for path in pictures])  # (n, R, d)
    refined = refine(stylizer, stylizer.encode(pictures), pictures, pictures, 0.5, SMALL)
    codes, found = singles.flatten(1), refined.mean.flatten()  # the same weights at every side
    with_ones = torch.cat([codes.T, torch.ones(1, len(codes))])
    wanted = torch.cat([found, torch.ones(1)])
    weights = torch.linalg.lstsq(with_ones, wanted[:, None], driver="gelsd").solution[:, 0]
    torch.testing.assert_close(weights @ codes, found, atol=1e-4, rtol=1e-3)
    assert (weights > 0).all()
    assert (weights - 1 / len(codes)).abs().max() > 1e-3


def test_one_step_is_made_however_short_the_time(stylizer: Stylizer, collection: Path) -> None:
    pictures = find_pictures(collection / "styles" / "ink")
    code = stylizer.encode(pictures)
    found = refine(stylizer, code, pictures, pictures, 1e-9, SMALL)
    assert 0 < (found.mean - code.mean).abs().max() < 0.1 * code.mean.abs().max() + 0.1


def test_what_cannot_be_read_is_left_out(
    stylizer: Stylizer, collection: Path, tmp_path: Path
) -> None:
    pictures = find_pictures(collection / "styles" / "ink")
    code = stylizer.encode(pictures)
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    refine(stylizer, code, [bad, *pictures], pictures, 1e-9, SMALL)
    with pytest.raises(PictureError, match=r"0 of 1 pictures and 3 of 3 photos can be read"):
        refine(stylizer, code, [bad], pictures, 1e-9, SMALL)
    with pytest.raises(ValueError, match=r"seconds is 0; allowed: above 0"):
        refine(stylizer, code, pictures, pictures, 0, SMALL)
