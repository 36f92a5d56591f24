"""Modes, differences to look past, and corrections that leave those as they are."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gitops.diff import json_patch
from gitops.drift import DriftRules, carried_over, compare
from gitops.foreign import claims
from gitops.model.kinds import DriftMode, IgnoredDifference
from gitops.objects import ObjectKey

WEB = ObjectKey("apps", "Deployment", "shop", "web")


def manager(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """One entry of managedFields."""
    return {"manager": name, "operation": "Update", "time": "2026-03-01T12:00:00Z", "fieldsV1": fields}


LIVE: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "managedFields": [
            manager("scaler", {"f:spec": {"f:replicas": {}}}),
            manager(
                "eve", {"f:spec": {"f:template": {"f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}}
            ),
        ],
    },
    "spec": {
        "replicas": 5,
        "template": {"containers": [{"name": "side"}, {"name": "main", "image": "evil"}]},
    },
}
APPLIED: dict[str, Any] = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "template": {"containers": [{"name": "side"}, {"name": "main", "image": "good"}]},
    },
}
MANIFEST: dict[str, Any] = {
    "metadata": {"name": "web"},
    "spec": {"replicas": 1, "template": {"containers": [{"name": "main", "image": "good"}]}},
}


def test_the_manifests_annotation_comes_before_the_environments_mode() -> None:
    rules = DriftRules(DriftMode.REPORT)
    assert rules.mode_of({}) is DriftMode.REPORT
    assert rules.mode_of({"gitops-waves.io/drift": "Correct"}) is DriftMode.CORRECT
    assert rules.mode_of({"gitops-waves.io/drift": "correct?"}) is DriftMode.REPORT


@pytest.mark.parametrize(
    ("rule", "past"),
    [
        ({"jsonPointers": ["/spec/replicas"]}, ["/spec/replicas"]),
        ({"jsonPointers": ["/spec"]}, ["/spec/replicas", "/spec/template/containers/1/image"]),
        ({"jsonPointers": ["/spec/repl"]}, []),
        ({"managers": ["eve"]}, ["/spec/template/containers/1/image"]),
        (
            {"managers": ["eve"], "kind": "Deployment", "group": "apps", "name": "web"},
            ["/spec/template/containers/1/image"],
        ),
        ({"managers": ["eve"], "kind": "StatefulSet"}, []),
        ({"managers": ["eve"], "group": ""}, []),
        ({"managers": ["eve"], "name": "api"}, []),
    ],
)
def test_differences_are_looked_past_by_pointer_and_by_manager(rule: dict[str, Any], past: list[str]) -> None:
    rules = DriftRules(ignored=(IgnoredDifference.model_validate(rule),))
    counting, ignored = rules.split(WEB, compare(LIVE, APPLIED))
    assert [operation.path for operation, _ in ignored] == past
    assert len(counting) + len(ignored) == 2


def test_a_rule_that_ignores_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="jsonPointers or managers"):
        IgnoredDifference.model_validate({"kind": "Deployment"})


@pytest.mark.parametrize("pointer", ["spec/replicas", "/spec/~2", "/", ""])
def test_what_is_no_json_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(ValidationError):
        IgnoredDifference.model_validate({"jsonPointers": [pointer]})


def test_a_correction_carries_the_live_value_of_what_is_ignored() -> None:
    body = carried_over(MANIFEST, LIVE, APPLIED, ["/spec/template/containers/1/image"])
    assert body == {
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "template": {"containers": [{"name": "main", "image": "evil"}]}},
    }
    assert MANIFEST["spec"]["template"]["containers"][0]["image"] == "good"


def test_a_correction_leaves_out_what_is_ignored_and_was_removed() -> None:
    live = {"data": {"kept": "1"}}
    wanted = {"data": {"kept": "1", "dropped": "2"}}
    assert carried_over(wanted, live, wanted, ["/data/dropped"]) == {"data": {"kept": "1"}}


def test_a_place_that_the_manifest_does_not_have_cannot_be_carried_over() -> None:
    applied = {"spec": {"args": ["a", "b"]}}
    assert (
        carried_over({"spec": {"args": ["a"]}}, {"spec": {"args": ["x"]}}, applied, ["/spec/args/1/x"])
        is None
    )


PORT = {"containerPort": 80, "hostPort": 1}


def test_what_is_ignored_in_a_list_without_names_is_carried_over_by_place() -> None:
    """Tolerations, ports, rules: where all elements are ours. Defaults do not disturb."""
    ours = {"spec": {"ports": [{"containerPort": 70}, PORT]}}
    applied = {"spec": {"ports": [{"containerPort": 70, "protocol": "TCP"}, {**PORT, "protocol": "TCP"}]}}
    live = {"spec": {"ports": [{"containerPort": 7}, {**PORT, "protocol": "TCP", "hostPort": 9}]}}
    assert carried_over(ours, live, applied, ["/spec/ports/1/hostPort"]) == {
        "spec": {"ports": [{"containerPort": 70}, {**PORT, "hostPort": 9}]}
    }


@pytest.mark.parametrize("others", [[{"containerPort": 70}, PORT], [{"containerPort": 70}], []])
def test_what_may_be_anothers_element_of_a_list_is_not_carried_over(others: list[dict[str, Any]]) -> None:
    ours = {"spec": {"ports": [*others, PORT]}}
    applied = {"spec": {"ports": [PORT, {"containerPort": 60}]}}
    live = {"spec": {"ports": [{**PORT, "hostPort": 9}, {"containerPort": 60}]}}
    assert carried_over(ours, live, applied, ["/spec/ports/0/hostPort"]) is None


def _without_live(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in operation.items() if key != "live"} for operation in operations]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b/c", "d~e"]), inner, max_size=3),
        st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("pqrs"), "v": inner}),
            max_size=4,
            unique_by=lambda item: item["name"],
        ),
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_the_patch_makes_the_live_object_what_was_applied(live: Any, wanted: Any) -> None:
    """As an independent implementation of RFC 6902 applies it."""
    before, after = {"spec": live}, {"spec": wanted}
    operations = [operation.as_json() for operation in json_patch(before, after)]
    assert jsonpatch.apply_patch(before, _without_live(operations)) == after


def test_secrets_are_named_and_never_shown() -> None:
    before = {"kind": "Secret", "data": {"password": "b2xk", "same": "c2FtZQ=="}}
    after = {"kind": "Secret", "data": {"password": "bmV3", "same": "c2FtZQ=="}}
    (operation,) = json_patch(before, after)
    assert operation.path == "/data/password"
    assert "b2xk" not in str(operation.as_json())
    assert "bmV3" not in str(operation.as_json())


@pytest.mark.parametrize(
    ("environment", "exclusive", "written", "expected"),
    [
        ("Report", False, "", "Report"),
        ("Correct", False, "", "Report"),
        ("Ignore", False, "", "Ignore"),
        ("Report", True, "", "Correct"),
        ("Correct", True, "", "Correct"),
        ("Ignore", True, "", "Ignore"),
        ("Correct", True, "Report", "Report"),
        ("Correct", True, "Ignore", "Ignore"),
        ("Ignore", True, "Correct", "Correct"),
        ("Ignore", False, "Correct", "Report"),
        ("Report", True, "nonsense", "Correct"),
    ],
)
def test_what_is_done_about_foreign_fields(
    environment: str,
    exclusive: bool,  # noqa: FBT001 - a column of the table
    written: str,
    expected: str,
) -> None:
    """Only `exclusive` removes; the manifest's annotation may still hold it back."""
    rules = DriftRules(DriftMode(environment), exclusive=exclusive)
    annotations = {"gitops-waves.io/drift": written} if written else {}
    assert rules.foreign_mode_of(annotations) is DriftMode(expected)


