"""What the generator is given in place of the photos."""

from dataclasses import replace

import pytest
import torch

from gan_style.data.dataset import Batch
from gan_style.training.content import degraded_content, flattened_content


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(count: int = 8) -> Batch:
    content = torch.rand(count, 3, 32, 32, generator=rng())
    return Batch(content, content[:, None], torch.arange(count))


def changed(batch: Batch, pictures: torch.Tensor) -> list[int]:
    pairs = zip(batch.content, pictures, strict=True)
    return [place for place, (before, after) in enumerate(pairs) if not torch.equal(before, after)]


def test_nothing_is_changed_and_nothing_drawn_unless_it_is_asked_for() -> None:
    batch, numbers = batch_of(), rng()
    pictures, noisy = degraded_content(batch, 0.0, numbers)
    assert pictures is batch.content
    assert noisy.tolist() == []
    assert torch.equal(numbers.get_state(), rng().get_state())


def test_destylized_pictures_are_changed_and_no_other() -> None:
    batch = replace(batch_of(), destylized=(2, 3, 7))
    before = batch.content.clone()
    pictures, noisy = degraded_content(batch, 0.0, rng())
    assert changed(batch, pictures) == [2, 3, 7]
    assert noisy.tolist() == []
    assert torch.equal(batch.content, before)  # what the paintings are to be


@pytest.mark.parametrize(("share", "count"), [(0.25, 2), (0.5, 4), (1.0, 8), (0.01, 1)])
def test_a_share_of_the_photos_gets_noise(share: float, count: int) -> None:
    batch = batch_of()
    pictures, noisy = degraded_content(batch, share, rng())
    assert sorted(noisy.tolist()) == changed(batch, pictures)
    assert len(noisy) == count
    assert (pictures - batch.content).abs().max() < 0.1


def test_noise_is_in_photos_alone_and_in_all_of_them_in_turn() -> None:
    batch = replace(batch_of(), destylized=(0, 1, 2, 3))
    found = [degraded_content(batch, 0.25, rng(seed))[1].tolist() for seed in range(40)]
    assert all(len(noisy) == 2 for noisy in found)
    assert {place for noisy in found for place in noisy} == {4, 5, 6, 7}


def test_detail_comes_from_the_photos_that_are_replaced() -> None:
    """Where those are plain none comes; what else is drawn is the same."""
    batch = replace(batch_of(), destylized=(0, 1, 2, 3))
    photos = 0.4 + 0.2 * torch.rand(4, 3, 32, 32, generator=rng(7))
    plain = torch.full_like(photos, 0.5)
    lively, calm, without = (
        degraded_content(replace(batch, replaced=replaced), 0.0, rng(1))[0]
        for replaced in (photos, plain, None)
    )
    assert (lively[:4] - calm[:4]).abs().mean() > 0.01
    torch.testing.assert_close(calm, without, atol=1e-4, rtol=0)


def test_where_there_are_no_photos_there_is_no_noise() -> None:
    batch = replace(batch_of(2), destylized=(0, 1))
    pictures, noisy = degraded_content(batch, 0.25, rng())
    assert changed(batch, pictures) == [0, 1]
    assert noisy.tolist() == []


def test_it_follows_from_the_generator_alone() -> None:
    batch = replace(batch_of(), destylized=(1,))
    first, noisy = degraded_content(batch, 0.5, rng(1))
    torch.rand(2)
    again, also_noisy = degraded_content(batch, 0.5, rng(1))
    assert torch.equal(first, again)
    assert torch.equal(noisy, also_noisy)
    other, _ = degraded_content(batch, 0.5, rng(2))
    assert not torch.equal(first, other)


# what content is compared with


def test_shading_and_texture_of_photos_are_smoothed_and_edges_stay() -> None:
    photo = torch.full((2, 3, 32, 32), 0.2)
    photo[..., 16:] = 0.8
    photo += 0.05 * torch.rand(photo.shape, generator=rng())
    batch = replace(batch_of(2), content=photo)
    found = flattened_content(batch, 0.01)
    inside = (slice(None), slice(None), slice(6, 26), slice(4, 10))
    assert found[inside].std() < 0.4 * photo[inside].std()
    assert found[..., 17].mean() - found[..., 14].mean() > 0.5
    assert flattened_content(batch, 0.0) is batch.content


def test_pictures_of_the_style_are_not_flattened() -> None:
    batch = replace(batch_of(), destylized=(1, 4))
    found = flattened_content(batch, 0.01)
    assert changed(batch, found) == [0, 2, 3, 5, 6, 7]
