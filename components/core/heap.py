"""How the C library keeps freed memory. Called once in a process, the earlier the better."""

from __future__ import annotations

import ctypes
import os
import sys

#: Of malloc.h: what lies free at the heap's end beyond the first goes back to the system; blocks of the
#: second and larger come from the system one by one.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: Bytes. glibc takes no higher second one on 64 bits; setting one alone stops it from adapting the other.
_KEPT, _OWN = 512 << 20, 32 << 20
_SET = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let glibc keep up to half a gigabyte of what was freed; what the environment sets stays.

    A network on a CPU asks for the same megabytes in every pass and frees them again. glibc gives them back
    to the system at the end of each, and the kernel clears them anew, page by page (docs/log.md). The peak
    stays as it is; between peaks the process holds what it held.

    Returns:
        Whether it was set: not on another C library, nor where the environment decides.
    """
    if sys.platform != "linux" or any(name in os.environ for name in _SET):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _OWN)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEPT))
