"""The store: one counter, records that never change, history with bounds, watches that miss nothing."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.store import watch as watching
from simcluster.store.records import Change
from simcluster.store.store import Store


def config_map(name: str, namespace: str = "default", **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def names(records: Any) -> list[str]:
    return [f"{record.namespace}/{record.name}" for record in records]


def test_each_write_takes_the_next_revision_of_the_one_counter() -> None:
    store = Store()
    first = store.put("configmaps", config_map("a"))
    second = store.put("secrets", config_map("b"))
    again = store.put("configmaps", config_map("a", x="1"))
    assert [first.revision, second.revision, again.revision] == [2, 3, 4]
    assert again.object()["metadata"]["resourceVersion"] == "4"
    assert store.get("configmaps", "default", "a") is again
    assert first.object() == {
        **config_map("a"),
        "metadata": {**config_map("a")["metadata"], "resourceVersion": "2"},
    }


def test_items_come_in_the_order_of_etcd_keys() -> None:
    """`a-b/x` sorts before `a/x`, since `-` is below `/`."""
    store = Store()
    for namespace, name in (("a", "x"), ("a-b", "x"), ("a", "b"), ("b", "a")):
        store.put("configmaps", config_map(name, namespace))
    assert names(store.items("configmaps")) == ["a-b/x", "a/b", "a/x", "b/a"]
    assert names(store.items("configmaps", "a")) == ["a/b", "a/x"]
    assert store.items("pods") == []


def test_removed_objects_are_told_with_the_revision_of_the_removal() -> None:
    store = Store()
    store.put("configmaps", config_map("a"))
    watch = store.watch("configmaps", "", store.revision)
    gone = store.remove("configmaps", "default", "a", config_map("a"))
    assert gone.revision == store.revision == 3
    assert [(change.kind, change.revision) for change in watch.pending()] == [("DELETED", 3)]
    assert store.get("configmaps", "default", "a") is None


def test_a_watch_gets_its_backlog_then_what_comes_of_its_namespace() -> None:
    store = Store()
    store.put("configmaps", config_map("old"))
    start = store.revision
    store.put("configmaps", config_map("a"))
    watch = store.watch("configmaps", "default", start)
    store.put("configmaps", config_map("b", "other"))
    store.put("pods", config_map("pod"))
    store.put("configmaps", config_map("a", x="1"))
    assert [(change.kind, change.now.name) for change in watch.pending()] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
    ]


def test_compaction_ends_resuming_from_before_it() -> None:
    store = Store()
    for number in range(5):
        store.put("configmaps", config_map(f"c{number}"))
    store.compact(4)
    assert [change.revision for change in store.since(4)] == [5, 6]
    with pytest.raises(ApiError) as refused:
        store.watch("configmaps", "", 3)
    assert refused.value.code == 410


def test_history_is_bounded_by_number_and_by_bytes() -> None:
    few = Store(max_changes=3)
    small = Store(max_bytes=1000)
    for number in range(10):
        few.put("configmaps", config_map(f"c{number}"))
        small.put("configmaps", config_map(f"c{number}", x="y" * 300))
    assert few.compacted == 8
    assert small.revision - 3 <= small.compacted < small.revision


def test_a_reader_that_falls_behind_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_BEHIND", 2)
    store = Store()
    watch = store.watch("configmaps", "", store.revision)
    for number in range(3):
        store.put("configmaps", config_map(f"c{number}"))
    assert watch.ended
    assert len(watch.pending()) == 2
    assert store.watches() == []


async def test_a_waiting_reader_wakes_at_the_write_and_ends_at_the_close() -> None:
    store = Store()
    watch = store.watch("configmaps", "", store.revision)
    seen: list[Change] = []

    async def read() -> None:
        seen.extend([change async for change in watch])

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    store.put("configmaps", config_map("a"))
    watch.close()
    await reader
    assert [change.now.name for change in seen] == ["a"]
    assert store.watches() == []


def test_a_read_only_store_refuses_writes_and_still_reads() -> None:
    store = Store()
    store.put("configmaps", config_map("a"))
    store.refusal = ApiError(500, "", "etcdserver: mvcc: database space exceeded")
    with pytest.raises(ApiError):
        store.put("configmaps", config_map("b"))
    with pytest.raises(ApiError):
        store.remove("configmaps", "default", "a", config_map("a"))
    assert names(store.items("configmaps")) == ["default/a"]


def test_seed_records_are_shared_and_set_the_revision() -> None:
    first = Store()
    record = first.put("configmaps", config_map("a"))
    second = Store([record])
    assert second.get("configmaps", "default", "a") is record
    assert second.revision == record.revision
    second.put("configmaps", config_map("a", x="1"))
    assert first.get("configmaps", "default", "a") is record


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from(["put", "remove"])),
        max_size=30,
    )
)
def test_any_earlier_state_can_be_listed(steps: list[tuple[str, str, str]]) -> None:
    """`items_at` agrees with what `items` said when the store was at that revision."""
    store = Store()
    states = {store.revision: names(store.items("configmaps"))}
    for namespace, name, what in steps:
        if what == "put":
            store.put("configmaps", config_map(name, namespace))
        elif store.get("configmaps", namespace, name):
            store.remove("configmaps", namespace, name, config_map(name, namespace))
        states[store.revision] = names(store.items("configmaps"))
    for revision, expected in states.items():
        assert names(store.items_at("configmaps", "", revision)) == expected
