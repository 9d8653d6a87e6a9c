import torch

from gan_style.color import recolor


def colors(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.movedim(1, -1).reshape(-1, 3).double()


def test_mean_and_covariance_become_those_of_the_palette() -> None:
    random = torch.Generator().manual_seed(0)
    mix = torch.tensor([[0.2, 0.1, 0.0], [0.0, 0.15, 0.1], [0.05, 0.0, 0.1]])
    noise = torch.randn(2, 32, 32, 3, generator=random).clamp(-2, 2)
    pictures = (noise @ mix * 0.5 + 0.5).movedim(-1, 1)
    palette = (torch.rand(1, 3, 20, 20, generator=random) - 0.5) * 0.4 + torch.tensor(
        [0.5, 0.4, 0.6]
    ).reshape(1, 3, 1, 1)
    found = colors(recolor(pictures, palette))
    wanted = colors(palette)
    torch.testing.assert_close(found.mean(0), wanted.mean(0), atol=5e-3, rtol=0)
    torch.testing.assert_close(torch.cov(found.T), torch.cov(wanted.T), atol=4e-3, rtol=0)


def test_its_own_palette_changes_nothing_and_places_stay() -> None:
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(recolor(picture, picture), picture, atol=1e-4, rtol=0)
    other = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    mirrored = recolor(picture.flip(-1), other).flip(-1)
    torch.testing.assert_close(mirrored, recolor(picture, other), atol=1e-5, rtol=0)


def test_grays_are_not_blown_up() -> None:
    """A nearly gray picture with a little noise stays calm in a colorful palette."""
    random = torch.Generator().manual_seed(3)
    gray = 0.5 + 0.004 * torch.randn(1, 3, 32, 32, generator=random)
    found = recolor(gray, torch.rand(1, 3, 32, 32, generator=random))
    assert float(found.std()) < 0.1
    assert torch.isfinite(recolor(torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8))).all()
