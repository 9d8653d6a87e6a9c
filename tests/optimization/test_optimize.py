"""Style transfer by optimization: losses, optimizers, painting, memory, and its command."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import feature_weights
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gan_style import memory
from gan_style.cli.main import main
from gan_style.data.images import to_tensor
from gan_style.errors import ConfigError, DivergedError, PictureError, StyleError, TooLargeError
from gan_style.losses.statistics import gram_matrix
from gan_style.models.feature_maps import FeatureMaps
from gan_style.models.feature_networks import picture_features
from gan_style.networks import PICTURE_NETWORKS
from gan_style.optimization import optimize as optimization
from gan_style.optimization.config import LossRecord, OptimizeConfig
from gan_style.optimization.objective import (
    StyleTargets,
    luminance_of,
    match_luminance,
    seamless_maps,
)
from gan_style.optimization.optimize import Interrupted, optimize
from gan_style.optimization.solver import VECTORS, Descent

CPU = torch.device("cpu")
Capture = pytest.CaptureFixture[str]
OPTIMIZERS = ("lbfgs", "adam", "sgd")
QUICK = OptimizeConfig(evaluations=6, device="cpu")


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return smooth random colors."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def features() -> FeatureMaps:
    return picture_features("compact")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make photo.png, style.png, and the folder styles/ of two pictures and a broken one."""
    folder = tmp_path_factory.mktemp("optimize")
    picture(44, 36).save(folder / "photo.png")
    picture(40, 40, 1).save(folder / "style.png")
    (folder / "styles").mkdir()
    picture(40, 40, 1).save(folder / "styles" / "a.png")
    picture(40, 50, 2).save(folder / "styles" / "b.png")
    (folder / "styles" / "broken.png").write_text("no picture")
    return folder


# maps without a border


@pytest.mark.parametrize("height", [1, 2, 15, 16, 33])
def test_maps_cover_the_picture_whatever_its_size(features: FeatureMaps, height: int) -> None:
    maps = seamless_maps(features, torch.rand(1, 3, height, 37))
    sizes = {layer: tuple(values.shape[2:]) for layer, values in maps.items()}
    halved, quartered = math.ceil(height / 2), math.ceil(height / 4)
    assert sizes == {"relu1_1": (height, 37), "relu2_1": (halved, 19), "relu3_1": (quartered, 10)}


def test_a_plain_picture_has_no_border_in_its_maps(features: FeatureMaps) -> None:
    plain = torch.full((1, 3, 40, 44), 0.9)
    for values in seamless_maps(features, plain).values():
        assert (values.amax((2, 3)) - values.amin((2, 3))).max() < 1e-4
    spread = [v.amax((2, 3)) - v.amin((2, 3)) for v in features(plain).values()]
    assert min(s.max() for s in spread) > 0.05  # which the network alone does see


def test_inside_the_maps_are_the_network_s_own(features: FeatureMaps) -> None:
    pictures = to_tensor(picture(64, 64))[None]
    own, seamless = features(pictures), seamless_maps(features, pictures)
    for layer, edge in (("relu1_1", 12), ("relu2_1", 8), ("relu3_1", 4)):
        inside = (..., slice(edge, -edge), slice(edge, -edge))
        torch.testing.assert_close(
            seamless[layer][inside], own[layer][inside], rtol=1e-4, atol=1e-4
        )


# targets


def targets(
    features: FeatureMaps, styles: list[Image.Image] | list[Path], weights: list[float]
) -> dict[str, Tensor]:
    (found,) = StyleTargets(features, [64], None, CPU).mixed(
        list(zip(styles, weights, strict=True))
    )
    return found.gram


def test_styles_are_mixed_by_their_shares(features: FeatureMaps) -> None:
    styles = [picture(64, 64, 1), picture(64, 64, 2)]
    one, other = (targets(features, [style], [7.0]) for style in styles)
    mixed = targets(features, styles, [1.0, 3.0])
    for layer in one:
        torch.testing.assert_close(mixed[layer], one[layer] / 4 + other[layer] * 3 / 4)


