"""Bringing a small painting up to the size of the photo."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_style.color import to_gray
from gan_style.painting.enlargement import Enlargement


def reduced(photo: Tensor, times: int) -> Tensor:
    return F.avg_pool2d(photo, times)


def edge(height: int = 96, width: int = 120) -> Tensor:
    """Dark on the left, light on the right."""
    picture = torch.full((1, 3, height, width), 0.2)
    picture[..., width // 2 + 1 :] = 0.8
    return picture


def enlarged(photo: Tensor, painted: Tensor, times: int) -> Tensor:
    return Enlargement(reduced(photo, times), painted, photo.shape[2:]).whole(photo)


def test_parts_are_those_of_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    photo, painted = torch.rand(1, 3, 77, 64, generator=generator), torch.rand(1, 3, 19, 16)
    enlargement = Enlargement(F.interpolate(photo, (19, 16)), painted, (77, 64))
    whole = enlargement.whole(photo)
    assert whole.shape == photo.shape
    assert (whole >= 0).all()
    assert (whole <= 1).all()
    for part in (slice(0, 1), slice(5, 40), slice(60, 77)):
        rows = enlargement.rows(part, photo[:, :, part])
        torch.testing.assert_close(rows, whole[:, :, part], atol=1e-5, rtol=0)


def test_a_painting_that_is_the_photo_gives_the_photo() -> None:
    """Nothing of an edge is lost where the painting follows it."""
    photo = edge()
    exact = enlarged(photo, reduced(photo, 4), 4)
    blurred = F.interpolate(reduced(photo, 4), photo.shape[2:], mode="bicubic")
    assert (exact - photo).abs().max() < 0.1 * (blurred - photo).abs().max()


def test_edges_are_the_photos_in_the_paintings_colors() -> None:
    photo = edge()
    painted = torch.cat([1 - reduced(photo, 4)[:, :1], reduced(photo, 4)[:, 1:] * 0.5], dim=1)
    result = enlarged(photo, painted, 4)[0, :, 48]
    middle = photo.shape[3] // 2
    assert result[0, middle].item() == pytest.approx(0.8, abs=0.05)  # dark is light in its red
    assert result[0, middle + 1].item() == pytest.approx(0.2, abs=0.05)
    assert result[1, middle].item() == pytest.approx(0.1, abs=0.03)
    assert result[1, middle + 1].item() == pytest.approx(0.4, abs=0.03)


def test_what_is_no_function_of_the_photo_is_kept() -> None:
    """Strokes on a plain ground are enlarged as they are."""
    photo = torch.full((1, 3, 64, 64), 0.5)
    strokes = (torch.arange(16) % 4 < 2).float().expand(1, 3, 16, 16).contiguous()
    expected = F.interpolate(strokes, (64, 64), mode="bicubic").clamp(0, 1)
    torch.testing.assert_close(enlarged(photo, strokes, 4), expected, atol=1e-5, rtol=0)


def test_noise_of_the_photo_is_not_made_larger() -> None:
    generator = torch.Generator().manual_seed(0)
    photo = 0.5 + 0.02 * torch.randn(1, 3, 128, 128, generator=generator)
    painted = torch.rand(1, 3, 32, 32, generator=generator)
    smooth = F.interpolate(painted, (128, 128), mode="bicubic").clamp(0, 1)
    added = (enlarged(photo, painted, 4) - smooth).std()
    assert added <= 2 * to_gray(photo).std()
