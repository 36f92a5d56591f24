"""One repository's controller: which environments it leads, and what keeps it from moving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.git import Mirror
from controllers.adapters.kube.patience import Patience
from controllers.repository import RepositoryController
from controllers.rollout import environment as environments
from controllers.rollout.tools import Tools
from controllers.source import Follower, Timing
from gitops.errors import TransientError
from gitops.rollout.state import EnvironmentState
from tests.unit.controllers.rollout.shop import ENVIRONMENT, Shop, config_map, until, web


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One environment, two applications, two clusters, nothing rolled out yet."""
    return Shop(tmp_path)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_RETRY_SECONDS", 0.01)


@asynccontextmanager
async def running(
    shop: Shop, tools: Tools | None = None, claims: dict[str, str] | None = None, name: str = "shop"
) -> AsyncIterator[RepositoryController]:
    """Run the controller; it asks the remote all the time."""
    used = tools or shop.tools()
    timing = Timing(interval=0.02, backoff=0.02, longest=0.02)
    follower = Follower(used.mirror, timing=timing)
    controller = RepositoryController(name, used, follower, {} if claims is None else claims)
    controller._patience = Patience(first_wait=0.01, longest_wait=0.01)
    task = asyncio.create_task(controller.run())
    try:
        yield controller
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def remote_tip(shop: Shop) -> str:
    return shop.people.git("for-each-ref", "--format=%(objectname)", "refs/gitops/environments/production")


def waits(controller: RepositoryController) -> str:
    return "\n".join(map(str, controller.waits("production")))


async def led_elsewhere(shop: Shop, mirror: Mirror) -> str:
    """Let another controller lead until its first records are pushed; the newest."""
    async with running(shop, shop.tools(mirror)) as other:
        await until(lambda: other.ready and other.loops["production"].state.applications)
    assert remote_tip(shop) == mirror.audit_tip("production")
    return remote_tip(shop)


async def test_records_go_out_when_the_controller_ends(shop: Shop) -> None:
    """Whoever comes next knows everything, without this one's files."""
    tip = await led_elsewhere(shop, shop.mirror)
    fresh = shop.tools(shop.mirror_at("fresh"))
    assert fresh.mirror.audit_tip("production") == tip
    assert set((await fresh.recorder.load("production")).applications) == {"web", "api"}


async def test_before_it_leads_the_others_records_hold(shop: Shop) -> None:
    """It was away with a record nobody saw: the other's chain is continued, ours is kept aside."""
    mine = shop.tools()
    await mine.recorder.load("production")
    unseen = await mine.recorder.append("production", (), EnvironmentState(), mine.clock())
    theirs = await led_elsewhere(shop, shop.mirror_at("other"))
    async with running(shop) as controller:
        await until(lambda: controller.ready)
        assert set(controller.loops["production"].state.applications) == {"web", "api"}
        assert not controller.loops["production"].error
    assert shop.mirror.is_ancestor(theirs, remote_tip(shop))
    aside = shop.mirror.path / "refs" / "gitops" / "aside" / "production" / unseen
    assert aside.read_text().strip() == unseen


async def test_while_it_leads_a_divergence_stops_it(shop: Shop) -> None:
    """Two at once: the one that finds out stops acting and says what to do; the branch it still follows."""
    tools = shop.tools()
    push = tools.recorder.push

    async def not_yet() -> None:
        return

    tools.recorder.push = not_yet  # type: ignore[method-assign]
    async with running(shop, tools) as controller:
        await until(lambda: controller.ready and controller.loops["production"].state.applications)
        theirs = await led_elsewhere(shop, shop.mirror_at("other"))
        await until(lambda: controller.loops["production"].error)
        assert "another controller records production" in waits(controller)
        assert controller.loops["production"]._crew.under_way() == ()
        tools.recorder.push = push  # type: ignore[method-assign]
    assert remote_tip(shop) == theirs


async def test_an_environment_that_left_git_before_anything_was_recorded_is_noticed(shop: Shop) -> None:
    """Nothing of it is rolled out any more, though no record knows it."""
    staging = ENVIRONMENT.replace("name: production", "name: staging").replace(
        "spec:", "spec:\n  suspended: true"
    )
    shop.commit(
        "Add staging",
        {
            "environments/staging/environment.yaml": staging,
            "environments/staging/web/web.yaml": config_map("web"),
        },
    )
    async with running(shop) as controller:
        await until(lambda: "staging" in controller.loops and controller.loops["staging"].passes)
        assert controller.loops["staging"]._wish.desired
        gone: dict[str, str | bytes | None] = {
            "environments/staging/environment.yaml": None,
            "environments/staging/web/web.yaml": None,
        }
        head = shop.commit("Remove staging", gone)
        await until(lambda: controller.loops["staging"]._wish.revision == head)
        assert not controller.loops["staging"]._wish.desired


async def test_two_repositories_cannot_have_the_same_environment(shop: Shop) -> None:
    """The second one says so, and leaves it alone."""
    async with running(shop, claims={"production": "other"}) as controller:
        await until(lambda: controller.error)
        assert controller.error == (
            "environment production belongs to repository other already: give it another name"
        )
        assert not controller.loops
        assert not controller.as_wanted


