"""Threads share the memory that one of them has freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# glibc tells its arenas as <heap nr="0"> and so on. Blocks of this size come from one, not from the system.
ALLOCATE_IN_THREADS = """
import ctypes, sys, threading
from controllers.cli import arenas

if sys.argv[1] == "share":
    assert arenas.share()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fopen.restype = ctypes.c_void_p
everybody = threading.Barrier(8)

def work():
    everybody.wait()
    for _ in range(100):
        libc.malloc(4096)

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other arenas")
def test_all_threads_allocate_from_one_arena() -> None:
    """Left alone, glibc gives threads that allocate at once an arena each."""
    assert arenas_of_threads("alone") > 1
    assert arenas_of_threads("share") == 1


def arenas_of_threads(manner: str) -> int:
    """Count the arenas of a process whose threads allocate at once."""
    command = [sys.executable, "-c", ALLOCATE_IN_THREADS, manner]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.count("<heap nr=")
