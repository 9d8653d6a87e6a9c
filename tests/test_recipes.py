"""The pictures of the base model, laid out from several folders."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gan_style.config import DataConfig
from gan_style.data.training_data import TrainingData

REPOSITORY = Path(__file__).resolve().parents[1]


def picture(path: Path, color: str = "red", size: tuple[int, int] = (60, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


def prepare(*words: object) -> subprocess.CompletedProcess[str]:
    program = REPOSITORY / "recipes" / "base" / "prepare.py"
    return subprocess.run(
        [sys.executable, program, *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of photos, a flat one of works and one by artists, and two pictures held out."""
    tmp_path = tmp_path_factory.mktemp("pictures")
    for name in ("photos/one.png", "photos/two.png", "more/three.png", "more/two.png"):
        picture(tmp_path / name)
    works = ("pa_ada_first.png", "pa_ada_second.png", "pa_bo_first.png", "id_7.png", "id_8.png")
    for name in works:
        picture(tmp_path / "flat" / name, "blue")
    for name in ("ada/pa_ada_first.png", "ada/third.png", "cy/fourth.png"):
        picture(tmp_path / "artists" / name, "green")
    lines = ["role\tpath", "content\tphotos/one.png", "style\tflat/id_8.png"]
    (tmp_path / "VALIDATION.tsv").write_text("\n".join(lines), encoding="utf-8")
    folders = [tmp_path / name for name in ("photos", "more", "flat", "artists")]
    words = ["--photos", *folders[:2], "--styles", *folders[2:]]
    for _ in range(2):  # again: nothing is doubled
        done = prepare(tmp_path / "out", *words, "--validation", tmp_path / "VALIDATION.tsv")
        assert done.returncode == 0, done.stderr
        assert "3 photos, 7 works in 4 styles" in done.stdout
    return tmp_path / "out"


def names(folder: Path) -> dict[str, list[str]]:
    return {each.name: sorted(path.name for path in each.iterdir()) for each in folder.iterdir()}


def test_folders_are_put_together_by_artist(laid_out: Path) -> None:
    assert names(laid_out / "styles") == {
        "ada": ["ada-pa_ada_first.png", "pa_ada_first.png", "pa_ada_second.png", "third.png"],
        "bo": ["pa_bo_first.png"],
        "cy": ["fourth.png"],
        "id_7": ["id_7.png"],
    }
    photos = {path.name: path.resolve().parent.name for path in (laid_out / "photos").iterdir()}
    assert photos == {"two.png": "photos", "three.png": "more", "more-two.png": "more"}


def test_the_list_is_left_out_and_its_squares_are_cut(laid_out: Path) -> None:
    assert names(laid_out / "validation") == {"content": ["one.png"], "style": ["id_8.png"]}
    assert names(laid_out / "squares") == {"content": ["one.png"], "style": ["id_8.png"]}
    with Image.open(laid_out / "squares" / "style" / "id_8.png") as square:
        assert square.size == (288, 288)


def test_it_can_be_trained_on(laid_out: Path) -> None:
    config = DataConfig(str(laid_out / "styles"), str(laid_out / "photos"), size=48, crop=32)
    data = TrainingData(config, 4, 0)
    assert data.counts == {"ada": 4, "bo": 1, "cy": 1, "id_7": 1}
    assert data.content_count == 3


def test_folders_have_to_be_named(tmp_path: Path) -> None:
    assert "required: --photos, --styles" in prepare(tmp_path).stderr


def test_only_pictures_under_an_open_license(tmp_path: Path) -> None:
    colors = {"red": "cc-by-2.0", "green": "imagenet", "blue": "gutenberg", "gray": "bsds"}
    for color in (*colors, "black"):  # of which the list knows nothing
        kind = "works/ada" if color == "blue" else "photos"
        picture(tmp_path / kind / f"{color}.png", color)
    files = {path.stem: path for path in tmp_path.rglob("*.png")}
    rows = [
        f"{name}\t{license}\t{hashlib.sha256(files[name].read_bytes()).hexdigest()[:12]}"
        for name, license in colors.items()
    ]
    (tmp_path / "LIST").write_text("\n".join(["file\tlicense\tsha256", *rows]), encoding="utf-8")
    words = ["--photos", tmp_path / "photos", "--styles", tmp_path / "works"]
    done = prepare(tmp_path / "out", *words, "--open-only", tmp_path / "LIST")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"1 photos, 1 works in 1 styles in {tmp_path / 'out'}",
        "  left out: 1 that the list does not know",
        "  left out: 1 under bsds",
        "  left out: 1 under imagenet",
    ]
    assert names(tmp_path / "out" / "styles") == {"ada": ["blue.png"]}
    assert [path.name for path in (tmp_path / "out" / "photos").iterdir()] == ["red.png"]
    kept = (tmp_path / "out" / "PICTURES.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in kept] == ["file", "red", "blue"]
