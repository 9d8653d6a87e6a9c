"""Packages and extras, from the metadata of a package that is made here."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from gan_style.diagnosis import installation
from gan_style.diagnosis.finding import Finding
from gan_style.diagnosis.installation import check_extras, check_required, check_versions

METADATA = """Metadata-Version: 2.4
Name: made-here
Version: 1.0
Requires-Dist: torch>=2.4
Requires-Dist: numpy>=99
Requires-Dist: not-there>=1; python_version >= "3"
Requires-Dist: not-there-either>=1; python_version < "3"
Provides-Extra: app
Requires-Dist: pillow>=1; extra == "app"
Provides-Extra: video
Requires-Dist: click>=1; extra == "video"
Requires-Dist: missing-codec>=1; (python_version >= "3") and extra == "video"
Provides-Extra: hub
Requires-Dist: missing-hub>=1; extra == "hub"
Provides-Extra: old
Requires-Dist: pyyaml>=99; extra == "old"
Provides-Extra: dev
Requires-Dist: pytest>=8; extra == "dev"
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "made_here-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(installation, "PACKAGE", "made-here")


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_required_packages_are_there_missing_or_too_old() -> None:
    found = by_name(check_required())
    assert set(found) == {"torch", "numpy", "not-there"}
    assert found["torch"] == Finding("torch", version("torch"), version("torch"))
    assert found["numpy"].broken
    assert found["numpy"].advice == (
        f"numpy {version('numpy')} is too old: pip install -U 'numpy>=99'"
    )
    assert found["not-there"].broken
    assert found["not-there"].value is None
    assert found["not-there"].advice == "install not-there: pip install 'not-there>=1'"


def test_extras_say_their_versions_or_how_to_install_them() -> None:
    found = by_name(check_extras())
    assert list(found) == ["app", "hub", "old", "video"]
    assert found["app"] == Finding("app", True, f"pillow {version('pillow')}")
    assert found["hub"] == Finding("hub", False, "not installed: pip install 'made-here[hub]'")
    missing = "not installed (missing-codec missing): pip install 'made-here[video]'"
    assert found["video"] == Finding("video", False, missing)
    assert not any(finding.broken for finding in found.values())
    assert found["old"].advice == (
        f"pyyaml {version('pyyaml')} too old: pip install 'made-here[old]' -U"
    )


def test_without_metadata_it_says_that_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation, "PACKAGE", "never-installed")
    assert check_required() == []
    [found] = check_extras()
    assert found.advice == (
        "never-installed itself is not installed: run pip install -e . in its folder"
    )


def test_versions_name_python_and_where_the_package_lies() -> None:
    own, python = check_versions()
    assert python.value == ".".join(map(str, sys.version_info[:3]))
    assert str(Path(installation.__file__).parents[1]) in own.text
