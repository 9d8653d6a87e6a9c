"""The programs of benchmarks/ that others rely on: scores of many folders, and blind pairs."""

import json
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from gan_style.data.images import find_pictures
from gan_style.evaluation.config import EvaluateConfig
from gan_style.evaluation.evaluate import evaluate
from gan_style.evaluation.outputs import pictures_by_name
from gan_style.models.feature_networks import picture_features

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the program that the test names."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module(request.param)


scoring = pytest.mark.parametrize("program", ["scoring"], indirect=True)
blind = pytest.mark.parametrize("program", ["blind"], indirect=True)


# ---------------------------------------------------------------------- scores


@pytest.mark.long
@scoring
def test_scores_are_those_of_separate_evaluations_to_the_last_digit(
    program: ModuleType, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    styles, photos = collection / "styles", collection / "photos"
    shutil.copytree(photos, tmp_path / "plain")
    (tmp_path / "plain/3.png").write_text("no picture")
    folders: dict[str, dict[str, Path]] = {"soft": {}, "softer": {}}
    for radius, (method, places) in enumerate(folders.items(), 1):
        for name in ("ink", "oil"):
            places[name] = tmp_path / method / name
            places[name].mkdir(parents=True)
            for photo in photos.iterdir():
                painting = Image.open(photo).filter(ImageFilter.GaussianBlur(radius))
                painting.save(places[name] / photo.name)
    (folders["soft"]["ink"] / "2.png").write_text("no picture")
    expected = {
        (method, name): evaluate(
            EvaluateConfig(
                "collection", str(photos), str(styles / name), outputs=str(folder), size=64,
                others=str(styles), photos=str(tmp_path / "plain"), device="cpu",
            )
        ).to_json()
        for method, places in folders.items()
        for name, folder in places.items()
    }  # fmt: skip
    collections = {folder.name: find_pictures(folder) for folder in sorted(styles.iterdir())}
    about = (
        collections,
        folders,
        pictures_by_name(photos, "photos"),
        find_pictures(tmp_path / "plain"),
    )
    seen: list[int] = []
    for _ in range(2):
        network = picture_features()
        network.register_forward_hook(lambda *_: seen.append(0))
        extractor = program.StoredExtractor(network, "compact", 64, tmp_path / "features")
        scores = program.score(extractor, *about)
        found = {(m, name): s.to_json() for m, row in scores.items() for name, s in row.items()}
        assert found == expected
    # 2 collections of 3 pictures and 3 plain photos the first time; photos and paintings each time
    paintings = 2 * 2 * 4 - 1
    assert len(seen) == (2 * 2 * 3 + 3) + 2 * (4 + 2 * paintings)


@scoring
def test_other_weights_have_another_folder(program: ModuleType) -> None:
    network = picture_features()
    before = program.fingerprint(network)
    assert before == program.fingerprint(picture_features())
    with torch.no_grad():
        next(iter(network.state_dict().values())).add_(1)
    assert program.fingerprint(network) != before


# ---------------------------------------------------------------------- blind pairs


Run = Callable[..., str]


@pytest.fixture
def run_blind(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the program and returns what it prints or the error it ends with."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    program = import_module("blind")

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["blind.py", *map(str, words)])
        try:
            program.main()
        except SystemExit as error:
            return str(error)
        return capsys.readouterr().out

    return run


def solid(path: Path, color: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), color).save(path)


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """Photos are gray, styles white, paintings of one red and of two blue."""
    for photo in "abc":
        solid(tmp_path / f"photos/{photo}.png", "gray")
        for name in ("ink", "oil"):
            solid(tmp_path / f"one/{name}/{photo}.png", "red")
            solid(tmp_path / f"two/{name}/{photo}.png", "blue")
            solid(tmp_path / f"styles/{name}/x.png", "white")
    solid(tmp_path / "one/sheet.png", "red")  # loose pictures are no paintings
    return tmp_path


