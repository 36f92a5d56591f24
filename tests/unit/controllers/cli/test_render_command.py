"""`gitops render`: exactly what would be applied, from Git alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from gitops.dialect import parse
from tests.unit.controllers.cli.conftest import Gitops, Shop, config_map

WEB = "environments/production/web/web.yaml"
CANARY = "canary-1f2e3d4c"
SECRET = f"""apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{password: {CANARY}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: careless}}
data: {{url: "https://user:{CANARY}@db", switch: "on", exponent: "1e3"}}
"""
CUSTOM = """apiVersion: example.org/v1
kind: Widget
metadata: {name: one}
---
apiVersion: other.example.org/v1
kind: Gadget
metadata: {name: two}
"""
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  names: {kind: Widget, plural: widgets}
  scope: Cluster
  versions: [{name: v1, served: true, storage: true}]
"""


def objects(text: str) -> list[Any]:
    return [document.value for document in parse(text.encode(), "rendered.yaml")]


def named(text: str, kind: str) -> Any:
    (found,) = (one for one in objects(text) if one["kind"] == kind)
    return found


def test_every_target_gets_its_documents_with_labels_and_namespace(gitops: Gitops, shop: Shop) -> None:
    """As the API server will get them; comments say whose they are and where they are written."""
    found = gitops("render", "production").stdout
    value = json.loads(gitops("render", "production", "-o", "json").stdout)
    assert objects(found) == [one for target in value["targets"] for one in target["objects"]]
    assert yaml.safe_load(gitops("render", "production", "-o", "yaml").stdout) == value
    assert value["revision"] == str(shop.git.head.target)
    places = [(one["application"], one["target"]) for one in value["targets"]]
    assert places == sorted(places)
    assert {application for application, _ in places} == {"web", "api"}
    for target in value["targets"]:
        for one in target["objects"]:
            assert one["metadata"]["namespace"] == target["target"].partition("/")[2]
            assert one["metadata"]["labels"]["gitops-waves.io/environment"] == "production"
            assert one["metadata"]["labels"]["applyset.kubernetes.io/part-of"].startswith("applyset-")
    assert f"# {WEB}:1\n" in found
    assert f"# production/web on {places[0][1]}\n" in found


def test_one_application_on_one_target_at_a_commit(gitops: Gitops, shop: Shop) -> None:
    value = json.loads(gitops("render", "production", "-o", "json").stdout)
    target = value["targets"][-1]["target"]
    shop.commit("Change the web", {WEB: config_map("web", "changed")})
    arguments = ("render", "production", "HEAD", "--application", "web", "--target", target, "-o", "json")
    (found,) = json.loads(gitops(*arguments).stdout)["targets"]
    assert (found["application"], found["target"]) == ("web", target)
    assert found["objects"][0]["data"] == {"value": "changed"}
    before = json.loads(gitops(*arguments[:2], "HEAD~1", *arguments[3:]).stdout)
    assert [before["targets"][0]] == [one for one in value["targets"] if one == before["targets"][0]]


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_no_secret_is_printed_unless_it_is_asked_for(gitops: Gitops, shop: Shop, form: str) -> None:
    """Neither where it stands, nor where another object repeats it."""
    shop.commit("Add a key", {"environments/production/web/key.yaml": SECRET})
    hidden = gitops("render", "production", "HEAD", "-o", form)
    assert CANARY not in hidden.stdout + hidden.stderr
    assert "(redacted)" in hidden.stdout
    assert CANARY in gitops("render", "production", "HEAD", "-o", form, "--show-secrets").stdout


def test_text_that_looks_like_something_else_stays_text(gitops: Gitops, shop: Shop) -> None:
    shop.commit("Add a key", {"environments/production/web/key.yaml": SECRET})
    shown = gitops("render", "production", "HEAD", "--application", "web", "--show-secrets").stdout
    careless = [one for one in objects(shown) if one["metadata"]["name"] == "careless"]
    assert {(one["data"]["switch"], one["data"]["exponent"]) for one in careless} == {("on", "1e3")}


def test_scope_comes_from_the_crds_that_are_rendered_too(gitops: Gitops, shop: Shop) -> None:
    """What no CRD tells is taken for namespaced, and said to be."""
    shop.commit(
        "Define widgets",
        {
            "environments/production/web/custom.yaml": CUSTOM,
            "environments/production/api/definition.yaml": DEFINITION,
        },
    )
    target = json.loads(gitops("render", "production", "-o", "json").stdout)["targets"][0]["target"]
    done = gitops("render", "production", "HEAD", "--target", target)
    assert "namespace" not in named(done.stdout, "Widget")["metadata"]
    assert named(done.stdout, "Gadget")["metadata"]["namespace"] == target.partition("/")[2]
    assert "Gadget.other.example.org is taken for" in done.stderr
    assert "Widget.example.org" not in done.stderr


def test_what_cannot_be_rendered_is_told_and_the_rest_is_shown(gitops: Gitops, shop: Shop) -> None:
    shop.commit("Break the web", {WEB: config_map("web", "${nothing}")})
    done = gitops("render", "production", "HEAD", code=1)
    assert f"error: {WEB}:" in done.stderr
    assert "nothing" in done.stderr
    assert {one["metadata"]["name"] for one in objects(done.stdout)} == {"api"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prodution"], 'no environment "prodution": did you mean "production"'),
        (["production", "--application", "wob"], 'no application "wob": did you mean "web"'),
        (["production", "--target", "nowhere/shop"], 'no target "nowhere/shop"'),
        (["production", "no-such-commit"], 'no commit "no-such-commit"'),
    ],
)
def test_a_name_that_is_not_there_is_told(gitops: Gitops, arguments: list[str], words: str) -> None:
    done = gitops("render", *arguments, code=1)
    assert done.stdout == ""
    assert words in done.stderr
