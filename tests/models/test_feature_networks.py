from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import vgg

import gan_style.models.feature_networks as features
from gan_style.color import to_gray
from gan_style.errors import FeaturesError
from gan_style.models.feature_maps import FeatureMaps
from gan_style.models.feature_networks import Tapped, picture_features, stroke_features
from gan_style.networks import PICTURE_NETWORKS, STROKE_NETWORKS, FeatureNetwork

SHIPPED = resources.files("gan_style") / "weights" / "compact.safetensors"
PICTURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1")
STROKE_LAYERS = ("fire7", "fire12")
VGG = PICTURE_NETWORKS["vgg19"]
CHANNELS = {"relu1_1": 32, "relu2_1": 64, "relu3_1": 256}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def picture() -> FeatureMaps:
    return picture_features()


@pytest.fixture(scope="module")
def stroke() -> FeatureMaps:
    return stroke_features()


# ---------------------------------------------------------------------- the shipped file


def test_the_shipped_weights_are_small_and_in_half_precision() -> None:
    with resources.as_file(SHIPPED) as file:
        assert file.stat().st_size <= 3_000_000
        state = load_file(file)
    assert {values.dtype for values in state.values()} == {torch.float16}
    assert {name.split(".")[0] for name in state} == {"picture", "stroke"}
    assert all(torch.isfinite(values).all() for values in state.values())


def test_the_shipped_weights_are_the_ones_in_use(picture: nn.Module, stroke: nn.Module) -> None:
    with resources.as_file(SHIPPED) as file:
        state = load_file(file)
    used = {f"picture.{k}": v for k, v in picture.state_dict().items()}
    used |= {f"stroke.{k}": v for k, v in stroke.state_dict().items()}
    assert used.keys() == state.keys()
    assert all(torch.equal(used[name], state[name].float()) for name in state)


def test_compact_networks_are_frozen_and_float32(picture: nn.Module, stroke: nn.Module) -> None:
    for network in (picture, stroke):
        assert not network.training
        assert not any(p.requires_grad for p in network.parameters())
        assert {p.dtype for p in network.parameters()} == {torch.float32}


# ---------------------------------------------------------------------- compact maps


@pytest.mark.parametrize(("height", "width"), [(128, 128), (33, 47), (32, 200), (4, 4), (7, 5)])
def test_picture_layers(picture: FeatureMaps, height: int, width: int) -> None:
    maps = picture(drawn(2, 3, height, width))
    assert tuple(maps) == PICTURE_LAYERS
    assert picture.content_layer == "relu3_1"
    for scale, name in enumerate(PICTURE_LAYERS):
        assert maps[name].shape == (2, CHANNELS[name], height >> scale, width >> scale)
        assert maps[name].min() >= 0


@pytest.mark.parametrize(("height", "width"), [(128, 128), (33, 47), (32, 200), (32, 32)])
def test_stroke_layers(stroke: nn.Module, height: int, width: int) -> None:
    maps = stroke(drawn(2, 3, height, width))
    assert tuple(maps) == STROKE_LAYERS
    for name, channels, scale in (("fire7", 256, 8), ("fire12", 512, 16)):
        assert maps[name].shape[:2] == (2, channels)
        for side, whole in zip(maps[name].shape[2:], (height, width), strict=True):
            assert whole / scale - 2 <= side <= whole / scale
        assert maps[name].min() >= 0


def test_stroke_maps_lie_where_those_of_squeezenet_lie(stroke: nn.Module) -> None:
    whole = torchvision.models.squeezenet1_1(weights=None)
    teacher = Tapped(features._extractor(whole, STROKE_NETWORKS["squeezenet"]), gray=True)
    pictures = drawn(1, 3, 128, 128)
    maps = teacher(pictures)
    assert {k: v.shape for k, v in stroke(pictures).items()} == {
        k: v.shape for k, v in maps.items()
    }