def test_a_folder_is_the_mean_of_what_can_be_read(
    features: FeatureMaps, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = targets(features, [files / "styles"], [1.0])
    each = [files / "styles" / name for name in ("a.png", "b.png")]
    alone = targets(features, each, [1.0, 1.0])
    for layer in alone:
        torch.testing.assert_close(folder[layer], alone[layer])
    skipped, counted = caplog.messages
    assert skipped.startswith("skipped: ")
    assert "broken.png" in skipped
    assert "1 of 3 pictures" in counted


def test_a_style_is_scaled_to_the_painting(features: FeatureMaps) -> None:
    large = picture(256, 256, 1)
    small = large.resize((64, 64), Image.Resampling.LANCZOS, reducing_gap=3.0)
    expected = seamless_maps(features, to_tensor(small)[None])["relu2_1"]
    torch.testing.assert_close(targets(features, [large], [1.0])["relu2_1"], gram_matrix(expected))


@pytest.mark.parametrize("name", ["missing.png", "styles/broken.png"])
def test_a_style_that_cannot_be_read_is_refused(files: Path, name: str) -> None:
    with pytest.raises(PictureError, match=Path(name).name):
        optimize(picture(40, 40), files / name, QUICK)


def test_a_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no pictures in folder"):
        optimize(picture(40, 40), tmp_path, QUICK)
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(PictureError, match="not one of its 2 pictures"):
        optimize(picture(40, 40), tmp_path, QUICK)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [math.nan, 1.0]])
def test_weights_that_do_not_fit_the_styles_are_refused(weights: list[float]) -> None:
    with pytest.raises(StyleError, match="weights"):
        optimize(picture(40, 40), [picture(40, 40), picture(40, 40)], QUICK, weights=weights)


def test_no_style_is_refused() -> None:
    with pytest.raises(StyleError, match="no style"):
        optimize(picture(40, 40), [], QUICK)


def test_luminance_is_matched() -> None:
    gray = match_luminance(to_tensor(picture(64, 64, 1))[None], (0.5, 0.05))
    assert luminance_of(gray) == pytest.approx((0.5, 0.05), abs=1e-4)
    assert torch.equal(gray[:, 0], gray[:, 2])


# descent


def bowl(pixels: Tensor) -> Tensor:
    """Take its least value, 0, where the pixels are 0.25."""
    slopes = torch.arange(1, 13).view(1, 3, 2, 2)
    return (slopes * (pixels - 0.25).square()).mean()


