"""managedFields arithmetic."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops.fields import Owner, describe, fields_hash, our_entry, owners, paths

OURS: dict[str, Any] = {
    "manager": "gitops-waves",
    "operation": "Apply",
    "apiVersion": "apps/v1",
    "time": "2026-01-01T00:00:00Z",
    "fieldsV1": {
        "f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}}}}},
        }
    },
}
SCALE: dict[str, Any] = {
    "manager": "kube-controller-manager",
    "operation": "Update",
    "subresource": "scale",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
TRIES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.just({}),
    lambda below: st.dictionaries(st.sampled_from(["f:a", "f:b", "f:c", "."]), below),
    max_leaves=12,
)


def test_our_entry_is_what_we_applied() -> None:
    """An Update under our name, and what we wrote to a subresource, are not our Apply entry."""
    update = {**OURS, "operation": "Update"}
    status = {**OURS, "subresource": "status"}
    assert our_entry([update, status, SCALE]) is None
    assert our_entry([update, status, OURS]) is OURS


def test_the_hash_follows_our_fields_only() -> None:
    """Time, version, key order and other managers do not count; a field taken from us does."""
    before = fields_hash({"managedFields": [OURS]})
    later = {**OURS, "time": "2026-02-02T00:00:00Z", "apiVersion": "apps/v2"}
    assert fields_hash({"managedFields": [SCALE, later]}) == before
    taken = {**OURS, "fieldsV1": {"f:spec": {"f:template": OURS["fieldsV1"]["f:spec"]["f:template"]}}}
    assert fields_hash({"managedFields": [taken, SCALE]}) not in (before, "")


def test_no_entry_has_no_hash() -> None:
    assert (
        fields_hash({})
        == fields_hash({"managedFields": None})
        == fields_hash({"managedFields": [SCALE]})
        == ""
    )


@given(TRIES)
def test_the_hash_does_not_depend_on_key_order(trie: dict[str, Any]) -> None:
    def turned(node: dict[str, Any]) -> dict[str, Any]:
        return {key: turned(node[key]) for key in reversed(node)}

    def hashed(fields: dict[str, Any]) -> str:
        return fields_hash({"managedFields": [{**OURS, "fieldsV1": fields}]})

    assert hashed(trie) == hashed(turned(trie))


def test_paths_are_leaves_and_marked_elements() -> None:
    container = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"app"}')
    assert paths(OURS["fieldsV1"]) == {("f:spec", "f:replicas"), container, (*container, "f:image")}


def test_owners_of_a_field_and_of_what_holds_it() -> None:
    ours = Owner("gitops-waves", "Apply", "", "2026-01-01T00:00:00Z")
    scale = Owner("kube-controller-manager", "Update", "scale")
    assert owners([SCALE, OURS], ("f:spec", "f:replicas")) == (ours, scale)
    assert owners([SCALE, OURS], ("f:spec", "f:template")) == (ours,)
    assert owners([SCALE, OURS], ("f:spec", "f:paused")) == ()
    assert owners([{"manager": "old", "operation": "Update"}], ("f:spec",)) == ()


def test_paths_are_described_as_people_write_them() -> None:
    path = ("f:spec", "f:containers", 'k:{"name":"app"}', "f:args", 'v:"-x"')
    assert describe(path) == "spec.containers[name=app].args[=-x]"
    assert (
        describe(("f:spec", "f:ports", 'k:{"protocol":"TCP","port":80}'))
        == "spec.ports[port=80,protocol=TCP]"
    )
    assert describe(("f:list", "i:0")) == "list[0]"
