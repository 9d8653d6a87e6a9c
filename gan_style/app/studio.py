"""The models in memory, and the one thread that paints with them."""

import contextvars
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from gan_style.device import release_freed_memory
from gan_style.pretrained import find_model
from gan_style.stylizer import Stylizer

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

_KEPT = 3  # models


class Studio:
    """Works on one thing at a time, whoever asks, and keeps the last few models.

    All work is done in one thread: PyTorch keeps threads and memory of their own for every thread
    that calls it, and a web server has dozens.

    Args:
        device: where networks run.
    """

    def __init__(self, device: str = "auto") -> None:
        self.device = device
        self._thread = ThreadPoolExecutor(1, "studio")
        self._models: OrderedDict[tuple[Path, int], Stylizer] = OrderedDict()

    def work(
        self,
        task: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Do it in the studio's thread, and wait for it; what it raises is raised here."""
        context = contextvars.copy_context()  # progress finds its browser by it

        def tidily() -> Result:
            try:
                return context.run(task, *args, **kwargs)
            finally:
                release_freed_memory()

        return self._thread.submit(tidily).result()

    def stylizer(self, place: str | Path) -> Stylizer:
        """The model at a place, as `Stylizer.from_pretrained` loads it. Only within `work`.

        Raises:
            ModelError, CheckpointError: it cannot be loaded.
        """
        file = find_model(place)
        key = file, file.stat().st_mtime_ns  # a run that is gone on with has another model then
        if key not in self._models:
            self._models[key] = Stylizer.from_pretrained(place, device=self.device)
        self._models.move_to_end(key)
        while len(self._models) > _KEPT:
            self._models.popitem(last=False)
        return self._models[key]

    def close(self) -> None:
        """Take no more work; what is worked on is finished."""
        self._thread.shutdown(wait=False, cancel_futures=True)
