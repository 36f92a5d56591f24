"""One environment's loop on a real repository; its clusters cannot be reached, which is enough here."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from controllers.adapters.renderers import executables
from controllers.rollout import environment as environments
from controllers.rollout import wishes
from controllers.rollout.environment import EnvironmentLoop
from controllers.rollout.tools import Tools
from gitops import audit
from gitops.errors import Unreachable
from gitops.rollout.desired import Wish
from gitops.rollout.events import RolloutStarted
from gitops.rollout.observation import Desired
from gitops.rollout.state import ApplicationState, EnvironmentState, OnTarget
from tests.unit.controllers.rollout.shop import (
    ENVIRONMENT,
    ENVIRONMENT_FILE,
    NOW,
    Diary,
    Shop,
    api,
    author,
    config_map,
    until,
    web,
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again soon; what nobody wakes stays asleep for longer than any test waits."""
    monkeypatch.setattr(environments, "_RETRY_SECONDS", 0.01)


@asynccontextmanager
async def running(tools: Tools, head: str) -> AsyncIterator[EnvironmentLoop]:
    """Run the loop; afterwards nothing of it is left."""
    loop = EnvironmentLoop("production", tools, lambda: None)
    loop.notice(head)
    task = asyncio.create_task(loop.run())
    try:
        yield loop
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert loop._crew.under_way() == ()


def broken_record(shop: Shop, tip: str | None = None) -> str:
    return shop.mirror.append_audit(
        "production",
        message="broken\n",
        files={"format": b"1\n", "state/environment.json": b"{"},
        author=author(NOW),
        expected_tip=tip,
    )


def _refuses_web(loop: EnvironmentLoop, head: str) -> bool:
    return loop._wish.revision == head and "web" in loop._wish.problems


async def test_records_that_cannot_be_read_are_told_and_read_again(shop: Shop) -> None:
    """The loop does not end: it says what is wrong, does nothing, and goes on once that is mended."""
    tip = broken_record(shop)
    diary = Diary()
    async with running(shop.tools(diary=diary), shop.first) as loop:
        await until(lambda: "state/environment.json is broken" in loop.error)
        assert loop.at_rest
        assert not loop.as_wanted
        assert not diary.events
        good = audit.record("production", (), EnvironmentState())
        shop.mirror.append_audit(
            "production", message=good.message, files=good.files, author=author(NOW), expected_tip=tip
        )
        await until(lambda: diary.events and not loop.error)


async def test_nothing_is_begun_that_could_not_be_recorded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk keeps the first rollout from starting; when there is room, it starts."""
    append = shop.mirror.append_audit
    full = [True]

    def append_if_room(*arguments: Any, **options: Any) -> str:
        if full:
            raise Unreachable("the disk is full")
        return append(*arguments, **options)

    monkeypatch.setattr(shop.mirror, "append_audit", append_if_room)
    diary = Diary()
    async with running(shop.tools(diary=diary), shop.first) as loop:
        await until(lambda: loop.error == "the disk is full")
        assert loop._crew.under_way() == ()
        assert loop.state == EnvironmentState()
        assert not loop.at_rest
        full.clear()
        await until(loop._crew.under_way)
    assert sum(isinstance(event, RolloutStarted) for event in diary.events) == 2


async def test_a_fenced_loop_stops_acting_at_once(shop: Shop) -> None:
    """Not at its next event: the new leader's writes are under way already."""
    tools = shop.tools()
    async with running(tools, shop.first) as loop:
        await until(loop._crew.under_way)
        tools.recorder.fence("production")
        await until(lambda: not loop._crew.under_way(), within=5)
        assert "another controller records production" in loop.error
        assert loop.at_rest
        loop.notice(shop.commit("Next", {web(): config_map("web", "two")}))
        await until(lambda: loop.at_rest)
        assert loop._crew.under_way() == ()


async def test_a_defect_in_a_pass_is_logged_told_and_not_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The pass is tried again; what it has to say takes the defect's place."""
    tools = shop.tools()
    catalog = tools.revisions.catalog
    defective = [True]

    def read(revision: str) -> Any:
        if defective:
            raise KeyError("no such thing")
        return catalog(revision)

    monkeypatch.setattr(tools.revisions, "catalog", read)
    with caplog.at_level(logging.ERROR):
        async with running(tools, shop.first) as loop:
            await until(lambda: loop.error)
            assert not loop.at_rest
            defective.clear()
            await until(lambda: not loop.error and loop.passes)
    assert any(record.exc_info for record in caplog.records)


