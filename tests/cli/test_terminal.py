"""What names of strangers do to the terminal, and how a want of memory is told."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_style.cli.main import main
from gan_style.cli.terminal import PrintableStream, printable
from gan_style.style_code import StyleCode

EVIL = "a\x1b[31m\x9b2J\r\x07b\u202egnp"
SHOWN = "a\\x1b[31m\\x9b2J\\r\\x07b\\u202egnp"


def test_what_steers_a_terminal_is_shown_and_all_else_kept() -> None:
    assert printable(EVIL) == SHOWN
    assert printable("é 日本 🎨\tb\n") == "é 日本 🎨\tb\n"
    written = io.StringIO()
    with redirect_stdout(PrintableStream(written)):
        print(EVIL)
    assert written.getvalue() == f"{SHOWN}\n"


@pytest.mark.skipif(os.name != "posix", reason="such names are not possible")
def test_names_reach_the_terminal_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In results, in errors and in warnings of the log."""
    monkeypatch.chdir(tmp_path)
    StyleCode(torch.zeros(8), torch.zeros(8), EVIL).save("one.style.safetensors")
    mix = ["mix", "one.style.safetensors", "one.style.safetensors", "-o"]
    assert main([*mix, "two.style.safetensors"]) == 0
    assert main([*mix, "two.style.safetensors"]) == 2
    assert main([*mix, f"{EVIL}.style.safetensors"]) == 0
    assert main([*mix, f"{EVIL}.style.safetensors"]) == 2
    assert main(["stylize", f"{EVIL}\n.png", "--style", "one.style.safetensors", "-o", "x"]) == 2
    Path(EVIL).mkdir()
    Path(EVIL, f"{EVIL}.png").write_bytes(b"no picture")
    assert main(["encode", EVIL, "-o", "three"]) == 2  # logs what it skips
    told = capsys.readouterr()
    assert told.out.count(SHOWN) >= 3
    assert told.err.count(SHOWN) >= 3
    assert all(
        line.startswith(("error: ", "skipped: ")) for line in told.err.splitlines() if SHOWN in line
    )
    assert not any(part in told.out + told.err for part in ("\x1b[3", "\x9b", "\x07", "\u202e"))


@pytest.mark.skipif(os.name != "posix", reason="such names are not possible")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_encoding_lacks_are_shown_all_the_same(
    tmp_path: Path, encoding: str
) -> None:
    for name in (os.fsencode("日本.png"), b"not utf-8 \xff.png"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, "-m", "gan_style", "check", str(tmp_path)],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert "2 of 2 cannot be read" in shown
    assert "not utf-8 \\udcff.png" in shown
    assert ("日本.png" if encoding == "utf-8" else "\\u65e5\\u672c.png") in shown


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_a_want_of_memory_is_told_in_a_line(
    tmp_path: Path,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")

    def fail(*given: object, **named: object) -> None:
        raise error

    monkeypatch.setattr("gan_style.stylizer.Stylizer.encode", fail)
    assert main(["encode", str(tmp_path / "a.png"), "-o", str(tmp_path / "code")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith(f"error: memory ran out ({error})")


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_that_leads_nowhere_is_not_replaced_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = StyleCode(torch.zeros(8), torch.zeros(8)).save(tmp_path / "one.style.safetensors")
    output = tmp_path / "two.style.safetensors"
    output.symlink_to(tmp_path / "nowhere")
    words = ["mix", str(code), str(code), "-o", str(output)]
    assert main(words) == 2
    assert "two.style.safetensors is there already" in capsys.readouterr().err
    assert output.is_symlink()
    assert main([*words, "--force"]) == 0
    assert not output.is_symlink()
