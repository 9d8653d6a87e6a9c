"""Evaluations from folders to table, JSON and sheet; and that a second implementation agrees."""

import json
import logging
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import feature_weights
import pytest
import reference_metrics
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from gan_style.cli.evaluate import Evaluate
from gan_style.cli.main import main
from gan_style.data.images import find_pictures, read_picture, to_image, to_tensor
from gan_style.errors import ConfigError, EvaluationError
from gan_style.evaluation.config import EvaluateConfig
from gan_style.evaluation.evaluate import evaluate, find_collections
from gan_style.evaluation.fid import FrechetDistance
from gan_style.evaluation.outputs import find_outputs, pictures_by_name
from gan_style.evaluation.scores import METRICS, Row, Scores, contact_sheet, table_lines
from gan_style.models.feature_networks import picture_features

REPOSITORY = Path(__file__).resolve().parents[2]
PAIRS = ("content", "moments", "gram", "ssim")


@pytest.fixture
def work(collection: Path, tmp_path: Path) -> Path:
    """Copy the photos and styles, and make outs/ of the photos blurred, for a collection."""
    shutil.copytree(collection, tmp_path, dirs_exist_ok=True)
    (tmp_path / "outs").mkdir()
    for photo in (tmp_path / "photos").iterdir():
        blurred(photo).save(tmp_path / "outs" / photo.name)
    return tmp_path


def blurred(photo: Path) -> Image.Image:
    return Image.open(photo).filter(ImageFilter.GaussianBlur(2))


def config(kind: str, work: Path, reference: str, **more: object) -> EvaluateConfig:
    """The options, with folders in `work`."""
    folders = ("outputs", "others", "photos")
    places = {key: str(work / str(more[key])) for key in folders if more.get(key)}
    contents, references = str(work / "photos"), str(work / reference)
    return EvaluateConfig(kind, contents, references, **({"size": 64, **more} | places))


# ---------------------------------------------------------------------- pairs


def test_photos_untouched_and_style_pictures_themselves(work: Path) -> None:
    pairs = work / "pairs"
    pairs.mkdir()
    for content in ("0", "1"):
        shutil.copy(work / f"photos/{content}.png", pairs / f"{content}__2.png")
    scores = evaluate(config("pairs", work, "styles/ink", outputs="pairs"))
    assert scores.count == 2
    assert scores.values["content"] == 0
    assert scores.values["ssim"] == pytest.approx(1)
    assert scores.values["gram"] > 0.01
    assert set(scores.values) == set(PAIRS)

    for content in ("0", "1"):
        shutil.copy(work / "styles/ink/2.png", pairs / f"{content}__2.png")
    scores = evaluate(config("pairs", work, "styles/ink", outputs="pairs"))
    assert scores.values["gram"] == scores.values["moments"] == 0
    assert scores.values["content"] > 0.01


def test_a_model_paints_every_pair_and_the_command_writes_files(work: Path, tiny_run: Path) -> None:
    written, sheet = work / "new/scores.json", work / "sheet.png"
    words = ["evaluate", "pairs", work / "photos", work / "styles/ink", "--model", tiny_run]
    words += ["--size", "64", "--device", "cpu", "--json", written, "--sheet", sheet]
    assert main([str(word) for word in words]) == 0
    scores = json.loads(written.read_text())
    assert scores["kind"] == "pairs"
    assert scores["count"] == 4 * 3
    assert set(METRICS) < set(scores)
    assert [name for name in METRICS if scores[name] is not None] == list(PAIRS)
    with Image.open(sheet) as picture:
        assert picture.width == 4 + 3 * (64 + 4)
        assert picture.height > 6 * 64


def test_names_may_hold_what_is_between_them(work: Path) -> None:
    (work / "photos/0.png").rename(work / "photos/a__b.png")
    pairs = work / "pairs"
    pairs.mkdir()
    shutil.copy(work / "photos/1.png", pairs / "a__b__2.png")
    contents, styles = (
        pictures_by_name(work / folder, "pictures") for folder in ("photos", "styles/ink")
    )
    (output,) = find_outputs(pairs, contents, styles)
    assert output.content == work / "photos/a__b.png"
    assert output.style == work / "styles/ink/2.png"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("0", "must be named <content>__<style>.png: no such pair: '__' is not in its name"),
        ("9__0", "no such photo as '9'"),
        ("0__9", "no such style as '9'"),
    ],
)
def test_names_that_fit_no_pair_are_refused(work: Path, name: str, reason: str) -> None:
    (work / "pairs").mkdir()
    shutil.copy(work / "photos/0.png", work / f"pairs/{name}.png")
    with pytest.raises(EvaluationError, match=reason):
        evaluate(config("pairs", work, "styles/ink", outputs="pairs"))


