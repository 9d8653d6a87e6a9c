import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gan_style.checkpoint import (
    flatten_state,
    load_checkpoint,
    newest_checkpoint,
    prune_checkpoints,
    save_checkpoint,
    unflatten_state,
)
from gan_style.errors import CheckpointError


def step_file(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}.safetensors"


def save_step(folder: Path, step: int) -> Path:
    save_checkpoint(step_file(folder, step), {"w": torch.full((4,), float(step))}, {"step": step})
    return step_file(folder, step)


def identical(first: Any, second: Any) -> bool:
    """Equal in type, order, bits, data type, shape and memory layout, all the way down."""
    if type(first) is not type(second):
        return False
    if isinstance(first, Tensor):
        same = (first.dtype, first.shape, first.stride()) == (
            second.dtype,
            second.shape,
            second.stride(),
        )
        return same and torch.equal(bits(first), bits(second))
    if isinstance(first, dict):
        keys = [(type(key), key) for key in first] == [(type(key), key) for key in second]
        return keys and all(identical(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(identical, first, second))
    return bool(first == second or (first != first and second != second))


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def through_a_file(state: Any, folder: Path) -> Any:
    tensors, skeleton = flatten_state(state)
    save_checkpoint(folder / "state.safetensors", tensors, {"state": skeleton})
    tensors, metadata = load_checkpoint(folder / "state.safetensors")
    return unflatten_state(tensors, metadata["state"])


# ---------------------------------------------------------------------- files


def test_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    tensors = {
        "half": torch.randn(3, 2).half(),
        "bfloat16": torch.randn(3).bfloat16(),
        "number": torch.tensor(7),
        "yes": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "odd": torch.tensor([float("nan"), float("-inf"), -0.0]),
        "strided": torch.randn(4, 5)[:, ::2],
        "shared": shared,
        "part": shared[2:4],
        "learned": nn.Parameter(torch.randn(2)),
    }
    metadata = {"kind": "checkpoint", "best": float("inf"), "name": "größe", "list": [1, None]}
    path = tmp_path / "made" / "file.safetensors"
    save_checkpoint(path, tensors, metadata)
    loaded, read = load_checkpoint(path)
    assert read == metadata
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].shape == tensor.shape
        assert torch.equal(bits(loaded[name]), bits(tensor.detach())), name
    assert [file.name for file in path.parent.iterdir()] == ["file.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="needs modes")
def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    assert save_step(tmp_path, 1).stat().st_mode == (tmp_path / "new").stat().st_mode


def test_it_is_a_plain_safetensors_file_with_json_in_its_header(tmp_path: Path) -> None:
    with safe_open(save_step(tmp_path, 3), "pt") as file:
        assert json.loads(file.metadata()["gan_style"]) == {"step": 3}
        assert file.get_tensor("w").tolist() == [3.0] * 4


def not_there(path: Path) -> None:
    path.unlink()


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("not a checkpoint at all, but long enough to have a header")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def only_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def flipped_number(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 0x10
    path.write_bytes(content)


def flipped_metadata(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 1', b'\\"step\\": 2'))


def huge_header(path: Path) -> None:
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def foreign(path: Path) -> None:
    save_file({"w": torch.zeros(2)}, path)


def foreign_with_metadata(path: Path) -> None:
    save_file({"w": torch.zeros(2)}, path, {"format": "pt"})


def half_a_header(path: Path) -> None:
    save_file({"w": torch.zeros(2)}, path, {"gan_style": "{}"})


def torch_file(path: Path) -> None:
    torch.save({"w": torch.zeros(2)}, path)


def old_torch_file(path: Path) -> None:
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)


def pickle_file(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


def zip_file(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Bomb()))


class Bomb:
    def __reduce__(self) -> Any:
        return os.abort, ()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (not_there, "there is no checkpoint"),
        (folder_instead, "is a folder"),
        (empty, "is damaged or no checkpoint"),
        (text, "is damaged or no checkpoint"),
        (truncated, "is damaged or no checkpoint"),
        (only_header, "is damaged or no checkpoint"),
        (huge_header, "is damaged or no checkpoint"),
        (flipped_number, "does not match its checksum"),
        (flipped_metadata, "does not match its checksum"),
        (foreign, "was not written by gan_style"),
        (foreign_with_metadata, "was not written by gan_style"),
        (half_a_header, "its header lacks"),
        (torch_file, "can run code and are not loaded"),
        (old_torch_file, "can run code and are not loaded"),
        (pickle_file, "can run code and are not loaded"),
        (zip_file, "can run code and are not loaded"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_reason(tmp_path: Path, spoil: Any, reason: str) -> None:
    path = save_step(tmp_path, 1)
    before = path.read_bytes()
    spoil(path)
    assert not path.is_file() or path.read_bytes() != before
    with pytest.raises(CheckpointError, match=reason) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


def test_bad_files_are_user_errors() -> None:
    assert issubclass(CheckpointError, ValueError)


# ---------------------------------------------------------------------- newest and pruned


def test_the_newest_that_can_be_read(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None
    assert newest_checkpoint(tmp_path) is None
    first, second, third = (save_step(tmp_path, step) for step in (5, 10, 20))
    save_checkpoint(tmp_path / "best.safetensors", {}, {})
    (tmp_path / ".step-00000030.safetensors.123.part").write_bytes(b"half")
    step_file(tmp_path, 40).write_bytes(b"")
    assert newest_checkpoint(tmp_path) == third
    flipped_number(third)
    assert newest_checkpoint(tmp_path) == second
    truncated(second)
    assert newest_checkpoint(tmp_path) == first
    not_there(first)
    assert newest_checkpoint(tmp_path) is None


def test_a_new_branch_is_newer_than_higher_numbers_of_an_old_one(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save_step(tmp_path, step)
    branch = save_step(tmp_path, 15)  # somebody went back to 10
    os.utime(branch, (0, 0))  # and copied the folder
    assert newest_checkpoint(tmp_path) == branch
    prune_checkpoints(tmp_path, 2)
    assert sorted(tmp_path.iterdir()) == [branch, step_file(tmp_path, 30)]


def test_what_is_written_last_is_the_newest_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step, now in enumerate([2_000, 1_000, 1_000, 500], start=1):
        monkeypatch.setattr("gan_style.checkpoint.time.time_ns", lambda now=now: now)
        written = save_step(tmp_path, step)
        prune_checkpoints(tmp_path, 1)
        assert sorted(tmp_path.iterdir()) == [written]
        assert newest_checkpoint(tmp_path) == written


def test_pruning_keeps_the_newest_the_best_and_strangers(tmp_path: Path) -> None:
    for step in (1, 2, 3, 100_000_000):
        save_step(tmp_path, step)
    for name in ("best.safetensors", "mine.txt", "step-final.safetensors"):
        (tmp_path / name).write_bytes(b"")
    for temporary in (".step-00000009.safetensors.123.part", ".step-00000008.safetensors.tmp"):
        (tmp_path / temporary).write_bytes(b"left over")
    prune_checkpoints(tmp_path, 2)
    kept = {"step-00000003.safetensors", "step-100000000.safetensors"}
    others = {"best.safetensors", "mine.txt", "step-final.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == kept | others
    with pytest.raises(ValueError, match="keep is 0"):
        prune_checkpoints(tmp_path, 0)


# ---------------------------------------------------------------------- failure and sudden death


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_previous_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = save_step(tmp_path, 1)

    def refuse(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(CheckpointError, match=r"cannot write .*no space left"):
        save_checkpoint(path, {"w": torch.zeros(4)}, {"step": 2})
    assert load_checkpoint(path)[1] == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot write"):
        save_checkpoint(tmp_path / "file" / "step.safetensors", {}, {})


# Forks writers, kills them with signal 9 (at chosen calls, then at random moments) and looks.
KILLER = """
import os, random, resource, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from gan_style import checkpoint as c

folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
path = lambda step: folder / f"step-{step:08d}.safetensors"
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

def save(step):
    tensors = {f"w{i}": torch.full((50_000,), step) for i in range(20)}
    c.save_checkpoint(path(step), tensors, {"step": step})
    c.prune_checkpoints(folder, 2)

whole = c.save

def half_written(tensors, header):
    data = whole(tensors, header)
    limit = len(data) // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # then SIGXFSZ, which Python ignores
    signal.signal(signal.SIGXFSZ, die)
    return data

def dies_at(name, function):
    def prepare():
        setattr(c if name == "save" else os, name, function)
    return prepare

def check(at_least):
    newest = c.newest_checkpoint(folder)
    tensors, metadata = c.load_checkpoint(newest)
    step = metadata["step"]
    assert newest == path(step) and step >= at_least, (newest, step, at_least)
    assert len(tensors) == 20 and all((t == step).all() for t in tensors.values())
    return step

def round_of(step, prepare, delay):
    child = os.fork()
    if child == 0:
        prepare()
        while True:
            step += 1
            save(step)
    try:
        if delay is not None:
            while c.newest_checkpoint(folder) == path(step):
                time.sleep(0.001)
            time.sleep(delay)
    finally:  # a writer that outlives us would keep the test waiting for ever
        if delay is not None:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status

save(1)
step = check(1)
points = {"save": half_written, "fsync": die, "replace": die}
for name, function in points.items():
    round_of(step, dies_at(name, function), None)
    assert check(step) == step, name
    assert list(folder.glob(".*.part")), name
chance = random.Random(0)
for _ in range(rounds):
    round_of(step, lambda: None, chance.random() * 0.02)
    step = check(step + 1)
save(step + 1)
assert check(step + 1) and not list(folder.glob(".*.part"))
print("killed", rounds + len(points))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_while_writing_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLER, str(tmp_path), "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stdout) == (0, "killed 23\n"), done.stderr


# ---------------------------------------------------------------------- nested states


def trained(seed: int, steps: int = 3) -> tuple[nn.Module, torch.optim.Adam]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), 1e-2, (0.5, 0.99), amsgrad=True)
    train(network, optimizer, steps)
    return network, optimizer


def train(network: nn.Module, optimizer: torch.optim.Adam, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()


def test_networks_and_adam_come_back_exactly(tmp_path: Path) -> None:
    network, optimizer = trained(0)
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "steps": 3,
    }
    back = through_a_file(state, tmp_path)
    assert identical(state, back)
    assert isinstance(back["network"], OrderedDict)
    assert back["network"]._metadata == network.state_dict()._metadata  # type: ignore[attr-defined]
    assert type(back["optimizer"]["param_groups"][0]["betas"]) is tuple
    assert list(back["optimizer"]["state"]) == [0, 1, 2, 3, 4, 5]
    assert back["optimizer"]["state"][0]["step"].shape == ()


def test_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    network, optimizer = trained(1)
    saved = {"n": network.state_dict(), "o": optimizer.state_dict(), "r": torch.get_rng_state()}
    back = through_a_file(saved, tmp_path)
    train(network, optimizer, 3)
    other, other_optimizer = trained(2, steps=1)
    other.load_state_dict(back["n"])
    other_optimizer.load_state_dict(back["o"])
    torch.set_rng_state(back["r"])
    train(other, other_optimizer, 3)
    assert identical(network.state_dict(), other.state_dict())
    assert identical(optimizer.state_dict(), other_optimizer.state_dict())


@pytest.mark.parametrize(
    "state",
    [
        None,
        3,
        torch.tensor(1.5),
        {},
        [],
        {"a": (), "b": [None, True, 0, -0.0, 1e-300, "x"], "c": {"d": ({},)}},
        {0: "int", "0": "str", None: 1, 1.5: 2, True: 3},
        {"a.b": torch.zeros(1), "a": {"b": torch.ones(2), "b'": torch.ones(3)}},
        {"tensor": "a name", "list": {"dict": [1]}},
        [float("nan"), float("inf"), float("-inf")],
        {"big": 2**70, "betas": (0.5, 0.99)},
    ],
)
def test_any_nesting_comes_back(state: Any, tmp_path: Path) -> None:
    assert identical(state, through_a_file(state, tmp_path))


def test_tensors_are_named_by_their_path() -> None:
    weight = torch.zeros(1)
    tensors, _ = flatten_state({"average": {"encoder.0.weight": weight}, "rest": [1, weight]})
    assert list(tensors) == ["average.encoder.0.weight", "rest.1"]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", torch.Size([1]), nn.Identity()])
def test_what_cannot_be_saved_is_named(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"state a\.1: .*{type(value).__name__}"):
        flatten_state({"a": [0, value]})
    with pytest.raises(TypeError, match="cannot save a key of tuple"):
        flatten_state({"a": {(1, 2): 3}})


@pytest.mark.parametrize(
    "skeleton",
    [{"tensor": "missing"}, {"dict": 3}, {"list": None}, {"set": []}, {}, {"dict": [[1, 2, 3]]}],
)
def test_a_skeleton_that_does_not_fit_is_refused(skeleton: Any) -> None:
    with pytest.raises(CheckpointError, match="does not fit together"):
        unflatten_state({"w": torch.zeros(1)}, skeleton)
