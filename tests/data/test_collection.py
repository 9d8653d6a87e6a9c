import sys
from pathlib import Path

import pytest
from PIL import Image

from gan_style.config import DataConfig
from gan_style.data.collection import load_content, load_styles
from gan_style.errors import DataError


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)


def styles_of(folder: Path, **options: bool) -> dict[str, list[str]]:
    config = DataConfig(styles=str(folder), **options)
    return {style.name: [path.name for path in style.paths] for style in load_styles(config)}


def test_a_folder_of_pictures_is_one_style(tmp_path: Path) -> None:
    put(tmp_path / "mine", "b.png", "a.jpg")
    assert styles_of(tmp_path / "mine") == {"mine": ["a.jpg", "b.png"]}


def test_sub_folders_are_one_style_each_and_loose_pictures_one_more(tmp_path: Path) -> None:
    put(tmp_path / "all", "ink/a.png", "ink/early/b.png", "oil/c.png")
    assert styles_of(tmp_path / "all") == {"ink": ["a.png", "b.png"], "oil": ["c.png"]}
    put(tmp_path / "all", "d.png")
    assert styles_of(tmp_path / "all")["all"] == ["d.png"]


def test_every_picture_can_be_a_style_with_a_name_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "sub/a.png", "b.png", "b.jpg")
    assert styles_of(tmp_path, picture_is_style=True) == {
        "a": ["a.png"],
        "b.jpg": ["b.jpg"],
        "b.png": ["b.png"],
        "sub/a": ["a.png"],
    }


def test_a_bad_picture_among_many_is_skipped_with_a_line_and_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, *(f"{i}.png" for i in range(20)))
    (tmp_path / "fake.jpg").write_text("text")
    (tmp_path / "empty.png").touch()
    (style,) = load_styles(DataConfig(styles=str(tmp_path)))
    assert len(style.paths) == 20
    lines = [*caplog.messages]
    assert len(load_content(DataConfig(content=str(tmp_path)))) == 20
    assert lines[0] == f"skipped {tmp_path}/empty.png: the file is empty"
    assert lines[1].startswith(f"skipped {tmp_path}/fake.jpg: not a picture")
    assert lines[2:] == ["skipped 2 of 22 pictures in all"]


def test_a_style_of_bad_pictures_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, "good/a.png")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "b.png").touch()
    assert [s.name for s in load_styles(DataConfig(styles=str(tmp_path)))] == ["good"]
    assert caplog.messages[-1] == "style bad is left out: none of its pictures can be read"


def test_refused_if_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=rf"in {tmp_path}: no file ends in \.avif, \.bmp"):
        load_styles(DataConfig(styles=str(tmp_path)))
    (tmp_path / "x.png").touch()
    for load in (load_styles, load_content):
        with pytest.raises(DataError, match=rf"in {tmp_path}: none of 1 can be read; .*is empty"):
            load(DataConfig(styles=str(tmp_path), content=str(tmp_path)))


def test_refused_if_the_folder_is_missing_or_not_chosen(tmp_path: Path) -> None:
    config = DataConfig(styles=str(tmp_path / "absent"), content=str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"data\.styles: .*absent is missing"):
        load_styles(config)
    with pytest.raises(DataError, match=r"data\.content: .*gone is missing"):
        load_content(config)
    with pytest.raises(DataError, match=r"data\.styles is not given"):
        load_styles(DataConfig())


def test_the_photographs_of_scikit_image_need_no_download() -> None:
    names = {path.stem for path in load_content(DataConfig())}
    assert {"astronaut", "chelsea", "coffee", "rocket"} <= names


def test_scikit_image_missing_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(DataError, match=r"data\.content=FOLDER .* 'gan-style\[demo\]'"):
        load_content(DataConfig())
