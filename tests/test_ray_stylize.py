"""examples/ray_stylize.py: which photo is painted where; where Ray is installed, two workers."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from gan_style.errors import ConfigError, PictureError

REPOSITORY = Path(__file__).resolve().parents[1]
DIES = """
import os, sys
from pathlib import Path
import ray_stylize as used

mark = Path(sys.argv.pop(1))

class Dying(used.Painter):
    def write(self, job, canvas):
        super().write(job, canvas)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), 9)

used.Painter = Dying
used.main()
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "examples"))
    return import_module("ray_stylize")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos and a broken one, some in a folder inside."""
    folder = tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    for number in range(5):
        place = folder / "inside" if number % 2 else folder
        Image.new("RGB", (40, 40), (40 * number, 90, 30)).save(place / f"{number}.jpg")
    (folder / "broken.jpg").write_text("no picture")
    return folder


def test_paintings_lie_as_the_photos_do(program: ModuleType, photos: Path) -> None:
    painted = photos / "painted"
    painted.mkdir()
    (painted / "0.png").touch()  # of an earlier run
    jobs = program.jobs_of(photos, painted)
    names = ["0", "2", "4", "broken", "inside/1", "inside/3"]
    assert jobs == [(photos / f"{name}.jpg", painted / f"{name}.png") for name in names]


def test_a_list_of_photos(program: ModuleType, photos: Path) -> None:
    listed = photos / "list.txt"
    listed.write_text(f"inside/1.jpg\n\n{photos}/2.jpg\n")
    jobs = program.jobs_of(listed, Path("/out"))
    assert [painting for _, painting in jobs] == [Path("/out/inside/1.png"), Path("/out/2.png")]
    assert all(photo.is_file() for photo, _ in jobs)
    for line in ("../1.jpg", "/elsewhere/1.jpg"):
        listed.write_text(line)
        with pytest.raises(ConfigError, match="does not lie below"):
            program.jobs_of(listed, Path("/out"))


def test_what_cannot_be_painted_is_refused(program: ModuleType, photos: Path) -> None:
    Image.new("RGB", (4, 4)).save(photos / "0.png")
    with pytest.raises(ConfigError, match=r"0\.jpg and .*0\.png would both become /out/0\.png"):
        program.jobs_of(photos, Path("/out"))
    (photos / "empty").mkdir()
    with pytest.raises(PictureError, match="no photos in"):
        program.jobs_of(photos / "empty", Path("/out"))
    with pytest.raises(PictureError, match="nowhere does not exist"):
        program.jobs_of(photos / "nowhere", Path("/out"))


@pytest.mark.long
@pytest.mark.timeout(600)  # Ray starts slowly where the cores are busy
def test_two_workers_lose_nothing_though_one_of_them_dies(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray.data", reason="needs pip install 'ray[data]'")
    (tmp_path / "dies.py").write_text(DIES)
    paths = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "examples")))

    def run(output: str) -> "subprocess.CompletedProcess[str]":
        words = [tmp_path / "dies.py", tmp_path / "mark", photos, "--style", "woodcut"]
        return subprocess.run(
            [sys.executable, *words, "-o", tmp_path / output, "--workers", "2"],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )

    first = run("out")
    assert first.returncode == 0, first.stderr
    assert f"skipped: {photos / 'broken.jpg'}: not a picture" in first.stdout
    assert "\npainted 4, kept 1, skipped 1\n" in first.stdout  # one before its worker died
    found = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(path.name for path in found) == [f"{number}.png" for number in range(5)]
    assert "\npainted 0, kept 5, skipped 1\n" in run("out").stdout
