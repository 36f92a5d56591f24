"""What the command line finds wrong with a commit before a cluster is written to, on a real control plane."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from tests.cluster.command_line import SECRET, WEB, Shop, counts
from tests.cluster.encryption import VALUES_ONLY, Kit
from tests.cluster.rig.plane import Plane


@pytest.fixture
def shop(tmp_path: Path, cluster: Plane, namespace: str) -> Shop:
    """A shop that was never rolled out."""
    return Shop(tmp_path / "shop", cluster, namespace)


def test_a_plan_names_every_wrong_field_with_its_place(shop: Shop) -> None:
    """The server names the first alone, and no line. What it takes, it takes; what is old, it is told.

    Through lists, variables and patches too.
    """
    shop.run_once()
    shop.commit(
        {
            f"{WEB}/bad.yaml": (
                "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec:\n  selectors: {a: b}\n"
                "  ports:\n    - port: '80'\n---\n"
                "apiVersion: v1\nkind: Endpoints\nmetadata: {name: old}\n---\n"
                "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: older}\n"
            ),
            f"{WEB}/list.yaml": (
                "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
                "  metadata: {name: listed}\n  data: &data {a: b}\n  dataa: *data\n"
            ),
            f"{WEB}/patched.yaml": (
                "apiVersion: v1\nkind: Service\nmetadata: {name: patched}\n"
                "spec:\n  ports:\n    - port: 1\n    - port: '${cluster}'\n"
            ),
            f"{WEB}/application.yaml": (
                "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n"
                "  patches:\n    - target: {name: patched}\n      operations:\n"
                "        - {op: add, path: /spec/ports/0, value: {prt: 2}}\n"
            ),
        }
    )
    said = shop.gitops("plan", "HEAD", code=1)
    assert f'refused     {WEB}/bad.yaml:5:3: Service {shop.namespace}/bad: unknown field "spec.sel' in said
    assert f"{WEB}/bad.yaml:7:13: Service {shop.namespace}/bad: spec.ports[0].port must be a whole" in said
    assert f'{WEB}/list.yaml:8:3: ConfigMap {shop.namespace}/listed: unknown field "dataa"' in said
    assert (
        f'{WEB}/application.yaml:8:50: Service {shop.namespace}/patched: unknown field "spec.ports[0].p'
        in said
    )
    assert f"{WEB}/patched.yaml:7:13: Service {shop.namespace}/patched: spec.ports[2].port must be a" in said
    assert f"warning     {WEB}/bad.yaml:9:13: v1 Endpoints is deprecated in Kubernetes 1.33: write" in said
    assert "does not serve batch/v1beta1 CronJob, deprecated in Kubernetes 1.21, removed in 1.25" in said


def test_what_no_server_can_judge_yet_is_held_against_the_definition_beside_it(shop: Shop) -> None:
    """A kind and its objects in one commit: the object is wrong, so the definition is not applied either."""
    shop.run_once()
    shop.commit(
        {
            f"{WEB}/kind.yaml": (
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
                "metadata: {name: lamps.unborn.example}\nspec:\n  group: unborn.example\n"
                "  scope: Namespaced\n  names: {kind: Lamp, plural: lamps, singular: lamp}\n"
                "  versions:\n    - name: v1\n      served: true\n      storage: true\n"
                "      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
                "properties: {color: {type: string}}}}}}\n"
            ),
            f"{WEB}/lamp.yaml": (
                "apiVersion: unborn.example/v1\nkind: Lamp\nmetadata: {name: a}\nspec: {colour: red}\n"
            ),
        }
    )
    said = shop.run_once(code=3)
    assert f'{WEB}/lamp.yaml:4:8: Lamp.unborn.example {shop.namespace}/a: unknown field "spec.colour"' in said
    answer = shop.plane.api.request(
        "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lamps.unborn.example"
    )
    assert answer.status == 404


def test_plaintext_secrets_are_warned_of_and_refused_where_the_repository_says_so(shop: Shop) -> None:
    """Refused means: not rolled out, by no command."""
    shop.run_once()
    assert f"{WEB}/secret.yaml:" in (warned := shop.gitops("lint"))
    assert "warning: Secret web has its values in plain text" in warned
    shop.commit(
        {
            "gitops.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Repository\nmetadata: {name: shop}\n"
            "spec: {plaintextSecrets: Refuse}\n",
            f"{WEB}/secret.yaml": shop.secret(f"{SECRET}-2"),
        }
    )
    before = shop.versions()
    assert "Secret web has its values in plain text" in shop.gitops("lint", code=1)
    assert "Secret web has its values in plain text" in shop.gitops("plan", "HEAD", code=1)
    assert "Secret web has its values in plain text" in shop.run_once(code=3)
    assert shop.versions() == before


def test_a_secret_that_sops_encrypted_is_applied_in_plain_text(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key; without it the commit is refused. No output shows the value."""
    kit = Kit(tmp_path)
    shop.commit({f"{WEB}/secret.yaml": kit.encrypted(shop.secret(SECRET), *VALUES_ONLY).decode()})
    monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    assert "there is no key for it" in shop.gitops("plan", "HEAD", code=1)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(kit.key))
    monkeypatch.setenv("PATH", f"{kit.tools}{os.pathsep}{os.environ['PATH']}")
    assert "no problems" in (said := shop.gitops("lint"))
    assert "warning" not in said
    assert counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"create": 2}
    shop.run_once()
    live = shop.live("secrets", "web")
    assert live is not None
    assert live["data"] == {"token": base64.b64encode(SECRET.encode()).decode()}
    shop.gitops("history", "production", "web")
    other = "0ther-than-before"
    shop.commit({f"{WEB}/secret.yaml": kit.encrypted(shop.secret(other), *VALUES_ONLY).decode()})
    assert "~ data.token: (redacted) → (redacted, changed)" in shop.gitops("plan", "HEAD")
    shop.run_once()
    shop.gitops("render", "production")
    encoded = base64.b64encode(other.encode())
    assert encoded.decode() in shop.gitops("render", "production", "--show-secrets")
    assert not shop.has_written(other.encode(), encoded)
    assert shop.has_written(SECRET.encode())  # it was committed once
