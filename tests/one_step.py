"""What tests share that train a single step, and that need what POSIX systems alone have."""

import os

import pytest

POSIX = pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")
ONCE = ["train.steps=1", "run.sample_every=100", "run.checkpoint_every=100"]