@pytest.mark.parametrize(("optimizer", "near"), [("lbfgs", 1e-3), ("adam", 0.05), ("sgd", 0.05)])
def test_descent_finds_the_lowest_point(optimizer: str, near: float) -> None:
    best = Descent(bowl, torch.zeros(1, 3, 2, 2)).run(optimizer, 40)
    assert (best - 0.25).abs().max() < near


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("allowed", [1, 2, 7])
def test_evaluations_are_counted_and_the_best_is_kept(optimizer: str, allowed: int) -> None:
    seen: list[tuple[float, Tensor]] = []

    def hills(pixels: Tensor) -> Tensor:
        loss = (pixels * 3).sin().mean() + pixels.square().mean()
        seen.append((loss.item(), pixels.detach().clone()))
        return loss

    best = Descent(hills, torch.ones(1, 3, 2, 2)).run(optimizer, allowed)
    assert len(seen) == allowed
    assert torch.equal(best, min(seen, key=lambda pair: pair[0])[1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_tiny_gradients_of_large_pictures_are_followed(optimizer: str) -> None:
    start = torch.zeros(1, 3, 200, 200)
    best = Descent(lambda pixels: (pixels - 0.25).square().mean(), start).run(optimizer, 30)
    assert (best - 0.25).square().mean() < 0.01


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_was_best_before_a_loss_broke_is_kept(optimizer: str) -> None:
    losses = iter([1.0, 0.5])

    def breaking(pixels: Tensor) -> Tensor:
        return pixels.mean() * 0 + pixels.sum() * 0.1 + next(losses, math.nan)

    best = Descent(breaking, torch.zeros(1, 3, 2, 2)).run(optimizer, 9)
    assert best.isfinite().all()
    with pytest.raises(DivergedError, match="nan"):
        Descent(lambda pixels: pixels.mean() * math.nan, best).run(optimizer, 9)


# painting


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_painting_comes_nearer_to_its_style(optimizer: str) -> None:
    settings = replace(QUICK, optimizer=optimizer, evaluations=12)
    painted, history = optimize(picture(44, 36), picture(40, 40, 1), settings)
    assert painted.size == (44, 36)
    assert [row.evaluation for row in history] == list(range(1, 13))
    assert min(row.gram for row in history) < 0.5 * history[0].gram
    assert history[0].content < 1e-9  # it begins with the photo


def test_the_total_is_the_weighted_sum() -> None:
    settings = replace(QUICK, content_weight=2.0, style_weight=5.0, tv_weight=0.5)
    _, history = optimize(picture(44, 36), picture(40, 40, 1), settings)
    for row in history:
        parts = (
            2 * row.content
            + 5 * row.gram
            + 0.5 * row.tv
            + settings.loss_weights()["range"] * row.range
        )
        assert row.total == pytest.approx(parts, rel=1e-5)


def test_a_picture_in_its_own_style_stays_itself() -> None:
    photo = picture(64, 64)
    painted, history = optimize(photo, photo, replace(QUICK, tv_weight=0.0))
    assert history[0].total < 1e-6
    assert np.abs(np.asarray(painted, int) - np.asarray(photo)).max() <= 1


def test_from_coarse_to_fine() -> None:
    settings = replace(QUICK, size=256, evaluations=5)
    painted, history = optimize(picture(60, 50), picture(50, 50, 1), settings)
    assert painted.size == (307, 256)
    assert [(row.width, row.height) for row in history] == [(154, 128)] * 2 + [(307, 256)] * 3
    _, history = optimize(picture(60, 50), picture(50, 50, 1), replace(settings, scales=1))
    assert {row.height for row in history} == {256}


def test_noise_is_the_same_for_the_same_seed() -> None:
    def painted(seed: int) -> bytes:
        settings = replace(QUICK, start="noise", seed=seed, evaluations=2)
        return optimize(picture(44, 36), picture(40, 40, 1), settings)[0].tobytes()

    assert painted(3) == painted(3) != painted(4)


def test_a_picture_to_start_from(tmp_path: Path) -> None:
    picture(88, 72, 1).save(tmp_path / "begun.png")
    settings = replace(QUICK, start=str(tmp_path / "begun.png"), evaluations=1)
    painted, _ = optimize(picture(44, 36), picture(40, 40, 1), settings)
    begun = picture(88, 72, 1).resize((44, 36), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(painted, int) - np.asarray(begun)).max() <= 2
    with pytest.raises(PictureError, match="proportions, 36x44"):
        optimize(picture(36, 44), picture(40, 40, 1), settings)
    with pytest.raises(PictureError, match="no such file"):
        optimize(picture(44, 36), picture(40, 40), replace(QUICK, start="contant"))


def test_keep_color_changes_luminance_only() -> None:
    photo = Image.blend(picture(64, 64), Image.new("RGB", (64, 64), "gray"), 0.7)
    settings = replace(QUICK, keep_color=True, evaluations=15)
    painted, _ = optimize(photo, picture(64, 64, 1), settings)
    before, after = (np.asarray(p.convert("YCbCr"), int) for p in (photo, painted))
    assert np.abs(before - after)[..., 1:].max() <= 2
    assert np.abs(before - after)[..., 0].mean() > 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (300, 2), (5, 7)])
