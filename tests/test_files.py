from pathlib import Path

import pytest

from gan_style.files import replacing


def test_what_is_written_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "notes.txt"
    for text in ("first", "second"):
        with replacing(path) as temporary:
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
