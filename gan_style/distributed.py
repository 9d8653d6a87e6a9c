"""Processes that do one job together, on one machine or several.

They are started by torchrun, which tells each in its environment which of them it is. Without
torchrun there is one process, for which everything here does nothing.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from gan_style.errors import ConfigError, DistributedError, GanStyleError

Value = TypeVar("Value")

_TIMEOUT = timedelta(minutes=60)  # one process may evaluate or write while the others wait
_LOST = ("gloo", "nccl", "store", "peer", "socket")  # in messages of a connection that broke


@dataclass(frozen=True)
class Ranks:
    """Which of a job's processes this is.

    Attributes:
        rank: number of this process, from 0. The first one alone writes files and reports.
        count: of processes, over all machines.
        local: number of this process on its machine.
        restarts: how many times torchrun has started the job again.
        may_restart: whether it does so when a process dies (`--max-restarts`).
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    restarts: int = 0
    may_restart: bool = False

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ranks":
        """As torchrun has set it; one process where it has not.

        Raises:
            ConfigError: a variable is no number, or the numbers do not fit together.
        """
        if "TORCHELASTIC_RUN_ID" not in environment:
            return cls()
        ranks = cls(
            rank=_number(environment, "RANK"),
            count=_number(environment, "WORLD_SIZE"),
            local=_number(environment, "LOCAL_RANK"),
            restarts=_number(environment, "TORCHELASTIC_RESTART_COUNT"),
            may_restart=_number(environment, "TORCHELASTIC_MAX_RESTARTS") > 0,
        )
        if not ranks.rank < ranks.count:
            raise ConfigError(
                f"RANK is {ranks.rank} and WORLD_SIZE {ranks.count}; allowed: RANK below WORLD_SIZE"
            )
        return ranks

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def command(self) -> str:
        """How `gan-style` is started with as many processes."""
        if self.count == 1:
            return "gan-style"
        return f"torchrun --nproc-per-node {self.count} -m gan_style"

    def device(self, wanted: str) -> str:
        """The name of this process's device: each one of a machine has a GPU of its own.

        Args:
            wanted: as `choose_device` takes it.

        Raises:
            ConfigError: the machine has fewer GPUs than processes.
        """
        if self.count == 1 or wanted not in ("auto", "cuda") or not torch.cuda.is_available():
            return wanted
        found = torch.cuda.device_count()
        if self.local >= found:
            raise ConfigError(
                f"process {self.local} of this machine has no GPU of its own: there are {found}; "
                f"start as many with torchrun --nproc-per-node {found}, or take train.device=cpu"
            )
        return f"cuda:{self.local}"

    def share(self, things: Sequence[Value]) -> list[Value]:
        """This process's part of a list: together the processes have each thing once."""
        return list(things[self.rank :: self.count])

    def by_first(self, work: Callable[[], Value]) -> Value:
        """Do something in the first process, and return in all what it returned there.

        Raises:
            DistributedError: in the other processes, where it raised an error of this package.
        """
        if self.count == 1:
            return work()
        if not self.first:
            found, failed = self._broadcast(None)
            if failed is not None:
                raise DistributedError(f"the first process ended: {failed}")
            return cast(Value, found)
        try:
            found = work()
        except GanStyleError as error:
            self._broadcast((None, str(error)))
            raise
        self._broadcast((found, None))
        return found

    def gathered(self, value: Value) -> list[Value]:
        """The values of all processes, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(found, value)
        return found

    def collected(self, parts: Sequence[Value]) -> list[Value]:
        """What all processes made of their shares of a list, in the order of the list.

        Args:
            parts: what this one made of each thing that `share` gave it.

        Returns:
            All of it in the first process, nothing in the others.
        """
        if self.count == 1:
            return list(parts)
        found: list[Any] | None = [None] * self.count if self.first else None
        torch.distributed.gather_object(list(parts), found)
        if found is None:
            return []
        return [found[i % self.count][i // self.count] for i in range(sum(map(len, found)))]

    def mean(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean of each number over the processes; one that a process lacks counts as 0 there.

        Args:
            terms: () each.
        """
        if self.count == 1:
            return dict(terms)
        each = self.gathered({name: term.item() for name, term in terms.items()})
        names = {name: None for values in each for name in values}  # ordered, as a set is not
        device = next(iter(terms.values())).device if terms else torch.device("cpu")
        return {
            name: torch.tensor(sum(v.get(name, 0.0) for v in each) / self.count, device=device)
            for name in names
        }

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each by its mean over the processes."""
        if self.count > 1:
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)
                tensor /= self.count

    def copy_from_first_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each by what it is in the first process."""
        if self.count > 1:
            for tensor in tensors:
                held = tensor.contiguous()  # what is sent has to be
                torch.distributed.broadcast(held, src=0)
                tensor.copy_(held)

    def _broadcast(self, value: Any) -> Any:
        held = [value]
        torch.distributed.broadcast_object_list(held, src=0)
        return held[0]


@contextmanager
def first_reports(ranks: Ranks) -> Iterator[None]:
    """Let the first process alone log what all of them have to tell, errors aside."""
    package = logging.getLogger("gan_style")
    before = package.level
    if not ranks.first:
        package.setLevel(logging.ERROR)
    try:
        yield
    finally:
        package.setLevel(before)


@contextmanager
def connected(ranks: Ranks, device: torch.device, left: str) -> Iterator[None]:
    """Within this context the processes of a job are connected: by gloo, and GPUs by NCCL.

    Args:
        ranks: the processes.
        device: where this one computes.
        left: what to say of the work that is done if a process is lost.

    Raises:
        DistributedError: a process cannot be reached, or ended before the others.
    """
    if ranks.count == 1:
        yield
        return
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)  # objects are sent through the current one
    try:
        _connect(ranks, backend)
        yield
        torch.distributed.barrier()  # or those that end first would look dead to the others
    except RuntimeError as error:
        if isinstance(error, GanStyleError) or not _is_of_connection(error):
            raise
        raise DistributedError(
            f"process {ranks.rank} of {ranks.count} lost another one, whose own message says why; "
            f"{left}"
        ) from error
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _connect(ranks: Ranks, backend: str) -> None:
    # torchrun keeps its store over restarts: by their old addresses processes look for dead ones
    given = next(torch.distributed.rendezvous("env://", timeout=_TIMEOUT))[0]  # type: ignore[attr-defined]
    store = torch.distributed.PrefixStore(f"start-{ranks.restarts}", given)  # type: ignore[attr-defined]
    torch.distributed.init_process_group(
        backend, store=store, rank=ranks.rank, world_size=ranks.count, timeout=_TIMEOUT
    )


def _is_of_connection(error: RuntimeError) -> bool:
    """Whether an error is of the processes' connection, and not of what they compute."""
    kinds = tuple(
        getattr(torch.distributed, name)
        for name in ("DistError", "DistBackendError", "DistNetworkError", "DistStoreError")
        if hasattr(torch.distributed, name)
    )
    return isinstance(error, kinds) or any(word in str(error).lower() for word in _LOST)


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "0")
    if not value.isdecimal():
        raise ConfigError(f"{name} is {value!r} in the environment; allowed: whole numbers from 0")
    return int(value)
