"""How much memory is free, where a process is limited."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from gan_style.memory import free_memory
before = free_memory(torch.device("cpu"))
resource.setrlimit(resource.RLIMIT_AS, ({limit}, resource.RLIM_INFINITY))
print(before, free_memory(torch.device("cpu")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited on Linux")
def test_a_limit_of_the_address_space_counts() -> None:
    limit = 16_000_000_000
    call = [sys.executable, "-c", CODE.format(limit=limit)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert 0 <= after <= before
    assert after < limit
