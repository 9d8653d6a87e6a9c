import ctypes
import os
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan_style.device import (
    autocast,
    bfloat16_is_fast,
    choose_device,
    choose_precision,
    derived_rng,
    deterministic,
    keep_freed_memory,
    matrix_products,
)
from gan_style.errors import ConfigError


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(2, True, "cuda"), (1, False, "cuda"), (0, True, "mps"), (0, False, "cpu")],
)
def test_the_best_device_is_chosen(
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, expected: str
) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto") == torch.device(expected)
    assert choose_device(expected) == torch.device(expected)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["cuda:1", torch.device("cuda:1"), torch.device("cuda", 1)])
def test_a_gpu_is_chosen_by_its_number(
    monkeypatch: pytest.MonkeyPatch, wanted: str | torch.device
) -> None:
    machine(monkeypatch, cuda=2, mps=False)
    assert choose_device(wanted) == torch.device("cuda", 1)


def test_a_device_of_torch_may_say_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=0, mps=True)
    assert choose_device(torch.device("mps:0")) == torch.device("mps")
    assert choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize(
    "wanted", ["cuda", "cuda:0", torch.device("cuda:1"), "mps", "tpu", "", "CPU"]
)
def test_a_device_that_is_not_here_is_refused(
    monkeypatch: pytest.MonkeyPatch, wanted: str | torch.device
) -> None:
    machine(monkeypatch, cuda=0, mps=False)
    with pytest.raises(
        ConfigError, match=rf"device '{wanted}' is not available.*; allowed: auto, cpu$"
    ):
        choose_device(wanted)


def test_the_refusal_names_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=0, mps=True)
    with pytest.raises(ConfigError, match=r"allowed: auto, mps, cpu$"):
        choose_device("cuda")
    machine(monkeypatch, cuda=2, mps=False)
    with pytest.raises(ConfigError, match=r"allowed: auto, cuda, cuda:0, cuda:1, cpu$"):
        choose_device("cuda:2")


def test_networks_run_in_the_precision() -> None:
    cpu, factors = torch.device("cpu"), torch.ones(2, 2)
    with autocast(cpu, "bfloat16"):
        assert (factors @ factors).dtype == torch.bfloat16
    with autocast(cpu, "float32"):
        assert (factors @ factors).dtype == torch.float32


def test_automatic_precision_follows_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert choose_precision("auto", cpu) == "bfloat16"
    assert choose_precision("float32", cpu) == "float32"
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    assert choose_precision("auto", cpu) == "float32"


@pytest.mark.parametrize("answer", [True, False])
def test_bfloat16_follows_the_processor(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: answer, raising=False)
    assert bfloat16_is_fast(torch.device("cpu")) is answer


@pytest.mark.parametrize("answer", [True, False])
def test_bfloat16_follows_the_graphics_card(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    asked: list[dict[str, Any]] = []

    def supported(**options: Any) -> bool:
        asked.append(options)
        return answer

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert bfloat16_is_fast(torch.device("cuda")) is answer
    assert asked == [{"including_emulation": False}]  # emulated is slower than float32


def test_bfloat16_is_not_used_on_mps() -> None:
    assert bfloat16_is_fast(torch.device("mps")) is False


def test_bfloat16_is_off_where_pytorch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is a private one, which older versions of PyTorch do not have."""
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert bfloat16_is_fast(torch.device("cpu")) is False


@pytest.mark.parametrize(("precision", "setting"), [("bfloat16", "medium"), ("float32", "highest")])
def test_products_suit_the_precision_and_the_setting_comes_back(
    precision: str, setting: str
) -> None:
    before = torch.get_float32_matmul_precision()
    with suppress(KeyError), matrix_products(precision):
        assert torch.get_float32_matmul_precision() == setting
        raise KeyError
    assert torch.get_float32_matmul_precision() == before


def test_products_of_bfloat16_numbers_are_exact() -> None:
    maps = torch.randn(64, 32, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    with matrix_products("bfloat16"):
        gram, exact = maps.mT @ maps, maps.double().mT @ maps.double()
    assert gram.dtype == torch.float32
    assert torch.allclose(gram.double(), exact, atol=1e-4)


def test_the_allocator_is_told_to_keep_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda option, value: calls.append((option, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory()
    # M_MMAP_MAX = -4: no buffer is mapped alone; M_TRIM_THRESHOLD = -1: none is given back
    assert sorted(calls) == [(-4, 0), (-1, 2**31 - 1)]


@pytest.mark.parametrize("library", [None, SimpleNamespace()])
def test_another_c_library_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, library: SimpleNamespace | None
) -> None:
    def load(name: str) -> SimpleNamespace:
        if library is None:
            raise OSError(f"{name}: cannot open shared object file")
        return library  # of a system without mallopt

    monkeypatch.setattr(ctypes, "CDLL", load)
    keep_freed_memory()


def test_a_derived_generator_follows_from_the_next_number_of_another() -> None:
    def drawn(rng: torch.Generator) -> list[float]:
        return torch.rand(3, generator=derived_rng(rng, torch.device("cpu"))).tolist()

    first, second = (torch.Generator().manual_seed(1) for _ in range(2))
    assert drawn(first) == drawn(second)
    assert drawn(first) == drawn(second)  # of the number after
    torch.rand(1, generator=first)
    assert drawn(first) != drawn(second)


def test_deterministic_settings_are_restored_as_they_were() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with pytest.raises(RuntimeError, match="put_"), deterministic(torch.device("cpu")):
            torch.zeros(2).put_(torch.tensor([0]), torch.ones(1))
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("given", [None, ":16:8"])
def test_a_gpu_gets_a_workspace_with_which_it_repeats_itself(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "to be restored")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    if given is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", given)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: given is not None)
    for _ in range(2):  # cuBLAS reads it once: what was set for the first stays
        with deterministic(torch.device("cuda")):
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == (given or ":4096:8")
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)


@pytest.mark.parametrize(
    ("given", "message"),
    [(":0:0", "is ':0:0'; "), (None, "is not set, and a GPU was used already")],
)
def test_a_workspace_with_which_a_gpu_does_not_repeat_itself_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str | None, message: str
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if given is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", given)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    with pytest.raises(ConfigError, match=message), deterministic(torch.device("cuda")):
        pass
    assert not torch.are_deterministic_algorithms_enabled()
