"""Networks that several processes train together, each with its own part of a batch."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from inspect import signature
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gan_style.distributed import Ranks
from gan_style.models.layers import RunningScale

# what is called so since PyTorch 2.14
_RENAMED = "forward_sync_buffers" in signature(DistributedDataParallel.__init__).parameters
_BUFFERS = "forward_sync_buffers" if _RENAMED else "broadcast_buffers"


class Parallel:
    """Averages gradients, and what running scales measure, over processes.

    By PyTorch's DistributedDataParallel (Li et al. 2020), which sends the gradients of one layer
    while those of the next are computed. Where there is one process, nothing is done.

    Args:
        ranks: the processes.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self._joined: list[DistributedDataParallel] = []

    def join(self, module: nn.Module) -> nn.Module:
        """A module that runs this one and averages its gradients; itself for one process."""
        if self.ranks.count == 1:
            return module
        # a matter of speed, for convolutions of 1 px whose channels are last
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view")
        # it would copy the buffers of the first process, which `average_scales` averages
        options: dict[str, Any] = {_BUFFERS: False}
        joined = DistributedDataParallel(module, **options)
        self._joined.append(joined)
        return joined

    @contextmanager
    def averaging(self, *, last: bool) -> Iterator[None]:
        """The context of one part of a batch: gradients are sent with the last one, once."""
        with ExitStack() as stack:
            for joined in self._joined:
                if not last:
                    stack.enter_context(joined.no_sync())
            yield

    def average_scales(self, *networks: nn.Module | None) -> None:
        """Make what each process measured of its own pictures what was measured of all.

        That is the mean: a scale moves by a fixed share towards what it measures.
        """
        modules = [module for network in networks if network for module in network.modules()]
        for module in modules:
            if isinstance(module, RunningScale) and module.measuring:
                self.ranks.average_([module.mean, module.square])
