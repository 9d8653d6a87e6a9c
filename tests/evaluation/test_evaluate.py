"""Evaluations from folders to table, JSON and sheet; and that they say what score.py says."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image, ImageFilter

from gan_style.cli.main import main
from gan_style.cli.main import main as cli
from gan_style.errors import EvaluationError
from gan_style.evaluation.config import EvaluateConfig
from gan_style.evaluation.evaluate import evaluate, find_collections
from gan_style.evaluation.fid import FrechetDistance
from gan_style.evaluation.outputs import named_pictures, outputs_in
from gan_style.evaluation.scores import MEASURES, Row, Scores, contact_sheet

REPOSITORY = Path(__file__).resolve().parents[2]
ALL = (
    "content",
    "moments",
    "gram",
    "ssim",
    "nn_distance",
    "centroid_accuracy",
    "deception_rate",
    "photo_rate",
    "c2st_auc",
    "kid",
)


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


def ask(kind: str, work: Path, reference: str, **more: object) -> EvaluateConfig:
    places = {
        k: str(work / str(v)) for k, v in more.items() if k in ("outputs", "others", "photos")
    }
    return EvaluateConfig(
        kind, str(work / "photos"), str(work / reference), **({"size": 64, **more} | places)
    )


def silent(line: str) -> None:
    raise AssertionError(line)


# ---------------------------------------------------------------------- pairs


def test_photos_untouched_and_style_pictures_themselves(work: Path) -> None:
    pairs = work / "pairs"
    pairs.mkdir()
    for content in ("0", "1"):
        shutil.copy(work / f"photos/{content}.png", pairs / f"{content}__2.png")
    scores = evaluate(ask("pairs", work, "styles/ink", outputs="pairs"), silent)
    assert scores.count == 2
    assert scores.values["content"] == 0
    assert scores.values["ssim"] == pytest.approx(1)
    assert scores.values["gram"] > 0.01
    assert set(scores.values) == set(ALL[:4])

    for content in ("0", "1"):
        shutil.copy(work / "styles/ink/2.png", pairs / f"{content}__2.png")
    scores = evaluate(ask("pairs", work, "styles/ink", outputs="pairs"), silent)
    assert scores.values["gram"] == scores.values["moments"] == 0
    assert scores.values["content"] > 0.01


def test_a_model_paints_every_pair_and_the_rest_is_written(work: Path, tiny_run: Path) -> None:
    request = ask(
        "pairs", work, "styles/ink",
        model=str(tiny_run), device="cpu", json=str(work / "new/scores.json"),
        sheet=str(work / "sheet.png"),
    )  # fmt: skip
    scores = evaluate(request, silent)
    assert scores.count == 4 * 3
    told = json.loads((work / "new/scores.json").read_text())
    assert told["kind"] == "pairs"
    assert set(MEASURES) < set(told)
    assert [name for name in MEASURES if told[name] is not None] == list(ALL[:4])
    assert told["gram"] == scores.values["gram"]
    with Image.open(work / "sheet.png") as sheet:
        assert sheet.width == 4 + 3 * (64 + 4)
        assert sheet.height > 6 * 64


def test_names_may_hold_what_is_between_them(work: Path) -> None:
    (work / "photos/0.png").rename(work / "photos/a__b.png")
    pairs = work / "pairs"
    pairs.mkdir()
    shutil.copy(work / "photos/1.png", pairs / "a__b__2.png")
    contents, styles = (
        named_pictures(work / folder, "pictures") for folder in ("photos", "styles/ink")
    )
    (output,) = outputs_in(pairs, contents, styles)
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
        evaluate(ask("pairs", work, "styles/ink", outputs="pairs"), silent)


def test_two_pictures_of_one_name_are_refused(work: Path) -> None:
    shutil.copy(work / "photos/0.png", work / "photos/0.jpg")
    with pytest.raises(EvaluationError, match=r"0\.jpg and .*0\.png are both '0'"):
        named_pictures(work / "photos", "photos")


# ---------------------------------------------------------------------- a collection


def test_a_collection_among_others(work: Path) -> None:
    (work / "styles/diverse").mkdir()
    (work / "styles/diverse/not_read.png").write_text("no picture")
    (work / "styles/empty").mkdir()
    scores = evaluate(
        ask("collection", work, "styles/ink", outputs="outs", others="styles"), silent
    )
    expected = {
        "content",
        "ssim",
        "nn_distance",
        "centroid_accuracy",
        "deception_rate",
        "photo_rate",
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
        scores = evaluate(
            ask("collection", work, "styles/ink", outputs="outs", others="styles"), silent
        )
        assert (
            scores.values["centroid_accuracy"]
            == scores.values["deception_rate"]
            == (folder == "ink")
        )
    assert scores.values["nn_distance"] == 0
    assert scores.values["photo_rate"] == 0


def test_a_collection_without_others_or_of_one_picture_has_dashes(work: Path) -> None:
    alone = work / "alone"
    alone.mkdir()
    shutil.copy(work / "styles/ink/0.png", alone)
    scores = evaluate(ask("collection", work, "alone", outputs="outs"), silent)
    assert set(scores.values) == {"content", "ssim"}
    cells = {line.split()[0]: line.split()[1] for line in scores.lines()[1:]}
    assert [name for name, cell in cells.items() if cell == "-"] == [
        *(
            "nn_distance",
            "centroid_accuracy",
            "deception_rate",
            "photo_rate",
            "c2st_auc",
            "kid",
            "memorization",
        )
    ]


def test_a_model_paints_in_the_collections_code_or_another(work: Path, tiny_run: Path) -> None:
    own, other = (
        evaluate(
            ask("collection", work, "styles/ink", model=str(tiny_run), device="cpu", style=style),
            silent,
        )
        for style in ("", str(tiny_run / "styles/oil.style.safetensors"))
    )
    assert own.count == other.count == 4
    assert own.values["content"] != other.values["content"]


def test_copies_are_warned_of(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gan_style.evaluation.evaluators as judge
    from gan_style.evaluation.memorization import Memorization

    monkeypatch.setattr(judge.CopyDetector, "compare", lambda *_: Memorization(0.2, [1, 3], 4))
    scores = evaluate(ask("collection", work, "styles/ink", outputs="outs"), silent)
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


def test_bad_pictures_are_told_counted_and_left_out(work: Path) -> None:
    for place in ("outs/0.png", "photos/1.png", "styles/oil/2.png"):
        (work / place).write_text("no picture")
    told: list[str] = []
    request = ask("collection", work, "styles/ink", outputs="outs", others="styles")
    scores = evaluate(request, told.append)
    assert scores.count == 2
    assert scores.skipped == len(told) == 4  # the photo twice: it also stands for photos
    assert all(line.startswith("skipped: ") for line in told)
    assert "4 skipped" in scores.lines()[0]


def test_nothing_that_can_be_read_is_an_error(work: Path) -> None:
    for path in (work / "outs").iterdir():
        path.write_text("no picture")
    with pytest.raises(EvaluationError, match="not one of 4 paintings"):
        evaluate(ask("collection", work, "styles/ink", outputs="outs"), lambda line: None)
    with pytest.raises(EvaluationError, match="not one picture of the collection outs"):
        evaluate(ask("collection", work, "outs", outputs="photos"), lambda line: None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"outputs": "outs", "model": "x"}, "--model or --outputs, not both"),
        ({"outputs": "outs", "size": 32}, "--size is 32; allowed: at least 64"),
        ({"outputs": "outs", "sheet": "a.gif"}, "--sheet is a.gif; allowed"),
        ({"outputs": "outs", "style": "x"}, "--style says what --model paints"),
        ({"outputs": "outs", "photos": "photos"}, "--photos is of use with --others only"),
        ({"outputs": "outs", "log": True}, "--log needs --model RUN"),
        ({"outputs": "outs", "features": "vgg11"}, "features is 'vgg11'; allowed: compact"),
        ({"outputs": "outs", "device": "tpu"}, "device is 'tpu'; allowed: auto"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    work: Path, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(EvaluationError, match=reason):
        ask("collection", work, "styles/ink", **change)


def test_what_is_for_collections_is_refused_for_pairs(work: Path) -> None:
    with pytest.raises(EvaluationError, match="--others is for collection"):
        ask("pairs", work, "styles/ink", outputs="outs", others="styles")


def test_the_shipped_model_paints_where_nothing_else_is_named(work: Path) -> None:
    base = evaluate(ask("collection", work, "styles/ink", model="base"))
    assert evaluate(ask("collection", work, "styles/ink")).values == base.values
    named = evaluate(ask("collection", work, "styles/ink", style="woodblock"))
    assert named.values["content"] != base.values["content"]


# ---------------------------------------------------------------------- command, log, FID, sheet


def test_the_command_prints_the_table(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "collection", work / "photos", work / "styles/ink", "--size", "64"]
    assert main([*map(str, words), "--outputs", str(work / "outs")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "4 paintings at 64 px, features compact"
    assert told[1].split()[0] == "content"
    assert main([*map(str, words), "--outputs", str(work / "nowhere")]) == 2
    assert "error: " in capsys.readouterr().err


def test_the_commands_of_the_documentation_are_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (REPOSITORY / "docs" / "METRICS.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith("gan-style ")]
    asked: list[EvaluateConfig] = []
    none = Scores("pairs", 1, 0, 288, "compact", {})
    monkeypatch.setattr(cli, "evaluate", lambda request, *_: asked.append(request) or none)
    assert [cli.main(words) for words in commands] == [0] * len(commands)
    assert {request.kind for request in asked} == {"pairs", "collection"}


def test_every_measure_is_documented() -> None:
    text = (REPOSITORY / "docs" / "METRICS.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"\n| `{name}` |" not in text] == []
    assert [
        name for name in MEASURES if f"**{name}" not in text and f", {name}**" not in text
    ] == []


def test_an_evaluation_joins_the_log_of_its_run(work: Path, tiny_run: Path) -> None:
    run = shutil.copytree(tiny_run, work / "run")
    before = (run / "log.jsonl").read_text().splitlines()
    evaluate(
        ask("pairs", work, "styles/ink", model=str(run), device="cpu", log=True), lambda line: None
    )
    *kept, added = (run / "log.jsonl").read_text().splitlines()
    assert kept == before
    values = json.loads(added)
    assert values["step"] == json.loads(before[-1])["step"] + 1
    assert values["pairs/gram"] > 0
    assert (run / "samples" / f"pairs-{values['step']:08d}.png").is_file()


def test_fid_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(EvaluationError, match=r"pip install 'gan-style\[fid\]'"):
        FrechetDistance(str(tmp_path / "inception.pth"))

    there = ModuleType("torchmetrics.image.fid")
    there.FrechetInceptionDistance = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchmetrics", ModuleType("torchmetrics"))
    monkeypatch.setitem(sys.modules, "torchmetrics.image", ModuleType("torchmetrics.image"))
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", there)
    with pytest.raises(EvaluationError, match=r"inception\.pth is missing: get pt_inception"):
        FrechetDistance(str(tmp_path / "inception.pth"))


def test_a_sheet_holds_the_rows_that_all_methods_have() -> None:
    import torch

    def scores(*names: str) -> Scores:
        picture = torch.zeros(3, 40, 40)
        rows = tuple(Row(name, picture, picture, picture) for name in names)
        return Scores("pairs", len(names), 0, 40, "compact", {}, rows=rows)

    sheet = contact_sheet({"ours": scores("a", "b", "c"), "theirs": scores("b", "c")})
    assert sheet.width == 4 + 4 * 44
    assert sheet.height == 4 + 20 + 2 * 44
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet({"ours": scores("a"), "theirs": scores("b")})


# ---------------------------------------------------------------------- score.py


@pytest.fixture
def score(shared: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load ../shared/tools/score.py, the project's yardstick."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("score", shared / "tools" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def few(folder: Path, target: Path, step: int, count: int) -> Path:
    target.mkdir(parents=True)
    for path in sorted(folder.iterdir())[::step][:count]:
        shutil.copy(path, target)
    return target


def put(source: Path, target: Path, change: Callable[[Image.Image], Image.Image]) -> None:
    target.parent.mkdir(exist_ok=True)
    change(Image.open(source)).save(target)


def test_pairs_are_those_of_score_py(score: ModuleType, shared: Path, tmp_path: Path) -> None:
    content = few(shared / "data/photos", tmp_path / "content", 400, 2)
    style = few(shared / "data/styles/koson", tmp_path / "style", 30, 2)
    for photo in content.iterdir():
        for picture in style.iterdir():
            out = tmp_path / "out" / f"{photo.stem}__{picture.stem}.png"
            put(photo, out, lambda image: image.filter(ImageFilter.MedianFilter(5)))
    expected = score.score_pairs(str(tmp_path / "out"), str(content), str(style), 96)
    request = EvaluateConfig(
        "pairs", str(content), str(style),
        outputs=str(tmp_path / "out"), size=96, features="vgg19",
        feature_weights=str(score.WEIGHTS), device="cpu",
    )  # fmt: skip
    scores = evaluate(request, silent)
    assert scores.count == expected.pop("pairs") == 4
    assert scores.values == pytest.approx(expected, rel=1e-3)
    assert all(value > 0 for value in expected.values())


def test_collections_are_those_of_score_py(
    score: ModuleType, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = few(shared / "data/photos", tmp_path / "content", 400, 2)
    photos = few(shared / "data/photos", tmp_path / "photos", 250, 4)
    for number in range(80):  # score.py asks for eighty; flat ones have no patch
        Image.new("RGB", (32, 32)).save(photos / f"flat{number:02d}.png")
    monkeypatch.setattr(score, "PHOTOS", photos)
    for name in ("koson", "monet", "ink"):
        few(shared / "data/styles" / name, tmp_path / "styles" / name, 5, 4)
    prints = sorted((shared / "data/styles/koson").iterdir())[40:]
    for photo, painted in zip(sorted(content.iterdir()), prints, strict=False):
        out = tmp_path / "out" / f"{photo.stem}.png"
        put(painted, out, lambda image: image.filter(ImageFilter.GaussianBlur(1)))
    out, styles = tmp_path / "out", tmp_path / "styles"
    expected = score.score_collection(str(out), str(content), str(styles), "koson", 96)
    request = EvaluateConfig(
        "collection", str(content), str(styles / "koson"),
        outputs=str(out), others=str(styles), photos=str(photos), size=96, features="vgg19",
        feature_weights=str(score.WEIGHTS), device="cpu",
    )  # fmt: skip
    scores = evaluate(request, silent)
    assert scores.count == expected.pop("pictures") == 2
    mine = {name: scores.values[name] for name in expected}
    assert mine == pytest.approx(expected, rel=1e-3)
    assert 0 < expected["deception_rate"] < 1