def test_sheets_and_answers(painted: Path, run_blind: Run) -> None:
    places = [painted / name for name in ("one", "two", "photos")]
    words = ["make", *places, "-o", painted / "out", "--pairs", 4, "--per-sheet", 3, "--height", 30]
    printed = run_blind(*words, "--style", painted / "styles")
    assert printed.startswith("4 pairs on 2 sheets")
    key = json.loads((painted / "out/key.json").read_text())
    pairs = key["pairs"]
    assert [pair["number"] for pair in pairs] == [1, 2, 3, 4]
    assert sorted(pair["collection"] for pair in pairs) == ["ink", "ink", "oil", "oil"]
    assert {pair["photo"] for pair in pairs} == {"a", "b", "c"}
    assert sorted(pair["first"] for pair in pairs) == ["one", "one", "two", "two"]
    colors = {"one": (255, 0, 0), "two": (0, 0, 255)}
    for sheet, shown in (("sheet-01.png", pairs[:3]), ("sheet-02.png", pairs[3:])):
        with Image.open(painted / "out" / sheet) as picture:
            for row, pair in enumerate(shown):
                # from the right: B, A, the collection's picture, the photo, each 40 px and a gap
                middles = [picture.width - 24 - 44 * column for column in range(4)]
                found = [picture.getpixel((x, 24 + 15 + 34 * row)) for x in middles]
                assert found[2:] == [(255, 255, 255), (128, 128, 128)]
                assert found[1] == colors[pair["first"]]
                assert {*found[:2]} == {*colors.values()}
    assert "exists" in run_blind(*words)

    answers = painted / "answers.txt"
    answers.write_text("\n".join(f"{p['number']} {'AB'[p['first'] == 'two']}" for p in pairs))
    printed = run_blind("count", answers, painted / "out/key.json")
    assert printed.startswith(f"one: {painted / 'one'}\ntwo: {painted / 'two'}\n")
    assert "lost by one: none" in printed
    answers.write_text("1 A\n2 C")
    printed = run_blind("count", answers, painted / "out/key.json")
    assert "answers.txt: line 2 is '2 C'" in printed


def test_folders_that_do_not_fit_are_refused(painted: Path, run_blind: Run) -> None:
    places = [painted / name for name in ("one", "two", "photos")]
    words = ["make", *places, "-o", painted / "out"]
    assert "no pictures of ink" in run_blind(*words, "--style", painted / "photos")
    (painted / "photos/b.png").unlink()
    assert "has no photo 'b'" in run_blind(*words)
    (painted / "two/oil/c.png").unlink()
    assert "two lacks 1 of the paintings in" in (error := run_blind(*words))
    assert error.strip().endswith("one: oil/c")
    swapped = ["make", painted / "photos", *places[1:], "-o", painted / "out"]
    assert "has no folders with paintings" in run_blind(*swapped)


@blind
def test_intervals_are_those_of_wilson(program: ModuleType) -> None:
    """(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z² = 3.8415, by hand."""
    # p = 0.8, n = 10: (0.8 + 0.19207 ± 1.95996 √(0.016 + 0.0096036)) / 1.38415
    assert program.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    # p = 0, n = 4: from 0 to z² / (n + z²) = 3.8415 / 7.8415
    assert program.wilson(0, 4) == pytest.approx((0, 0.4899), abs=1e-4)
    # p = 0.5, n = 16, half of it from ties: 0.5 ± z / 2 / √(n + z²) = 0.98 / 4.4544
    assert program.wilson(8, 16) == pytest.approx((0.2800, 0.7200), abs=1e-4)


@blind
def test_answers_are_counted(program: ModuleType) -> None:
    firsts = {1: "one", 2: "two", 3: "one", 4: "two", 5: "one"}
    pairs = [
        program.Pair(number, "ink" if number < 4 else "oil", f"p{number}", first)
        for number, first in firsts.items()
    ]
    answers = program.read_answers("1 A\n2 a  # the sky\n\n3 =\n# and now oil\n5 B\n4 B\n")
    assert answers == {1: "A", 2: "A", 3: "=", 4: "B", 5: "B"}
    program.check_complete(answers, pairs)
    # one wins 1 and 4, two wins 2 and 5; 2.5 of 5 in all, 1.5 of 3 and 1 of 2
    table, *lost = program.summary(pairs, answers).split("\n\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [row[:5] for row in rows] == [
        ["ink", "3", "1", "1", "1"],
        ["oil", "2", "1", "1", "0"],
        ["all", "5", "2", "2", "1"],
    ]
    # 0.5 ± 0.98 / √(5 + 3.8415)
    assert rows[2][5:] == ["50% (17% to 83%)"] * 2
    assert lost == ["lost by one: 2 ink/p2, 5 oil/p5", "lost by two: 1 ink/p1, 4 oil/p4"]