def test_two_pictures_of_one_name_are_refused(work: Path) -> None:
    shutil.copy(work / "photos/0.png", work / "photos/0.jpg")
    with pytest.raises(EvaluationError, match=r"0\.jpg and .*0\.png are both '0'"):
        pictures_by_name(work / "photos", "photos")


# ---------------------------------------------------------------------- a collection


def test_a_collection_among_others(work: Path) -> None:
    (work / "styles/diverse").mkdir()
    (work / "styles/diverse/not_read.png").write_text("no picture")
    (work / "styles/empty").mkdir()
    scores = evaluate(config("collection", work, "styles/ink", outputs="outs", others="styles"))
    expected = {
        "content",
        "ssim",
        "nn_distance",
        "centroid_accuracy",
        "deception_rate",
        "photo_rate",
        "plain_energy",
        "edge_ringing",
        "c2st_auc",
        "kid",
    }
    assert set(scores.values) == expected  # of three pictures nobody knows what is usual
    assert scores.values["content"] > 0
    assert 0 <= scores.values["deception_rate"] + scores.values["photo_rate"] <= 1
    assert set(scores.deviations) == {"c2st_auc", "kid"}
    assert len(scores.rows) == 4


def test_the_collections_own_pictures_score_best(work: Path) -> None:
    for folder in ("oil", "ink"):
        shutil.rmtree(work / "outs")
        shutil.copytree(work / "styles" / folder, work / "outs")
        scores = evaluate(config("collection", work, "styles/ink", outputs="outs", others="styles"))
        assert (
            scores.values["centroid_accuracy"]
            == scores.values["deception_rate"]
            == (folder == "ink")
        )
    assert scores.values["nn_distance"] == 0
    assert scores.values["photo_rate"] == 0


def test_energy_and_ringing_are_those_of_the_collection_relative_to_it(work: Path) -> None:
    """Its own pictures in place of photos and paintings have 1 of both; noise on them has more."""
    own, noisy = work / "styles/ink", work / "noisy"
    noisy.mkdir()
    for number, path in enumerate(sorted(own.iterdir())):
        generator = torch.Generator().manual_seed(number)
        picture = to_tensor(read_picture(path))
        picture = picture + 0.08 * torch.randn(picture.shape, generator=generator)
        to_image(picture.clamp(0, 1)).save(noisy / path.name)
    scores = [
        evaluate(EvaluateConfig("collection", str(own), str(own), outputs=str(outputs), size=64))
        for outputs in (own, noisy)
    ]
    for name in ("plain_energy", "edge_ringing"):
        assert scores[0].values[name] == 1
        assert scores[1].values[name] > 1


def reasons(scores: Scores) -> dict[str, str]:
    """What the table says of metrics without a value."""
    rows = (line.split(maxsplit=2) for line in scores.lines()[1:])
    return {name: rest for name, cell, rest in rows if cell == "-"}


def test_what_cannot_be_computed_is_a_dash_with_the_reason(work: Path) -> None:
    (work / "alone").mkdir()
    shutil.copy(work / "styles/ink/0.png", work / "alone")
    scores = evaluate(config("collection", work, "alone", outputs="outs"))
    assert set(scores.values) == {"content", "ssim", "plain_energy", "edge_ringing"}
    others = "not computed: needs --others FOLDER with other collections"
    both = "not computed: needs {0} paintings and {0} pictures of the collection, has 4 paintings"
    found = reasons(scores)
    assert found.pop("c2st_auc") == f"{both.format(2)} and 1 pictures"
    assert found.pop("kid") == f"{both.format(3)} and 1 pictures"
    assert found == {
        "nn_distance": "not computed: needs 2 pictures of the collection",
        "centroid_accuracy": others,
        "deception_rate": others,
        "photo_rate": others,
        "memorization": "not computed: needs 4 pictures of the collection, has 1",
    }
    assert all(scores.to_json()[name] is None for name in METRICS if name not in scores.values)


