"""The nodes of ComfyUI, loaded as it loads them, on its tensors: (B, H, W, C) in [0, 1]."""

import importlib.util
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tomllib
import torch
from PIL import Image
from torch import Tensor

from gan_style import StyleCode, Stylizer
from gan_style.errors import ConfigError, GanStyleError, PictureError, StyleError
from gan_style.painting.config import PaintConfig

PACK = Path(__file__).resolve().parents[2] / "integrations" / "comfyui"
WORKFLOWS = sorted((PACK / "example_workflows").glob("*.json"))
WIDGETS = ("STRING", "FLOAT", "INT", "BOOLEAN")
BUILT_IN: dict[str, tuple[dict[str, Any], list[str], int]] = {  # inputs, outputs, widgets
    "LoadImage": ({}, ["IMAGE", "MASK"], 2),
    "SaveImage": ({"images": ("IMAGE",)}, [], 1),
}


@pytest.fixture(scope="module")
def pack() -> ModuleType:
    """Import the folder as ComfyUI does: by its path, under a name that is no identifier."""
    name = str(PACK).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, PACK / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def models(
    pack: ModuleType, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give the nodes a folder of models with the run `tiny` in it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models" / "gan_style"
    folder.mkdir(parents=True)
    (folder / "tiny").symlink_to(tiny_run)
    return folder


def run(pack: ModuleType, name: str, /, **inputs: Any) -> Any:
    """Call a node as ComfyUI does, within inference mode."""
    node = pack.NODE_CLASS_MAPPINGS[f"GanStyle{name}"]
    with torch.inference_mode():
        result = getattr(node(), node.FUNCTION)(**inputs)
    return result["result"] if isinstance(result, dict) and "result" in result else result


def stylized(pack: ModuleType, stylizer: Stylizer, image: Tensor, /, **changes: Any) -> Tensor:
    inputs = {"strength": 1.0, "stroke_size": 1.0, "keep_color": False, "size": 0}
    inputs |= {"model": stylizer, "style": stylizer.styles["ink"], "image": image}
    (result,) = run(pack, "Stylize", **(inputs | changes))
    assert isinstance(result, Tensor)
    assert result.dtype == torch.float32
    return result


@pytest.fixture(scope="module")
def photos() -> Tensor:
    """Two photos, (2, 64, 80, 3), of more than 8 bits."""
    return (
        torch.rand(2, 8, 10, 3, generator=torch.Generator().manual_seed(3))
        .repeat_interleave(8, 1)
        .repeat_interleave(8, 2)
    )


def deep(image: Tensor) -> Any:
    return (image.numpy() * 65535).round().astype(np.uint16)


# ---------------------------------------------------------------------- as ComfyUI reads the pack


def test_every_node_keeps_to_the_conventions(pack: ModuleType) -> None:
    names = pack.NODE_DISPLAY_NAME_MAPPINGS
    assert names.keys() == pack.NODE_CLASS_MAPPINGS.keys()
    assert all(name.endswith("(gan_style)") for name in names.values())
    for node in pack.NODE_CLASS_MAPPINGS.values():
        assert callable(getattr(node, node.FUNCTION))
        assert node.CATEGORY == "gan_style"
        assert len(node.RETURN_TYPES) == len(getattr(node, "RETURN_NAMES", ()))
        declared = node.INPUT_TYPES()
        json.dumps(declared)  # it is sent to the browser
        for name, (kind, *about) in [*declared["required"].items(), *optional(declared).items()]:
            assert re.fullmatch("[a-z_0-9]+", name)
            widget = isinstance(kind, list) or kind in WIDGETS
            assert not widget or "tooltip" in about[0], name


def optional(declared: dict[str, Any]) -> dict[str, Any]:
    found = declared.get("optional", {})
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_example_workflows_fit_the_nodes(pack: ModuleType, path: Path) -> None:
    workflow = json.loads(path.read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in workflow["nodes"]}
    kinds: dict[int, tuple[dict[str, Any], list[str], int]] = {}
    for number, node in nodes.items():
        if node["type"] in BUILT_IN:
            kinds[number] = BUILT_IN[node["type"]]
            continue
        kind = pack.NODE_CLASS_MAPPINGS[node["type"]]
        declared = kind.INPUT_TYPES()
        inputs = declared["required"] | optional(declared)
        widgets = [n for n, (t, *_) in inputs.items() if isinstance(t, list) or t in WIDGETS]
        kinds[number] = inputs, list(kind.RETURN_TYPES), len(widgets)
        linked = {each["name"] for each in node["inputs"] if each["link"] is not None}
        sockets = declared["required"].keys() - set(widgets)
        assert sockets <= linked, node["type"]
        for name, value in zip(widgets, node["widgets_values"], strict=True):
            choices = inputs[name][0]
            assert not isinstance(choices, list) or value in choices, (name, value)
    for number, node in nodes.items():
        assert len(node["widgets_values"]) == kinds[number][2]
        assert [each["type"] for each in node["outputs"]] == kinds[number][1]
    for _, source, output, target, place, kind in workflow["links"]:
        given = nodes[target]["inputs"][place]
        assert kinds[source][1][output] == kind == given["type"]
        assert kinds[target][0][given["name"]][0] == kind


def test_the_registry_finds_what_it_asks_for() -> None:
    described = tomllib.loads((PACK / "pyproject.toml").read_text(encoding="utf-8"))
    package = tomllib.loads((PACK.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["tool"]["comfy"].keys() >= {"PublisherId", "DisplayName"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", described["project"]["version"])
    assert described["project"]["version"] == package["project"]["version"]
    required = (PACK / "requirements.txt").read_text(encoding="utf-8").split()
    assert required == described["project"]["dependencies"] == [package["project"]["name"]]


# ---------------------------------------------------------------------- models and styles


def test_models_and_styles_are_listed_and_loaded(pack: ModuleType, models: Path) -> None:
    load_model, load_style = (
        pack.NODE_CLASS_MAPPINGS[f"GanStyleLoad{n}"] for n in ["Model", "Style"]
    )
    assert load_model.INPUT_TYPES()["required"]["model"][0] == ["base", "tiny"]
    listed = load_style.INPUT_TYPES()["required"]["style"][0]
    assert "woodblock" in listed
    assert "tiny/styles/ink" in listed
    (model,) = run(pack, "LoadModel", model="tiny")
    (style,) = run(pack, "LoadStyle", model=model, style="tiny/styles/ink")
    assert torch.equal(style.mean, model.styles["ink"].mean)
    with pytest.raises(StyleError, match="was made by model"):
        run(pack, "LoadStyle", model=model, style="woodblock")
    assert run(pack, "LoadModel", model="base", path=f" {models / 'tiny'} ")[0].id == model.id
    with pytest.raises(GanStyleError, match="nowhere"):
        run(pack, "LoadModel", model="base", path="nowhere")


def test_a_style_is_encoded_from_images_as_from_their_files(
    pack: ModuleType, stylizer: Stylizer, collection: Path
) -> None:
    folder = collection / "styles" / "ink"
    pictures = [Image.open(file).convert("RGB") for file in sorted(folder.iterdir())]
    batch = torch.stack([torch.from_numpy(np.array(each)) for each in pictures]).float() / 255
    (from_images,) = run(pack, "Encode", model=stylizer, images=batch, name="mine")
    (from_folder,) = run(pack, "Encode", model=stylizer, folder=str(folder))
    expected = stylizer.encode(folder)
    assert (from_images.name, from_folder.name) == ("mine", "ink")
    for found in (from_images, from_folder):
        assert torch.equal(found.mean, expected.mean)
        assert found.hashes == expected.hashes


def test_what_a_style_is_encoded_from_is_one_thing(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="neither images nor a folder"):
        run(pack, "Encode", model=stylizer, folder=" ")
    with pytest.raises(ConfigError, match="both images and a folder"):
        run(pack, "Encode", model=stylizer, images=photos, folder=str(tmp_path))
    with pytest.raises(ConfigError, match=f"no folder {tmp_path / 'gone'}"):
        run(pack, "Encode", model=stylizer, folder=str(tmp_path / "gone"))
    with pytest.raises(PictureError, match="no pictures"):
        run(pack, "Encode", model=stylizer, folder=str(tmp_path))


def test_a_changed_folder_is_encoded_again(pack: ModuleType, tmp_path: Path) -> None:
    node = pack.NODE_CLASS_MAPPINGS["GanStyleEncode"]
    (tmp_path / "a.png").write_bytes(b"1")
    before = node.IS_CHANGED(folder=str(tmp_path), name="", model=None)
    assert node.IS_CHANGED(folder=str(tmp_path), name="", model=None) == before
    (tmp_path / "b.png").write_bytes(b"2")
    assert node.IS_CHANGED(folder=str(tmp_path), name="", model=None) != before


def test_styles_are_mixed(pack: ModuleType, stylizer: Stylizer) -> None:
    ink, oil = stylizer.styles["ink"], stylizer.styles["oil"]
    (mixed,) = run(pack, "Mix", style_1=ink, weight_1=1.0, style_2=oil, weight_2=3.0, weight_3=1.0)
    assert torch.equal(mixed.mean, StyleCode.mix([ink, oil], [1, 3]).mean)
    with pytest.raises(StyleError, match="sum to 0"):
        run(pack, "Mix", style_1=ink, weight_1=1.0, style_2=oil, weight_2=-1.0)


def test_a_saved_style_is_listed_and_never_replaced(
    pack: ModuleType, models: Path, stylizer: Stylizer
) -> None:
    ink, oil = stylizer.styles["ink"], stylizer.styles["oil"]
    shown = run(pack, "SaveStyle", style=ink, name="kept")["ui"]["text"]
    file = models / "styles" / "kept.style.safetensors"
    assert [Path(each) for each in shown] == [file]
    listed = pack.NODE_CLASS_MAPPINGS["GanStyleLoadStyle"].INPUT_TYPES()["required"]["style"][0]
    assert "kept" in listed
    before = file.read_bytes()
    run(pack, "SaveStyle", style=ink, name="kept")  # a workflow that is run again
    with pytest.raises(StyleError, match=r"kept\.style\.safetensors is there already"):
        run(pack, "SaveStyle", style=oil, name="kept")
    assert file.read_bytes() == before
    for name in ("", "../up", "a/b", "styles"):
        with pytest.raises(ConfigError, match="name is"):
            run(pack, "SaveStyle", style=ink, name=name)


# ---------------------------------------------------------------------- painting


def test_a_batch_is_painted_as_the_stylizer_paints(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor
) -> None:
    config = PaintConfig(strength=0.7, stroke_size=1.5, keep_color=True, size=96)
    result = stylized(
        pack, stylizer, photos, strength=0.7, stroke_size=1.5, keep_color=True, size=96
    )
    assert result.shape == (2, 96, 120, 3)
    for photo, painting in zip(photos, result, strict=True):
        expected = stylizer.paint(deep(photo), stylizer.styles["ink"], config)
        assert np.array_equal(deep(painting), expected)


def test_outside_a_mask_an_image_keeps_its_very_numbers(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor
) -> None:
    masks = torch.zeros(2, 64, 80)
    masks[0, :, :40] = 1
    masks[1, 32:] = 1
    result = stylized(pack, stylizer, photos, mask=masks)
    unmasked = stylized(pack, stylizer, photos)
    for number in (0, 1):
        outside = masks[number] == 0
        assert torch.equal(result[number][outside], photos[number][outside])
        assert torch.equal(result[number][~outside], unmasked[number][~outside])
    for_all = stylized(pack, stylizer, photos, mask=masks[:1])
    assert torch.equal(for_all[0], result[0])
    assert torch.equal(for_all[1][:, 40:], photos[1][:, 40:])


def test_the_mask_of_a_picture_without_transparency_fits_every_picture(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor
) -> None:
    """Load Image gives a black one of 64 x 64 for it."""
    assert torch.equal(stylized(pack, stylizer, photos, mask=torch.zeros(1, 64, 64)), photos)
    white = stylized(pack, stylizer, photos, mask=torch.ones(64, 64))
    assert torch.equal(white, stylized(pack, stylizer, photos))


def test_without_strength_an_image_comes_back(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor
) -> None:
    assert torch.equal(stylized(pack, stylizer, photos, strength=0.0), photos)


def test_transparency_is_kept_and_hidden_pixels_do_not_show(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor
) -> None:
    alpha = torch.ones(2, 64, 80, 1)
    alpha[:, :, :30] = 0
    alpha[:, :, 30:40] = 0.25
    black, white = (photos.where(alpha > 0, torch.tensor(value)) for value in (0.0, 1.0))
    one, other = (
        stylized(pack, stylizer, torch.cat([each, alpha], 3), size=100) for each in (black, white)
    )
    assert one.shape == (2, 100, 125, 4)
    assert torch.equal(one, other)
    small = stylized(pack, stylizer, torch.cat([black, alpha], 3))
    assert torch.allclose(small[..., 3:], alpha, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 7}, "size is 7"),
        ({"strength": 2.0}, r"strength is 2\.0"),
        ({"image": torch.rand(1, 64, 64, 2)}, r"shape \(1, 64, 64, 2\)"),
        ({"image": torch.full((1, 64, 64, 3), torch.nan)}, "not finite"),
        ({"mask": torch.rand(1, 30, 80)}, "80x30 px, and the photo 80x64"),
        ({"mask": torch.rand(3, 64, 80), "image": torch.rand(4, 64, 80, 3)}, "3 masks, and none"),
    ],
)
def test_what_cannot_be_painted_is_said_in_one_line(
    pack: ModuleType, stylizer: Stylizer, photos: Tensor, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(GanStyleError, match=message) as raised:
        stylized(pack, stylizer, photos, **changes)
    assert "\n" not in str(raised.value)


# ---------------------------------------------------------------------- training


@pytest.fixture
def options(tiny: list[str]) -> str:
    """Return options of a run of four steps, as they are typed into the node."""
    return "\n".join(word for word in tiny if not word.startswith("data.styles="))


@pytest.mark.long
def test_a_style_is_trained_once_for_its_name(
    pack: ModuleType, models: Path, collection: Path, options: str, photos: Tensor
) -> None:
    inputs = {"name": "ink", "folder": str(collection / "styles" / "ink"), "minutes": 1.0}
    model, style, report = run(pack, "Train", **inputs, options=options)
    assert "it saw 8 squares" in report
    assert model.id == Stylizer.from_pretrained(models / "ink").id == style.model
    assert stylized(pack, model, photos, style=style).shape == photos.shape
    assert pack.NODE_CLASS_MAPPINGS["GanStyleLoadModel"].INPUT_TYPES()["required"]["model"][0] == [
        "base",
        "ink",
        "tiny",
    ]

    before = (models / "ink" / "log.jsonl").read_bytes()
    assert run(pack, "Train", **inputs, options=options)[0].id == model.id
    assert (models / "ink" / "log.jsonl").read_bytes() == before  # it was not trained again
    with pytest.raises(ConfigError, match=r"trained with losses\.gram=.*choose another name"):
        run(pack, "Train", **inputs, options=f"{options}\nlosses.gram=3")
    other = inputs | {"folder": str(collection / "styles" / "oil")}
    with pytest.raises(ConfigError, match=r"trained with data\.styles=.*choose another name"):
        run(pack, "Train", **other, options=options)


@pytest.mark.long
def test_a_training_that_is_interrupted_is_kept_and_goes_on(
    pack: ModuleType, models: Path, collection: Path, options: str
) -> None:
    inputs = {"name": "ink", "folder": str(collection / "styles" / "ink"), "minutes": 1.0}
    log = models / "ink" / "log.jsonl"

    def interrupt() -> None:  # what Ctrl-C does; Cancel ends the node by an exception as well
        while not log.exists() or log.read_text().count("\n") < 6:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run(pack, "Train", **inputs, options=options.replace("steps=4", "steps=100000"))
    stopped = last(log)
    assert list((models / "ink" / "checkpoints").glob("step-*"))
    assert not (models / "ink" / "report.txt").exists()
    soon = stopped["minutes"] + 0.01
    longer = options.replace("steps=4", "steps=100000")
    run(pack, "Train", **inputs, options=f"{longer}\ntrain.minutes={soon}")
    assert last(log)["images"] >= stopped["images"]
    assert (models / "ink" / "report.txt").exists()


def last(log: Path) -> dict[str, float]:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return next(line for line in reversed(lines) if "minutes" in line)


def test_what_cannot_be_trained_is_said_in_one_line(
    pack: ModuleType, models: Path, collection: Path, tmp_path: Path
) -> None:
    ink = str(collection / "styles" / "ink")
    (tmp_path / "empty").mkdir()
    (models / "mine").mkdir()
    (models / "mine" / "notes.txt").write_text("a user's")
    for name, folder, typed, message in (
        ("new", "", "", "no folder is given"),
        ("new", "gone", "", "there is no folder"),
        ("new", str(collection / "styles"), "", "has 2 folders of pictures.*ink, oil"),
        ("new", ink, "train.stepz=3", r"no option 'train\.stepz'"),
        ("a/b", ink, "", "name is 'a/b'"),
        ("mine", ink, "", "is no training run; choose another name"),
        ("new", str(tmp_path / "empty"), "", "no pictures to train on"),
    ):
        with pytest.raises(GanStyleError, match=message) as raised:
            run(pack, "Train", name=name, folder=folder, minutes=1.0, options=typed)
        assert "\n" not in str(raised.value)
    assert not (models / "new" / "checkpoints").exists()
    shutil.rmtree(models / "new", ignore_errors=True)
