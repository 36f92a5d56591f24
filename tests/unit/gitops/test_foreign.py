"""Foreign fields: what others own inside our objects, by managedFields alone."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.fields import Owner, describe, paths
from gitops.foreign import (
    _roots,
    _topmost,
    changed,
    claims,
    foreign_fields,
    pointers,
    removable,
    union,
    without,
)

MAIN = 'k:{"name":"main"}'
PROXY = 'k:{"name":"proxy"}'
OURS: dict[str, Any] = {
    "manager": "gitops-waves",
    "operation": "Apply",
    "fieldsV1": {
        "f:metadata": {"f:labels": {"f:team": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:containers": {MAIN: {".": {}, "f:image": {}, "f:name": {}}}}},
        },
    },
}
MARKS = ("f:a", "f:b", "f:c", MAIN, PROXY, 'v:"x"')


def tries(leaves: int = 12) -> st.SearchStrategy[dict[str, Any]]:
    """FieldsV1 tries below a spec."""
    below: st.SearchStrategy[dict[str, Any]] = st.recursive(
        st.sampled_from([{}, {".": {}}]),
        lambda inner: st.dictionaries(st.sampled_from((*MARKS, ".")), inner, min_size=1, max_size=4).map(
            lambda trie: {step: {} if step == "." else fields for step, fields in trie.items()}
        ),
        max_leaves=leaves,
    )
    return below.map(lambda trie: {"f:spec": trie})


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    """An entry of managedFields."""
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


MANIFEST: dict[str, Any] = {
    "kind": "Deployment",
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]},
                ],
                "securityContext": {"runAsUser": 1000},
            }
        },
    },
}


def told(*entries: dict[str, Any]) -> dict[str, list[str]]:
    """What others own, by manager, as people read it."""
    found = foreign_fields(claims({"managedFields": [OURS, *entries]}), MANIFEST)
    return {one.owner.manager: [describe(path) for path in one.paths] for one in found}


def pod(**fields: Any) -> dict[str, Any]:
    """A trie of a pod template's spec."""
    return {"f:spec": {"f:template": {"f:spec": {f"f:{name}": below for name, below in fields.items()}}}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (pod(containers={PROXY: {".": {}, "f:image": {}}}), ["spec.template.spec.containers[name=proxy]"]),
        (
            pod(containers={MAIN: {"f:env": {".": {}, 'k:{"name":"A"}': {".": {}, "f:value": {}}}}}),
            ["spec.template.spec.containers[name=main].env[name=A]"],
        ),
        (pod(hostNetwork={}), ["spec.template.spec.hostNetwork"]),
        (pod(affinity={"f:nodeAffinity": {".": {}}}), ["spec.template.spec.affinity"]),
        ({"f:data": {".": {}, "f:smell": {}}}, ["data.smell"]),
        ({"f:data": {}}, ["data"]),
        ({"f:rules": {}}, ["rules"]),
    ],
)
def test_a_field_is_named_by_the_topmost_place_that_holds_nothing_of_ours(
    fields: dict[str, Any], expected: list[str]
) -> None:
    assert told(entry("eve", fields)) == {"eve": expected}


def test_marks_status_restarts_and_subresources_do_not_count() -> None:
    annotations: dict[str, Any] = {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}
    restart = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": annotations}}}}
    assert (
        told(
            entry("kubectl-label", {"f:metadata": {"f:labels": {"f:x": {}}, "f:finalizers": {'v:"y"': {}}}}),
            entry("operator", {"f:status": {"f:ready": {}}}),
            entry("kubectl-rollout", restart),
            entry("scaler", {"f:spec": {"f:other": {}}}, subresource="scale"),
            entry("twin", OURS["fieldsV1"]),
        )
        == {}
    )


def test_what_a_subresource_holds_as_well_is_nobody_elses() -> None:
    """Who scaled by hand to what an autoscaler wants."""
    replicas: dict[str, Any] = {"f:spec": {"f:minReadySeconds": {}}}
    assert told(entry("hpa", replicas, subresource="scale"), entry("kubectl-edit", replicas)) == {}


def test_what_was_taken_from_us_is_drift_and_not_foreign() -> None:
    """What is beside it still is: a changed value must not hide an added one."""
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    admin = 'k:{"containerPort":81,"protocol":"TCP"}'
    security: dict[str, Any] = {"f:runAsUser": {}, "f:runAsNonRoot": {}}
    ports: dict[str, Any] = {port: {".": {}, "f:containerPort": {}, "f:hostPort": {}}, admin: {".": {}}}
    main = {".": {}, "f:image": {}, "f:ports": ports}
    assert told(entry("eve", {"f:spec": {"f:replicas": {}}})) == {}
    assert told(entry("eve", pod(containers={MAIN: main}, securityContext=security))) == {
        "eve": [
            "spec.template.spec.containers[name=main].ports[containerPort=80,protocol=TCP].hostPort",
            "spec.template.spec.containers[name=main].ports[containerPort=81,protocol=TCP]",
            "spec.template.spec.securityContext.runAsNonRoot",
        ]
    }


