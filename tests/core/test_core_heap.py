"""Freed memory is kept: a pass that asks for what the one before freed meets no page fault."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PASSES = """
import resource
import numpy as np
from components.core.heap import keep_freed_memory
asked = {asked}
kept = keep_freed_memory() if asked else None
def one_pass():
    blocks = [np.ones(3 << 17) for _ in range(12)]  # 3 MiB each
    del blocks
for _ in range(3):
    one_pass()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    one_pass()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(asked: bool, **environment: str) -> tuple[str, int]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", _PASSES.format(asked=asked)],
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    told, faults = done.stdout.split()
    return told, int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_a_pass_meets_no_page_of_the_one_before_again() -> None:
    told, faults = _faults(asked=True)
    if told == "False":
        pytest.skip("a C library without mallopt")
    assert faults < 0.1 * _faults(asked=False)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_what_the_environment_sets_stays() -> None:
    assert _faults(asked=True, MALLOC_TRIM_THRESHOLD_="65536")[0] == "False"