@pytest.mark.parametrize("build", [picture_features, stroke_features])
def test_maps_are_deterministic_and_pictures_do_not_mix(build: Callable[[], nn.Module]) -> None:
    pictures = drawn(3, 3, 40, 48)
    one, two = build()(pictures), build()(pictures)
    for name in one:
        assert torch.equal(one[name], two[name])
        alone = build()(pictures[1:2])[name]
        assert torch.allclose(alone[0], one[name][1], atol=1e-4)


def test_maps_say_something(picture: nn.Module, stroke: nn.Module) -> None:
    """Textures of equal mean and deviation differ in every layer; a dead layer would not."""
    fine = (drawn(1, 1, 64, 64) > 0.5).float().expand(-1, 3, -1, -1)
    coarse = (drawn(1, 1, 8, 8) > 0.5).float().repeat_interleave(8, 2).repeat_interleave(8, 3)
    for network in (picture, stroke):
        one, two = network(fine), network(coarse.expand(-1, 3, -1, -1))
        for name in one:
            gap = (one[name].mean((2, 3)) - two[name].mean((2, 3))).norm()
            assert gap > 0.1 * one[name].mean((2, 3)).norm(), name


@pytest.mark.parametrize("build", [picture_features, stroke_features])
def test_gradients_reach_every_pixel_but_no_weight(build: Callable[[], nn.Module]) -> None:
    network, pictures = build(), drawn(1, 3, 64, 64).requires_grad_()
    sum(m.square().sum() for m in network(pictures).values()).backward()
    assert pictures.grad is not None
    reached = pictures.grad.abs().sum(1) > 0
    assert reached[:, 8:-8, 8:-8].float().mean() > 0.99
    assert all(p.grad is None for p in network.parameters())


# ---------------------------------------------------------------------- gray


def test_gray_by_hand() -> None:
    pixels = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).T[None, :, None]
    assert to_gray(pixels).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114, 1.0])
    assert to_gray(pixels).shape == (1, 1, 1, 4)


def test_strokes_are_blind_to_color(picture: nn.Module, stroke: nn.Module) -> None:
    pictures = drawn(1, 3, 64, 64)
    gray = to_gray(pictures).expand(-1, 3, -1, -1).contiguous()
    colored, plain = stroke(pictures), stroke(gray)
    for name in colored:
        assert torch.allclose(colored[name], plain[name], atol=1e-3 * plain[name].max().item())
    assert not torch.allclose(picture(pictures)["relu1_1"], picture(gray)["relu1_1"], atol=0.05)


def test_squeezenet_is_given_the_gray_picture_too() -> None:
    torch.manual_seed(0)
    whole = torchvision.models.squeezenet1_1(weights=None)
    network = Tapped(features._extractor(whole, STROKE_NETWORKS["squeezenet"]), gray=True)
    pictures = drawn(1, 3, 64, 64)
    gray = to_gray(pictures).expand(-1, 3, -1, -1)
    assert torch.allclose(network(pictures)["fire7"], network(gray)["fire7"], atol=1e-4)


# ---------------------------------------------------------------------- networks of torchvision


def conv_layers() -> nn.Sequential:
    """VGG-19's layers up to one convolution after relu3_1, drawn at random, with biases."""
    torch.manual_seed(0)
    layers: nn.Sequential = vgg.make_layers(vgg.cfgs["E"][:8])
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.normal_(layer.bias, std=0.3)
    return layers


