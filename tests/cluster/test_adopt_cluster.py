"""`gitops take-over`: objects of other tools become ours, and nothing restarts."""

from __future__ import annotations

import copy
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.command_line import Shop
from tests.cluster.rig import binaries
from tests.cluster.rig.api import APPLY
from tests.cluster.rig.plane import Plane

WEB = "environments/production/web"
WITHIN_SECONDS = 60.0


def manifest(name: str) -> dict[str, Any]:
    """What both Git and the tool apply."""
    containers = [
        {
            "name": "main",
            "image": "registry.example/web:1.0",
            "env": [{"name": "COLOUR", "value": "blue"}, {"name": "SOUND", "value": "low"}],
            "ports": [{"containerPort": 8080}],
            "livenessProbe": {"httpGet": {"path": "/", "port": 8080}},
        },
        {"name": "side", "image": "registry.example/side:1.0"},
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"team": "front"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        },
    }


def theirs(name: str, labels: dict[str, str], annotations: dict[str, str]) -> dict[str, Any]:
    """The tool's own: with its marks, and with something that Git does not say."""
    body = manifest(name)
    body["metadata"]["labels"] |= labels
    body["metadata"]["annotations"] = annotations
    main = body["spec"]["template"]["spec"]["containers"][0]
    main["env"].append({"name": "EXTRA", "value": "theirs"})
    main["imagePullPolicy"] = "Always"
    return body


def created(shop: Shop, body: dict[str, Any], manager: str) -> None:
    """By a program that creates and updates."""
    path = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments?fieldManager={manager}"
    shop.plane.api.create(path, body)


def applied(shop: Shop, body: dict[str, Any], manager: str) -> None:
    """By Server-Side Apply."""
    root = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/{body['metadata']['name']}"
    answer = shop.plane.api.request(
        "PATCH", f"{root}?fieldManager={manager}&force=true", body, content_type=APPLY
    )
    assert answer.ok, answer.body