def test_reasons_of_flat_and_unreadable_pictures(work: Path) -> None:
    for path in (work / "outs").iterdir():
        Image.new("RGB", (60, 50), "red").save(path)
    for number in (3, 4):
        shutil.copy(work / "styles/ink/0.png", work / f"styles/ink/{number}.png")
    found = reasons(
        evaluate(config("collection", work, "styles/ink", outputs="outs", others="styles"))
    )
    assert found["deception_rate"] == "not computed: every patch of the paintings is flat"
    assert "only plain ground" in found["memorization"]
    assert "needs contours" in found["edge_ringing"]
    for path in (work / "styles/oil").iterdir():
        path.write_text("no picture")
    found = reasons(
        evaluate(config("collection", work, "styles/ink", outputs="outs", others="styles"))
    )
    assert "no picture of another collection can be read" in found["centroid_accuracy"]
    assert "needs a patch that is not flat" in found["deception_rate"]


def test_a_model_paints_in_the_collections_code_or_another(work: Path, tiny_run: Path) -> None:
    own, other = (
        evaluate(
            config(
                "collection", work, "styles/ink", model=str(tiny_run), device="cpu", style=style
            ),
        )
        for style in (None, str(tiny_run / "styles/oil.style.safetensors"))
    )
    assert own.count == other.count == 4
    assert own.values["content"] != other.values["content"]


def test_copies_are_warned_of(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gan_style.evaluation.memorization import CopyDetector, Memorization

    monkeypatch.setattr(CopyDetector, "compare", lambda *_: Memorization(0.2, [1, 3], 4))
    scores = evaluate(config("collection", work, "styles/ink", outputs="outs"))
    assert scores.copies == ("1", "3")
    assert "warning: the paintings copy" in scores.lines()[-1]
    assert scores.lines()[-1].endswith("2 hold a clear copy: 1, 3")
    assert scores.to_json()["copying"] is True


def test_collections_beside_are_found(work: Path) -> None:
    shutil.copytree(work / "styles/ink", work / "mine/ink")
    found, name = find_collections(work / "styles/ink", str(work / "styles"))
    assert (list(found), name) == (["ink", "oil"], "ink")
    found, name = find_collections(work / "mine/ink", str(work / "styles"))
    assert sorted(found) == ["ink", "ink'", "oil"]
    assert found[name] == sorted((work / "mine/ink").iterdir())
    with pytest.raises(EvaluationError, match="no other collection"):
        find_collections(work / "mine/ink", str(work / "mine"))


# ---------------------------------------------------------------------- what cannot be read


def test_bad_pictures_are_logged_counted_and_left_out(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for place in ("outs/0.png", "photos/1.png", "styles/oil/2.png"):
        (work / place).write_text("no picture")
    scores = evaluate(config("collection", work, "styles/ink", outputs="outs", others="styles"))
    assert scores.count == 2
    assert scores.skipped == len(caplog.records) == 4  # the photo twice: it also stands for photos
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert all(message.startswith("skipped: ") for message in caplog.messages)
    assert "4 skipped" in scores.lines()[0]


def test_nothing_that_can_be_read_is_an_error(work: Path) -> None:
    for path in (work / "outs").iterdir():
        path.write_text("no picture")
    with pytest.raises(EvaluationError, match="not one of 4 paintings"):
        evaluate(config("collection", work, "styles/ink", outputs="outs"))
    with pytest.raises(EvaluationError, match="not one picture of the collection outs"):
        evaluate(config("collection", work, "outs", outputs="photos"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"outputs": "outs", "model": "x"}, "give model or outputs, not both"),
        ({"outputs": "outs", "style": "x"}, "style says what the model paints"),
        ({"outputs": "outs", "photos": "photos"}, "photos is of use with others only"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    work: Path, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(EvaluationError, match=reason):
        config("collection", work, "styles/ink", **change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 32}, "size is 32; .*64"),
        ({"features": "vgg11"}, "features is .*vgg11.*; .*compact"),
        ({"device": "tpu"}, "device is .*tpu.*; .*auto"),
    ],
)
def test_values_that_are_not_allowed_are_named(
    work: Path, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        config("collection", work, "styles/ink", **change)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--size", "288", "32"], r"--size is \(288, 32\); .*64"),
        (["--log"], "--log needs --model RUN, a run folder"),
        (["--sheet", "a.gif"], "--sheet is .*a.gif"),
        (["--others", "styles"], "--others is for a collection, not for pairs"),
    ],
)
def test_the_command_names_its_options(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "pairs", "photos", "styles", *words]) == 2
    assert re.search(reason, capsys.readouterr().err)


