"""The command line on a real control plane: plan, run, plan again, and what a rejected commit comes to."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest

from tests.cluster.encryption import VALUES_ONLY, Kit
from tests.cluster.rig.api import MERGE_PATCH
from tests.cluster.rig.plane import Plane

_ROOT = Path(__file__).parents[2]
_GITOPS = [sys.executable, "-c", "from controllers.cli.app import main; main()"]
_SECRET = "c4nary-of-secrets"
_WEB = "environments/production/web"


@dataclass
class Shop:
    """A repository with one environment of one target, and the command line in its folder."""

    path: Path
    plane: Plane
    namespace: str

    def __post_init__(self) -> None:
        self.plane.write_kubeconfig(self.path.with_name("kubeconfig"))
        pygit2.init_repository(str(self.path), initial_head="main")
        kinds = "apiVersion: gitops-waves.io/v1alpha1\nkind: "
        spec = f"targets: [{{clusterSelector: {{}}, namespace: {self.namespace}}}], waves: [{{name: all}}]"
        self.commit(
            {
                "clusters/east.yaml": (
                    f"{kinds}Cluster\nmetadata: {{name: east}}\nspec: {{connection: {self.plane.name}}}\n"
                ),
                "environments/production/environment.yaml": (
                    f"{kinds}Environment\nmetadata: {{name: production}}\nspec: {{{spec}}}\n"
                ),
                f"{_WEB}/config.yaml": self.config("one"),
                f"{_WEB}/secret.yaml": self.secret(_SECRET),
            }
        )

    @staticmethod
    def config(value: str) -> str:
        """A ConfigMap."""
        return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{value: {value}}}\n"

    @staticmethod
    def secret(value: str) -> str:
        """A Secret."""
        return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{token: {value}}}\n"

    def commit(self, files: dict[str, str | None]) -> str:
        """Write (or with None remove) files and commit them."""
        repository = pygit2.Repository(str(self.path))
        for name, content in files.items():
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                place.unlink()
            else:
                place.write_text(content)
        repository.index.add_all()
        repository.index.write()
        who = pygit2.Signature("Ada", "ada@example.com")
        parents = [] if repository.head_is_unborn else [repository.head.target]
        made = repository.create_commit("HEAD", who, who, "Change", repository.index.write_tree(), parents)
        return str(made)

    def gitops(self, *arguments: str, code: int = 0) -> str:
        """Call the command line; its stdout. No secret is ever on either stream."""
        return self.call(*arguments, code=code).stdout

    def call(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Call the command line; both streams."""
        folder = self.path.parent
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "KUBECONFIG": str(folder / "kubeconfig"),
        }
        done = subprocess.run(
            [*_GITOPS, *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert _SECRET not in done.stdout + done.stderr
        assert self.plane.token not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def run_once(self, code: int = 0) -> str:
        """Do what is due."""
        return self.gitops("run", "--once", "--state-dir", str(self.path.with_name("state")), code=code)

    def live(self, kind: str, name: str) -> dict[str, object] | None:
        """One object as the API server has it."""
        answer = self.plane.api.request("GET", f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        return answer.body if answer.ok else None

    def versions(self) -> list[str]:
        """Of every ConfigMap and Secret in the namespace; equal lists prove that nothing was written."""
        found = [
            self.plane.api.get(f"/api/v1/namespaces/{self.namespace}/{kind}")["items"]
            for kind in ("configmaps", "secrets")
        ]
        return [
            f"{one['metadata']['name']} {one['metadata']['resourceVersion']}"
            for all_ in found
            for one in all_
        ]


@pytest.fixture
def shop(tmp_path: Path, cluster: Plane, namespace: str) -> Shop:
    """A shop that was never rolled out."""
    return Shop(tmp_path / "shop", cluster, namespace)


def _counts(said: str) -> dict[str, int]:
    [application] = json.loads(said)["applications"]
    [target] = application["targets"]
    found: dict[str, int] = target["plan"]["counts"]
    return found


@pytest.mark.long
def test_a_plan_tells_what_a_run_then_does(shop: Shop) -> None:
    """Before: to create, and nothing is. After: nothing to do. A change: exactly its fields."""
    before = shop.versions()
    assert _counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"create": 2}
    assert shop.versions() == before
    assert shop.run_once() == "production: everything is as Git says\n"
    assert shop.live("configmaps", "web") is not None
    assert "unchanged inputs: nothing to do" in shop.gitops("plan", "HEAD")
    assert "Succeeded" in shop.gitops("status")
    assert "chain intact" in shop.gitops("audit", "verify")

    shop.commit(
        {f"{_WEB}/config.yaml": shop.config("two"), f"{_WEB}/secret.yaml": shop.secret(f"{_SECRET}-2")}
    )
    before = shop.versions()
    said = shop.gitops("plan", "HEAD").splitlines()
    assert shop.versions() == before
    assert [line.strip() for line in said[1:] if line] == [
        "production/web: a rollout",
        "wave all",
        f"east/{shop.namespace}: 2 to configure",
        f"configure   ConfigMap {shop.namespace}/web ({_WEB}/config.yaml:1)",
        "~ data.value: one → two",
        f"configure   Secret {shop.namespace}/web ({_WEB}/secret.yaml:1)",
        "~ data.token: (redacted) → (redacted, changed)",
    ]
    shop.run_once()
    shop.commit({f"{_WEB}/config.yaml": None})
    assert _counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"delete": 1, "unchanged": 1}


def test_a_plan_lists_everything_that_the_api_server_would_reject(shop: Shop) -> None:
    """Each with its file and line; nothing is written."""
    shop.run_once()
    shop.commit(
        {
            f"{_WEB}/bad.yaml": (
                "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n---\n"
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n---\n"
                "apiVersion: example.com/v1\nkind: Unknown\nmetadata: {name: x}\n"
            )
        }
    )
    before = shop.versions()
    said = shop.gitops("plan", "HEAD", code=1)
    for line in (1, 6, 10):
        assert f"refused     {_WEB}/bad.yaml:{line}: " in said
    assert shop.versions() == before


def test_a_plan_names_every_wrong_field_with_its_place(shop: Shop) -> None:
    """The server names the first alone, and no line. What it takes, it takes; what is old, it is told."""
    shop.run_once()
    shop.commit(
        {
            f"{_WEB}/bad.yaml": (
                "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec:\n  selectors: {a: b}\n"
                "  ports:\n    - port: '80'\n---\n"
                "apiVersion: v1\nkind: Endpoints\nmetadata: {name: old}\n---\n"
                "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: older}\n"
            )
        }
    )
    said = shop.gitops("plan", "HEAD", code=1)
    assert f'refused     {_WEB}/bad.yaml:5:3: Service {shop.namespace}/bad: unknown field "spec.sel' in said
    assert f"{_WEB}/bad.yaml:7:13: Service {shop.namespace}/bad: spec.ports[0].port must be a whole" in said
    assert f"warning     {_WEB}/bad.yaml:9:13: v1 Endpoints is deprecated in Kubernetes 1.33: write" in said
    assert "does not serve batch/v1beta1 CronJob, deprecated in Kubernetes 1.21, removed in 1.25" in said


def test_what_no_server_can_judge_yet_is_held_against_the_definition_beside_it(shop: Shop) -> None:
    """A kind and its objects in one commit: the object is wrong, so the definition is not applied either."""
    shop.run_once()
    shop.commit(
        {
            f"{_WEB}/kind.yaml": (
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
                "metadata: {name: lamps.unborn.example}\nspec:\n  group: unborn.example\n"
                "  scope: Namespaced\n  names: {kind: Lamp, plural: lamps, singular: lamp}\n"
                "  versions:\n    - name: v1\n      served: true\n      storage: true\n"
                "      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
                "properties: {color: {type: string}}}}}}\n"
            ),
            f"{_WEB}/lamp.yaml": (
                "apiVersion: unborn.example/v1\nkind: Lamp\nmetadata: {name: a}\nspec: {colour: red}\n"
            ),
        }
    )
    said = shop.run_once(code=3)
    assert (
        f'{_WEB}/lamp.yaml:4:8: Lamp.unborn.example {shop.namespace}/a: unknown field "spec.colour"' in said
    )
    answer = shop.plane.api.request(
        "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lamps.unborn.example"
    )
    assert answer.status == 404


def test_plaintext_secrets_are_warned_of_and_refused_where_the_repository_says_so(shop: Shop) -> None:
    """Refused means: not rolled out, by no command."""
    shop.run_once()
    assert f"{_WEB}/secret.yaml:" in (warned := shop.gitops("lint"))
    assert "warning: Secret web has its values in plain text" in warned
    shop.commit(
        {
            "gitops.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Repository\nmetadata: {name: shop}\n"
            "spec: {plaintextSecrets: Refuse}\n",
            f"{_WEB}/secret.yaml": shop.secret(f"{_SECRET}-2"),
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
    shop.commit({f"{_WEB}/secret.yaml": kit.encrypted(shop.secret(_SECRET), *VALUES_ONLY).decode()})
    monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    assert "there is no key for it" in shop.gitops("plan", "HEAD", code=1)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(kit.key))
    monkeypatch.setenv("PATH", f"{kit.tools}{os.pathsep}{os.environ['PATH']}")
    assert "no problems" in (said := shop.gitops("lint"))
    assert "warning" not in said
    assert _counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"create": 2}
    shop.run_once()
    live = shop.live("secrets", "web")
    assert live is not None
    assert live["data"] == {"token": base64.b64encode(_SECRET.encode()).decode()}
    shop.gitops("history", "production", "web")
    shop.commit({f"{_WEB}/secret.yaml": kit.encrypted(shop.secret("else"), *VALUES_ONLY).decode()})
    assert "~ data.token: (redacted) → (redacted, changed)" in shop.gitops("plan", "HEAD")


def test_once_ends_with_3_when_a_commit_was_rejected_and_taken_back(shop: Shop) -> None:
    """The reason is on stdout, in history, and in the revert commit."""
    shop.run_once()
    bad = shop.commit({f"{_WEB}/bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n"})
    said = shop.run_once(code=3)
    assert said.startswith("production: web#2 failed in wave all: ")
    assert "bad.yaml:1: " in said
    assert "web#2 is reverted in Git by " in said
    assert "Not_A_Name" in shop.gitops("history", "production", "web")
    head = pygit2.Repository(str(shop.path)).head.peel(pygit2.Commit)
    assert f"Gitops-Reverts: {bad}" in head.message
    assert shop.run_once() == "production: everything is as Git says\n"


def test_a_server_that_does_not_answer_is_named_by_a_plan(shop: Shop) -> None:
    shop.plane.pause()
    try:
        said = shop.gitops("plan", "HEAD", "--timeout", "0.3", code=1)
    finally:
        shop.plane.resume()
    assert f"    east/{shop.namespace}: " in said


def test_diff_shows_what_drifted_and_by_whom_and_writes_nothing(shop: Shop) -> None:
    """Exit code 1 then; a Secret's values stay hidden; both forms say the same."""
    shop.run_once()
    assert "nothing has drifted" in shop.gitops("diff", "production")
    root = f"/api/v1/namespaces/{shop.namespace}"
    for kind, data in (("configmaps", {"value": "red"}), ("secrets", {"token": "c2VzYW1l"})):
        answer = shop.plane.api.request(
            "PATCH", f"{root}/{kind}/web?fieldManager=eve", {"data": data}, content_type=MERGE_PATCH
        )
        assert answer.ok
    before = shop.versions()
    said = shop.gitops("diff", "production", code=1)
    shown = json.loads(shop.gitops("diff", "production", "-o", "json", code=1))
    assert shop.versions() == before
    lines = [line.strip() for line in said.splitlines()]
    assert lines[0].startswith(f"production/web on east/{shop.namespace} at ")
    assert lines[0].endswith(": 2 drifted")
    assert "~ /data/value: red → one" in lines
    assert any(line.startswith("~ /data/token: (redacted)") for line in lines)
    [target] = shown["targets"]
    config, secret = target["drifted"]
    assert config["object"] == f"ConfigMap {shop.namespace}/web"
    assert config["patch"] == [{"op": "replace", "path": "/data/value", "value": "one", "live": "red"}]
    assert [author["manager"] for author in config["by"]] == ["eve"]
    assert secret["object"] == f"Secret {shop.namespace}/web"
    for hidden in (_SECRET, "c2VzYW1l", "sesame"):
        assert hidden not in said
        assert hidden not in json.dumps(shown)
    shop.plane.api.delete(f"{root}/configmaps/web")
    assert "it is not there any more" in shop.gitops("diff", "production", code=1)


def test_diff_shows_what_others_own_inside_our_objects(shop: Shop) -> None:
    """It is no drift, so the exit code stays 0. Names of fields are told, values never."""
    shop.run_once()
    path = f"/api/v1/namespaces/{shop.namespace}/secrets/web?fieldManager=eve"
    body = {"data": {"extra": "c2VzYW1l"}}
    assert shop.plane.api.request("PATCH", path, body, content_type=MERGE_PATCH).ok
    said = shop.gitops("diff", "production")
    assert ": nothing has drifted, 1 hold fields of others" in said.splitlines()[0]
    assert f"  Secret {shop.namespace}/web: fields of others (left there), since " in said
    assert "    eve (Update): data.extra" in said
    [target] = json.loads(shop.gitops("diff", "production", "-o", "json"))["targets"]
    [found] = target["foreign"]
    assert (found["object"], found["mode"]) == (f"Secret {shop.namespace}/web", "Report")
    assert [(one["manager"], one["fields"]) for one in found["by"]] == [("eve", ["data.extra"])]
    assert "c2VzYW1l" not in said + json.dumps(target)