def test_any_size_is_painted(size: tuple[int, int]) -> None:
    settings = replace(QUICK, evaluations=12)
    painted, history = optimize(picture(*size), picture(40, 40, 1), settings)
    assert painted.size == size
    assert min(row.total for row in history) < history[0].total


@pytest.mark.parametrize("mode", ["L", "1", "RGBA", "P"])
def test_pictures_of_any_mode_are_painted(mode: str) -> None:
    photo, plain = picture(44, 36).convert(mode), Image.new(mode, (40, 40))
    for content, style in ((photo, plain), (plain, photo)):
        painted, history = optimize(content, style, QUICK)
        assert (painted.mode, painted.size) == ("RGB", content.size)
        assert min(row.total for row in history) < history[0].total


@pytest.mark.parametrize("name", feature_weights.NAMES)
def test_every_feature_network_paints(name: str, tmp_path: Path) -> None:
    weights = feature_weights.write_random_weights(name, tmp_path)
    config = replace(QUICK, features=name, feature_weights=weights, evaluations=12)
    painted, history = optimize(picture(44, 36), picture(40, 40, 1), config)
    assert painted.size == (44, 36)
    assert history[0].content < 1e-9  # it starts from the photo
    assert min(row.gram for row in history) < 0.8 * history[0].gram
    network = picture_features(name, weights)
    maps = seamless_maps(network, torch.rand(1, 3, 33, 50))
    for layer, stride in network.strides.items():
        assert maps[layer].shape[2:] == (math.ceil(33 / stride), math.ceil(50 / stride))
    plain = torch.full((1, 3, 40, 44), 0.9)
    for layer, values in seamless_maps(network, plain).items():  # no padding is in the maps
        spread = values.amax((2, 3)) - values.amin((2, 3))
        assert spread.max() < 1e-3 * values.abs().max(), layer


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"evaluations": 0},
        {"scales": -1},
        {"features": "vgg"},
        {"optimizer": "rmsprop"},
        {"device": "tpu"},
        {"content_weight": -1.0},
        {"style_weight": math.inf},
        {"tv_weight": math.nan},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, object]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} is .*{value}.*; "):
        OptimizeConfig(**wrong)  # type: ignore[arg-type]


# memory


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    return lambda bytes_: monkeypatch.setattr(memory, "free_memory", lambda device: int(bytes_))


def test_an_enormous_photo_is_refused_before_it_is_decoded(
    tmp_path: Path, free: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (12000, 9000)).save(tmp_path / "huge.png")
    monkeypatch.setattr(optimization, "open_picture", lambda *_: pytest.fail("it was decoded"))
    free(8e9)
    with pytest.raises(TooLargeError, match="12000x9000 px") as refused:
        optimize(tmp_path / "huge.png", picture(40, 40), QUICK)
    fitting = int(str(refused.value).split("size ")[1].split()[0])
    assert 1000 < fitting < 9000
    for size, refusal in ((fitting, "decoded"), (fitting + 20, "GB are free")):
        with pytest.raises((TooLargeError, pytest.fail.Exception), match=refusal):
            optimize(tmp_path / "huge.png", picture(40, 40), replace(QUICK, size=size))


def test_adam_fits_where_lbfgs_does_not(free: Callable[[float], None]) -> None:
    few = (VECTORS["lbfgs"] + VECTORS["adam"]) / 2 * optimization._VECTOR
    free(optimization._OVERHEAD + 40 * 40 * (PICTURE_NETWORKS["compact"].bytes_per_pixel + few))
    with pytest.raises(TooLargeError):
        optimize(picture(40, 40), picture(40, 40), QUICK)
    optimize(picture(40, 40), picture(40, 40), replace(QUICK, optimizer="adam", evaluations=1))


def test_no_size_fits_into_nothing(free: Callable[[float], None]) -> None:
    free(1000)
    with pytest.raises(TooLargeError, match="no size would fit"):
        optimize(picture(40, 40), picture(40, 40), QUICK)


# Ctrl-C and the command


