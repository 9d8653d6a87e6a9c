import errno
import os
import stat
from pathlib import Path

import pytest

from gan_style.errors import DataError
from gan_style.files import (
    append_line,
    file_name,
    find_files,
    remove_left_over,
    replacing,
    told,
)


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_written_takes_the_place_of_the_file(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "notes.txt"
    for text in ("first", "second"):
        with replacing(path, durable=durable) as temporary:
            temporary.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_breaks_off_leaves_the_file_as_it_was(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("before")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_durable_file_is_on_disk_before_it_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        sync(descriptor)

    def swap(source: Path, target: Path) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", swap)
    with replacing(tmp_path / "notes.txt", durable=True) as temporary:
        temporary.write_text("kept")
    assert calls == ["sync file", "replace", "sync folder"]


@pytest.mark.parametrize(("name", "why"), [("nowhere", "missing"), ("file", "not a folder")])
def test_files_are_found_in_folders_only(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"{name} is {why}"):
        find_files(tmp_path / name)


def test_names_of_styles_become_names_of_files() -> None:
    assert file_name("ink") == "ink"
    one, other = file_name("a/b"), file_name("a b")
    assert one.startswith("a-b-")
    assert one != other


def test_an_error_while_writing_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with pytest.raises(OSError, match="No space left") as caught, replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as `write` does
    assert caught.value.filename == str(path)
    assert told(caught.value) == f"{path}: no space left on device"
    with pytest.raises(FileNotFoundError) as missing, replacing(path):
        (tmp_path / "other").read_bytes()
    assert missing.value.filename == str(tmp_path / "other")


@pytest.mark.skipif(os.name != "posix", reason="needs limits")
def test_a_line_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "log.jsonl"
    append_line(path, '{"step": 1}')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))  # half of the next line fits
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            append_line(path, '{"step": 2}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(path)
    append_line(path, '{"step": 3}')
    assert path.read_text(encoding="utf-8") == '{"step": 1}\n{"step": 3}\n'


def test_what_a_killed_process_left_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    kept = [".lock", "file.1.part", ".mine.part", "file.txt"]
    for name in (*kept, ".file.txt.123.part", ".a b.png.7.part"):
        (tmp_path / name).touch()
    remove_left_over(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
