"""What schemas say of objects, with places and without values. tests/cluster asks the real server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.dialect import parse as parse_yaml
from gitops.errors import Location
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope, settle
from gitops.render.drafts import Draft, drafts
from gitops.validation import NONE, Schemas, check, defined, deprecations, needed, parse, problems, removal
from gitops.validation.removed import REMOVALS

FLOW = "flowcontrol.apiserver.k8s.io"
WORKLOAD = ("apps/v1", "Workload")
OPENAPI: dict[str, Any] = {
    "components": {
        "schemas": {
            "io.k8s.api.apps.v1.Workload": {
                "type": "object",
                "description": "left out",
                "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Workload"}],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "data": {"type": "object", "additionalProperties": {"type": "string"}},
                    "spec": {"default": {}, "allOf": [{"$ref": "#/components/schemas/Spec"}]},
                },
            },
            "Spec": {
                "type": "object",
                "properties": {
                    "replicas": {"type": "integer"},
                    "policy": {"type": "string", "enum": ["Always", "Never"]},
                    "amount": {"oneOf": [{"type": "string"}, {"type": "number"}]},
                    "port": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
                    "paused": {"type": "boolean"},
                    "raw": {},
                    "again": {"$ref": "#/components/schemas/Spec"},
                    "containers": {"type": "array", "items": {"$ref": "#/components/schemas/Container"}},
                },
            },
            "Container": {
                "type": "object",
                "required": ["name", "image"],
                "properties": {"name": {"type": "string"}, "image": {"type": "string"}},
            },
            "DeleteOptions": {
                "type": "object",
                "x-kubernetes-group-version-kind": [
                    {"group": "apps", "version": "v1", "kind": "DeleteOptions"},
                    {"group": "", "version": "v1", "kind": "DeleteOptions"},
                ],
            },
        }
    }
}
SCHEMAS = parse(OPENAPI)


def said(**fields: Any) -> list[str]:
    body = {"apiVersion": "apps/v1", "kind": "Workload", "metadata": {"name": "a"}, **fields}
    return [one.message for one in check(body, WORKLOAD, SCHEMAS)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"replica": 1}, 'unknown field "spec.replica": did you mean "replicas"?'),
        ({"replicas": "3"}, "spec.replicas must be a whole number, not text: leave out the quotes"),
        ({"replicas": 1.5}, "spec.replicas must be a whole number, not a number"),
        ({"replicas": True}, "spec.replicas must be a whole number, not true or false"),
        ({"paused": "yes"}, "spec.paused must be true or false, not text: leave out the quotes"),
        ({"policy": "Sometimes"}, "spec.policy must be one of Always, Never"),
        ({"policy": 1}, "spec.policy must be text, not a number: put it in quotes"),
        ({"amount": True}, "spec.amount must be a number or text, not true or false: put it in quotes"),
        ({"port": [80]}, "spec.port must be a whole number or text, not a list"),
        ({"containers": {}}, "spec.containers must be a list, not a mapping"),
        ({"containers": ["a"]}, "spec.containers[0] must be a mapping, not text"),
        (
            {"containers": [{"name": 1}]},
            "spec.containers[0].name must be text, not a number: put it in quotes",
        ),
        ({"again": {"again": {"x": 1}}}, 'unknown field "spec.again.again.x"'),
    ],
)
def test_what_is_wrong_is_said_with_its_path(spec: dict[str, Any], message: str) -> None:
    (found,) = said(spec=spec)
    assert found.startswith(message)


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"replicas": 3, "policy": "Never", "amount": 1.5, "port": "http", "paused": False},
        {"replicas": 3.0, "amount": "1Gi", "port": 80},
        {"replicas": None, "containers": None, "policy": None},
        {"raw": [1, {"a": "b"}]},
        {"containers": [{"name": "a"}]},
    ],
)
def test_what_a_server_takes_or_may_take_is_not_refused(spec: Any) -> None:
    """Null is the server's to judge, and a field of its own kinds that only the schema calls required."""
    assert said(spec=spec) == []


