"""Folders with names that are no text."""

import logging
import os
import shutil
from pathlib import Path

import pytest
from one_step import ONCE, POSIX

from gan_style.config import load_config
from gan_style.errors import ConfigError
from gan_style.style_code import StyleCode
from gan_style.training.run import train


@POSIX
def test_a_folder_whose_name_is_not_utf_8(
    tiny: list[str], collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "gan_style")  # pytest-xdist cannot send such a name
    styles = Path(os.fsdecode(os.fsencode(tmp_path) + b"/pictures \xff"))
    shutil.copytree(collection / "styles" / "ink", styles)
    run = tmp_path / "run"
    words = [*tiny, *ONCE, f"data.styles={styles}"]
    train(load_config(None, [*words, f"run.dir={run}"]))
    assert (run / "report.txt").is_file()
    assert load_config(str(run / "config.yaml")).data.styles == str(styles)
    (code,) = (run / "styles").iterdir()
    assert StyleCode.load(code).name == styles.name
    with pytest.raises(ConfigError, match=r"run\.dir .* is not in UTF-8"):
        train(load_config(None, [*words, f"run.dir={styles / 'run'}"]))
    assert not (styles / "run").exists()