def by_kubectl(shop: Shop, body: dict[str, Any], manager: str) -> None:
    """By the real kubectl, twice: client-side apply knows what it applied last."""
    del manager
    kubectl = [str(binaries.ensure() / "kubectl"), f"--kubeconfig={shop.path.with_name('kubeconfig')}"]
    for colour in ("red", "blue"):
        body["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = colour
        arguments = ["--namespace", shop.namespace, "apply", "-f", "-"]
        subprocess.run([*kubectl, *arguments], input=json.dumps(body), text=True, check=True, timeout=60)


Tool = tuple[Callable[[Shop, dict[str, Any], str], None], str, dict[str, str], dict[str, str], str]
HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "retail"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
TOOLS: dict[str, Tool] = {
    "kubectl": (by_kubectl, "kubectl-client-side-apply", {}, {}, ""),
    "helm3": (created, "helm", {"app.kubernetes.io/managed-by": "Helm"}, HELM, "Helm release retail/shop"),
    "helm4": (applied, "helm", {"app.kubernetes.io/managed-by": "Helm"}, HELM, "Helm release retail/shop"),
    "argocd": (
        applied,
        "argocd-controller",
        {},
        {"argocd.argoproj.io/tracking-id": "shop:x"},
        "Argo CD application shop",
    ),
    "flux": (applied, "kustomize-controller", FLUX, {}, "Flux Kustomization flux-system/shop"),
    "kapp": (created, "kapp", {"kapp.k14s.io/app": "1"}, {}, "kapp application 1"),
    "inhouse": (applied, "deployer", {}, {}, ""),
}


@pytest.fixture
def shop(tmp_path: Path, cluster: Plane, namespace: str) -> Shop:
    """A namespace full of other tools' Deployments, and a repository that says what they say."""
    shop = Shop(tmp_path / "shop", cluster, namespace)
    files = {f"{WEB}/{name}.yaml": yaml.safe_dump(manifest(name)) for name in TOOLS}
    shop.commit({**files, f"{WEB}/config.yaml": None, f"{WEB}/secret.yaml": None})
    for name, (make, manager, *marks, _) in TOOLS.items():
        make(shop, theirs(name, *marks), manager)
    until(lambda: all(running(shop, name) for name in TOOLS))
    return shop


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < end, "this took too long"
        time.sleep(0.2)


def running(shop: Shop, name: str) -> bool:
    found = live(shop, name)
    status = found.get("status", {})
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(seen and status.get("readyReplicas") == 1)


def live(shop: Shop, name: str) -> Any:
    return shop.plane.api.get(f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/{name}")


def pods(shop: Shop) -> list[str]:
    """Their uids; equal lists prove that nothing restarted."""
    items = shop.plane.api.get(f"/api/v1/namespaces/{shop.namespace}/pods")["items"]
    return sorted(one["metadata"]["uid"] for one in items if not one["metadata"].get("deletionTimestamp"))


def identity(shop: Shop) -> dict[str, Any]:
    """What a restart would change."""
    return {
        name: (found["metadata"]["uid"], found["metadata"]["generation"], found["spec"])
        for name in TOOLS
        if (found := live(shop, name))
    }


def holders(body: Any, *steps: str) -> set[str]:
    """Who owns a field."""
    found = set()
    for entry in body["metadata"]["managedFields"]:
        at = entry.get("fieldsV1", {})
        for step in steps:
            at = at.get(step) if at is not None else None
        if at is not None:
            found.add(entry["manager"])
    return found


IMAGE = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"main"}', "f:image")


@pytest.mark.long
def test_objects_of_every_tool_are_taken_over_without_a_restart(shop: Shop) -> None:
    """Refused before, applied after; then each line that leaves Git leaves the cluster, and no other."""
    before, ran = identity(shop), pods(shop)
    refused = shop.gitops("plan", "HEAD", code=1)
    for name, (_, _, _, _, owner) in TOOLS.items():
        assert (f"/{name} already exists and belongs to {owner}" in refused) == bool(owner)

    fields = {name: live(shop, name)["metadata"]["managedFields"] for name in TOOLS}
    shown = shop.gitops("take-over", "production", "--manager", "deployer", "--dry-run")
    assert "fields of kubectl-client-side-apply (Update) would be ours alone" in shown
    assert "keeps what Git does not write: " in shown
    assert "kubectl.kubernetes.io/last-applied-configuration" in shown
    assert {name: live(shop, name)["metadata"]["managedFields"] for name in TOOLS} == fields

    said = json.loads(shop.gitops("take-over", "production", "--manager", "deployer", "-o", "json"))
    for one in said["objects"]:
        _, manager, labels, annotations, owner = TOOLS[one["object"].rpartition("/")[2]]
        [share] = [share for share in one["from"] if share["manager"] == manager]
        assert "spec.template.spec.containers[name=main].image" in share["moved"]
        container = "spec.template.spec.containers[name=main]"
        assert f"{container}.imagePullPolicy" in share["left"]
        assert any(path.startswith(f"{container}.env[name=EXTRA]") for path in share["left"])
        assert not any("terminationMessagePath" in path for path in share["left"])
        assert {*labels, *annotations} <= set(one["marks"])
        assert one["claimedBy"] == owner
    assert all(holders(live(shop, name), *IMAGE) == {"gitops-waves"} for name in TOOLS)
    assert identity(shop) == before

    assert shop.run_once() == "production: everything is as Git says\n"
    assert identity(shop) == before
    assert pods(shop) == ran

    shop.commit({f"{WEB}/{name}.yaml": yaml.safe_dump(reduced(name)) for name in TOOLS})
    assert shop.run_once() == "production: everything is as Git says\n"
    for name in TOOLS:
        found = live(shop, name)
        [main] = found["spec"]["template"]["spec"]["containers"]
        assert [one["name"] for one in main["env"]] == ["SOUND", "EXTRA"]
        assert "livenessProbe" not in main
        assert main["imagePullPolicy"] == "Always"
        assert "team" not in found["metadata"]["labels"]


def reduced(name: str) -> dict[str, Any]:
    """With a line, a probe, a label and a whole container less."""
    body = copy.deepcopy(manifest(name))
    containers = body["spec"]["template"]["spec"]["containers"]
    del containers[1], containers[0]["env"][0], containers[0]["livenessProbe"], body["metadata"]["labels"]
    return body


@pytest.mark.long
def test_without_it_what_leaves_git_stays(shop: Shop) -> None:
    """What the command is for: an object that nobody claims is applied, and its other owner holds on."""
    shop.commit({f"{WEB}/{name}.yaml": None for name in TOOLS if name != "inhouse"})
    assert shop.run_once() == "production: everything is as Git says\n"
    shop.commit({f"{WEB}/inhouse.yaml": yaml.safe_dump(reduced("inhouse"))})
    shop.run_once()
    env = live(shop, "inhouse")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one["name"] for one in env] == ["COLOUR", "SOUND", "EXTRA"]
    said = shop.gitops("take-over", "production/web", "--dry-run")
    assert "deployer (Apply) owns fields of ours too: --manager deployer takes them over" in said