def test_all_that_is_wrong_is_said_at_once_and_no_value_is_quoted() -> None:
    found = said(spec={"policy": "hunter2", "replicas": "hunter2"}, data={"a": 12345678, "b": ["hunter2"]})
    assert len(found) == 4
    assert "hunter2" not in str(found)
    assert "12345678" not in str(found)


def test_a_hundred_problems_are_enough() -> None:
    assert len(said(spec={f"x{number}": 1 for number in range(1000)})) == 100


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"components": []}, {"components": {"schemas": {"a": 1, "b": {"properties": []}}}}],
)
def test_a_document_that_is_none_says_nothing(document: Any) -> None:
    assert parse(document).kinds == {}
    assert check({"kind": "A"}, ("v1", "A"), parse(document)) == ()


def test_options_shared_by_many_groups_are_no_kind() -> None:
    assert set(SCHEMAS.kinds) == {WORKLOAD}


KEYWORDS = (
    "type required enum format properties items additionalProperties oneOf anyOf allOf $ref default a b "
    "x-kubernetes-int-or-string x-kubernetes-embedded-resource"
)
NAMES = st.sampled_from(KEYWORDS.split())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from(["object", "string", "array", "a", 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)


@given(ANYTHING, ANYTHING)
def test_no_definition_and_no_object_makes_it_fail(schema: Any, spec: Any) -> None:
    """Both are in the repository: whatever they are, the API server is there to refuse them."""
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"properties": {"spec": schema}}}}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "a"},
        "spec": {"group": "example.org", "names": {"kind": "Widget"}, "versions": [version, schema]},
    }
    kind = ("example.org/v1", "Widget")
    schemas = defined([Manifest(body, Location("a"))])
    check({"apiVersion": kind[0], "kind": kind[1], "spec": spec}, kind, schemas)
    parse({"components": {"schemas": {"a": schema, "b": spec}}})