def test_without_an_apply_of_ours_nothing_can_be_told() -> None:
    assert claims({"managedFields": [entry("eve", {"f:spec": {}})]}) == ()
    assert claims({}) == claims({"managedFields": None}) == ()


def test_most_objects_have_no_claims() -> None:
    status = entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")
    assert claims({"managedFields": [OURS, status]}) == ()


def test_what_was_written_in_another_version_is_told_and_not_removed() -> None:
    """There, the same field may have another name."""
    other = entry("eve", {"f:spec": {"f:target": {}}}, apiVersion="autoscaling/v1")
    metadata = {"managedFields": [{**OURS, "apiVersion": "autoscaling/v2"}, other]}
    (found,) = foreign_fields(claims(metadata), MANIFEST)
    assert found.paths == (("f:spec", "f:target"),)
    assert removable(metadata, MANIFEST, lambda _: False, {}) == ()


def test_replicas_are_told_and_never_removed() -> None:
    """Without them a workload would fall to one, whatever an autoscaler had asked for."""
    theirs: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:paused": {}}}
    ours = {**OURS, "fieldsV1": {"f:spec": {"f:selector": {}}}}
    metadata = {"managedFields": [ours, entry("kubectl-edit", theirs)]}
    manifest: dict[str, Any] = {"spec": {"selector": {}}}
    (told_of,) = foreign_fields(claims(metadata), manifest)
    assert told_of.paths == (("f:spec", "f:paused"), ("f:spec", "f:replicas"))
    (goes,) = removable(metadata, manifest, lambda _: False, {})
    assert goes.paths == (("f:spec", "f:paused"),)


def test_a_bottomless_field_is_one_field() -> None:
    """Who may write to an object shall not be able to end the watch over it."""
    trie: dict[str, Any] = {}
    for _ in range(5000):
        trie = {"f:x": trie}
    metadata = {"managedFields": [OURS, entry("eve", {"f:spec": {"f:deep": trie, "f:paused": {}}})]}
    (found,) = foreign_fields(claims(metadata), MANIFEST)
    assert found.paths == (("f:spec", "f:deep"), ("f:spec", "f:paused"))
    assert removable(metadata, MANIFEST, lambda _: False, {}) == (found,)


def test_owners_come_in_order_with_their_times() -> None:
    metadata = {
        "managedFields": [
            entry("zoe", {"f:spec": {"f:x": {}}}, time="2026-01-01T00:00:00Z"),
            OURS,
            entry("eve", {"f:spec": {"f:y": {}}}),
        ]
    }
    assert [one.owner for one in foreign_fields(claims(metadata), MANIFEST)] == [
        Owner("eve", "Update"),
        Owner("zoe", "Update", time="2026-01-01T00:00:00Z"),
    ]


def test_what_an_allowed_manager_shares_is_kept_and_what_is_beside_it_is_not() -> None:
    whole: dict[str, Any] = {".": {}, "f:image": {}, "f:env": {}}
    entries = [
        OURS,
        entry("mesh", pod(containers={PROXY: {".": {}, "f:image": {}}})),
        entry("eve", pod(containers={PROXY: whole})),
    ]
    found = removable({"managedFields": entries}, MANIFEST, lambda manager: manager == "mesh", {})
    assert [[describe(path) for path in one.paths] for one in found] == [
        ["spec.template.spec.containers[name=proxy].env"]
    ]


def beyond(theirs: dict[str, Any], kept: dict[str, Any]) -> list[tuple[str, ...]]:
    """What is asked for of entries in managedFields, asked of two tries."""
    return [path for root, below in _roots(theirs, kept) for path in _topmost(below, root)]


@given(tries(), tries())
def test_everything_that_is_not_kept_is_found_and_nothing_that_is(
    theirs: dict[str, Any], kept: dict[str, Any]
) -> None:
    """Every path of theirs is at or below something found, or known to the kept trie; no kept path is."""
    found = set(beyond(theirs, kept))
    for path in paths(kept):
        assert not any(path[: len(one)] == one for one in found)
    for path in paths(theirs):
        covered = any(path[: len(one)] == one for one in found)
        assert covered or _is_in(kept, path) or _holds_list(theirs, path)


def _is_in(trie: dict[str, Any], path: tuple[str, ...]) -> bool:
    for step in path:
        if step not in trie:
            return False
        trie = trie[step]
    return True


