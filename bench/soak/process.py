"""The controller as a process: started, killed, started again; what it uses, and what it logs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GITOPS = (sys.executable, "-c", "from controllers.cli.app import main; main()")
_ADDRESS = re.compile(r"status and metrics at (http://\S+)")
_PATIENCE = 60.0
# When our end of its standard input closes, however we died, the guard ends the controller: one that goes on
# would work in a folder that the next run may have.
_GUARD = 'read -r _; kill -s KILL "$1"'
_SORROWS = re.compile(
    "Traceback|failed unexpectedly|cannot be (looked|read|watched)|could not be written|Exception in"
    "|never awaited|never retrieved|Task was destroyed"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process used at a moment: seconds since the start of the soak, MiB, numbers."""

    at: float
    rss_mib: float
    files: int
    tasks: int
    cpu_seconds: float


class ControllerProcess:
    """One at a time. Everything that all of them said is in `log`."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.log = folder / "controller.log"
        self.samples: list[Sample] = []
        self.starts = 0
        self._config = config
        self._began = time.monotonic()
        self._process: asyncio.subprocess.Process | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._address = ""

    async def start(self) -> None:
        """Start it, and wait until it serves its metrics."""
        self.starts += 1
        with self.log.open("ab") as log:
            read_from = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *_GITOPS, "run", "--config", self._config, stdout=log, stderr=log, cwd=Path.cwd()
            )
        self._guard_it(self._process.pid)
        async with asyncio.timeout(_PATIENCE):
            while not (found := _ADDRESS.search(self.log.read_bytes()[read_from:].decode(errors="replace"))):
                if self._process.returncode is not None:
                    raise RuntimeError(f"the controller ended:\n{self.log.read_text()[-2000:]}")
                await asyncio.sleep(0.1)
        self._address = found[1]

    async def kill(self) -> None:
        """End it as a crash does."""
        self._unguard()  # first: the number may be another process's as soon as this one is gone
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Take the processor away from it; it goes on at the end, unless it was killed meanwhile."""
        process = self._process
        if process is None:
            raise RuntimeError("no controller was started yet")
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)

    def _guard_it(self, pid: int) -> None:
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", str(pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    def _unguard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    async def stop(self) -> int:
        """End it in an orderly way; return its exit code."""
        if self._process is None:
            return 0
        self._unguard()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._process.wait()
        finally:
            await self.kill()

    async def sample(self) -> None:
        """Note what it uses now."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            body = await asyncio.to_thread(_read, f"{self._address}/metrics")
            folder = Path(f"/proc/{process.pid}")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pages = int((folder / "statm").read_text().split()[1])
            files = len(os.listdir(folder / "fd"))  # noqa: PTH208 - names only
        except (OSError, urllib.error.URLError):
            return  # killed meanwhile
        used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        rss = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        tasks = int(_metric(body, "gitops_waves_event_loop_tasks"))
        self.samples.append(Sample(time.monotonic() - self._began, rss, files, tasks, used))

    async def metrics(self) -> str:
        """What it tells Prometheus now."""
        return await asyncio.to_thread(_read, f"{self._address}/metrics")

    def writes(self) -> int:
        """How many writes this process has sent, as its metrics tell."""
        return sum(
            int(float(line.rpartition(" ")[2]))
            for line in _read(f"{self._address}/metrics").splitlines()
            if line.startswith("gitops_waves_kube_request_duration_seconds_count")
            and 'dry_run="false"' in line
            and re.search(r'verb="(apply|create|update|delete)"', line)
        )

    def waits(self, environment: str) -> list[str]:
        """What it says that it waits for, beside nothing."""
        body = json.loads(_read(f"{self._address}/api/v1/environments/{environment}/waits"))
        return [one["sentence"] for one in body["waits"] if "waits for nothing" not in one["waitsFor"]]

    def sorrows(self) -> list[str]:
        """Lines of the log that tell of a defect, each with what follows."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [
            "\n".join(lines[number : number + 12])
            for number, line in enumerate(lines)
            if _SORROWS.search(line)
        ]


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _metric(body: str, name: str) -> float:
    return next((float(line.split()[1]) for line in body.splitlines() if line.startswith(f"{name} ")), 0.0)
