"""Whose fields become ours alone, what a tool keeps, and who is left out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import Refused
from gitops.fields import FIELD_MANAGER, Owner, paths
from gitops.takeover import Managers, marks, take_over, unallocated

MAIN = 'k:{"name":"main"}'
STEPS = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'v:"y"'])
TRIES = st.recursive(
    st.just({}), lambda inner: st.dictionaries(STEPS | st.just("."), inner, max_size=3), max_leaves=12
).map(lambda trie: {"f:spec": trie})


def entry(manager: str, fields: Any, operation: str = "Update", **rest: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **rest}


def body(*entries: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "managedFields": list(entries)}, **rest}


def ours(fields: Any) -> dict[str, Any]:
    return entry(FIELD_MANAGER, fields, "Apply")


@given(TRIES, TRIES, st.sampled_from(["kubectl-client-side-apply", "helm", "kustomize-controller", "kapp"]))
def test_no_tool_keeps_a_field_of_ours_or_its_parents(theirs: Any, own: Any, manager: str) -> None:
    """What it keeps and what moved are parts of what it had; what it keeps is not ours."""
    decided = take_over(body(entry(manager, theirs)), body(ours(own)))
    *kept, last = decided.managed_fields
    assert last == ours(own)
    left = frozenset().union(*(paths(one["fieldsV1"]) for one in kept))
    had = paths(theirs)
    assert left <= had
    assert not left & paths(own)
    assert {path for path in had if not _known(path, own)} <= left | {("f:spec",)}
    for share in decided.shares:
        assert set(share.left) == left


def _known(path: tuple[str, ...], trie: Any) -> bool:
    """Whether our trie goes that far, or the path is the mere element of a list."""
    for step in path:
        if step not in trie:
            return False
        trie = trie[step]
    return True


@given(
    TRIES, TRIES, st.sampled_from([("kube-controller-manager", ""), ("kubectl-scale", "scale"), ("vpa", "")])
)
def test_controllers_and_subresources_stay_as_they_are(theirs: Any, own: Any, who: tuple[str, str]) -> None:
    """Those that own a field of ours, and are not allowed to, are named, so that a person can decide."""
    manager, subresource = who
    other = entry(manager, theirs, subresource=subresource)
    decided = take_over(body(other), body(ours(own)))
    assert decided.managed_fields == (other, ours(own))
    assert decided.shares == ()
    assert set(decided.beside_us) <= {Owner(manager, "Update", subresource)}


def test_defaults_are_told_from_what_a_tool_set_by_the_object_as_it_would_be_made_new() -> None:
    """A default that nobody else keeps goes with its parent; what the tool set stays its own."""
    container = {"name": "main", "image": "a", "imagePullPolicy": "Always", "path": "/dev/termination-log"}
    fields: dict[str, Any] = {".": {}, "f:name": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:path": {}}
    live = body(
        entry("kubectl-client-side-apply", {"f:spec": {"f:containers": {MAIN: fields}}}),
        spec={"containers": [container]},
    )
    own: dict[str, Any] = {"f:spec": {"f:containers": {MAIN: {".": {}, "f:name": {}, "f:image": {}}}}}
    new = {"spec": {"containers": [{**container, "imagePullPolicy": "IfNotPresent"}]}}
    [kept, _] = take_over(live, body(ours(own)), new).managed_fields
    assert kept["fieldsV1"] == {"f:spec": {"f:containers": {MAIN: {"f:imagePullPolicy": {}}}}}
    unknown = take_over(live, body(ours(own)))
    assert unknown.incomplete
    assert set(unknown.managed_fields[0]["fieldsV1"]["f:spec"]["f:containers"][MAIN]) == {
        "f:imagePullPolicy",
        "f:path",
    }


def test_what_tells_an_element_apart_is_not_kept_without_it() -> None:
    """Else a port that is removed in Git would stay, as the tool's."""
    port = 'k:{"port":80,"protocol":"TCP"}'
    theirs: dict[str, Any] = {"f:spec": {"f:ports": {port: {"f:port": {}, "f:protocol": {}, "f:name": {}}}}}
    own: dict[str, Any] = {"f:spec": {"f:ports": {port: {".": {}, "f:port": {}}}}}
    [kept, _] = take_over(body(entry("helm", theirs)), body(ours(own))).managed_fields
    assert kept["fieldsV1"] == {"f:spec": {"f:ports": {port: {"f:name": {}}}}}


def test_addresses_of_a_service_are_left_out_where_its_defaults_are_asked_for() -> None:
    """No second Service can have them."""
    spec = {"clusterIP": "10.0.0.1", "type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}]}
    service = {"apiVersion": "v1", "kind": "Service", "spec": spec}
    assert unallocated(service)["spec"] == {"type": "NodePort", "ports": [{"port": 80}]}
    assert unallocated({"kind": "Other", "spec": spec})["spec"] == spec


def test_a_manager_that_people_name_is_a_tool_too() -> None:
    other = entry("deployer", {"f:data": {"f:a": {}}}, "Apply")
    own = ours({"f:data": {"f:a": {}}})
    assert take_over(body(other), body(own)).beside_us == (Owner("deployer", "Apply"),)
    assert take_over(
        body(other), body(own), managers=Managers(tools=frozenset({"deployer"}))
    ).managed_fields == (own,)
    allowed = entry("kube-controller-manager", {"f:data": {"f:a": {}}})
    assert take_over(body(allowed), body(own)).beside_us == ()
    assert Managers().is_tool("kubectl-edit")
    assert not Managers().is_tool("kubectlish")


def test_what_we_applied_and_git_no_longer_says_stays_ours_until_it_is_removed() -> None:
    """Else nobody would own it, and it would stay in the cluster for ever."""
    both: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}}
    live = body(ours(both), entry("helm", both))
    decided = take_over(live, body(ours({"f:data": {"f:a": {}}})))
    assert decided.managed_fields == (ours(both),)


def test_an_answer_without_our_fields_is_no_ground_to_change_anything() -> None:
    with pytest.raises(Refused, match="does not record field managers"):
        take_over(body(), body())


def test_marks_are_the_tools_and_not_ours() -> None:
    """What the manifest writes itself stays; a label with Helm's name and another value is nobody's mark."""
    metadata = {
        "labels": {"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "x", "team": "a"},
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "argocd.argoproj.io/sync-wave": "1",
        },
    }
    found = [key for _, key in marks(metadata, {"annotations": {"argocd.argoproj.io/sync-wave": "1"}})]
    assert found == [
        "kubectl.kubernetes.io/last-applied-configuration",
        "app.kubernetes.io/managed-by",
        "helm.sh/chart",
    ]
    assert marks({"labels": {"app.kubernetes.io/managed-by": "people"}}, {}) == ()
