"""Lists and watches: order, pages of one state, selectors, resuming (measured on 1.37)."""

import base64
from typing import Any

import orjson
import pytest

from simcluster.api import conversion
from simcluster.api.options import ListOptions
from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, config_map, pod, widget, widget_crd


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def made(count: int = 5) -> World:
    world = World()
    for number in range(count):
        world.create(config_map(f"l-{number}", labels={"l": "1", "n": str(number % 2)}))
    return world


def test_pages_show_one_state_whatever_happens_between_them() -> None:
    world = made()
    kind = world.kind("ConfigMap")
    first = world.api.list(kind, "default", ListOptions(label_selector="l=1", limit=2))
    token = orjson.loads(base64.urlsafe_b64decode(first.continue_ + "=="))
    assert token == {"v": "meta.k8s.io/v1", "rv": first.revision, "start": "/l-1\0"}
    assert first.remaining is None
    world.delete(config_map("l-3"))
    world.create(config_map("l-25", labels={"l": "1"}))
    second = world.api.list(
        kind, "default", ListOptions(label_selector="l=1", limit=2, continue_=first.continue_)
    )
    third = world.api.list(
        kind, "default", ListOptions(label_selector="l=1", limit=2, continue_=second.continue_)
    )
    assert [each.name for page in (first, second, third) for each in page.items] == [
        f"l-{number}" for number in range(5)
    ]
    assert {page.revision for page in (first, second, third)} == {first.revision}
    assert third.continue_ == ""


def test_pages_without_a_selector_count_what_is_left() -> None:
    world = made()
    kind = world.kind("ConfigMap")
    page = world.api.list(kind, "default", ListOptions(limit=2))
    assert page.remaining == 4
    everywhere = world.api.list(kind, "", ListOptions(limit=1))
    token = orjson.loads(base64.urlsafe_b64decode(everywhere.continue_ + "=="))
    assert token["start"] == "/default/kube-root-ca.crt\0"


def test_a_page_of_a_state_that_is_compacted_is_gone() -> None:
    world = made()
    kind = world.kind("ConfigMap")
    page = world.api.list(kind, "default", ListOptions(limit=2))
    world.create(config_map("z"))
    world.store.compact()
    error = refusal(world.api.list, kind, "default", ListOptions(limit=2, continue_=page.continue_))
    assert (error.code, error.reason) == (410, "Expired")


def test_selectors() -> None:
    world = made()
    kind = world.kind("ConfigMap")
    assert world.names(kind, label_selector="n=1") == ["l-1", "l-3"]
    assert world.names(kind, field_selector="metadata.name=l-2") == ["l-2"]
    assert world.names(kind, label_selector="n in (0)", field_selector="metadata.name!=l-2") == ["l-0", "l-4"]
    world.create(pod("p", nodeName="node-0"))
    world.create(pod("q"))
    assert world.names(world.kind("Pod"), field_selector="spec.nodeName=node-0") == ["p"]
    assert world.names(world.kind("Pod"), "", field_selector="status.phase=Pending") == ["p", "q"]


_FORBIDDEN = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
_UNREADABLE = 'invalid resource version: resourceVersion: Invalid value: "foo": '
_UNSUPPORTED = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Foo": '
_TOKEN = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIvYiJ9"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            {"resource_version": "foo"},
            400,
            _UNREADABLE + 'strconv.ParseUint: parsing "foo": invalid syntax',
        ),
        ({"resource_version": "5000"}, 504, "Timeout: Too large resource version: 5000, current: 6"),
        (
            {"resource_version_match": "Exact"},
            422,
            _FORBIDDEN + "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            {"resource_version_match": "Exact", "resource_version": "0"},
            422,
            _FORBIDDEN + 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            {"resource_version_match": "Foo", "resource_version": "1"},
            422,
            _UNSUPPORTED + 'supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            {"continue_": _TOKEN, "resource_version": "5"},
            400,
            "specifying resource version is not allowed when using continue",
        ),
    ],
)
def test_impossible_lists(options: dict[str, Any], code: int, message: str) -> None:
    world = made()
    error = refusal(world.api.list, world.kind("ConfigMap"), "default", ListOptions(**options))
    assert (error.code, str(error)) == (code, message)


def test_a_list_of_an_exact_version() -> None:
    world = made()
    kind = world.kind("ConfigMap")
    exact = ListOptions(resource_version="3", resource_version_match="Exact")
    found = world.api.list(kind, "default", exact)
    assert [each.name for each in found.items] == ["kube-root-ca.crt", "l-0", "l-1"]
    assert found.revision == 3


def test_items_of_built_in_kinds_do_not_tell_their_type() -> None:
    world = made(1)
    kind = world.kind("ConfigMap")
    item = orjson.loads(conversion.item(world.api.read(kind, "default", "l-0"), kind))
    assert sorted(item) == ["metadata"]
    world.create(widget_crd())
    world.create(widget())
    beta = world.kind("Widget", "example.com/v1beta1")
    item = orjson.loads(conversion.item(world.api.read(beta, "default", "w"), beta))
    assert (item["kind"], item["apiVersion"]) == ("Widget", "example.com/v1beta1")


def test_a_watch_from_nowhere_begins_with_what_is_there() -> None:
    world = made(2)
    stream = world.api.watch(world.kind("ConfigMap"), "default", ListOptions(label_selector="l"))
    assert [(event.type, event.record.name) for event in stream.pending()] == [
        ("ADDED", "l-0"),
        ("ADDED", "l-1"),
    ]
    assert stream.initial == 2
    world.delete(config_map("l-0"))
    assert [(event.type, event.record.name) for event in stream.pending()] == [("DELETED", "l-0")]


def test_a_watch_shows_objects_as_they_enter_and_leave_its_selector() -> None:
    """The last event of one that leaves shows its earlier state under the revision of the change."""
    world = World()
    kind = world.kind("ConfigMap")
    since = ListOptions(label_selector="x=1", resource_version=str(world.store.revision))
    stream = world.api.watch(kind, "default", since)
    world.create(config_map())
    for value in ("1", "1", "2"):
        world.merge(config_map(), {"metadata": {"labels": {"x": value, "at": str(world.store.revision)}}})
    events = stream.pending()
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    last = events[-1].record.object()["metadata"]
    assert (last["labels"]["x"], last["resourceVersion"]) == ("1", str(world.store.revision))
    world.delete(config_map())
    assert stream.pending() == []
    assert stream.revision == world.store.revision


def test_a_watch_resumes_until_compaction() -> None:
    world = made(3)
    kind = world.kind("ConfigMap")
    resumed = world.api.watch(kind, "default", ListOptions(resource_version="3"))
    assert [event.record.name for event in resumed.pending()] == ["l-2"]
    world.store.compact()
    error = refusal(world.api.watch, kind, "default", ListOptions(resource_version="3"))
    assert (error.code, str(error)) == (410, "too old resource version: 3 (5)")


async def test_a_stream_waits_for_events_and_ends_when_it_is_closed() -> None:
    world = World()
    stream = world.api.watch(world.kind("ConfigMap"), "default", ListOptions(resource_version="1"))
    world.create(config_map())
    assert (await anext(stream)).record.name == "a"
    stream.close()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert world.store.watches() == []