def test_the_shipped_model_paints_where_nothing_else_is_named(work: Path) -> None:
    base = evaluate(config("collection", work, "styles/ink", model="base"))
    assert evaluate(config("collection", work, "styles/ink")).values == base.values
    named = evaluate(config("collection", work, "styles/ink", style="woodblock"))
    assert named.values["content"] != base.values["content"]


# ---------------------------------------------------------------------- command, log, FID, sheet


def test_the_command_prints_the_table(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "collection", work / "photos", work / "styles/ink", "--size", "64"]
    assert main([*map(str, words), "--outputs", str(work / "outs")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 paintings at 64 px, features compact"
    assert lines[1].split()[0] == "content"
    assert main([*map(str, words), "--outputs", str(work / "nowhere")]) == 2
    assert "error: " in capsys.readouterr().err


def test_the_command_compares_at_several_sizes(
    work: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each size has a column, its own scores, and paintings painted at that size."""
    places = [str(work / "photos"), str(work / "styles/ink"), "--model", str(tiny_run)]
    words = ["evaluate", "collection", *places, "--device", "cpu", "--size", "64", "80"]
    files = [str(work / name) for name in ("scores.json", "sheet.png")]
    assert main([*words, "--json", files[0], "--sheet", files[1]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 paintings at 64 px, features compact"
    assert lines[1] == "4 paintings at 80 px, features compact"
    assert lines[2].split() == ["64", "px", "80", "px"]
    written = json.loads(Path(files[0]).read_text())
    assert list(written) == ["64", "80"]
    name, *cells = lines[3].split()[:3]
    for size, cell in zip((64, 80), cells, strict=True):
        alone = evaluate(
            config("collection", work, "styles/ink", model=str(tiny_run), device="cpu", size=size)
        )
        assert written[str(size)] == alone.to_json()
        assert cell == alone.cell(name)
        with Image.open(work / f"sheet-{size}.png") as sheet:
            assert sheet.width == 4 + 3 * (size + 4)


def test_notes_and_warnings_of_several_sizes_say_which() -> None:
    one = Scores(
        "collection", 4, 0, 64, "compact", {"kid": 1.0}, {"kid": 0.5}, {"fid": "no reason"}
    )
    other = Scores(
        "collection", 4, 1, 80, "compact", {}, {}, {"kid": "too few", "fid": "no reason"},
        copies=("a",), copying=True,
    )  # fmt: skip
    lines = table_lines([one, other])
    assert lines[1] == "4 paintings at 80 px, features compact, 1 skipped"
    assert lines[3].split(maxsplit=5) == ["kid", "1.000", "±", "0.500", "-", lines[3][52:]]
    assert lines[3].endswith("   not computed at 80 px: too few")
    assert lines[4].endswith("   not computed: no reason")
    assert lines[5].startswith("warning: at 80 px the paintings copy: ")
    assert len(lines) == 6
    assert table_lines([one]) == one.lines()


def documentation() -> str:
    return (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_the_commands_of_the_documentation_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = documentation().splitlines()
    commands = [line.split()[1:] for line in lines if line.startswith("gan-style ")]
    understood: list[str] = []
    monkeypatch.setattr(Evaluate, "run", lambda self: understood.append(self.kind))
    monkeypatch.setattr("gan_style.cli.evaluate.refuse_missing_model", lambda place: None)
    assert [main(words) for words in commands] == [0] * len(commands)
    assert set(understood) == {"pairs", "collection"}


def test_every_metric_is_documented() -> None:
    text = documentation()
    assert [name for name in METRICS if f"\n| `{name}` |" not in text] == []
    missing = [name for name in METRICS if f"**{name}" not in text and f", {name}**" not in text]
    assert missing == []


def test_an_evaluation_joins_the_log_of_its_run(work: Path, tiny_run: Path) -> None:
    run = shutil.copytree(tiny_run, work / "run")
    before = (run / "log.jsonl").read_text().splitlines()
    words = ["evaluate", "pairs", work / "photos", work / "styles/ink", "--model", run]
    assert main([*map(str, words), "--size", "64", "--device", "cpu", "--log"]) == 0
    *kept, added = (run / "log.jsonl").read_text().splitlines()
    assert kept == before
    values = json.loads(added)
    assert values["step"] == json.loads(before[-1])["step"] + 1
    assert values["pairs/gram"] > 0
    assert (run / "samples" / f"pairs-{values['step']:08d}.png").is_file()
    assert main([*map(str, words), "--size", "64", "80", "--log"]) == 2


def test_fid_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(EvaluationError, match=r"pip install 'gan-style\[fid\]'"):
        FrechetDistance(str(tmp_path / "inception.pth"))

    there = ModuleType("torchmetrics.image.fid")
    there.FrechetInceptionDistance = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchmetrics", ModuleType("torchmetrics"))
    monkeypatch.setitem(sys.modules, "torchmetrics.image", ModuleType("torchmetrics.image"))
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", there)
    with pytest.raises(EvaluationError, match=r"inception\.pth is missing; download pt_inception"):
        FrechetDistance(str(tmp_path / "inception.pth"))


def test_a_sheet_holds_the_rows_that_all_methods_have() -> None:
    def scores(*names: str) -> Scores:
        picture = torch.zeros(3, 40, 40)
        rows = tuple(Row(name, picture, picture, picture) for name in names)
        return Scores("pairs", len(names), 0, 40, "compact", {}, rows=rows)

    sheet = contact_sheet({"ours": scores("a", "b", "c"), "theirs": scores("b", "c")})
    assert sheet.width == 4 + 4 * 44
    assert sheet.height == 4 + 20 + 2 * 44
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet({"ours": scores("a"), "theirs": scores("b")})


# ---------------------------------------------------------------------- networks


@pytest.mark.parametrize("features", feature_weights.NAMES)
def test_every_feature_network_compares(work: Path, features: str) -> None:
    (work / "pairs").mkdir()
    shutil.copy(work / "photos/1.png", work / "pairs/0__2.png")
    shutil.copy(work / "photos/0.png", work / "pairs/0__1.png")
    weights = feature_weights.write_random_weights(features, work)
    more = {"features": features, "feature_weights": weights, "device": "cpu"}
    scores = evaluate(config("pairs", work, "styles/ink", outputs="pairs", **more))
    assert scores.features == features
    assert all(scores.values[name] > 0 for name in PAIRS)
    scores = evaluate(
        config("collection", work, "styles/oil", outputs="outs", others="styles", **more)
    )
    assert set(reasons(scores)) == {"memorization"}
    assert scores.values["content"] > 0


# ---------------------------------------------------------------------- the second implementation


def compact(pictures: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(picture_features()(pictures).values())


def test_pairs_agree_with_the_second_implementation(work: Path) -> None:
    (work / "pairs").mkdir()
    expected: list[dict[str, float]] = []
    for photo in find_pictures(work / "photos")[:2]:
        for style in find_pictures(work / "styles/ink"):
            painting = work / "pairs" / f"{photo.stem}__{style.stem}.png"
            blurred(photo).save(painting)
            pictures = [reference_metrics.read(path, 64) for path in (painting, photo, style)]
            expected.append(reference_metrics.score_pair(compact, *pictures))
    scores = evaluate(config("pairs", work, "styles/ink", outputs="pairs", device="cpu"))
    assert scores.count == len(expected) == 6
    means = {name: sum(row[name] for row in expected) / len(expected) for name in PAIRS}
    assert scores.values == pytest.approx(means, rel=1e-3)
    assert all(value > 0 for value in means.values())


def test_collections_agree_with_the_second_implementation(tmp_path: Path) -> None:
    demo = REPOSITORY / "data" / "demo"
    collections = {folder.name: find_pictures(folder) for folder in sorted(demo.iterdir())}
    mixed = [*collections["cutpaper"][:1], *collections["dabs"][1:3]]
    for folder, paths in (("photos", collections["hatching"][:3]), ("outs", mixed)):
        (tmp_path / folder).mkdir()
        for path in paths:
            shutil.copy(path, tmp_path / folder)
    photos, paintings = (find_pictures(tmp_path / folder) for folder in ("photos", "outs"))
    expected = reference_metrics.score_collection(
        compact, paintings, collections, "cutpaper", photos, 96
    )
    scores = evaluate(
        EvaluateConfig(
            "collection", str(tmp_path / "photos"), str(demo / "cutpaper"),
            outputs=str(tmp_path / "outs"), others=str(demo), size=96, device="cpu",
        )
    )  # fmt: skip
    assert {name: scores.values[name] for name in expected} == pytest.approx(expected, rel=1e-3)
    assert 0 < expected["deception_rate"] < 1