@pytest.mark.long
def test_it_can_follow_the_first_rollout(shop: Shop) -> None:
    """What is ours already is still somebody else's too until then; nobody takes that for drift."""
    shop.commit({f"{WEB}/{name}.yaml": None for name in TOOLS if name not in ("inhouse", "kubectl")})
    shop.run_once()
    before = live(shop, "kubectl")
    shop.gitops("take-over", "production", "--manager", "deployer")
    after = live(shop, "kubectl")
    assert (before["metadata"]["generation"], before["spec"]) == (
        after["metadata"]["generation"],
        after["spec"],
    )
    shop.gitops("diff", "production")  # ends with 0: nothing has drifted
    shop.commit({f"{WEB}/{name}.yaml": yaml.safe_dump(reduced(name)) for name in ("inhouse", "kubectl")})
    shop.run_once()
    for name in ("inhouse", "kubectl"):
        [main] = live(shop, name)["spec"]["template"]["spec"]["containers"]
        assert [one["name"] for one in main["env"]] == ["SOUND", "EXTRA"]


def test_marks_are_removed_where_that_is_asked_for(shop: Shop) -> None:
    """Nothing claims the objects afterwards; what Git writes stays, and nothing restarts.

    An annotation that goes is a new generation of a Deployment, as the API server has it.
    """
    before, ran = identity(shop), pods(shop)
    shop.gitops("take-over", "production", "--remove-marks")
    for name, (_, _, *marks, _) in TOOLS.items():
        metadata = live(shop, name)["metadata"]
        assert not {key for one in marks for key in one} & {
            *metadata["labels"],
            *metadata.get("annotations", {}),
        }
        assert metadata["labels"]["team"] == "front"
    for name, (uid, _, spec) in identity(shop).items():
        assert (uid, spec) == before[name][::2]
    assert pods(shop) == ran
    said = json.loads(shop.gitops("take-over", "production", "-o", "json"))
    assert [one["marks"] for one in said["objects"]] == [[]] * len(TOOLS)


@pytest.mark.long
def test_a_port_that_leaves_git_leaves_a_service(tmp_path: Path, cluster: Plane, namespace: str) -> None:
    """A Service with a node port of its own, which no second one could have, and with Helm's defaults."""
    shop = Shop(tmp_path / "shop", cluster, namespace)
    path = f"/api/v1/namespaces/{namespace}/services"
    ports = [{"name": "http", "port": 80}, {"name": "extra", "port": 81}]
    spec = {"type": "NodePort", "selector": {"app": "web"}, "ports": ports}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    made = cluster.api.create(f"{path}?fieldManager=helm", body)
    for port, found in zip(ports, made["spec"]["ports"], strict=True):
        port["nodePort"] = found["nodePort"]
    shop.commit({f"{WEB}/web.yaml": yaml.safe_dump(body), f"{WEB}/secret.yaml": None})
    said = json.loads(shop.gitops("take-over", "production", "-o", "json"))
    [helm] = [share for one in said["objects"] for share in one["from"]]
    assert helm["manager"] == "helm"
    assert helm["left"] == []
    shop.run_once()
    del ports[1]
    shop.commit({f"{WEB}/web.yaml": yaml.safe_dump(body)})
    shop.run_once()
    after = cluster.api.get(f"{path}/web")
    assert [port["name"] for port in after["spec"]["ports"]] == ["http"]
    assert (after["metadata"]["uid"], after["spec"]["clusterIP"]) == (
        made["metadata"]["uid"],
        made["spec"]["clusterIP"],
    )


def test_only_what_the_service_account_may_is_done(tmp_path: Path, cluster: Plane, namespace: str) -> None:
    """An environment's account without rights leaves everything as it is, in the server's words."""
    shop = Shop(tmp_path / "shop", cluster, namespace)
    shop.commit({f"{WEB}/web.yaml": yaml.safe_dump(manifest("web")), f"{WEB}/secret.yaml": None})
    applied(shop, theirs("web", {}, {}), "kubectl")
    place = "environments/production/environment.yaml"
    text = (shop.path / place).read_text().replace("waves:", "serviceAccountName: nobody, waves:")
    shop.commit({place: text})
    before = live(shop, "web")["metadata"]["managedFields"]
    said = shop.gitops("take-over", "production", code=1)
    assert f'User "system:serviceaccount:{namespace}:nobody" cannot' in said
    assert live(shop, "web")["metadata"]["managedFields"][0] == before[0]