@blind
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 A\n2", "line 2 is '2'"),
        ("A 1", "line 1 is 'A 1'"),
        ("1 A B", "line 1 is '1 A B'"),
        ("1 A\n1 B", "line 2 is a second answer for pair 1"),
        ("1 A", "no answer for pair 2"),
        ("1 A\n2 B\n3 =", "that the key does not have: 3"),
    ],
)
def test_answers_that_do_not_fit_are_refused(program: ModuleType, text: str, reason: str) -> None:
    pairs = [program.Pair(number, "ink", "p", "one") for number in (1, 2)]
    with pytest.raises(ValueError, match=reason):
        program.check_complete(program.read_answers(text), pairs)


# ---------------------------------------------------------------------- lattice


@pytest.mark.parametrize("program", ["lattice"], indirect=True)
def test_a_lattice_is_found_where_it_is(program: ModuleType, tmp_path: Path) -> None:
    """Dots of eight thirds of a pixel across, on noise."""
    noise = np.random.default_rng(0).normal(128, 10, (256, 400))
    dotted = noise + 4 * np.cos(2 * np.pi * 0.375 * np.arange(400))
    for name, values in (("plain", noise), ("dotted", dotted)):
        (tmp_path / name).mkdir()
        picture = Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGB")
        picture.save(tmp_path / name / "x.png")
    plain, found = program.peaks(tmp_path / "plain"), program.peaks(tmp_path / "dotted")
    assert max(plain) < 5
    assert found[5] > 100  # 2.7 px, across
    assert found[:5] + found[6:] == pytest.approx(plain[:5] + plain[6:], rel=0.2)
    solid(tmp_path / "small/x.png", "red")
    with pytest.raises(SystemExit, match="40x30 px; 256 are needed"):
        program.peaks(tmp_path / "small")


# ---------------------------------------------------------------------- many machines, on paper


scaling = pytest.mark.parametrize("program", ["scaling"], indirect=True)


@scaling
def test_pictures_a_second_of_many_gpus(program: ModuleType) -> None:
    link = program.Link("slow", 1e6, 0.01)
    # alone nothing is sent
    assert program.all_reduce_seconds(1, 8e6, link) == program.agreement_seconds(1) == 0
    # 4 GPUs, 8 MB: six messages of 2 MB, each 2 s and 0.01 s before it
    assert program.all_reduce_seconds(4, 8e6, link) == pytest.approx(12.06)
    # two gathers of a size and a value, each around a ring of three steps
    assert program.agreement_seconds(4, 0.005) == pytest.approx(0.06)
    assert program.rate(1, 8, 40, 8e6, link) == 40
    # 32 pictures in 8 / 40 + 12.06 + 0.06 = 12.32 s
    assert program.rate(4, 8, 40, 8e6, link, 0.005) == pytest.approx(32 / 12.32)


@scaling
def test_the_batch_that_fills_the_memory(program: ModuleType) -> None:
    assert program.fitting(10, 2, 0.75) == 10  # 2 + 10 * 0.75 = 9.5; the next would need 10.25
    assert program.fitting(1, 2, 0.75) == 0


@scaling
def test_every_gradient_that_is_averaged_is_counted(program: ModuleType, tiny: list[str]) -> None:
    trainer = program.Trainer(program.load_config(None, tiny), torch.device("cpu"))
    expected = [*trainer.model_parameters, *trainer.discriminator.parameters()]
    counts = program.parameters(trainer)
    assert sum(counts.values()) == sum(parameter.numel() for parameter in expected)
    assert min(counts["encoder"], counts["generator"], counts["discriminator"]) > 0


@pytest.mark.parametrize("program", ["ranks"], indirect=True)
def test_processes_are_compared_by_their_medians(program: ModuleType) -> None:
    lines = program.summary(8, {1: [0.4, 9.0, 0.5], 2: [1.0, 0.8, 0.1]}).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert rows == [["1", "500 ms", "16.0", "100%"], ["2", "800 ms", "10.0", "62%"]]


@pytest.mark.parametrize("program", ["feeding"], indirect=True)
def test_a_million_files_follow_from_two_folders(program: ModuleType) -> None:
    # 2 ms each of 1000, 3 ms of 2000: 1 ms, and 1 µs for each file: 1 ms + 1 s of each of a million
    assert program.of_a_million(1000, 2.0, 2000, 6.0) == pytest.approx(1e6 * 1.001)
