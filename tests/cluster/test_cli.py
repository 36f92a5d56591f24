"""The command line on a real control plane: plan, run, plan again, and what a rejected commit comes to."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest

from tests.cluster.command_line import SECRET, WEB, Shop, counts
from tests.cluster.rig.api import MERGE_PATCH
from tests.cluster.rig.plane import Plane


@pytest.fixture
def shop(tmp_path: Path, cluster: Plane, namespace: str) -> Shop:
    """A shop that was never rolled out."""
    return Shop(tmp_path / "shop", cluster, namespace)


@pytest.mark.long
def test_a_plan_tells_what_a_run_then_does(shop: Shop) -> None:
    """Before: to create, and nothing is. After: nothing to do. A change: exactly its fields."""
    before = shop.versions()
    assert counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"create": 2}
    assert shop.versions() == before
    assert shop.run_once() == "production: everything is as Git says\n"
    assert shop.live("configmaps", "web") is not None
    assert "unchanged inputs: nothing to do" in shop.gitops("plan", "HEAD")
    assert "Succeeded" in shop.gitops("status")
    assert "chain intact" in shop.gitops("audit", "verify")

    shop.commit({f"{WEB}/config.yaml": shop.config("two"), f"{WEB}/secret.yaml": shop.secret(f"{SECRET}-2")})
    before = shop.versions()
    said = shop.gitops("plan", "HEAD").splitlines()
    assert shop.versions() == before
    assert [line.strip() for line in said[1:] if line] == [
        "production/web: a rollout",
        "wave all",
        f"east/{shop.namespace}: 2 to configure",
        f"configure   ConfigMap {shop.namespace}/web ({WEB}/config.yaml:1)",
        "~ data.value: one → two",
        f"configure   Secret {shop.namespace}/web ({WEB}/secret.yaml:1)",
        "~ data.token: (redacted) → (redacted, changed)",
    ]
    shop.run_once()
    shop.commit({f"{WEB}/config.yaml": None})
    assert counts(shop.gitops("plan", "HEAD", "-o", "json")) == {"delete": 1, "unchanged": 1}


def test_a_plan_lists_everything_that_the_api_server_would_reject(shop: Shop) -> None:
    """Each with its file and line; nothing is written."""
    shop.run_once()
    shop.commit(
        {
            f"{WEB}/bad.yaml": (
                "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n---\n"
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n---\n"
                "apiVersion: example.com/v1\nkind: Unknown\nmetadata: {name: x}\n"
            )
        }
    )
    before = shop.versions()
    said = shop.gitops("plan", "HEAD", code=1)
    for place in ("1", "6", "10:13"):
        assert f"refused     {WEB}/bad.yaml:{place}: " in said
    assert shop.versions() == before


def test_once_ends_with_3_when_a_commit_was_rejected_and_taken_back(shop: Shop) -> None:
    """The reason is on stdout, in history, and in the revert commit."""
    shop.run_once()
    bad = shop.commit({f"{WEB}/bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n"})
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


@pytest.mark.long
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
    for hidden in (SECRET, "c2VzYW1l", "sesame"):
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
