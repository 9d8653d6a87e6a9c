"""How much memory is free, where a process is limited."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gan_style import memory

CODE = """
import resource, torch
from gan_style.memory import free_memory
before = free_memory(torch.device("cpu"))
resource.setrlimit(resource.RLIMIT_AS, ({limit}, resource.RLIM_INFINITY))
print(before, free_memory(torch.device("cpu")))
"""


def test_free_memory_is_what_the_system_says(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    table.write_text("MemTotal:  2000 kB\nMemAvailable:   1000 kB\nHugePages_Total: 0\n")
    assert memory._machine_memory(table) == 1000 * 1024
    cpu = torch.device("cpu")
    assert memory.free_memory(cpu) is None or memory.free_memory(cpu) > 0


def test_total_memory_is_the_machine_s_or_the_smallest_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(memory, "_physical_memory", lambda: 5000)
    monkeypatch.setattr(memory, "_groups", lambda *_: [tmp_path])
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.total_memory(cpu) == 5000
    (tmp_path / "memory.max").write_text("3000\n")
    assert memory.total_memory(cpu) == 3000
    monkeypatch.setattr(memory, "_physical_memory", lambda: None)  # Windows
    monkeypatch.setattr(memory, "_groups", lambda *_: [])
    assert memory.total_memory(cpu) is None


def group(folder: Path, limit: str, used: int, reclaimable: int, version: int = 2) -> None:
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 2500\n{names[2]} {reclaimable}\n")


@pytest.mark.parametrize(
    ("version", "root", "line"),
    [(2, ".", "0::/user/job\n"), (1, "memory", "12:cpu:/\n4:memory:/user/job\n")],
)
def test_the_narrowest_control_group_around_the_process_counts(
    tmp_path: Path, version: int, root: str, line: str
) -> None:
    own, top = tmp_path / "own", tmp_path / root
    own.write_text(line)
    group(top, "max", 3000, 0, version)
    assert memory._control_group_memory(tmp_path, own) is None
    group(top / "user", "5000", 3000, 400, version)
    assert memory._control_group_memory(tmp_path, own) == 2400
    group(top / "user/job", "900", 500, 0, version)
    assert memory._control_group_memory(tmp_path, own) == 400
    group(top / "other", "5", 0, 0, version)
    assert memory._control_group_memory(tmp_path, own) == 400
    group(top, "100", 3000, 400, version)
    assert memory._control_group_memory(tmp_path, own) == 0
    assert memory._control_group_memory(tmp_path, tmp_path / "none") == 0  # seen from within


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited on Linux")
def test_a_limit_of_the_address_space_counts() -> None:
    limit = 16_000_000_000
    call = [sys.executable, "-c", CODE.format(limit=limit)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert 0 <= after <= before
    assert after < limit
