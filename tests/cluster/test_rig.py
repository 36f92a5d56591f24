"""The rig keeps its word: what it starts is a real control plane, and its Pods play as they are told."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.rig import binaries, stages
from tests.cluster.rig.api import APPLY, Api
from tests.cluster.rig.control_plane import ControlPlane, start
from tests.cluster.rig.processes import StartFailed, wait_for

_REPOSITORY = Path(__file__).parents[2]


def _template(image: str, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"labels": {"app": "web"}, "annotations": annotations or {}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "web", "image": image}], **spec}}


def _deploy(api: Api, namespace: str, template: dict[str, Any], replicas: int = 1) -> str:
    """Create a Deployment and return its path."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    selector = {"matchLabels": {"app": "web"}}
    spec = {"replicas": replicas, "selector": selector, "template": template, "progressDeadlineSeconds": 3}
    api.create(path, {"metadata": {"name": "web"}, "spec": spec})
    return f"{path}/web"


def _run_job(api: Api, namespace: str, template: dict[str, Any]) -> str:
    """Create a Job that tries once and return its path."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    template = copy.deepcopy(template)
    template["spec"]["restartPolicy"] = "Never"
    api.create(path, {"metadata": {"name": "job"}, "spec": {"backoffLimit": 0, "template": template}})
    return f"{path}/job"


def _condition(value: dict[str, Any], kind: str) -> dict[str, Any]:
    found = [each for each in value.get("status", {}).get("conditions", []) if each["type"] == kind]
    return found[0] if found else {}


def _await_condition(api: Api, path: str, kind: str, status: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        value: dict[str, Any] = api.get(path)
        return value if _condition(value, kind).get("status") == status else None

    return wait_for(look, f"{path}: {kind}={status}")


def _pod(api: Api, namespace: str) -> dict[str, Any]:
    """Return the first Pod once its containers have a status, else nothing."""
    pods = api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return pods[0] if pods and pods[0]["status"].get("containerStatuses") else {}


def _await_waiting(api: Api, namespace: str, reason: str) -> dict[str, Any]:
    """Return the Pod when its container waits for `reason`."""

    def look() -> dict[str, Any] | None:
        pod = _pod(api, namespace)
        waiting = pod and pod["status"]["containerStatuses"][0]["state"].get("waiting", {})
        return pod if waiting and waiting["reason"] == reason else None

    return wait_for(look, f"a container waiting for {reason}")


def _await_event(api: Api, namespace: str, reason: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        events = api.get(f"/api/v1/namespaces/{namespace}/events")["items"]
        return next((each for each in events if each["reason"] == reason), None)

    return wait_for(look, f"an Event {reason}")


def test_control_plane_is_the_pinned_version(cluster: ControlPlane) -> None:
    """The API server calls itself what `binaries` says it built."""
    assert cluster.api.get("/version")["gitVersion"] == f"v{binaries.KUBERNETES_VERSION}" == "v1.37.2"


def test_three_control_planes_are_strangers(clusters: tuple[ControlPlane, ...]) -> None:
    """Three API servers answer, each with its own cluster behind it, and none takes another's token."""
    uids = {plane.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"] for plane in clusters}
    assert len(uids) == 3
    first, second, _ = clusters
    assert Api(second.url, second.ca_file, first.token).request("GET", "/api/v1/nodes").status == 401


def test_nodes_are_ready_with_labels_and_room(cluster: ControlPlane) -> None:
    """Three Nodes, labelled by region and zone, that Pods can be placed on."""
    found = cluster.api.get("/api/v1/nodes")["items"]
    assert [node["metadata"]["name"] for node in found] == ["node-0", "node-1", "node-2"]
    assert {node["metadata"]["labels"]["topology.kubernetes.io/region"] for node in found} == {"north"}
    assert {_condition(node, "Ready")["status"] for node in found} == {"True"}
    assert {node["status"]["allocatable"]["pods"] for node in found} == {"500"}
    assert not any(node["spec"].get("taints") for node in found)


def test_namespace_is_fresh_in_every_cluster(clusters: tuple[ControlPlane, ...], namespace: str) -> None:
    """The fixture's namespace exists in each cluster, holds nothing, and cannot be created again."""
    for plane in clusters:
        assert plane.api.get(f"/api/v1/namespaces/{namespace}")["status"]["phase"] == "Active"
        assert plane.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"] == []
        again = plane.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert again.status == 409


def test_deployment_becomes_available(cluster: ControlPlane, namespace: str) -> None:
    """By default the Pods of a Deployment become Ready; its status says so."""
    path = _deploy(cluster.api, namespace, _template("registry.example/web:1.0"), replicas=3)
    wait_for(lambda: cluster.api.get(path)["status"].get("readyReplicas") == 3, "three ready replicas")
    assert _condition(_await_condition(cluster.api, path, "Available", "True"), "Progressing")
    pod = _pod(cluster.api, namespace)
    assert pod["status"]["phase"] == "Running"
    assert "running" in pod["status"]["containerStatuses"][0]["state"]


@pytest.mark.parametrize(
    ("image", "annotations"),
    [
        ("registry.example/web:1.0-ready-after-2s", {}),
        ("registry.example/web:1.0", {"gitops-waves.io/ready-after": "2s"}),
        ("registry.example/web:1.0", {"gitops-waves.io/play": "ready-after-2s"}),
    ],
    ids=["tag", "annotation", "play"],
)
def test_pod_is_ready_after_the_time_it_names(
    cluster: ControlPlane, namespace: str, image: str, annotations: dict[str, str]
) -> None:
    """The Pod runs at once, and is Ready when its time has come, however it was told."""
    _deploy(cluster.api, namespace, _template(image, annotations))
    pod = wait_for(lambda: _pod(cluster.api, namespace), "a started Pod")
    assert _condition(pod, "Ready")["status"] == "False"
    path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
    ready = _condition(_await_condition(cluster.api, path, "Ready", "True"), "Ready")
    waited = datetime.fromisoformat(ready["lastTransitionTime"]) - datetime.fromisoformat(
        pod["status"]["startTime"]
    )
    assert waited >= timedelta(seconds=2)


def test_pod_that_is_never_ready_runs_on(cluster: ControlPlane, namespace: str) -> None:
    """`never-ready`: running, not Ready, with an Unhealthy Event; the Deployment misses its deadline."""
    path = _deploy(cluster.api, namespace, _template("registry.example/web:1.0-never-ready"))
    assert _await_event(cluster.api, namespace, "Unhealthy")["type"] == "Warning"
    deployment = _await_condition(cluster.api, path, "Progressing", "False")
    assert _condition(deployment, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert deployment["status"]["unavailableReplicas"] == 1
    pod = _pod(cluster.api, namespace)
    assert pod["status"]["phase"] == "Running"
    assert "running" in pod["status"]["containerStatuses"][0]["state"]
    assert _condition(pod, "Ready")["status"] == "False"


@pytest.mark.parametrize(
    ("image", "annotations"),
    [
        ("registry.example/web:1.0-crash-loop", {}),
        ("registry.example/web:1.0", {"gitops-waves.io/play": "crash-loop"}),
    ],
    ids=["tag", "annotation"],
)
def test_pod_crash_loops(
    cluster: ControlPlane, namespace: str, image: str, annotations: dict[str, str]
) -> None:
    """`crash-loop`: CrashLoopBackOff with the last exit code, a growing count, an Event, a log."""
    path = _deploy(cluster.api, namespace, _template(image, annotations))
    pod = _await_waiting(cluster.api, namespace, "CrashLoopBackOff")
    status = pod["status"]["containerStatuses"][0]
    assert (status["ready"], status["restartCount"]) == (False, 1)
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert _condition(pod, "Ready")["status"] == "False"
    assert _await_event(cluster.api, namespace, "BackOff")["involvedObject"]["kind"] == "Pod"
    log = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/log?tailLines=1")
    assert log == f"{stages.LOG[-1]}\n"
    wait_for(
        lambda: _pod(cluster.api, namespace)["status"]["containerStatuses"][0]["restartCount"] == 2,
        "the second crash",
    )
    assert not cluster.api.get(path)["status"].get("readyReplicas")


def test_pod_crashes_after_it_was_ready(cluster: ControlPlane, namespace: str) -> None:
    """`crash-after-ready`: the Deployment becomes available, and unavailable again for good."""
    path = _deploy(cluster.api, namespace, _template("registry.example/web:1.0-crash-after-ready"))
    _await_condition(cluster.api, path, "Available", "True")
    _await_condition(cluster.api, path, "Available", "False")
    pod = _await_waiting(cluster.api, namespace, "CrashLoopBackOff")
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1
    wait_for(
        lambda: _pod(cluster.api, namespace)["status"]["containerStatuses"][0]["restartCount"] == 2,
        "the second crash",
    )
    assert not cluster.api.get(path)["status"].get("readyReplicas")


def test_image_cannot_be_pulled(cluster: ControlPlane, namespace: str) -> None:
    """`image-pull-error`: the Pod stays Pending, its container in ImagePullBackOff."""
    _deploy(cluster.api, namespace, _template("registry.example/web:1.0-image-pull-error"))
    pod = _await_waiting(cluster.api, namespace, "ImagePullBackOff")
    assert pod["status"]["phase"] == "Pending"
    assert _await_event(cluster.api, namespace, "Failed")["type"] == "Warning"


def test_pod_that_fits_nowhere_is_unschedulable(cluster: ControlPlane, namespace: str) -> None:
    """More CPU than any Node has: the scheduler says so on the Pod."""
    template = _template("registry.example/web:1.0")
    template["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
    _deploy(cluster.api, namespace, template)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    wait_for(
        lambda: any(
            _condition(pod, "PodScheduled").get("reason") == "Unschedulable"
            for pod in cluster.api.get(pods)["items"]
        ),
        "an unschedulable Pod",
    )


def test_job_completes(cluster: ControlPlane, namespace: str) -> None:
    """A Job's Pod succeeds by default, and the Job is Complete."""
    path = _run_job(cluster.api, namespace, _template("registry.example/migrate:1.0"))
    assert _await_condition(cluster.api, path, "Complete", "True")["status"]["succeeded"] == 1


def test_job_fails(cluster: ControlPlane, namespace: str) -> None:
    """`job-fails`: the Pod ends with exit code 1, and the Job is Failed."""
    path = _run_job(cluster.api, namespace, _template("registry.example/migrate:1.0-job-fails"))
    _await_condition(cluster.api, path, "Failed", "True")
    state = _pod(cluster.api, namespace)["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 1


def test_stateful_and_daemon_sets_roll_out(cluster: ControlPlane, namespace: str) -> None:
    """A StatefulSet starts its Pods one after another; a DaemonSet has one on each Node."""
    template = _template("registry.example/web:1.0")
    selector = {"matchLabels": {"app": "web"}}
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    spec = {"replicas": 2, "selector": selector, "template": template, "serviceName": "db"}
    cluster.api.create(f"{apps}/statefulsets", {"metadata": {"name": "db"}, "spec": spec})
    agent = {"metadata": {"labels": {"app": "agent"}}, "spec": template["spec"]}
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": agent}
    cluster.api.create(f"{apps}/daemonsets", {"metadata": {"name": "agent"}, "spec": spec})
    stateful, daemon = f"{apps}/statefulsets/db", f"{apps}/daemonsets/agent"
    wait_for(lambda: cluster.api.get(daemon)["status"].get("numberReady") == 3, "a Pod on each Node")
    wait_for(lambda: cluster.api.get(stateful)["status"].get("readyReplicas") == 2, "two ready replicas")


def test_deleted_workload_takes_its_pods_along(cluster: ControlPlane, namespace: str) -> None:
    """A deleted Deployment's Pods go away, and so do a deleted Job's with their tracking finalizer."""
    template = _template("registry.example/web:1.0-never-ready")
    deployment = _deploy(cluster.api, namespace, template)
    job = _run_job(cluster.api, namespace, template)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    wait_for(lambda: len(cluster.api.get(pods)["items"]) == 2, "two Pods")
    for path in (deployment, job):
        cluster.api.delete(f"{path}?propagationPolicy=Background")
    wait_for(lambda: not cluster.api.get(pods)["items"], "no Pods")


def test_server_side_apply_is_the_real_one(cluster: ControlPlane, namespace: str) -> None:
    """An apply is recorded in managedFields, and a second manager meets a conflict."""
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
    first = cluster.api.request("PATCH", f"{path}?fieldManager=one", settings, content_type=APPLY)
    assert [entry["manager"] for entry in first.body["metadata"]["managedFields"]] == ["one"]
    settings["data"] = {"a": "2"}
    second = cluster.api.request("PATCH", f"{path}?fieldManager=two", settings, content_type=APPLY)
    assert (second.status, second.body["reason"]) == (409, "Conflict")


def test_limited_user_may_do_nothing(cluster: ControlPlane, namespace: str) -> None:
    """The limited token is known and forbidden everything; another is not known at all."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    answer = cluster.limited_api.request("GET", path)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert Api(cluster.url, cluster.ca_file, "made-up").request("GET", path).status == 401


def test_kubeconfig_serves_kubectl(cluster: ControlPlane, tmp_path: Path) -> None:
    """A kubeconfig is private, complete in itself, and good for its own user."""
    admin = cluster.write_kubeconfig(tmp_path / "admin")
    limited = cluster.write_kubeconfig(tmp_path / "limited", cluster.limited_token)
    assert admin.stat().st_mode & 0o777 == 0o600
    kubectl: list[str | Path] = [
        binaries.ensure() / "kubectl",
        "get",
        "nodes",
        "--output=name",
        "--kubeconfig",
    ]
    done = subprocess.run([*kubectl, admin], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["node/node-0", "node/node-1", "node/node-2"]
    refused = subprocess.run([*kubectl, limited], capture_output=True, text=True, check=False)
    assert (refused.returncode, "Forbidden" in refused.stderr) == (1, True)


def test_paused_api_server_does_not_answer(cluster: ControlPlane) -> None:
    """Paused: connections hang. Resumed: it answers again, with what it knew."""
    cluster.pause()
    try:
        with pytest.raises(TimeoutError):
            cluster.api.request("GET", "/version", timeout=0.5)
    finally:
        cluster.resume()
    assert len(cluster.api.get("/api/v1/nodes")["items"]) == 3


def test_killed_api_server_refuses_and_comes_back(cluster: ControlPlane, namespace: str) -> None:
    """Killed: connections are refused. Started again: same address, same objects, controllers at work."""
    cluster.kill_apiserver()
    try:
        with pytest.raises(OSError, match="refused"):
            cluster.api.request("GET", "/version")
    finally:
        cluster.start_apiserver()
    path = _deploy(cluster.api, namespace, _template("registry.example/web:1.0"))
    _await_condition(cluster.api, path, "Available", "True")


def test_start_failure_shows_the_log(tmp_path: Path) -> None:
    """A server that ends at once is named, with the end of its output."""
    for name in binaries.BINARIES:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} has no wish to run\nexit 3\n")
        program.chmod(0o755)
    with pytest.raises(StartFailed, match="kube-apiserver ended with 3:\nkube-apiserver has no wish to run"):
        start(tmp_path)


def test_servers_die_with_their_process(control_planes: object) -> None:
    """A process that is killed leaves neither servers nor files behind."""
    assert control_planes
    script = (
        "import time; from tests.cluster.rig import binaries; from tests.cluster.rig.control_plane import *\n"
        "plane = start(binaries.ensure())[0]\n"
        "print(plane.folder, *plane.pids.values(), flush=True)\n"
        "time.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(_REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        folder, *pids = process.stdout.readline().split()
        assert len(pids) == 5
        assert all(Path("/proc", pid).exists() for pid in pids)
        process.kill()
    wait_for(lambda: not Path(folder).exists(), "the folder to go")
    wait_for(lambda: not any(_alive(pid) for pid in pids), "the servers to go")


def _alive(pid: str) -> bool:
    """Tell whether a process runs; a dead one that its new parent has yet to collect does not."""
    try:
        return " Z " not in Path("/proc", pid, "stat").read_text()
    except FileNotFoundError:
        return False