def _holds_list(trie: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether elements below are told one by one instead of the whole."""
    for step in path:
        trie = trie[step]
    return len(path) == 1 or any(not step.startswith("f:") for step in trie if step != ".")


@given(tries(), tries(), tries())
def test_union_holds_what_any_holds_in_any_order(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    both = union(one, two, three)
    assert both == union(three, union(two, one))
    for trie in (one, two, three):
        assert all(_is_in(both, path) for path in paths(trie))
        assert union(both, trie) == both


@given(tries(), tries())
def test_without_takes_exactly_what_was_named(theirs: dict[str, Any], kept: dict[str, Any]) -> None:
    named = tuple(beyond(theirs, kept))
    left = without([OURS, entry("eve", theirs)], {Owner("eve", "Update"): named})
    assert left[0] == OURS
    after = left[1]["fieldsV1"] if len(left) > 1 else {}
    assert not beyond(after, kept) or all(_holds_list(theirs, path) for path in beyond(after, kept))
    for path in paths(after):
        assert _is_in(theirs, path)


LIVE: dict[str, Any] = {
    "spec": {
        "paused": True,
        "template": {
            "spec": {
                "containers": [
                    {"name": "proxy", "image": "p"},
                    {"name": "main", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
                    {"name": "spy", "image": "s"},
                ]
            }
        },
        "set": ["x", "y"],
        "a/b~c": 1,
    }
}
CONTAINERS = ("f:spec", "f:template", "f:spec", "f:containers")


def test_pointers_can_be_removed_one_after_the_other() -> None:
    """From the back of a list to its front; what is inside of something else goes with it."""
    wanted = [
        (*CONTAINERS, PROXY),
        (*CONTAINERS, 'k:{"name":"spy"}'),
        (*CONTAINERS, 'k:{"name":"spy"}', "f:image"),
        (*CONTAINERS, MAIN, "f:env", 'k:{"name":"A"}'),
        (*CONTAINERS, 'k:{"name":"gone"}'),
        ("f:spec", "f:set", 'v:"x"'),
        ("f:spec", "f:a/b~c"),
        ("f:spec", "f:nowhere"),
    ]
    found = pointers(LIVE, wanted)
    assert set(found) == {
        "/spec/template/spec/containers/0",
        "/spec/template/spec/containers/2",
        "/spec/template/spec/containers/1/env/0",
        "/spec/set/0",
        "/spec/a~1b~0c",
    }
    after = jsonpatch.apply_patch(LIVE, [{"op": "remove", "path": place} for place in found])
    assert after["spec"] == {
        "paused": True,
        "template": {"spec": {"containers": [{"name": "main", "env": [{"name": "B", "value": "2"}]}]}},
        "set": ["y"],
    }


def test_changed_follows_an_element_to_its_new_place() -> None:
    after = copy.deepcopy(LIVE)
    del after["spec"]["template"]["spec"]["containers"][0]
    after["spec"]["paused"] = False
    main, proxy = (*CONTAINERS, MAIN), (*CONTAINERS, PROXY)
    assert changed(LIVE, after, [main, proxy, ("f:spec", "f:paused"), ("f:spec", "f:set")]) == (
        proxy,
        ("f:spec", "f:paused"),
    )


NAMES = st.sampled_from(["a", "b", "c"])
WHO = ("gitops-waves", "mesh", "eve")
OWNERS = st.frozensets(st.sampled_from(WHO), min_size=1)
SPECS: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 9),
    lambda below: st.one_of(
        st.dictionaries(NAMES, below, min_size=1, max_size=3),
        st.dictionaries(NAMES, st.dictionaries(st.sampled_from(["x", "y"]), below), max_size=3).map(
            lambda items: [{"name": name, **fields} for name, fields in items.items()]
        ),
    ),
    max_leaves=8,
)


def leaves(value: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """All fields that hold a number, with their paths as managedFields write them."""
    if isinstance(value, dict):
        inner = [(f"f:{name}", below) for name, below in value.items() if name != "name"]
    elif isinstance(value, list):
        inner = [(f'k:{{"name":"{item["name"]}"}}', item) for item in value]
    else:
        return [(path, value)]
    return [leaf for step, below in inner for leaf in leaves(below, (*path, step))]


def trie_of(found: list[tuple[str, ...]]) -> dict[str, Any]:
    """A FieldsV1 trie of paths; who owns something in an element owns the element and its name."""
    trie: dict[str, Any] = {}
    for path in found:
        node = trie
        for step in path:
            node = node.setdefault(step, {})
            if step.startswith("k:"):
                node.update({".": {}, "f:name": {}})
    return trie


@given(st.dictionaries(NAMES, SPECS, min_size=1, max_size=3), st.data())
def test_a_removal_takes_what_only_the_stranger_owns_and_nothing_else(
    spec: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever the object, and whoever shares what: ours, and those of who is allowed, keep their values."""
    live = {"spec": spec}
    owned = {path: data.draw(OWNERS) for path, _ in leaves(live, ())}
    entries = [
        {"manager": who, "operation": "Apply", "fieldsV1": trie_of([p for p in owned if who in owned[p]])}
        for who in WHO
    ]
    found = removable({"managedFields": entries}, {}, lambda manager: manager == "mesh", {})
    places = pointers(live, (path for one in found for path in one.paths))
    after = jsonpatch.apply_patch(live, [{"op": "remove", "path": place} for place in places])
    left = dict(leaves(after, ()))
    for path, value in leaves(live, ()):
        theirs_alone = owned[path] == {"eve"}
        assert left.get(path) == (None if theirs_alone else value)
    assert {one.owner.manager for one in found} <= {"eve"}
