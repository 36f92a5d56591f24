"""`gitops adopt`: what somebody changed in a cluster is written into the manifest, and into nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.cluster.command_line import Shop
from tests.cluster.rig.plane import Plane

WEB = "environments/production/web"
APP = f"{WEB}/app.yaml"
DEPLOYMENT = """\
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web      # as in DNS
  labels: {team: "front", tier: 'web'}
spec:
  replicas: 2   # two are enough
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        # the server
        - name: main
          image: "registry.example/web:1.0"
          args: ["--cluster=${cluster}", '--level=2']
          env:
            - {name: COLOUR, value: blue}

            # for the old clients
            - name: LEGACY
              value: "1"
            - name: ZONE
              value: ${zone}
          ports:
            - containerPort: 8080
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  text: |
    one
    two
"""
APPLICATION = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  variables:
    zone: a
"""
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture
def shop(tmp_path: Path, cluster: Plane, namespace: str) -> Shop:
    """A shop whose Deployment runs, and whose drift stays."""
    shop = Shop(tmp_path / "shop", cluster, namespace)
    shop.commit({APP: DEPLOYMENT, f"{WEB}/application.yaml": APPLICATION})
    shop.gitops("run", "--once", "--state-dir", str(shop.path.with_name("state")))
    return shop


def changed(shop: Shop, path: str, body: dict[str, Any]) -> None:
    """Patch an object as somebody else."""
    place = f"{path.partition('/')[0]}/{path.partition('/')[2]}"
    root = "/api/v1" if place.startswith("configmaps") else "/apis/apps/v1"
    answer = shop.plane.api.request(
        "PATCH",
        f"{root}/namespaces/{shop.namespace}/{place}?fieldManager=somebody",
        body,
        content_type=STRATEGIC,
    )
    assert answer.ok, answer.body


def adopted(shop: Shop, *arguments: str) -> tuple[str, str]:
    """Adopt and give the file as it is then, and the commit's message."""
    shop.gitops(
        "adopt", "production", *arguments, "--author", "Ada <ada@example.com>", "--repo", str(shop.path)
    )
    head = pygit2.Repository(str(shop.path)).head.peel(pygit2.Commit)
    return (head.tree / APP).data.decode(), head.message  # type: ignore[union-attr]


@pytest.mark.long
def test_live_values_become_the_manifest_and_nothing_else_moves(shop: Shop) -> None:
    """Replicas, an image, a removed and a changed entry of env; comments, quotes and variables stay."""
    container = {
        "name": "main",
        "image": "registry.example/web:1.1",
        "args": ["--cluster=east", "--level=3"],
        "env": [{"name": "LEGACY", "$patch": "delete"}, {"name": "COLOUR", "value": "off"}],
    }
    spec = {"replicas": 3, "template": {"spec": {"containers": [container]}}}
    changed(shop, "deployments/web", {"spec": spec, "metadata": {"labels": {"team": None, "foreign": "x"}}})
    said = shop.gitops("adopt", "production", "Deployment/web", "--dry-run")
    assert '\n-          image: "registry.example/web:1.0"' in said
    assert '\n+          image: "registry.example/web:1.1"' in said
    text, message = adopted(shop, f"Deployment.apps {shop.namespace}/web", "-m", "They were right")
    wanted = (
        DEPLOYMENT.replace("replicas: 2 ", "replicas: 3 ")
        .replace("web:1.0", "web:1.1")
        .replace("'--level=2'", "'--level=3'")
        .replace("value: blue", 'value: "off"')
        .replace('            - name: LEGACY\n              value: "1"\n', "")
        .replace("""{team: "front", tier: 'web'}""", "{tier: 'web'}")
    )
    assert text == wanted
    assert message.startswith("Adopt Deployment.apps ")
    assert "They were right" in message
    assert message.endswith("Gitops-Environment: production\nGitops-Application: web\n")
    shop.run_once()
    shop.gitops("diff", "production")  # ends with 0: nothing has drifted


def test_text_of_several_lines_keeps_its_block(shop: Shop) -> None:
    changed(shop, "configmaps/settings", {"data": {"text": "one\n${three}\n"}})
    text, _ = adopted(shop, "configmap/settings")
    assert text == DEPLOYMENT.replace("    two\n", "    $${three}\n")


def test_only_the_paths_that_are_asked_for_are_adopted(shop: Shop) -> None:
    changed(
        shop,
        "deployments/web",
        {"spec": {"replicas": 5, "paused": True, "template": {"metadata": {"labels": {"app": "web"}}}}},
    )
    changed(shop, "deployments/web", {"metadata": {"labels": {"tier": "db"}}})
    text, _ = adopted(shop, "apps/Deployment/web", "--path", "/metadata/labels")
    assert text == DEPLOYMENT.replace("'web'}", "'db'}")