def owned(fields: dict[str, Any], by: str = "eve") -> dict[str, Any]:
    """Metadata of an object of ours in which somebody owns fields."""
    ours = {"manager": "gitops-waves", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return {"managedFields": [ours, manager(by, fields)]}


def test_foreign_fields_of_who_is_allowed_or_looked_past_do_not_count() -> None:
    rules = DriftRules(
        ignored=(
            IgnoredDifference(kind="Deployment", managers=("painter",)),
            IgnoredDifference(kind="Deployment", json_pointers=("/spec/strategy/type",)),
            IgnoredDifference(kind="Service", json_pointers=("/spec",)),
        ),
        allowed_managers=frozenset({"mesh"}),
    )
    fields: dict[str, Any] = {"f:spec": {"f:paused": {}, "f:strategy": {"f:type": {}}}}
    counted = {by: rules.foreign(WEB, claims(owned(fields, by)), {}) for by in ("mesh", "painter", "eve")}
    assert counted["mesh"] == counted["painter"] == ()
    # The strategy as a whole is named, and more than what is looked past may be in it.
    assert [path[-1] for one in counted["eve"] for path in one.paths] == ["f:paused", "f:strategy"]
    only_type: dict[str, Any] = {
        "f:spec": {"f:paused": {}, "f:strategy": {"f:type": {}, "f:rollingUpdate": {}}}
    }
    removable = rules.removable(WEB, owned(only_type), {})
    assert [path[1:] for one in removable for path in one.paths] == [
        ("f:paused",),
        ("f:strategy", "f:rollingUpdate"),
    ]


def test_cluster_controllers_are_allowed_everywhere() -> None:
    rules = DriftRules()
    assert rules.may_own(WEB, "kube-controller-manager")
    assert not rules.may_own(WEB, "kubectl-edit")
