"""A fleet: many clusters in one process, their kubeconfigs and tokens, and the command that serves them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import ssl
import stat
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simcluster import kubeconfig
from simcluster.__main__ import main
from simcluster.clock import SteppedClock
from simcluster.fleet import Fleet, Settings, read_tokens


async def version(config: dict[str, Any]) -> str:
    """Ask for the version as a client with this kubeconfig does."""
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context: ssl.SSLContext | bool = True
    if "certificate-authority-data" in cluster:
        import base64  # noqa: PLC0415 - only here

        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
    headers = {"Authorization": f"Bearer {user['token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{cluster['server']}/version", ssl=context) as response,
    ):
        found: str = (await response.json())["gitVersion"]
        return found


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("own_ports", [True, False])
async def test_every_kubeconfig_leads_to_its_cluster(tmp_path: Path, tls: bool, own_ports: bool) -> None:  # noqa: FBT001 - a case
    settings = Settings(clusters=3, prefix="c", first=7, tls=tls, own_ports=own_ports, clock=SteppedClock)
    async with Fleet(settings) as fleet:
        paths = fleet.write_kubeconfigs(tmp_path / "new" / "folder")
        assert [path.name for path in paths] == ["c7.kubeconfig", "c8.kubeconfig", "c9.kubeconfig"]
        for path in paths:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert (await version(json.loads(path.read_text()))).endswith("+simcluster")
        every = json.loads((tmp_path / "new" / "folder" / "all.kubeconfig").read_text())
        assert [context["name"] for context in every["contexts"]] == ["c7", "c8", "c9"]
        assert len({cluster["cluster"]["server"] for cluster in every["clusters"]}) == 3


async def test_a_fleet_that_has_stopped_answers_nobody() -> None:
    fleet = Fleet(Settings(tls=False, clock=SteppedClock))
    with pytest.raises(RuntimeError, match="not being served"):
        fleet.url("cluster-1")
    await fleet.start()
    url = fleet.url("cluster-1")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/version") as response:
            assert response.status == 200
        await fleet.stop()
        await fleet.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{url}/version")


async def test_open_watches_end_with_the_fleet() -> None:
    fleet = Fleet(Settings(tls=False, clock=SteppedClock))
    await fleet.start()
    headers = {"Authorization": f"Bearer {fleet.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{fleet.url('cluster-1')}/api/v1/nodes?watch=1") as response,
    ):
        await response.content.readline()
        await fleet.stop()
        async with asyncio.timeout(10):
            while await response.content.readline():
                pass


def test_secrets_stay_out_of_sight() -> None:
    entry = kubeconfig.Entry("a", "https://example.org", "canary-token")
    assert "canary-token" not in repr(entry)
    assert "canary-token" not in repr(Settings(tokens={"canary-token": None}))  # type: ignore[dict-item]


def test_an_existing_kubeconfig_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old and longer than what comes" * 100)
    path.chmod(0o644)
    kubeconfig.write(path, [kubeconfig.Entry("a", "https://example.org", "t", "PEM")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["current-context"] == "a"


def test_tokens_are_read_as_kube_apiserver_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text('t1,admin,1,"system:masters, ops"\n\nt2,bob,2\n')
    found = read_tokens(file)
    assert found["t1"].groups == ("system:masters", "ops", "system:authenticated")
    assert (found["t2"].name, found["t2"].uid) == ("bob", "2")
    file.write_text("canary-token\n")
    with pytest.raises(ValueError, match=":1: wanted token,user,uid") as caught:
        read_tokens(file)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clusters", "0"], "at least 1"),
        (["--nodes", "-1"], "must not be negative"),
        (["--port", "70000"], "no port"),
        (["--tokens", "/nothing/there"], "No such file"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simcluster", "--clusters=2", f"--kubeconfig-dir={tmp_path}"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stdout is not None
    banner = b""
    async with asyncio.timeout(60):
        while b"Ctrl-C" not in banner:
            banner += await process.stdout.readline()
        assert b"SIMULATION of 2 Kubernetes clusters" in banner
        assert await version(json.loads((tmp_path / "cluster-2.kubeconfig").read_text()))
        process.send_signal(number)
        assert await process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_the_command_takes_as_many_files_as_it_may(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "simcluster", f"--certificate={tmp_path / 'tls.crt'}")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", *command), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline()
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    finally:
        process.terminate()
        await process.communicate()
    assert soft == hard


async def test_a_taken_port_is_told_in_one_line() -> None:
    async with Fleet(Settings(tls=False, clock=SteppedClock)) as fleet:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simcluster", f"--port={fleet.port}"), stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.startswith(b"simcluster: ")
    assert b"Traceback" not in errors
