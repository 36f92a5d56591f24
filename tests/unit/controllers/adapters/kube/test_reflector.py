"""The copy of a collection stays right through drops, restarts, expiry and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controllers.adapters.kube.reflector import Reflector
from gitops.errors import Denied, Unreachable
from gitops.objects import JsonObject
from tests.unit.controllers.adapters.kube.scripted import (
    CONFIG_MAPS,
    Play,
    Stage,
    answers,
    config_map,
    drops,
    event,
    hangs,
    refuses,
    staged,
    streams,
    until,
)

LIST = {"metadata": {"resourceVersion": "10"}, "items": [config_map("a", "5"), config_map("b", "6")]}


@asynccontextmanager
async def reflecting(
    stage: Stage, *plays: Play, seen: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[tuple[Reflector[JsonObject], list[str]]]:
    """Start a reflector on a scripted server; the list holds what its subscriber heard.

    `seen`: objects and their versions that were seen before, up to version 10.
    """
    heard: list[str] = []

    def hear(kind: str, body: JsonObject) -> None:
        heard.append(f"{kind} {body['metadata']['name']} {body['metadata']['resourceVersion']}")

    stage.api.then(*plays)
    reflector: Reflector[JsonObject] = Reflector(
        stage.client, CONFIG_MAPS, "shop", on_change=hear, patience=stage.clock.patience(), **settings
    )
    if seen is not None:
        reflector.resume({("shop", name): config_map(name, at) for name, at in seen.items()}, "10")
    reflector.start()
    try:
        yield reflector, heard
    finally:
        await reflector.stop()


async def test_list_then_watch_from_its_version() -> None:
    changes = [
        event("MODIFIED", config_map("a", "11")),
        event("DELETED", config_map("b", "12")),
        event("ADDED", config_map("c", "13")),
        event("BOOKMARK", {"metadata": {"resourceVersion": "20"}}),
    ]
    async with (
        staged() as stage,
        reflecting(stage, answers(LIST), streams(*changes, then=asyncio.Event())) as (reflector, heard),
    ):
        await reflector.synced.wait()
        await until(lambda: reflector.resource_version == "20")
        assert sorted(reflector.items) == [("shop", "a"), ("shop", "c")]
        assert reflector.items["shop", "a"]["metadata"]["resourceVersion"] == "11"
        assert reflector.error is None
    assert heard == ["ADDED a 5", "ADDED b 6", "MODIFIED a 11", "DELETED b 12", "ADDED c 13"]
    assert stage.api.seen[1].query["resourceVersion"] == "10"


async def test_a_dropped_watch_resumes_from_the_last_bookmark_without_a_new_list() -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "20"}})
    async with (
        staged() as stage,
        reflecting(
            stage,
            answers(LIST),
            streams(bookmark, cut=True),
            drops(),
            streams(event("ADDED", config_map("c", "21")), then=asyncio.Event()),
        ) as (reflector, _),
    ):
        await until(lambda: ("shop", "c") in reflector.items)
        assert reflector.error is None
    assert [seen.query.get("resourceVersion") for seen in stage.api.seen] == [None, "10", "20", "20"]


async def test_an_expired_version_lists_again_and_tells_only_what_changed() -> None:
    later = {"metadata": {"resourceVersion": "90"}, "items": [config_map("a", "5"), config_map("d", "80")]}
    changed = {"metadata": {"resourceVersion": "99"}, "items": [config_map("a", "95"), config_map("d", "80")]}
    async with (
        staged() as stage,
        reflecting(
            stage,
            answers(LIST),
            refuses(410, "too old"),
            answers(later),
            streams(event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})),
            answers(changed),
            streams(then=asyncio.Event()),
        ) as (reflector, heard),
    ):
        await until(lambda: reflector.resource_version == "99")
    assert heard == ["ADDED a 5", "ADDED b 6", "DELETED b 6", "ADDED d 80", "MODIFIED a 95"]


async def test_it_goes_on_from_what_was_seen_before_without_a_list() -> None:
    """It counts as listed once the server lets the watch begin there."""
    async with (
        staged() as stage,
        reflecting(
            stage,
            streams(event("MODIFIED", config_map("a", "11")), then=asyncio.Event()),
            seen={"a": "5", "b": "6"},
        ) as (reflector, heard),
    ):
        assert not reflector.synced.is_set()
        await until(lambda: bool(heard))
        assert reflector.synced.is_set()
        assert (sorted(reflector.items), reflector.lists) == ([("shop", "a"), ("shop", "b")], 0)
    assert heard == ["MODIFIED a 11"]
    assert [seen.query.get("resourceVersion") for seen in stage.api.seen] == ["10"]


@pytest.mark.parametrize(
    "refusal",
    [
        refuses(410, "too old"),
        refuses(400, "invalid resource version"),
        refuses(504, "Too large resource version"),
        streams(event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})),
    ],
)
async def test_where_the_server_does_not_go_on_from_before_there_is_a_list(refusal: Play) -> None:
    async with (
        staged() as stage,
        reflecting(
            stage, refusal, answers(LIST), streams(then=asyncio.Event()), seen={"a": "5", "gone": "4"}
        ) as (reflector, heard),
    ):
        await until(lambda: reflector.lists == 1)
        assert sorted(reflector.items) == [("shop", "a"), ("shop", "b")]
    assert heard == ["DELETED gone 4", "ADDED b 6"]


async def test_after_the_server_forgot_the_list_comes_at_a_moment_of_its_own() -> None:
    """A server that starts again forgets for all at once: they must not all list at once."""
    async with (
        staged() as stage,
        reflecting(
            stage,
            answers(LIST),
            refuses(410, "too old"),
            answers(LIST),
            streams(then=asyncio.Event()),
            spread=6.0,
        ) as (reflector, _),
    ):
        await until(lambda: reflector.lists == 2)
        assert max(stage.clock.waits) >= 6.0


async def test_it_never_gives_up_and_says_what_is_wrong_meanwhile() -> None:
    async with staged(total=0.0) as stage:
        stage.api.otherwise = refuses(503, "down")
        async with reflecting(stage) as (reflector, _):
            await until(lambda: "down" in str(reflector.error) and len(stage.api.seen) > 3)
            assert not reflector.synced.is_set()
            stage.api.otherwise = refuses(403, "no longer yours")
            await until(lambda: isinstance(reflector.error, Denied))
            stage.api.then(answers(LIST), streams(then=asyncio.Event()))
            await reflector.synced.wait()
            assert reflector.error is None
            assert len(reflector.items) == 2


@pytest.mark.parametrize(
    "nonsense",
    [
        [answers({"metadata": {"resourceVersion": "1"}, "items": [{"metadata": {}}]})],
        [answers({"items": ["text"]})],
        [answers({"items": 7})],
        [answers(LIST), streams(event("MODIFIED", {"spec": 1}))],
        [answers(LIST), streams(event("MODIFIED", {"metadata": {"name": "a"}}))],
        [answers(LIST), streams(b'{"type": "ADDED", "object": [1]}\n')],
        [answers(LIST), streams(b'{"type": "ERROR", "object": [1]}\n')],
    ],
)
async def test_nonsense_is_an_error_and_not_the_end(nonsense: list[Play]) -> None:
    """A copy that stopped in silence would show old health for ever, and open gates with it."""
    async with (
        staged() as stage,
        reflecting(stage, *nonsense, hangs()) as (reflector, _),
    ):
        await until(lambda: len(stage.api.seen) == len(nonsense) + 1)
        assert isinstance(reflector.error, Unreachable)


async def test_items_stay_while_the_server_is_away() -> None:
    async with staged(total=0.0) as stage:
        stage.api.otherwise = refuses(500, "away")
        async with reflecting(stage, answers(LIST), streams(cut=True)) as (reflector, _):
            await until(lambda: "away" in str(reflector.error))
            assert len(reflector.items) == 2
            assert reflector.synced.is_set()


async def test_waits_grow_while_nothing_comes_and_start_anew_after_an_event() -> None:
    """Also a watch that the server accepts and ends at once must not spin."""
    async with (
        staged() as stage,
        reflecting(
            stage,
            answers(LIST),
            *[streams()] * 3,
            streams(event("ADDED", config_map("c", "11"))),
            streams(then=asyncio.Event()),
        ),
    ):
        await until(lambda: len(stage.api.seen) == 6)
    assert stage.clock.waits == pytest.approx([0.1, 0.2, 0.4, 0.1])


async def test_the_servers_wish_to_wait_is_honoured_within_reason() -> None:
    async with (
        staged(total=0.0) as stage,
        reflecting(
            stage,
            refuses(429, "later", headers={"Retry-After": "5"}),
            refuses(429, "later", headers={"Retry-After": "86400"}),
            answers(LIST),
            streams(then=asyncio.Event()),
        ) as (reflector, _),
    ):
        await reflector.synced.wait()
    assert stage.clock.waits == pytest.approx([5.1, 60.1])


async def test_only_what_trim_leaves_is_kept() -> None:
    def trim(body: JsonObject) -> JsonObject:
        return {"metadata": {key: body["metadata"][key] for key in ("name", "resourceVersion")}}

    async with (
        staged() as stage,
        reflecting(stage, answers(LIST), streams(then=asyncio.Event()), trim=trim) as (reflector, _),
    ):
        await reflector.synced.wait()
        assert reflector.items["shop", "a"] == {"metadata": {"name": "a", "resourceVersion": "5"}}


async def test_a_defect_of_ours_is_an_error_too_and_is_tried_again() -> None:
    """A picture that is no longer kept up must not look like one that is."""
    defects = iter([True, False])

    def trim(body: JsonObject) -> JsonObject:
        if body["metadata"]["name"] == "a" and next(defects, False):
            raise KeyError("defect")
        return body

    async with (
        staged() as stage,
        reflecting(stage, answers(LIST), hangs(), trim=trim) as (reflector, _),
    ):
        await until(lambda: reflector.error is not None)
        assert "KeyError" in str(reflector.error)
        assert not reflector.synced.is_set()


async def test_stop_ends_it_wherever_it_is_and_start_is_harmless_twice() -> None:
    async with staged() as stage:
        stage.api.then(answers(LIST), streams(then=asyncio.Event()))
        reflector: Reflector[JsonObject] = Reflector(
            stage.client, CONFIG_MAPS, patience=stage.clock.patience()
        )
        await reflector.stop()
        reflector.start()
        reflector.start()
        await reflector.synced.wait()
        await reflector.stop()
        await reflector.stop()
    assert len([seen for seen in stage.api.seen if "watch" not in seen.query]) == 1


async def test_a_watch_that_drops_is_no_news_and_one_that_cannot_begin_again_is() -> None:
    """Until it has begun, and then that is told too."""
    told: list[bool] = []
    begun = asyncio.Event()
    async with staged() as stage:
        plays = [answers(LIST), drops(), streams(cut=True), *[refuses(403, "no more")] * 3]
        async with reflecting(stage, *plays, streams(then=begun)) as (reflector, _):
            reflector.on_blind = lambda: told.append(reflector.blind)
            await until(lambda: len(told) == 2)
            assert told == [True, False]
            assert reflector.error is None
    assert len(stage.api.seen) == len(plays) + 1


async def test_an_event_that_cannot_be_taken_in_makes_blind_although_watches_begin() -> None:
    """It comes again with each watch, and nothing after it is seen."""
    broken = True

    def trim(body: JsonObject) -> JsonObject:
        if broken and body["metadata"]["name"] == "bad":
            raise RecursionError
        return body

    bad = streams(event("ADDED", config_map("bad", "11")), then=asyncio.Event())
    async with staged() as stage, reflecting(stage, answers(LIST), *[bad] * 50, trim=trim) as (reflector, _):
        told: list[bool] = []
        reflector.on_blind = lambda: told.append(reflector.blind)
        await until(lambda: len(stage.api.seen) >= 5)
        assert told == [True]
        broken = False
        await until(lambda: not reflector.blind)
        assert ("shop", "bad") in reflector.items