@given(
    st.recursive(
        st.sampled_from([None, 1, True, "v1", "Widget"]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["group", "names", "kind", "versions", "name", "served", "schema"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=15,
    )
)
def test_no_definition_makes_planning_fail(spec: Any) -> None:
    """However it is written: the API server says what is wrong with it."""
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    manifest = Manifest(body, Location("a"))
    settled = settle([manifest], Scope("production", "web", Target("eu", "shop")), lambda *_: False)
    assert len(settled.manifests) == 1
    defined([manifest])


def test_schemas_that_are_nested_too_deep_say_nothing() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(2000):
        schema = {"properties": {"a": schema}}
    assert parse({"components": {"schemas": {"a": schema}}}) == NONE


def test_a_long_list_of_values_is_not_told_in_full() -> None:
    schema = {"enum": [f"value-{number}" for number in range(1000)]}
    kinds = {WORKLOAD: {"properties": {"a": schema}}}
    (found,) = check({"a": "b"}, WORKLOAD, Schemas(kinds))
    assert found.message.endswith("value-19 and 980 more")


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size, color]
              properties:
                size: {type: integer}
                color: {type: string, default: red}
    - {name: v2, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
"""
WIDGET = """\
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: a}
spec:
  colour: red
---
apiVersion: apps/v1
kind: Workload
metadata: {name: a}
spec:
  replicas: "3"
  containers:
    - name: a
      imag: b
"""


def manifests(text: str) -> list[Manifest]:
    found = [one for document in parse_yaml(text.encode(), "w.yaml") for one in drafts(document)]
    return [Manifest(one.body, one.source, one) for one in found if isinstance(one, Draft)]


def test_problems_have_line_and_column_of_the_field() -> None:
    """Of the key where its name is wrong, of the nearest parent where something is missing."""
    found = manifests(DEFINITION + WIDGET)
    rendered = defined(found)
    assert set(rendered.kinds) == {("example.org/v1", "Widget")}
    assert needed(found, rendered) == ("apiextensions.k8s.io/v1", "apps/v1")
    assert [str(one) for one in problems(found, {"apps/v1": SCHEMAS}, rendered)] == [
        "w.yaml:28:3: Widget.example.org a: spec.size is required",
        'w.yaml:28:3: Widget.example.org a: unknown field "spec.colour": did you mean "color"?',
        "w.yaml:34:13: Workload.apps a: spec.replicas must be a whole number, not text: leave out the quotes",
        'w.yaml:37:7: Workload.apps a: unknown field "spec.containers[0].imag": did you mean "image"?',
    ]


def test_without_schemas_nothing_is_said() -> None:
    assert problems(manifests(WIDGET), {"apps/v1": NONE}, NONE) == ()


def test_a_manifest_whose_renderer_tells_no_places_has_its_first_line() -> None:
    manifest = Manifest(manifests(WIDGET)[1].body, Location("w.yaml", 30))
    assert {one.location for one in problems([manifest], {"apps/v1": SCHEMAS}, NONE)} == {manifest.source}


@pytest.mark.parametrize(
    ("api_version", "kind", "replacement"),
    [
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "flowcontrol.apiserver.k8s.io/v1"),
        ("policy/v1beta1", "PodSecurityPolicy", "Pod Security Admission"),
    ],
)
def test_what_was_removed_is_named_with_its_replacement(
    api_version: str, kind: str, replacement: str
) -> None:
    became = removal(api_version, kind)
    assert became is not None
    assert replacement in str(became)
    assert f"removed in 1.{became.removed}" in str(became)


def test_what_stands_in_the_place_of_a_version_outlives_it() -> None:
    """And some version does when it is removed."""
    for became in REMOVALS.values():
        assert became.deprecated < became.removed or not became.removed
        assert bool(became.successors) != bool(became.advice)
        for successor in became.successors:
            theirs = removal(successor.api_version, became.kind)
            assert theirs is None or theirs.removed >= became.removed
            assert theirs is None or successor is not became.successors[0]
        if became.successors and became.removed:
            assert min(one.since for one in became.successors) <= became.removed


@pytest.mark.parametrize(
    ("api_version", "kind", "minor", "instead"),
    [
        (f"{FLOW}/v1beta1", "FlowSchema", 23, f"{FLOW}/v1beta2"),
        (f"{FLOW}/v1beta1", "FlowSchema", 26, f"{FLOW}/v1beta3"),
        (f"{FLOW}/v1beta2", "FlowSchema", 29, f"{FLOW}/v1"),
        ("extensions/v1beta1", "Ingress", 18, "networking.k8s.io/v1beta1"),
        ("extensions/v1beta1", "Ingress", 19, "networking.k8s.io/v1"),
        ("autoscaling/v2beta1", "HorizontalPodAutoscaler", 22, "autoscaling/v2beta2"),
        ("resource.k8s.io/v1beta1", "ResourceClaim", 35, "resource.k8s.io/v1"),
        ("networking.k8s.io/v1beta1", "ServiceCIDR", 36, "networking.k8s.io/v1"),
    ],
)
def test_the_replacement_is_one_that_the_target_serves(
    api_version: str, kind: str, minor: int, instead: str
) -> None:
    text = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n"
    (problem,) = deprecations(manifests(text), minor)
    assert problem.message.endswith(f": write {kind} of {instead}")


def test_a_deprecated_version_is_warned_of_by_the_targets_own_version() -> None:
    text = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n"
    assert deprecations(manifests(text), 20) == ()
    assert [str(one) for one in deprecations(manifests(text), 24)] == [
        f"w.yaml:1:13: batch/v1beta1 CronJob is {removal('batch/v1beta1', 'CronJob')}"
    ]


def test_a_kind_that_is_not_served_any_more_is_refused_with_what_to_write() -> None:
    text = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n"
    scope = Scope("production", "web", Target("eu", "shop"))
    became = "deprecated in Kubernetes 1.14, removed in 1.22: write Ingress of networking.k8s.io"
    for served, instead in [("v1", "v1"), ("v1beta1", "v1beta1"), ("v2", "v1, from Kubernetes 1.19 on")]:

        def namespaced(api_version: str, _: str, only: str = f"networking.k8s.io/{served}") -> bool | None:
            return True if api_version == only else None

        (problem,) = settle(manifests(text), scope, namespaced).problems
        assert str(problem) == (
            f"w.yaml:1:13: cluster eu does not serve extensions/v1beta1 Ingress, {became}/{instead}"
        )
