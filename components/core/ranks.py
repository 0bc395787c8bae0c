"""Which of the processes that torchrun started this one is. Without torchrun there is one, and it leads."""

from __future__ import annotations

import os

#: torchrun sets it; ``RANK`` alone may be anybody's.
_LAUNCHED = "TORCHELASTIC_RUN_ID"


def world_size() -> int:
    """How many processes train together, all nodes counted."""
    return int(os.environ["WORLD_SIZE"]) if _LAUNCHED in os.environ else 1


def rank() -> int:
    """This one's number among them; 0 leads and alone writes."""
    return int(os.environ["RANK"]) if _LAUNCHED in os.environ else 0


def local_rank() -> int:
    """This one's number on its node, which is the number of its GPU."""
    return int(os.environ["LOCAL_RANK"]) if _LAUNCHED in os.environ else 0
