"""The command line and charts on a cluster: plans that warn, renders that are applied, nothing adopted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests import tools
from tests.cluster.command_line import Shop
from tests.cluster.rig import binaries
from tests.cluster.rig.plane import Plane

CHART = "charts/web"
FOLDER = "environments/production/charted"
TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: charted}\ndata: {place: {{ .Values.place }}}\n"


@pytest.fixture
def shop(cluster: Plane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One more application, of a chart; helm is on the PATH."""
    tools.put_on_path(monkeypatch)
    shop = Shop(tmp_path / "shop", cluster, namespace)
    application = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "charted"},
        "spec": {"helm": {"chart": f"../../../{CHART}", "values": {"place": "${cluster}"}}},
    }
    shop.commit(
        {
            **cluster_file(shop, binaries.KUBERNETES_VERSION),
            f"{CHART}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            f"{CHART}/templates/config.yaml": TEMPLATE,
            f"{FOLDER}/application.yaml": yaml.safe_dump(application),
        }
    )
    return shop


def cluster_file(shop: Shop, version: str, *api_versions: str) -> dict[str, str | None]:
    """The cluster, and what charts are told about it."""
    body = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "east"},
        "spec": {
            "connection": shop.plane.name,
            "kubernetesVersion": version,
            "apiVersions": list(api_versions),
        },
    }
    return {"clusters/east.yaml": yaml.safe_dump(body)}


def warnings(shop: Shop) -> list[str]:
    """What a plan of the newest commit warns of, for the chart."""
    said = json.loads(shop.gitops("plan", "HEAD", "--application", "charted", "-o", "json"))
    [application] = said["applications"]
    [target] = application["targets"]
    return [one["message"] for one in target["plan"].get("warnings", ())]


def test_a_plan_warns_where_the_cluster_is_not_what_git_says(shop: Shop) -> None:
    """An API version that is served, and the same minor version, are no news."""
    major, minor, _ = binaries.KUBERNETES_VERSION.split(".")
    assert warnings(shop) == []
    shop.commit(cluster_file(shop, f"{major}.{minor}", "apps/v1", "apps/v1/Deployment"))
    assert warnings(shop) == []
    shop.commit(cluster_file(shop, "1.30.1", "example.org/v1", "apps/v1/Nothing"))
    other = f"charts are told Kubernetes 1.30.1, and the cluster runs 1.{minor}"
    assert warnings(shop) == [
        f"{other}: write that as spec.kubernetesVersion",
        "spec.apiVersions has apps/v1/Nothing, which the cluster does not serve",
        "spec.apiVersions has example.org/v1, which the cluster does not serve",
    ]
    assert "clusters/east.yaml" in shop.gitops("plan", "HEAD", "--application", "charted")


def test_what_is_rendered_is_what_is_applied_and_cannot_be_adopted(shop: Shop) -> None:
    """A live value has no place in a chart that could be written to."""
    shop.run_once()
    [target] = json.loads(shop.gitops("render", "production", "--application", "charted", "-o", "json"))[
        "targets"
    ]
    [rendered] = target["objects"]
    live = shop.live("configmaps", "charted")
    assert live is not None
    assert live["data"] == rendered["data"] == {"place": "east"}
    path = f"/api/v1/namespaces/{shop.namespace}/configmaps/charted?fieldManager=kubectl-edit"
    shop.plane.api.patch(path, {"data": {"place": "elsewhere"}})
    refused = shop.call("adopt", "production", "ConfigMap/charted", code=1).stderr
    assert "is made by a Helm chart (environments/production/charted)" in refused
    assert "change its values or templates" in refused