async def test_a_notice_during_a_pass_is_not_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next pass follows at once, and not when the longest sleep is over."""
    tools = shop.tools()
    catalog = tools.revisions.catalog
    reading, go_on = threading.Event(), threading.Event()

    def slow(revision: str) -> Any:
        found = catalog(revision)
        reading.set()
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(tools.revisions, "catalog", slow)
    async with running(tools, shop.first) as loop:
        await until(reading.is_set)
        second = shop.commit("Next", {web(): config_map("web", "two")})
        loop.notice(second)
        go_on.set()
        await until(lambda: loop._wish.revision == second)


async def test_what_cannot_be_rendered_is_remembered_for_the_newest_inputs_only(shop: Shop) -> None:
    """A team that tries and tries fills no memory."""
    diary = Diary()
    async with running(shop.tools(diary=diary), shop.first) as loop:
        for number in range(4):
            head = shop.commit("Try", {web(): config_map("web", f"${{missing_{number}}}")})
            loop.notice(head)
            await until(partial(_refuses_web, loop, head))
            assert f"missing_{number}" in loop._wish.problems["web"][0]
            assert len(loop._wishes._checked) <= 2
        assert "api" in loop._wish.desired


async def test_a_tool_that_is_installed_later_is_found_without_a_commit(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = executables.search_path()
    monkeypatch.setattr(executables, "search_path", lambda: "/nonexistent")
    monkeypatch.setattr(wishes, "_UNABLE_SECONDS", 0.01)
    monkeypatch.setattr(environments, "_LONGEST_SLEEP_SECONDS", 0.01)
    files: dict[str, str | bytes | None] = {web("kustomization.yaml"): "resources: [web.yaml]\n"}
    head = shop.commit("Use kustomize", files)
    async with running(shop.tools(), head) as loop:
        await until(lambda: "neither kustomize nor kubectl" in loop._wish.awaiting.get("web", ""))
        monkeypatch.setattr(executables, "search_path", lambda: found)
        await until(lambda: "web" in loop._wish.desired)
    assert loop._wish.problems == {}


async def test_an_application_that_cannot_be_rendered_holds_up_no_other(shop: Shop) -> None:
    """The other one sets out; the sentence about the broken one names its file."""
    head = shop.commit("Break web", {web(): config_map("web", "${missing}"), api(): config_map("api", "two")})
    diary = Diary()
    async with running(shop.tools(diary=diary), head) as loop:
        await until(loop._crew.under_way)
        started = [event for event in diary.events if isinstance(event, RolloutStarted)]
        assert [event.application for event in started] == ["api"]
        assert any(web() in str(wait) for wait in loop.waits if wait.application == "web")


async def test_a_gate_whose_address_cannot_be_filled_is_told_before_anything_starts(shop: Shop) -> None:
    """The same inputs set out once the gate is mended: gates are no part of what is rendered."""
    gate = "      gates: [{type: http, url: 'http://${servce}.example/health'}]\n"
    broken = shop.commit("Ask", {ENVIRONMENT_FILE: ENVIRONMENT + gate})
    mended = shop.commit("Mend", {ENVIRONMENT_FILE: ENVIRONMENT + gate.replace("servce", "cluster")})
    assert shop.digest(broken) == shop.digest(mended)
    async with running(shop.tools(), broken) as loop:
        await until(lambda: loop._wish.problems.get("web"))
        (problem,) = loop._wish.problems["web"]
        assert "gate http of wave rest" in problem
        assert "servce" in problem
        assert loop._crew.under_way() == ()
        loop.notice(mended)
        await until(loop._crew.under_way)


def test_passes_never_take_more_than_a_quarter_of_the_time() -> None:
    """Whatever a pass costs, and it costs with the number of targets; one report waits a second at most."""
    assert environments._rest(0.1) == pytest.approx(0.3)
    assert environments._rest(60.0) == 1.0


async def test_what_git_wants_is_not_read_again_for_every_target_that_starts(shop: Shop) -> None:
    """Only for an application that left Git does it matter who still holds it."""
    loop = EnvironmentLoop("production", shop.tools(), lambda: None)
    at = {"revision": shop.first, "digest": "A", "settled": False}

    def holding(*targets: str) -> EnvironmentState:
        on = {target: OnTarget(**at) for target in targets}
        return EnvironmentState(applications={"web": ApplicationState(rollouts=1, on=on)})

    def read_again(desired: Desired) -> bool:
        loop._wish = Wish(shop.first, desired={"web": desired})
        loop.state = holding("eu-1/shop")
        before = loop._wish_depends_on(shop.first)
        loop.state = holding("eu-1/shop", "us-1/shop")
        return loop._wish_depends_on(shop.first) != before

    assert not read_again(Desired("A", ()))
    assert read_again(Desired("A", (), removed=True))
