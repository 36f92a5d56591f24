"""A simulated plane does what the rig's does for tests: stops, pauses, comes back, and outlives nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.rig.api import Api
from tests.cluster.rig.processes import wait_for
from tests.cluster.sim.plane import SimPlane, start

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def plane() -> Iterator[SimPlane]:
    with start()[0] as started:
        yield started


def test_it_serves_administrators_and_refuses_others(plane: SimPlane) -> None:
    assert plane.api.get("/version")["gitVersion"].endswith("+simcluster")
    assert len(plane.api.get("/api/v1/nodes")["items"]) == 3
    assert plane.limited_api.request("GET", CONFIG_MAPS).status == 403
    assert Api(plane.url, plane.ca_file, "made-up").request("GET", CONFIG_MAPS).status == 401


def test_its_kubeconfig_needs_no_other_file(plane: SimPlane, tmp_path: Path) -> None:
    path = plane.write_kubeconfig(tmp_path / "limited", plane.limited_token)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "certificate-authority-data" in path.read_text()
    assert plane.limited_token in path.read_text()


def test_a_paused_plane_gives_no_answer(plane: SimPlane) -> None:
    plane.pause()
    try:
        with pytest.raises(TimeoutError):
            plane.api.request("GET", "/version", timeout=0.5)
    finally:
        plane.resume()
    assert plane.api.get("/version")


def test_what_is_stored_outlives_the_api_server(plane: SimPlane) -> None:
    plane.api.create(CONFIG_MAPS, {"metadata": {"name": "kept"}})
    url = plane.url
    plane.kill_apiserver()
    try:
        with pytest.raises(ConnectionRefusedError):
            plane.api.request("GET", "/version")
    finally:
        plane.start_apiserver()
    assert plane.url == url
    assert plane.api.get(f"{CONFIG_MAPS}/kept")


def test_faults_are_switched_from_outside(plane: SimPlane) -> None:
    plane.control("PUT", "faults", {"unavailable": 1})
    try:
        assert plane.api.request("GET", CONFIG_MAPS).status == 503
    finally:
        plane.control("PUT", "faults", {})
    with pytest.raises(AssertionError, match="unknown fault"):
        plane.control("PUT", "faults", {"nonsense": 1})


def test_several_planes_are_strangers() -> None:
    planes = start(2, first=8)
    try:
        assert [each.name for each in planes] == ["cluster-8", "cluster-9"]
        planes[0].api.create(CONFIG_MAPS, {"metadata": {"name": "mine"}})
        assert planes[1].api.request("GET", f"{CONFIG_MAPS}/mine").status == 404
    finally:
        for each in planes:
            each.stop()
    assert not any(each.folder.exists() for each in planes)


def test_it_dies_with_its_process() -> None:
    """However that ends, and even while it is paused."""
    program = (
        "import time; from tests.cluster.sim.plane import start\n"
        "plane = start()[0]; print(plane.folder, *plane.pids.values(), flush=True); plane.pause()\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, pid = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not Path(folder).exists(), "the folder to be removed")
    wait_for(lambda: not _alive(pid), "the server to go")


def _alive(pid: str) -> bool:
    """Tell whether a process runs; a dead one that its new parent has yet to collect does not."""
    try:
        return " Z " not in Path("/proc", pid, "stat").read_text()
    except FileNotFoundError:
        return False