class LightVgg(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = conv_layers()

    def forward(self, pictures: Tensor) -> Tensor:
        maps: Tensor = self.features(pictures)
        return maps


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first layers of VGG only: the whole takes seconds and 600 MB to build."""

    def get_model(name: str, weights: str | None = None, **options: Any) -> nn.Module:
        if name.startswith("vgg"):
            return LightVgg()
        model: nn.Module = torchvision.models.get_model(name, weights=weights, **options)
        return model

    monkeypatch.setattr(features, "get_model", get_model)


def saved(layers: nn.Module, path: Path) -> Path:
    torch.save({f"features.{k}": v for k, v in layers.state_dict().items()}, path)
    return path


def spectral_noise(seed: int, side: int = 128) -> Tensor:
    """Noise with the 1/f spectrum of natural pictures, deviation about 1."""
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.fft.fftfreq(side)
    distance = (frequency[:, None].square() + frequency.square()).sqrt().clamp(min=1 / side)
    white = torch.randn(8, 3, side, side, generator=generator)
    noise: Tensor = torch.fft.ifft2(torch.fft.fft2(white) / distance).real
    return noise / noise.std()


def test_taps_are_the_layers_they_are_named_after() -> None:
    """relu1_1, relu2_1 and relu3_1 follow the 1st, 3rd and 5th convolution."""
    for name, letter in (("vgg16", "D"), ("vgg19", "E")):
        layers = vgg.make_layers(vgg.cfgs[letter])
        for place, tap in PICTURE_NETWORKS[name].taps.items():
            index = int(place.removeprefix("features."))
            assert isinstance(layers[index], nn.ReLU)
            before = [layer for layer in layers[:index] if isinstance(layer, nn.Conv2d)]
            assert len(before) == {"relu1_1": 1, "relu2_1": 3, "relu3_1": 5}[tap]
    fires = torchvision.models.squeezenet1_1(weights=None).features
    for place, tap in STROKE_NETWORKS["squeezenet"].taps.items():
        index = int(place.removeprefix("features."))
        assert tap == f"fire{index}"
        assert type(fires[index]).__name__ == "Fire"


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
@pytest.mark.usefixtures("light")
def test_vgg_shapes_and_freezing(network: str, tmp_path: Path) -> None:
    tapped = picture_features(network, str(saved(conv_layers(), tmp_path / "x.pth")))
    maps = tapped(drawn(1, 3, 33, 47))
    assert [(k, tuple(v.shape[1:])) for k, v in maps.items()] == [
        ("relu1_1", (64, 33, 47)),
        ("relu2_1", (128, 16, 23)),
        ("relu3_1", (256, 8, 11)),
    ]
    assert all(v.min() >= 0 for v in maps.values())
    assert not tapped.training
    assert not any(p.requires_grad for p in tapped.parameters())


@pytest.mark.usefixtures("light")
def test_a_full_vgg_file_is_normalized_to_a_mean_activation_of_1(tmp_path: Path) -> None:
    """In every layer and on other noise than it was measured with (Gatys et al. 2016, 2.)."""
    tapped = picture_features("vgg19", str(saved(conv_layers(), tmp_path / "full.pth")))
    assert isinstance(tapped, Tapped)
    means: list[float] = []
    for layer in tapped.layers.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda *given: means.append(given[2].mean().item()))
    tapped.layers(spectral_noise(5))
    assert len(means) == 5
    assert means == pytest.approx([1.0] * 5, rel=0.35)


@pytest.mark.usefixtures("light")
def test_normalizing_changes_the_scale_of_the_maps_and_nothing_else(tmp_path: Path) -> None:
    plain = Tapped(features._extractor(LightVgg(), VGG), gray=False)
    scaled = picture_features("vgg19", str(saved(conv_layers(), tmp_path / "full.pth")))
    pictures = drawn(1, 3, 40, 48)
    for name, maps in plain(pictures).items():
        ratio = (scaled(pictures)[name].norm() / maps.norm()).item()
        assert torch.allclose(scaled(pictures)[name], ratio * maps, rtol=1e-3, atol=1e-4)
        assert ratio != pytest.approx(1, abs=1e-3)


@pytest.mark.usefixtures("light")
def test_normalizing_is_deterministic(tmp_path: Path) -> None:
    file = str(saved(conv_layers(), tmp_path / "full.pth"))
    one = picture_features("vgg19", file).state_dict()
    torch.manual_seed(7)
    two = picture_features("vgg19", file).state_dict()
    assert all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
@pytest.mark.usefixtures("light")
def test_a_partial_state_is_taken_as_it_is(tmp_path: Path, kind: torch.dtype) -> None:
    layers = conv_layers()[:12].to(kind)
    tapped = picture_features("vgg19", str(saved(layers, tmp_path / "part.pth")))
    assert isinstance(tapped, Tapped)
    state = tapped.layers.state_dict()
    kept = layers.state_dict().items()
    assert all(torch.equal(state[f"features.{k}"], v.float()) for k, v in kept)


@pytest.mark.usefixtures("light")
def test_a_state_that_does_not_cover_the_layers_is_refused(tmp_path: Path) -> None:
    file = saved(conv_layers()[:6], tmp_path / "short.pth")
    with pytest.raises(
        FeaturesError, match=r"short.pth do not fit vgg19: features.7.weight is missing"
    ):
        picture_features("vgg19", str(file))


@pytest.mark.usefixtures("light")
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    squeezenet = torchvision.models.squeezenet1_1(weights=None)
    torch.save(squeezenet.state_dict(), tmp_path / "squeezenet.pth")
    with pytest.raises(FeaturesError, match=r"squeezenet.pth do not fit"):
        picture_features("vgg19", str(tmp_path / "squeezenet.pth"))
    file = saved(conv_layers(), tmp_path / "vgg.pth")
    with pytest.raises(FeaturesError, match=r"vgg.pth do not fit"):
        stroke_features("squeezenet", str(file))


class _Planted:
    """An object that would run a command when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize(
    ("network", "build"), [("vgg19", picture_features), ("squeezenet", stroke_features)]
)
def test_files_that_are_not_weights_are_refused(
    network: str, build: Callable[[str, str], nn.Module], tmp_path: Path
) -> None:
    (tmp_path / "text.pth").write_text("these are not weights")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "folder.pth").mkdir()
    torch.save([1, 2, 3], tmp_path / "list.pth")
    torch.save({"features.0.weight": "words"}, tmp_path / "words.pth")
    torch.save({"features.0.weight": _Planted(tmp_path / "ran")}, tmp_path / "planted.pth")
    for name in ("missing", "text", "empty", "folder", "list", "words", "planted"):
        with pytest.raises(FeaturesError, match=rf"weights of {network}: .*{name}.pth"):
            build(network, str(tmp_path / f"{name}.pth"))
    assert not (tmp_path / "ran").exists()
    torch.save({}, tmp_path / "nothing.pth")
    with pytest.raises(FeaturesError, match=r"nothing.pth do not fit"):
        build(network, str(tmp_path / "nothing.pth"))