def test_ctrl_c_gives_the_best_so_far_at_full_size() -> None:
    def stop(row: LossRecord, show: Callable[[], Image.Image]) -> None:
        if row.evaluation == 4:
            raise KeyboardInterrupt

    settings = replace(QUICK, size=256, evaluations=40)
    with pytest.raises(Interrupted) as stopped:
        optimize(picture(60, 50), picture(50, 50, 1), settings, progress=stop)
    assert len(stopped.value.history) == 4
    assert stopped.value.picture.size == (307, 256)


def command(files: Path, output: Path, *more: str) -> list[str]:
    words = ["optimize", str(files / "photo.png"), "--style", str(files / "style.png")]
    return [*words, "-o", str(output), "--evaluations", "4", "--device", "cpu", *more]


def test_the_command_paints_and_keeps_the_curve(
    files: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "new" / "out.png"
    words = ["--style", str(files / "styles"), "--weights", "1,2", "--size", "40"]
    assert main(command(files, output, *words)) == 0
    assert Image.open(output).size == (49, 40)
    kept = json.loads(output.with_suffix(".json").read_text())
    assert [row["evaluation"] for row in kept["history"]] == [1, 2, 3, 4]
    assert kept["settings"]["size"] == 40
    assert kept["weights"] == [1, 2]
    assert sorted(path.name for path in output.parent.iterdir()) == ["out.json", "out.png"]
    printed = capsys.readouterr()
    assert "1 of 3 pictures" in printed.out + printed.err
    assert main(command(files, output)) == 2
    assert "--force" in capsys.readouterr().err
    assert main(command(files, output, "--force", "--optimizer", "adam", "--keep-color")) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--weights", "1,2"], "2 weights for 1 styles"),
        (["--evaluations", "0"], "evaluations is 0"),
        (["--style", "missing.png"], "missing.png"),
        (["--start", "missing.png"], "missing.png"),
        (["--feature-weights", "missing.pth"], "missing.pth"),
        (["-o", "out.gif"], "out.gif: pictures are written as .png"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    files: Path, tmp_path: Path, capsys: Capture, more: list[str], message: str
) -> None:
    assert main(command(files, tmp_path / "out.png", *more)) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_the_best_picture_and_the_curve(
    files: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms, seen = optimization.Objective.terms, []

    def interrupted(self: optimization.Objective, painting: Tensor) -> dict[str, Tensor]:
        seen.append(painting)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return terms(self, painting)

    monkeypatch.setattr(optimization.Objective, "terms", interrupted)
    assert main(command(files, tmp_path / "out.png", "--evaluations", "50")) == 130
    assert "after 3 evaluations" in capsys.readouterr().out
    assert Image.open(tmp_path / "out.png").size == (44, 36)
    assert len(json.loads((tmp_path / "out.json").read_text())["history"]) == 3


def test_the_file_is_rewritten_as_the_painting_goes(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Path] = []
    monkeypatch.setattr(optimization, "save_picture", lambda image, path: saved.append(path))
    monkeypatch.setattr(optimization, "PREVIEW_EVERY", 3)
    assert main(command(files, tmp_path / "out.png", "--evaluations", "7")) == 0
    assert saved == [tmp_path / "out.png"] * 4  # at 1, 4 and 7, and at the end


def test_a_first_step_too_far_does_not_overflow_on_large_pictures() -> None:
    """The line search squares slopes: at 1024 px they overflowed, and the photo was the result."""
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(1, 3, 1024, 1024, generator=generator)
    target = start + 0.05 * torch.randn(start.shape, generator=generator)
    seen: list[float] = []

    def loss(pixels: torch.Tensor) -> torch.Tensor:
        away = pixels - target
        steep = (away.mean((2, 3)) - 0.001).square().sum()
        value = 1e3 * away.square().mean() + 3e6 * steep
        seen.append(value.item())
        return value

    Descent(loss, start).run("lbfgs", 4)
    assert seen[1] > seen[0]  # too far
    assert len(seen) == 4
    assert min(seen) < 0.5 * seen[0]
