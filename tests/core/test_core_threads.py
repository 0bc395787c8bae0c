"""numpy's OpenBLAS multiplies on one thread, whether it is loaded already or not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASKS = """
from components.core.threads import numpy_on_one_thread
{first}
numpy_on_one_thread()
import numpy
from threadpoolctl import threadpool_info
print(*(one["num_threads"] for one in threadpool_info() if one["internal_api"] == "openblas"))
"""


def _threads(first: str, **environment: str) -> set[int]:
    own = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", _ASKS.format(first=first)],
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {int(number) for number in done.stdout.split()}


@pytest.mark.parametrize("first", ["", "import numpy, scipy.linalg"])
def test_openblas_has_one_thread(first: str) -> None:
    if not _threads("import numpy", OPENBLAS_NUM_THREADS="2"):
        pytest.skip("numpy without OpenBLAS")
    assert _threads(first) == {1}


def test_what_the_environment_sets_stays() -> None:
    assert _threads("", OPENBLAS_NUM_THREADS="2") <= {2}
