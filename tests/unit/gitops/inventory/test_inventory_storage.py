"""Inventories as ConfigMaps: round trip, limits, crashes between writes, broken input."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.errors import InvalidInput
from gitops.inventory import (
    Entry,
    Inventory,
    applyset_id,
    empty,
    from_config_maps,
    leftover_chunks,
    member_labels,
    parent_name,
    pending_config_map,
    selector,
    to_config_maps,
)
from gitops.inventory.storage import LIMIT
from gitops.model.targets import Target
from gitops.objects import JsonObject, ObjectKey

TARGET = Target("eu-1", "shop")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9:. \"\\\n\u2028\x85]{0,8}[a-z0-9])?", fullmatch=True)
OBJECT_KEYS = st.builds(
    ObjectKey,
    st.sampled_from(["", "apps", "rbac.authorization.k8s.io"]),
    st.sampled_from(["ConfigMap", "Deployment", "ClusterRole"]),
    st.just("") | NAMES.filter(lambda name: " " not in name),
    NAMES,
)
ENTRIES = st.builds(
    Entry,
    OBJECT_KEYS,
    st.sampled_from(["v1", "v1beta1"]),
    st.sampled_from(["", "d" * 64]),
    st.sampled_from(["", "f" * 64]),
    st.sampled_from(["", "0b6e-uid"]),
    st.integers(0, 9),
    st.booleans(),
)


def inventory_of(entries: list[Entry]) -> Inventory:
    by_key = {entry.key: entry for entry in entries}
    return Inventory("production", "web", TARGET, "abc123", "digest", by_key)


def many(count: int, name: str = "object-with-a-name-of-some-length") -> Inventory:
    return inventory_of(
        [
            Entry(
                ObjectKey("apps", "Deployment", "shop", f"{name}-{number}"),
                "v1",
                "d" * 64,
                "f" * 64,
                "u" * 36,
                1,
            )
            for number in range(count)
        ]
    )


@given(st.lists(ENTRIES, max_size=20))
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    """Encoding and decoding lose nothing, whatever the order in which the ConfigMaps arrive."""
    inventory = inventory_of(entries)
    written = to_config_maps(inventory)
    assert from_config_maps(written, "eu-1") == inventory
    assert from_config_maps(reversed(written), "eu-1") == inventory
    assert to_config_maps(inventory) == written


@pytest.mark.parametrize("count", [0, 1, 1000, 2000, 5000])
def test_chunks_stay_below_the_limit(count: int) -> None:
    """As the API server stores them, JSON in JSON; a thousand objects still fit into the parent."""
    inventory = many(count)
    written = to_config_maps(inventory)
    assert all(len(json.dumps(body).encode()) < LIMIT for body in written)
    assert (len(written) == 1) == (count <= 1000)
    assert from_config_maps(written, "eu-1") == inventory


@settings(max_examples=20)
@given(st.integers(0, 3000), st.integers(0, 3000), st.data())
def test_a_crash_between_two_writes_loses_no_entry(first: int, second: int, data: st.DataObject) -> None:
    """Growing or shrinking: whichever prefix of the writes came through, what both sets hold is read."""
    stored = {body["metadata"]["name"]: body for body in to_config_maps(many(first))}
    written = to_config_maps(many(second))
    for body in written[: data.draw(st.integers(0, len(written)))]:
        stored[body["metadata"]["name"]] = body
    found = from_config_maps(stored.values(), "eu-1")
    assert found is not None
    assert set(many(min(first, second)).entries) <= set(found.entries)


def test_leftover_chunks_are_named_for_deletion() -> None:
    assert leftover_chunks(to_config_maps(many(5000)), to_config_maps(many(10))) == tuple(
        f"gitops-waves.production.web.{number}" for number in range(1, len(to_config_maps(many(5000))))
    )
    assert leftover_chunks(to_config_maps(many(10)), to_config_maps(many(5000))) == ()


def test_the_parent_is_an_applyset() -> None:
    """Labels and annotations as KEP-3659 asks for; the parent is written last."""
    entries = [
        Entry(ObjectKey("apps", "Deployment", "shop", "web"), "v1"),
        Entry(ObjectKey("", "ConfigMap", "other", "web"), "v1"),
        Entry(ObjectKey("", "Namespace", "", "other"), "v1"),
    ]
    parent = to_config_maps(inventory_of(entries))[-1]
    identity = applyset_id("gitops-waves.production.web", "shop")
    assert parent["metadata"] == {
        "name": "gitops-waves.production.web",
        "namespace": "shop",
        "labels": {
            "applyset.kubernetes.io/id": identity,
            "gitops-waves.io/inventory-of": "production",
            "gitops-waves.io/application": "web",
            "gitops-waves.io/inventory-chunk": "0",
        },
        "annotations": {
            "applyset.kubernetes.io/tooling": "gitops-waves/v1",
            "applyset.kubernetes.io/contains-group-kinds": "ConfigMap,Deployment.apps,Namespace",
            "applyset.kubernetes.io/additional-namespaces": "other",
        },
    }
    assert member_labels("production", identity) == {
        "applyset.kubernetes.io/part-of": identity,
        "gitops-waves.io/environment": "production",
    }
    assert selector("production", "web").split(",") == [
        "gitops-waves.io/inventory-of=production",
        "gitops-waves.io/application=web",
    ]


def test_only_the_parent_carries_the_applyset_id() -> None:
    """Two parents with one id would be two ApplySets."""
    *chunks, parent = to_config_maps(many(5000))
    assert "applyset.kubernetes.io/id" in parent["metadata"]["labels"]
    assert not any("applyset.kubernetes.io/id" in chunk["metadata"]["labels"] for chunk in chunks)


def test_ids_are_those_of_kubectl() -> None:
    """base64url(sha256("gitops-waves.production.web.shop.ConfigMap.")), short enough for a label value."""
    found = applyset_id(parent_name("production", "web"), "shop")
    assert found == "applyset-FqHlrj75PAqXei0UpWiQxzLpdkAcKlUGiiyk7m8gRsg-v1"
    assert len(applyset_id("n" * 253, "s" * 63)) == 55


def test_nothing_stored_is_no_inventory() -> None:
    assert from_config_maps([], "eu-1") is None


def test_a_lost_parent_costs_no_entry() -> None:
    """Chunks without their parent are still tracked; the digest is not known any more."""
    inventory = many(3000)
    *chunks, _ = to_config_maps(inventory)
    found = from_config_maps(chunks, "eu-1")
    assert found is not None
    assert (found.digest, found.environment, found.application) == ("", "production", "web")
    assert 0 < len(found.entries) < 3000


def test_chunks_that_disagree_leave_an_entry_unconfirmed() -> None:
    one = inventory_of([Entry(ObjectKey("", "ConfigMap", "shop", "a"), "v1", digest="old", uid="u")])
    two = inventory_of([Entry(ObjectKey("", "ConfigMap", "shop", "a"), "v1", digest="new", uid="u")])
    (parent,), (other,) = to_config_maps(one), to_config_maps(two)
    other["metadata"]["name"] += ".1"
    other["metadata"]["labels"] = {"gitops-waves.io/inventory-chunk": "1"}
    found = from_config_maps([parent, other], "eu-1")
    assert found is not None
    (entry,) = found.entries.values()
    assert (entry.digest, entry.uid, entry.taken_over) == ("", "", False)


def broken(**data: Any) -> JsonObject:
    body: JsonObject = to_config_maps(empty("production", "web", TARGET))[-1]
    body["data"] = {key: value for key, value in {**body["data"], **data}.items() if value is not None}
    return body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"format": "2"}, "a newer gitops-waves wrote it"),
        ({"format": None}, "format is missing"),
        ({"entries": None}, "entries is missing"),
        ({"entries": "{}"}, "'{}' is no entry"),
        ({"entries": "v1 - - - 0 mine"}, "is no entry"),
        ({"entries": "v1 - - - 0 ours Deployment.apps shop/web"}, "is no entry"),
        ({"entries": "v1 - - - many mine Deployment.apps shop/web"}, "invalid literal"),
        ({"entries": "v1 - - - 0 mine Deployment.apps"}, "names no object"),
        ({"entries": "v1 - - - 0 mine Deployment.apps /x"}, "names no object"),
        ({"entries": 'v1 - - - 0 mine Role "x'}, "unexpected"),
        ({"chunks": "2"}, "chunk 1 of 2 is missing"),
        ({"chunks": "many"}, "chunks is 'many', not a number"),
    ],
)
def test_broken_inventories_are_named(data: dict[str, str | None], message: str) -> None:
    """Refused, never guessed: the error names the ConfigMap and what is wrong."""
    with pytest.raises(InvalidInput, match=r"ConfigMap shop/gitops-waves\.production\.web") as caught:
        from_config_maps([broken(**data)], "eu-1")
    assert message in str(caught.value)


def test_a_pending_config_map_and_the_stored_chunks_make_the_tracked_inventory() -> None:
    """What is about to be written is known and in doubt; everything else is as it was confirmed."""
    before = many(20)
    first, second, *_ = before.entries.values()
    new = Entry(first.key._replace(name="new"), "v1")
    tracked = before.applied([replace(second, digest="")]).tracking([new], "next")
    pending = pending_config_map(before, tracked)
    assert pending is not None
    read = from_config_maps([*to_config_maps(before), pending], "eu-1")
    assert read is not None
    assert (read.revision, read.digest) == ("next", "")
    assert read.entries[first.key] == first
    assert read.entries[new.key] == new
    assert read.entries[second.key].digest == ""
    assert set(read.entries) == set(tracked.entries)


def test_a_pending_config_map_is_a_leftover_once_the_outcome_is_stored() -> None:
    """A crash before its deletion costs another apply of what it names, and loses nothing."""
    before = many(20)
    entry = next(iter(before.entries.values()))
    pending = pending_config_map(before, before.applied([replace(entry, digest="")]))
    assert pending is not None
    stored = [*to_config_maps(before), pending]
    assert leftover_chunks(stored, to_config_maps(before)) == (pending["metadata"]["name"],)
    read = from_config_maps(stored, "eu-1")
    assert read is not None
    assert set(read.entries) == set(before.entries)


@pytest.mark.parametrize(
    "key",
    [
        ObjectKey("batch", "Job", "shop", "new-kind"),
        ObjectKey("apps", "Deployment", "elsewhere", "new-namespace"),
    ],
)
def test_what_the_parent_must_name_first_is_never_only_pending(key: ObjectKey) -> None:
    """KEP-3659: a tool names kinds and namespaces on the parent before it makes members there."""
    before = many(20)
    assert pending_config_map(before, before.tracking([Entry(key, "v1")], "next")) is None


def test_many_changes_are_stored_whole() -> None:
    """Beyond a quarter of the entries a second ConfigMap would save nothing."""
    before = many(20)
    doubtful = [replace(entry, digest="") for entry in before.entries.values()]
    assert pending_config_map(before, before.applied(doubtful)) is None