@pytest.mark.parametrize(
    ("build", "allowed"),
    [
        (picture_features, "compact, vgg19, vgg16, resnet50, inception_v3"),
        (stroke_features, "compact, squeezenet"),
    ],
)
def test_an_unknown_network_is_refused(build: Callable[[str], nn.Module], allowed: str) -> None:
    with pytest.raises(FeaturesError, match=f"is 'resnet'; allowed: {allowed}"):
        build("resnet")


def test_features_error_is_a_user_error() -> None:
    assert issubclass(FeaturesError, ValueError)


# ---------------------------------------------------------------------- the table


ROWS = [
    pytest.param(table, name, id=f"{kind}-{name}")
    for kind, table in (("picture", PICTURE_NETWORKS), ("stroke", STROKE_NETWORKS))
    for name in table
]
Table = Mapping[str, FeatureNetwork]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[FeatureNetwork], str | None]:
    """Random weights in a file, as torchvision would give them; of VGG the first layers only."""
    folder, made = tmp_path_factory.mktemp("weights"), {}

    def of(network: FeatureNetwork) -> str | None:
        builder = network.builder
        if builder is None:
            return None
        if builder not in made:
            torch.manual_seed(0)
            light = builder.startswith("vgg")
            # drawn as for training: a network without gets variances that vanish with depth
            options = {"init_weights": True} if builder == "inception_v3" else {}
            get_model = torchvision.models.get_model
            whole = LightVgg() if light else get_model(builder, weights=None, **options)
            made[builder] = folder / f"{builder}.pth"
            torch.save(whole.state_dict(), made[builder])
        return str(made[builder])

    return of


