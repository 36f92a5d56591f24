"""How the C library keeps the memory of threads: in one place, so that what one has freed another can use."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # malloc.h of glibc


def share() -> bool:
    """Let all threads allocate from one arena; say whether the C library knows how (glibc does).

    libgit2 and TLS allocate outside of Python, in some thirty threads. With an arena for each of them, memory
    that was freed stays with the thread that had it, and the process grows for hours.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (OSError, AttributeError):
        return False