def test_what_is_not_the_files_own_is_explained_with_its_place(shop: Shop) -> None:
    """A variable and a Secret: nothing is written, and the secret is not shown."""
    before = pygit2.Repository(str(shop.path)).head.target
    changed(
        shop,
        "deployments/web",
        {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "main", "env": [{"name": "ZONE", "value": "b"}]}]}
                }
            }
        },
    )
    said = refused(shop, "Deployment/web")
    assert f"${{zone}} is defined at {WEB}/application.yaml:6:11" in said
    secret = f"/api/v1/namespaces/{shop.namespace}/secrets/web"
    shop.plane.api.patch(secret, {"stringData": {"token": "other-secret-value"}})
    said = refused(shop, "Secret/web")
    assert (
        f"/data is a Secret's, whose values are never written: change it by hand at {WEB}/secret.yaml:"
        in said
    )
    assert "other-secret-value" not in said
    assert pygit2.Repository(str(shop.path)).head.target == before


def test_the_file_may_have_moved_on_but_not_the_object(shop: Shop) -> None:
    """Lines that were added above do not matter; another value that is not rolled out yet does."""
    changed(shop, "configmaps/settings", {"data": {"text": "three\n"}})
    shop.commit({APP: f"# Added.\n{DEPLOYMENT}"})
    text, _ = adopted(shop, "ConfigMap/settings")
    assert text == f"# Added.\n{DEPLOYMENT}".replace("    one\n    two\n", "    three\n")
    changed(shop, "configmaps/web", {"data": {"value": "two"}})
    shop.commit({f"{WEB}/config.yaml": shop.config("three")})
    assert f"Git says something else of ConfigMap {shop.namespace}/web by now" in refused(
        shop, "ConfigMap/web"
    )


def test_a_symlink_is_not_written_through(shop: Shop) -> None:
    """Others may read the same file."""
    changed(shop, "configmaps/web", {"data": {"value": "two"}})
    (shop.path / "clusters/shared.txt").write_text(shop.config("one"))
    (shop.path / WEB / "config.yaml").unlink()
    (shop.path / WEB / "config.yaml").symlink_to("../../../clusters/shared.txt")
    shop.commit({})
    assert f"{WEB}/config.yaml is a symlink" in refused(shop, "ConfigMap/web")


def test_an_object_that_is_as_git_says_leaves_the_branch_alone(shop: Shop) -> None:
    before = pygit2.Repository(str(shop.path)).head.target
    shop.gitops(
        "adopt", "production", "Deployment/web", "--repo", str(shop.path), "--author", "Ada <ada@example.com>"
    )
    assert pygit2.Repository(str(shop.path)).head.target == before
    assert 'there is no applied object "Deployment/wep"' in refused(shop, "Deployment/wep")


def refused(shop: Shop, name: str) -> str:
    """What stands on stderr."""
    return shop.call(
        "adopt", "production", name, "--repo", str(shop.path), "--author", "Ada <ada@example.com>", code=1
    ).stderr


@pytest.mark.long
def test_of_several_targets_one_says_whose_value_counts(
    tmp_path: Path, cluster: Plane, namespace: str
) -> None:
    """Both drifted, differently: refused. With --target, the answer names where the value arrives too."""
    other = f"{namespace}-b"
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": other}})
    shop = Shop(tmp_path / "shop", cluster, namespace)
    kinds = "apiVersion: gitops-waves.io/v1alpha1\nkind: "
    targets = ", ".join(f"{{clusterSelector: {{}}, namespace: {one}}}" for one in (namespace, other))
    spec = f"{{targets: [{targets}], waves: [{{name: all}}]}}"
    environment = f"{kinds}Environment\nmetadata: {{name: production}}\nspec: {spec}\n"
    shop.commit({"environments/production/environment.yaml": environment})
    shop.run_once()
    for place, value in ((namespace, "two"), (other, "three")):
        cluster.api.patch(f"/api/v1/namespaces/{place}/configmaps/web", {"data": {"value": value}})
    said = refused(shop, "ConfigMap/web")
    assert f"(east/{namespace}, east/{other}): choose one with --target" in said
    author = ("--author", "Ada <ada@example.com>", "--repo", str(shop.path))
    done = shop.call("adopt", "production", "configmap web", "--target", f"east/{other}", *author)
    assert f"the values of east/{other} become those of east/{namespace} too" in done.stderr
    head = pygit2.Repository(str(shop.path)).head.peel(pygit2.Commit)
    assert (head.tree / f"{WEB}/config.yaml").data.decode() == shop.config("three")  # type: ignore[union-attr]
    cluster.api.delete(f"/api/v1/namespaces/{other}")
