"""Child processes that cannot outlive us: one process group per control plane, logs in files, loopback ports.

Knows nothing of Kubernetes.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SHM = Path("/dev/shm")
_SHM_NEEDED = 2 << 30
_TAIL_BYTES = 4000
_LOOK_EVERY = 0.02
# When our end of its standard input closes, however we died, the guard ends the group and clears up.
# `-s` is POSIX; dash reads a group after `-KILL --` as an error.
_GUARD = 'read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2"'
# Below the range that outgoing connections take their own port from (32768 and up on Linux), so that a
# server that was killed finds its port free when it starts again.
_PORTS = range(20_000, 30_000)
_next_ports = itertools.count(random.randrange(len(_PORTS)))


class StartFailed(Exception):  # noqa: N818 - reads as what happened
    """A server ended, or was not ready in time; the text holds the end of its log."""


def free_port() -> int:
    """Return a loopback port that nobody listens on, never the same one twice in a row."""
    for number in itertools.islice(_next_ports, len(_PORTS)):
        port = _PORTS[number % len(_PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartFailed(f"no free port in {_PORTS}")


def wait_for(look: Callable[[], T | None], what: str, timeout: float = 30.0) -> T:
    """Call `look` until it returns something truthy; return that. `TimeoutError` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}; last seen: {seen!r}")
        time.sleep(_LOOK_EVERY)
    return seen


class ProcessGroup:
    """Processes that live and die together, and the temporary `folder` that holds their files.

    The folder is in memory where there is room, because etcd lives in it. Ctrl-C on a terminal does not reach
    the processes: they end with `stop`, or with us.
    """

    def __init__(self, name: str) -> None:
        roomy = _SHM.is_dir() and shutil.disk_usage(_SHM).free > _SHM_NEEDED
        self.folder = Path(tempfile.mkdtemp(prefix=f"gitops-waves-{name}-", dir=_SHM if roomy else None))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._leader = 0
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def pids(self) -> Mapping[str, int]:
        """Process IDs of everything started, by name."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self, name: str, argv: Sequence[str | Path]) -> None:
        """Start one process; its output is appended to `<name>.log` in `folder`."""
        # A HOME of its own: the servers must not read a kubeconfig or configuration of the user's.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                argv,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=self._leader,
            )
        if not self._leader:
            self._leader = self._processes[name].pid
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "guard", str(self._leader), str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_ready(self, name: str, ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Return when `ready` says so.

        Raises `StartFailed` with the end of the log when the process ends, or is not ready within `timeout`
        seconds.
        """

        def ended_or_ready() -> bool:
            if self._processes[name].poll() is not None:
                raise StartFailed(f"{name} ended with {self._processes[name].returncode}:\n{self.tail(name)}")
            return ready()

        try:
            wait_for(ended_or_ready, name, timeout)
        except TimeoutError:
            raise StartFailed(f"{name} was not ready in {timeout:g} s:\n{self.tail(name)}") from None

    def tail(self, name: str) -> str:
        """Return the end of a process' log."""
        return (self.folder / f"{name}.log").read_bytes()[-_TAIL_BYTES:].decode(errors="replace")

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process."""
        self._processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """End one process at once and wait until it is gone."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self) -> None:
        """End everything at once and remove `folder`. A second call does nothing."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()
        if self._guard:
            # It would aim at a group that no longer exists, and whose number somebody else may get.
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        shutil.rmtree(self.folder, ignore_errors=True)
