"""Words before a command that take from it what a tool does not need, where this system can do that."""

from __future__ import annotations

import shutil
import subprocess

_PATH = "/usr/bin:/bin"
_PROBE_SECONDS = 5


def without_network() -> tuple[str, ...]:
    """Start it in a network of its own, with nothing in it: where user namespaces are permitted."""
    return _working("unshare", "--user", "--map-current-user", "--net")


def ending_with_us() -> tuple[str, ...]:
    """Have the kernel kill it when the thread that starts it ends, as by a kill of this process: on Linux.

    These come after the words that change namespaces, which would undo it.
    """
    return _working("setpriv", "--pdeathsig", "KILL")


def _working(program: str, *options: str) -> tuple[str, ...]:
    found = shutil.which(program, path=_PATH)
    if found is None:
        return ()
    words = (found, *options, "--")
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            [*words, "/bin/true"], env={}, capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return words if done.returncode == 0 else ()
