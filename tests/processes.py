"""Programs run by torchrun on this machine's CPUs, where their processes are connected by gloo."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def torchrun(*words: str, count: int = 2, restarts: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run a script or `-m MODULE` in so many processes, and return what all of them printed."""
    launch = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}"]
    return subprocess.run(
        [*launch, f"--max-restarts={restarts}", *words],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
