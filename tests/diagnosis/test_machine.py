"""What the machine is asked, and what is advised."""

from collections import namedtuple
from pathlib import Path

import pytest
import torch

from gan_style.diagnosis import machine
from gan_style.diagnosis.machine import (
    check_devices,
    check_disk,
    check_memory,
    check_processors,
    check_pytorch,
    check_tracking,
)

Usage = namedtuple("Usage", "total used free")


def test_devices_and_precision() -> None:
    there, used = check_devices()
    assert isinstance(there.value, list)
    assert there.value[-1] == "cpu"
    assert used.value == there.value[0].partition(":")[0]
    assert used.text.endswith(("in float32", "in bfloat16"))


def test_an_idle_gpu_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "version"
    monkeypatch.setattr(machine, "DRIVER", driver)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert check_devices()[0].advice is None
    driver.write_text("NVRM version: 1")
    assert "this PyTorch is a CPU build" in (check_devices()[0].advice or "")


def test_a_torchvision_of_another_build_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not check_pytorch()[0].broken
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    [found] = check_pytorch()
    assert found.broken
    assert "install both from one index" in (found.advice or "")


def test_few_threads_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_processors", lambda: 16)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert check_processors()[0].advice is None  # PyTorch knows better
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert check_processors()[0].advice == (
        "OMP_NUM_THREADS=1 leaves processors unused: unset it, or set it to 16"
    )


def test_little_memory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = check_memory()
    assert isinstance(found.value, int)
    assert "GB free of" in found.text
    monkeypatch.setattr("gan_style.memory.free_memory", lambda device: 1_500_000_000)
    assert "training takes about 2 GB" in (check_memory()[0].advice or "")


def test_a_full_disk_and_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**11))
    assert check_disk()[0].advice is None
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**8))
    assert check_disk()[0].advice == f"the disk is nearly full: 0.10 GB are free in {tmp_path}"
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    assert check_disk()[0].advice == f"{tmp_path} cannot be written to: work in another folder"


def test_tracking_tells_whether_there_is_a_key_and_not_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_MODE", "WANDB_API_KEY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    assert check_tracking()[0].value == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "5ecret" * 7)
    [found] = check_tracking()
    assert found.value == "online"
    assert "5ecret" not in str(found)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert check_tracking()[0].value == "off"
