"""What the simulated API costs: requests a second, watch events a second, start-up and memory of a fleet."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

REQUESTS = 4000
LISTS = 50
LISTED = 1000
APPLIES = 2000
WATCHERS = 100
CHANGES = 300
CLUSTERS = 1000
_HANDS = 32
_CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
_APPLY = {"Content-Type": "application/apply-patch+yaml"}


class Simulated:
    """A fleet of simulated clusters in a process of its own."""

    def __init__(self, clusters: int, module: str = "simcluster", *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gitops-waves-bench-fleet-")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                *arguments,
                f"--clusters={clusters}",
                "--port=0",
                f"--kubeconfig-dir={self._folder.name}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "Ctrl-C" in line:  # the last line of its banner
                break
        else:
            raise RuntimeError("the simulation did not start")
        self.seconds_to_start = time.perf_counter() - started
        files = sorted(Path(self._folder.name).glob("cluster-*.kubeconfig"))
        self.kubeconfigs = {file.name.partition(".")[0]: file for file in files}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """Of the process that holds all clusters."""
        return self._process.pid

    @property
    def resident_kib(self) -> int:
        """Memory of that process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024

    @property
    def cpu_seconds(self) -> float:
        """What that process has used up to now: throughput says more of the client, which is Python too."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def session(self) -> tuple[str, aiohttp.ClientSession]:
        """The first cluster's address, and a client of it as its administrator."""
        config = json.loads(next(iter(self.kubeconfigs.values())).read_text())
        token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
        connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cadata=authority.decode()))
        headers = {"Authorization": f"Bearer {token}"}
        return config["clusters"][0]["cluster"]["server"], aiohttp.ClientSession(
            headers=headers, connector=connector
        )


async def run() -> dict[str, Any]:
    """All figures of this module."""
    with Simulated(1) as one:
        server, session = one.session()
        async with session:
            figures = await _throughput(one, server, session)
    with Simulated(CLUSTERS) as fleet:
        figures["fleet"] = {
            "clusters": CLUSTERS,
            "seconds_to_start": round(fleet.seconds_to_start, 2),
            "idle_kib_a_cluster": round((fleet.resident_kib - one_cluster_kib()) / (CLUSTERS - 1), 1),
        }
    return figures


def one_cluster_kib() -> int:
    """The memory of a process with a single cluster: what is shared by all."""
    with Simulated(1) as one:
        return one.resident_kib


async def _throughput(one: Simulated, server: str, session: aiohttp.ClientSession) -> dict[str, Any]:
    async def apply(index: int, value: str = "1") -> None:
        body = _config_map(f"config-{index}", value)
        url = f"{server}{_CONFIG_MAPS}/config-{index}?fieldManager=bench&force=true"
        await _read(session.patch(url, data=orjson.dumps(body), headers=_APPLY))

    async def get(index: int) -> None:
        await _read(session.get(f"{server}{_CONFIG_MAPS}/config-{index % LISTED}"))

    async def listed(_: int) -> None:
        await _read(session.get(f"{server}{_CONFIG_MAPS}?limit={LISTED}"))

    used = one.cpu_seconds
    figures: dict[str, Any] = {}
    for name, do, times in (
        ("first_apply", apply, APPLIES),
        ("get", get, REQUESTS),
        ("list_of_1000", listed, LISTS),
    ):
        figures[f"{name}_a_second"] = await _rate(do, times)
        used, before = one.cpu_seconds, used
        figures[f"{name}_server_cpu_milliseconds"] = round(1000 * (used - before) / times, 3)
    figures["watch_events_a_second_to_100_watchers"] = await _watched(server, session, apply)
    spent = one.cpu_seconds - used
    figures["watch_event_server_cpu_milliseconds"] = round(1000 * spent / CHANGES / WATCHERS, 3)
    return figures


async def _rate(do: Callable[[int], Awaitable[None]], times: int) -> float:
    left = iter(range(times))

    async def hand() -> None:
        for index in left:
            await do(index)

    started = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(_HANDS)))
    return round(times / (time.perf_counter() - started), 1)


async def _watched(
    server: str, session: aiohttp.ClientSession, apply: Callable[..., Awaitable[None]]
) -> float:
    listing = orjson.loads(await _read(session.get(f"{server}{_CONFIG_MAPS}?limit=1")))
    since = listing["metadata"]["resourceVersion"]
    open_now = asyncio.Semaphore(0)

    async def watch() -> None:
        url = f"{server}{_CONFIG_MAPS}?watch=true&resourceVersion={since}"
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            answer.raise_for_status()
            open_now.release()
            seen = 0
            async for chunk in answer.content.iter_any():
                seen += chunk.count(b"\n")
                if seen >= CHANGES:
                    return

    watchers = [asyncio.create_task(watch()) for _ in range(WATCHERS)]
    for _ in watchers:
        await open_now.acquire()
    started = time.perf_counter()
    for index in range(CHANGES):
        await apply(index, "2")
    await asyncio.gather(*watchers)
    return round(CHANGES * WATCHERS / (time.perf_counter() - started), 1)


async def _read(request: Any) -> bytes:  # noqa: ANN401 - aiohttp's awaitable context manager
    async with request as answer:
        content: bytes = await answer.read()
        answer.raise_for_status()
        return content


def _config_map(name: str, value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"version": value, "payload": "x" * 1000},
    }