@pytest.fixture(scope="module")
def torchvisions(
    weights: Callable[[FeatureNetwork], str | None],
) -> Callable[[str], Tapped]:
    """The picture network of a name, built once."""

    @cache
    def of(name: str) -> Tapped:
        network = picture_features(name, weights(PICTURE_NETWORKS[name]))
        assert isinstance(network, Tapped)
        return network

    return of


def mirrored(pictures: Tensor, margin: int, step: int) -> Tensor:
    """With a mirrored margin, in all a multiple of `step` high and wide."""
    for axis in (2, 3):
        side = pictures.shape[axis]
        index = torch.arange(-margin, side + margin + -side % step) % (2 * side)
        pictures = pictures.index_select(
            axis, torch.where(index < side, index, 2 * side - 1 - index)
        )
    return pictures


def inside(network: FeatureMaps, pictures: Tensor, margin: int) -> dict[str, Tensor]:
    """The maps that belong to the picture itself, as optimization takes them."""
    maps = network(mirrored(pictures, margin, max(network.strides.values())))
    found = {}
    for layer, values in maps.items():
        stride = network.strides[layer]
        rows, columns = (
            slice(margin // stride, margin // stride + -(-side // stride))
            for side in pictures.shape[2:]
        )
        found[layer] = values[..., rows, columns]
    return found


@pytest.mark.parametrize(("table", "name"), ROWS)
@pytest.mark.usefixtures("light")
def test_maps_have_the_strides_and_the_margin_of_the_table(
    table: Table, name: str, weights: Callable[[FeatureNetwork], str | None]
) -> None:
    """A wider margin changes nothing within: no padding, and no border, has been seen."""
    build = picture_features if table is PICTURE_NETWORKS else stroke_features
    network = build(name, weights(table[name]))
    step, pictures = max(network.strides.values()), drawn(1, 3, 65, 34)
    assert network.content_layer in network.strides
    assert all(network.margin % stride == 0 for stride in network.strides.values())
    with torch.no_grad():
        maps = inside(network, pictures, network.margin)
        wider = inside(network, pictures, network.margin + 2 * step)
        assert tuple(network(pictures)) == tuple(network.strides)
    for layer, stride in network.strides.items():
        assert maps[layer].shape[2:] == (-(-65 // stride), -(-34 // stride))
        assert maps[layer].min() >= 0
        assert torch.allclose(maps[layer], wider[layer], rtol=1e-4, atol=1e-5), layer


@pytest.mark.parametrize("name", ["resnet50", "inception_v3"])
def test_taps_have_a_mean_activation_of_1(name: str, torchvisions: Callable[[str], Tapped]) -> None:
    """On other noise than it was measured with, so that losses on them have comparable size."""
    network = torchvisions(name)
    pictures = spectral_noise(5)[:2] * network.deviation + network.mean
    for layer, maps in network(pictures).items():
        assert maps.mean().item() == pytest.approx(1, rel=0.35), layer


@pytest.mark.parametrize("name", ["resnet50", "inception_v3"])
def test_maps_are_torchvisions_but_for_their_scale(
    name: str,
    torchvisions: Callable[[str], Tapped],
    weights: Callable[[FeatureNetwork], str | None],
) -> None:
    row = PICTURE_NETWORKS[name]
    file, network = weights(row), torchvisions(name)
    whole = torchvision.models.get_model(name, weights=None, **row.options)
    whole.load_state_dict(torch.load(str(file), weights_only=True))
    expected: dict[str, Tensor] = {}
    for place, tap in row.taps.items():
        layer = whole.get_submodule(place)
        layer.register_forward_hook(
            lambda _, inputs, output, tap=tap: expected.setdefault(tap, output.clone())
        )
    pictures = drawn(1, 3, 96, 80)
    whole.eval()((pictures - network.mean) / network.deviation)
    maps = network(pictures)
    assert maps.keys() == expected.keys()
    for tap, values in maps.items():
        torch.testing.assert_close(values * network.scale[tap], expected[tap], atol=1e-4, rtol=1e-3)


def test_the_least_picture_has_maps(torchvisions: Callable[[str], Tapped]) -> None:
    for name in ("resnet50", "inception_v3"):
        picture = drawn(1, 3, 32, 32).requires_grad_()
        maps = torchvisions(name)(picture)
        assert all(values.numel() for values in maps.values()), name
        sum(values.square().mean() for values in maps.values()).backward()
        assert picture.grad is not None
        assert torch.isfinite(picture.grad).all()


def test_weights_may_be_safetensors(
    torchvisions: Callable[[str], Tapped],
    weights: Callable[[FeatureNetwork], str | None],
    tmp_path: Path,
) -> None:
    state = torch.load(str(weights(PICTURE_NETWORKS["resnet50"])), weights_only=True)
    # as files of before 2018, without the numbers of batches
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    save_file(kept, tmp_path / "resnet.safetensors")
    network = picture_features("resnet50", str(tmp_path / "resnet.safetensors"))
    one, two = network(drawn(1, 3, 40, 40)), torchvisions("resnet50")(drawn(1, 3, 40, 40))
    assert all(torch.equal(one[layer], two[layer]) for layer in one)


# ---------------------------------------------------------------------- compact from a file


def test_compact_can_be_read_from_another_file(tmp_path: Path, picture: nn.Module) -> None:
    with resources.as_file(SHIPPED) as file:
        state = load_file(file)
    state["picture.relu3_1.bias"] = state["picture.relu3_1.bias"] + 1
    save_file(state, tmp_path / "mine.safetensors")
    mine = picture_features("compact", str(tmp_path / "mine.safetensors"))
    pictures = drawn(1, 3, 32, 32)
    difference = mine(pictures)["relu3_1"] - picture(pictures)["relu3_1"]
    assert difference.min() >= 0
    assert difference.max().item() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("build", [picture_features, stroke_features])
def test_compact_weights_that_are_missing_or_wrong(
    build: Callable[[str, str], nn.Module], tmp_path: Path
) -> None:
    (tmp_path / "text.safetensors").write_text("these are not weights")
    (tmp_path / "folder.safetensors").mkdir()
    for name in ("missing", "text", "folder"):
        with pytest.raises(FeaturesError, match=rf"compact: cannot read .*{name}.safetensors"):
            build("compact", str(tmp_path / f"{name}.safetensors"))
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(FeaturesError, match=r"other.safetensors do not fit compact"):
        build("compact", str(tmp_path / "other.safetensors"))


# ---------------------------------------------------------------------- downloads


@pytest.mark.parametrize(
    "failure",
    [
        URLError("Name or service not known"),
        ConnectionResetError("Connection reset by peer"),
        TimeoutError("timed out"),
        PermissionError("read-only home"),
        RuntimeError('invalid hash value (expected "dcbb9e9d", got "00")'),
    ],
)
@pytest.mark.parametrize(
    ("network", "build"),
    [("vgg19", picture_features), ("vgg16", picture_features), ("squeezenet", stroke_features)],
)
def test_a_download_that_fails_says_what_to_do(
    network: str,
    build: Callable[[str], nn.Module],
    failure: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str, **options: Any) -> nn.Module:
        raise failure

    monkeypatch.setattr(features, "get_model", fail)
    with pytest.raises(FeaturesError) as caught:
        build(network)
    message = str(caught.value)
    assert network in message
    assert str(failure) in message
    option = "stroke_" if build is stroke_features else ""
    assert f"features.{option}network=compact" in message
    assert f"features.{option}weights=FILE" in message
    assert caught.value.__cause__ is failure


def test_compact_needs_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(features, "get_model")
    assert picture_features("compact")
    assert stroke_features("compact")


@pytest.mark.usefixtures("light")
def test_downloaded_weights_of_vgg_are_normalized_like_a_file(tmp_path: Path) -> None:
    file = saved(conv_layers(), tmp_path / "full.pth")
    one = picture_features("vgg19").state_dict()
    two = picture_features("vgg19", str(file)).state_dict()
    assert all(torch.equal(one[k], two[k]) for k in two)


def test_downloaded_weights_of_squeezenet_are_used_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    whole = torchvision.models.squeezenet1_1(weights=None)
    torch.save(whole.state_dict(), tmp_path / "squeezenet.pth")
    monkeypatch.setattr(features, "get_model", lambda name, weights: whole)
    downloaded = stroke_features("squeezenet")(drawn(1, 3, 64, 64))
    monkeypatch.undo()
    read = stroke_features("squeezenet", str(tmp_path / "squeezenet.pth"))(drawn(1, 3, 64, 64))
    for name in read:
        assert torch.allclose(downloaded[name], read[name], rtol=1e-3, atol=1e-4), name


# ---------------------------------------------------------------------- the shared weights


def shared_file(shared: Path, name: str) -> str:
    file = shared / "weights" / name
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not on this machine")
    return str(file)


@pytest.mark.usefixtures("light")
def test_shared_vgg19_is_near_a_mean_activation_of_1(shared: Path) -> None:
    tapped = picture_features("vgg19", shared_file(shared, "vgg19_normalised_relu3_1.pth"))
    # in the range of a picture, with the spectrum of one
    maps = tapped((spectral_noise(3) * 0.22 + 0.45).clamp(0, 1))
    for name, values in maps.items():
        assert 0.3 < values.mean().item() < 2, name


def test_shared_squeezenet_loads(shared: Path) -> None:
    tapped = stroke_features("squeezenet", shared_file(shared, "squeezenet1_1.pth"))
    maps = tapped(drawn(1, 3, 128, 128))
    assert {k: tuple(v.shape[1:]) for k, v in maps.items()} == {
        "fire7": (256, 15, 15),
        "fire12": (512, 7, 7),
    }


@pytest.mark.usefixtures("light")
def test_compact_agrees_with_its_teachers_on_what_is_near(shared: Path) -> None:
    """Which of several changes of a picture is the greater: the order is mostly the same."""
    teachers = (
        picture_features("vgg19", shared_file(shared, "vgg19_normalised_relu3_1.pth")),
        stroke_features("squeezenet", shared_file(shared, "squeezenet1_1.pth")),
    )
    base = (spectral_noise(0)[:1] * 0.2 + 0.5).clamp(0, 1)
    noise = torch.randn(base.shape, generator=torch.Generator().manual_seed(1))
    changed = [base + amount * noise for amount in (0.02, 0.05, 0.1, 0.2)]
    changed += [F.avg_pool2d(base, k, 1, k // 2, count_include_pad=False) for k in (3, 5, 9)]
    changed += [base.flip(3), base.roll(8, 2), base * 0.5 + 0.25]
    pictures = torch.cat([base, *changed]).clamp(0, 1)
    students = picture_features(), stroke_features()
    for layer, index in (("relu3_1", 0), ("fire7", 1), ("fire12", 1)):
        ranks = []
        for network in (teachers[index], students[index]):
            maps = network(pictures)[layer]
            distance = (maps[1:] - maps[:1]).square().mean((1, 2, 3))
            ranks.append(distance.argsort().argsort().double())
        assert torch.corrcoef(torch.stack(ranks))[0, 1].item() > 0.7