async def test_a_force_push_is_told_where_people_look(shop: Shop) -> None:
    """The controller stays on what it accepted; every environment's sentences say so, until it is mended."""
    async with running(shop) as controller:
        await until(lambda: controller.ready)
        shop.people.git("commit", "-q", "--amend", "-m", "Rewritten")
        await until(lambda: "force-pushed" in waits(controller))
        assert controller.fetched is not None
        assert controller.fetched.head == shop.first
        shop.people.git("reset", "-q", "--hard", shop.first)
        await until(lambda: not controller.error)


async def test_a_revision_that_cannot_be_read_yet_is_tried_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fetch brings no more news of it: it is the controller that has to come back to it."""
    tools = shop.tools()
    environments_of = tools.mirror.audit_environments
    failing = [True]

    def read() -> tuple[str, ...]:
        if failing:
            raise TransientError("too many open files")
        return environments_of()

    monkeypatch.setattr(tools.mirror, "audit_environments", read)
    async with running(shop, tools) as controller:
        await until(lambda: controller.error == "too many open files")
        assert not controller.loops
        failing.clear()
        await until(lambda: controller.ready and not controller.error)


async def test_a_tree_that_cannot_be_listed_is_told_until_a_commit_mends_it(shop: Shop) -> None:
    """What ran before goes on; the sentence names the file."""
    async with running(shop) as controller:
        await until(lambda: controller.ready)
        shop.people.commit({web("bad\tname.yaml"): config_map("x")}, "Name it badly")
        await until(lambda: "rename it" in controller.error)
        assert controller.loops["production"]._head == shop.first
        assert "rename it" in waits(controller)
        head = shop.people.commit({web("bad\tname.yaml"): None}, "Mend it")
        await until(lambda: controller.loops["production"]._head == head)
        assert not controller.error


async def test_a_remote_that_never_answered_is_no_reason_to_wait_for_ever(shop: Shop) -> None:
    """Who runs it once ends with the error instead."""
    tools = shop.tools(Mirror.open(shop.folder / "empty", shop.mirror.remote))
    shop.people.path.rename(shop.people.path.with_name("away"))
    async with running(shop, tools) as controller:
        await until(lambda: controller.at_rest)
        assert "there is no Git repository" in controller.error
        assert not controller.as_wanted


async def test_an_environment_whose_records_are_broken_lets_the_others_go_on(shop: Shop) -> None:
    """It is told in its own sentences, and whoever runs it once is not kept for ever."""
    files: dict[str, Any] = {"format": b"99\n"}
    tools = shop.tools()
    tools.mirror.append_audit(
        "staging", message="from the future\n", files=files, author=_author(tools), expected_tip=None
    )
    async with running(shop, tools) as controller:
        await until(lambda: controller.loops.get("staging") and controller.loops["staging"].error)
        assert "upgrade before going on" in str(controller.waits("staging")[0])
        await until(lambda: controller.loops["production"].state.applications)
        assert controller.loops["staging"].at_rest
        assert not controller.as_wanted


def _author(tools: Tools) -> Any:
    return tools.recorder._author(tools.clock())


async def test_a_folder_that_no_ref_can_be_named_after_holds_up_nobody(shop: Shop) -> None:
    """Whoever may commit may make one; the other environments are led, and the error says which it is."""
    shop.commit("Trap", {"environments/x.lock/environment.yaml": ENVIRONMENT})
    async with running(shop) as controller:
        await until(lambda: controller.ready)
        assert controller.error == "environments/x.lock cannot be an environment: no Git ref may be named so"
        assert set(controller.loops) == {"production"}
        assert not controller.as_wanted


async def test_a_defect_that_a_commit_meets_ends_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One repository's content must not take the process from all the others; the next commit is read."""
    tools = shop.tools()
    read = tools.revisions.catalog
    meets = {"defect": True}

    def catalog(revision: str) -> Any:
        if meets["defect"]:
            raise RecursionError("too deep")
        return read(revision)

    monkeypatch.setattr(tools.revisions, "catalog", catalog)
    async with running(shop, tools) as controller:
        await until(lambda: "by a defect of the controller: too deep" in controller.error)
        meets["defect"] = False
        shop.people.commit({"README": "x\n"}, "Go on")
        await until(lambda: controller.ready)
        assert not controller.error


async def test_environments_that_a_commit_changes_go_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others read it a moment later: it may ask something of them, but nothing there was changed."""
    noticed: list[tuple[str, str, bool]] = []
    notice = environments.EnvironmentLoop.notice

    def listened(loop: environments.EnvironmentLoop, head: str, *, soon: bool = True) -> None:
        noticed.append((head, loop.name, soon))
        notice(loop, head, soon=soon)

    monkeypatch.setattr(environments.EnvironmentLoop, "notice", listened)
    async with running(shop) as controller:
        await until(lambda: "production" in controller.loops)
        staging = ENVIRONMENT.replace("production", "staging")
        first = shop.commit(
            "Stage",
            {
                "environments/staging/environment.yaml": staging,
                "environments/staging/web/web.yaml": config_map("web"),
            },
        )
        await until(lambda: "staging" in controller.loops)
        second = shop.commit("Change", {"environments/staging/web/web.yaml": config_map("web", "two")})
        await until(lambda: all(loop._wish.revision == second for loop in controller.loops.values()))
        third = shop.commit("Ask", {"README.md": "nothing that is followed"})
        await until(lambda: all(loop._wish.revision == third for loop in controller.loops.values()))
    assert [one for one in noticed if one[0] in (first, second, third)] == [
        (first, "staging", True),
        (first, "production", False),
        (second, "staging", True),
        (second, "production", False),
        (third, "production", True),
        (third, "staging", True),
    ]
