"""The work folder: names that are made here, and nothing overwritten or left lying about."""

import os
import time
from pathlib import Path

import pytest

from gan_style.app.folder import WorkFolder, safe_name
from gan_style.app.uploads import keep_pictures, refuse_large_file, uploaded
from gan_style.errors import ConfigError, PictureError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("<img src=x onerror=alert(1)>", "img-src-x-onerror-alert-1"),
        ("Meine Bilder, groß", "Meine-Bilder-groß"),
        (".hidden", "hidden"),
        ("a\x00b\nc", "a-b-c"),
        ("", "untitled"),
        ("///", "untitled"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_are_harmless(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    places = [folder.new_place("paintings", "../photo", ".png") for _ in range(3)]
    assert [place.name for place in places] == ["photo.png", "photo-2.png", "photo-3.png"]
    assert {place.parent for place in places} == {folder.root / "paintings"}
    assert [folder.new_place("runs", "mine").name for _ in range(2)] == ["mine", "mine-2"]


def test_the_browser_gets_copies_that_nobody_can_guess(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    file = folder.new_place("paintings", "photo", ".png")
    file.write_text("painted")
    copies = [folder.shown(file) for _ in range(2)]
    assert all(copy.read_text() == "painted" and copy.name == "photo.png" for copy in copies)
    assert len({copy.parent for copy in copies}) == 2
    assert all(copy.is_relative_to(folder.cache) for copy in copies)


def test_old_copies_are_deleted_and_what_is_kept_stays(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    kept, old, new = folder.new_place("paintings", "a", ".png"), folder.new_cached("b"), None
    new = folder.new_cached("c")
    (folder.cache / "loose").touch()
    long_ago = time.time() - 2 * 24 * 60 * 60
    for path in (old.parent, folder.cache / "loose", kept):
        os.utime(path, (long_ago, long_ago))
    folder.clean()
    assert list(folder.cache.iterdir()) == [new.parent]
    assert kept.exists()


def test_messages_name_files_and_no_folders(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    message = f"{folder.cache}/{'a1' * 32}/photo.jpg: not a picture; {folder.root}/uploads/x/1.png"
    assert folder.plain(message) == "photo.jpg: not a picture; x/1.png"


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="it cannot be made"):
        WorkFolder(tmp_path / "file" / "work")
    with pytest.raises(ConfigError, match="no = in it"):
        WorkFolder(tmp_path / "a=b")


def test_uploads_are_counted_and_weighed(tmp_path: Path) -> None:
    assert uploaded("one.png", 1) == [Path("one.png")]
    with pytest.raises(PictureError, match="no picture yet"):
        uploaded(None, 5)
    with pytest.raises(PictureError, match="300 files; at most 50"):
        uploaded(["x.png"] * 300, 50)
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(300_000_000)  # a hole: it takes no room on the disk
    with pytest.raises(PictureError, match=r"large\.png has 300 MB"):
        refuse_large_file(large)


def test_pictures_of_a_style_are_kept_under_numbers(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "work")
    files = []
    for place in ("one", "two"):  # the same name twice, as from two sub-folders
        (tmp_path / place).mkdir()
        files.append(tmp_path / place / "a b<c>.PNG")
        files[-1].write_text(place)
    kept = keep_pictures(folder, files, "my style")
    assert kept == folder.uploads / "my-style"
    assert {path.name: path.read_text() for path in kept.iterdir()} == {
        "001-a-b-c.png": "one",
        "002-a-b-c.png": "two",
    }
