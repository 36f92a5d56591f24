"""What the revert commit takes back, what it leaves alone, and what happens where there can be none."""

from __future__ import annotations

import asyncio

import pytest

from controllers.rollout.reverter import Reverter
from gitops.errors import Denied, Unreachable
from gitops.rollout.observation import RevertReport, RevertWork
from gitops.rollout.state import ApplicationState
from tests.unit.controllers.adapters.git.test_tree import bomb
from tests.unit.controllers.rollout.shop import (
    ENVIRONMENT,
    ENVIRONMENT_FILE,
    NOW,
    Shop,
    api,
    author,
    config_map,
    web,
)


async def revert(shop: Shop, state: ApplicationState, application: str = "web") -> list[RevertReport]:
    """Run a reverter to its end; everything that it reported."""
    reports: list[RevertReport] = []
    reverter = Reverter(shop.mirror, shop.revisions, author, lambda: NOW, shop.patience)
    async with asyncio.timeout(20):
        await reverter.run("production", RevertWork(application, f"{application}#2"), state, reports.append)
    return reports


async def reverted(shop: Shop, state: ApplicationState, application: str = "web") -> str:
    """Run a reverter that pushes a commit at once; the commit, which is the branch's head now."""
    (report,) = await revert(shop, state, application)
    assert report.commit, report
    assert shop.people.head() == report.commit
    return report.commit


async def refused(shop: Shop, state: ApplicationState, application: str = "web") -> str:
    """Run a reverter that pushes nothing; the reason."""
    before = shop.people.head()
    (report,) = await revert(shop, state, application)
    assert shop.people.head() == before
    assert report.refused, report
    return report.refused


def tree(shop: Shop, revision: str) -> str:
    return shop.people.git("rev-parse", f"{revision}^{{tree}}")


def trailers(shop: Shop, revision: str, key: str) -> list[str]:
    shown = shop.people.git("log", "-1", f"--format=%(trailers:key={key},valueonly)", revision)
    return shown.split()


async def test_one_bad_commit_is_reversed_in_what_concerns_the_application(shop: Shop) -> None:
    """The other application and the handbook, changed by the same commit, stay changed."""
    bad = shop.commit(
        "Break web", {web(): config_map("web", "bad"), api(): config_map("api", "two"), "HANDBOOK": "new\n"}
    )
    head = await reverted(shop, shop.failed(bad))
    assert shop.people.show(head, web()) + "\n" == config_map("web")
    assert shop.people.show(head, api()) + "\n" == config_map("api", "two")
    assert shop.people.show(head, "HANDBOOK") == "new"
    assert shop.digest(head_of(shop)) == shop.digest(shop.first)


async def test_trees_without_end_beside_the_guilty_paths_cost_nothing(shop: Shop) -> None:
    """A hostile commit may bring ten billion files in a few kB; a revert lists none of them."""
    shop.people.git("config", "receive.denyCurrentBranch", "ignore")  # or the work tree would follow
    shop.people.commit({web(): config_map("web", "bad")}, "Break web")
    bomb(shop.people, "docs")
    shop.mirror.fetch()
    bad = shop.people.head()
    head = await reverted(shop, shop.failed(bad))
    assert shop.people.show(head, web()) + "\n" == config_map("web")
    assert shop.people.git("rev-parse", f"{head}:docs") == shop.people.git("rev-parse", f"{bad}:docs")


async def test_the_environment_file_is_taken_back_where_it_bears_on_the_application(shop: Shop) -> None:
    """A variable that broke the application is as guilty as its own files."""
    bad = shop.commit("Go loud", {ENVIRONMENT_FILE: ENVIRONMENT.replace("quiet", "loud")})
    head = await reverted(shop, shop.failed(bad))
    assert tree(shop, head) == tree(shop, shop.first)


async def test_a_file_that_a_symlink_shares_is_taken_back(shop: Shop) -> None:
    """What is read through a symlink is an input of the application, wherever it lies."""
    (shop.people.path / "shared").mkdir()
    (shop.people.path / "shared" / "base.yaml").write_text(config_map("base"))
    (shop.people.path / web("base.yaml")).symlink_to("../../../shared/base.yaml")
    good = shop.commit("Share a base", {})
    bad = shop.commit("Break the base", {"shared/base.yaml": config_map("base", "bad")})
    head = await reverted(shop, shop.failed(bad, good=good))
    assert tree(shop, head) == tree(shop, good)


async def test_several_commits_put_the_folder_back_as_of_last_good(shop: Shop) -> None:
    """Added files go, removed ones return, and what came on top elsewhere stays."""
    shop.commit("Add a file", {web("more.yaml"): config_map("more")})
    bad = shop.commit("Replace the other", {web(): None, web("else.yaml"): config_map("else")})
    shop.commit("Meanwhile", {api(): config_map("api", "two")})
    head = await reverted(shop, shop.failed(bad))
    listed = shop.people.git("ls-tree", "--name-only", head, "environments/production/web/")
    assert listed == web()
    assert shop.people.show(head, api()) + "\n" == config_map("api", "two")


async def test_a_merge_counts_as_one_commit_against_its_first_parent(shop: Shop) -> None:
    """All that the merged branch brought to the application goes; both sides of the history stay."""
    people = shop.people
    people.git("checkout", "-q", "-b", "feature")
    people.commit({web(): config_map("web", "bad")}, "Start")
    people.commit({web("more.yaml"): config_map("more")}, "Finish")
    people.git("checkout", "-q", "main")
    before = people.commit({api(): config_map("api", "two")}, "Meanwhile")
    people.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    shop.mirror.fetch()
    merge = people.head()
    head = await reverted(shop, shop.failed(merge))
    assert tree(shop, head) == tree(shop, before)
    assert trailers(shop, head, "Gitops-Reverts") == [merge]


async def test_a_removed_application_comes_back(shop: Shop) -> None:
    """Removing the folder failed, so its reverse brings every file back."""
    bad = shop.commit("Remove web", {web(): None})
    state = shop.failed(bad)
    assert state.rollout is not None
    assert state.rollout.removed
    head = await reverted(shop, state)
    assert tree(shop, head) == tree(shop, shop.first)


async def test_commits_on_top_of_the_bad_one_stay(shop: Shop) -> None:
    """The revert goes on top of the branch; who merged meanwhile loses nothing."""
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    later = shop.commit("Meanwhile", {"HANDBOOK": "new\n"})
    head = await reverted(shop, shop.failed(bad))
    assert shop.people.git("rev-parse", f"{head}^") == later
    assert shop.people.show(head, "HANDBOOK") == "new"
    assert shop.people.show(head, web()) + "\n" == config_map("web")


async def test_a_reverse_that_does_not_apply_is_a_persons_to_write(shop: Shop) -> None:
    """A comment beside the guilty line changed since: same inputs, but no clean reverse."""
    bad = shop.commit("Go loud", {ENVIRONMENT_FILE: ENVIRONMENT.replace("quiet", "loud")})
    shop.commit(
        "Explain", {ENVIRONMENT_FILE: ENVIRONMENT.replace("quiet", "loud").replace("how it", "what it")}
    )
    assert shop.digest(head_of(shop)) == shop.digest(bad)
    reason = await refused(shop, shop.failed(bad))
    assert reason == (
        f"later commits changed the same lines of {ENVIRONMENT_FILE}: take the change back by hand, "
        "or merge a fix"
    )


async def test_newer_inputs_are_not_touched(shop: Shop) -> None:
    """A fix that was merged while the targets went back decides; nothing is reverted under it."""
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    shop.commit("Fix web", {web(): config_map("web", "fixed")})
    assert "newer inputs" in await refused(shop, shop.failed(bad))


async def test_a_revert_is_never_reverted(shop: Shop) -> None:
    """When what failed is our own revert, a person decides."""
    shop.commit("Change web", {web(): config_map("web", "two")})
    good = shop.commit("Change web again", {web(): config_map("web", "three")})
    ours = shop.commit(f"Revert web\n\nGitops-Reverts: {good}", {web(): config_map("web", "two")})
    assert "a revert is never reverted" in await refused(shop, shop.failed(ours, good=good))


async def test_what_an_earlier_revert_took_back_is_not_named_again(shop: Shop) -> None:
    """Bad, reverted, bad again: the second revert takes back and names the second bad commit alone."""
    first = shop.commit("Break web", {web(): config_map("web", "bad")})
    shop.commit(f"Revert web\n\nGitops-Reverts: {first}", {web(): config_map("web")})
    second = shop.commit("Break web otherwise", {web(): config_map("web", "worse")})
    head = await reverted(shop, shop.failed(second))
    assert tree(shop, head) == tree(shop, shop.first)
    assert trailers(shop, head, "Gitops-Reverts") == [second]
    assert first[:12] not in shop.people.git("log", "-1", "--format=%b", head)


async def test_an_earlier_revert_of_several_commits_is_not_in_the_way(shop: Shop) -> None:
    """It took back a file that came and went as well, which its own difference does not show."""
    slip = shop.commit("Slip", {web("slip.yaml"): "kind: [\n"})
    mend = shop.commit("Mend", {web("slip.yaml"): None})
    first = shop.commit("Break web", {web(): config_map("web", "bad")})
    ours = await reverted(shop, shop.failed(first))
    assert trailers(shop, ours, "Gitops-Reverts") == [first, mend, slip]
    second = shop.commit("Break web otherwise", {web(): config_map("web", "worse")})
    head = await reverted(shop, shop.failed(second))
    assert tree(shop, head) == tree(shop, shop.first)
    assert trailers(shop, head, "Gitops-Reverts") == [second]


async def test_what_putting_the_folder_back_leaves_is_not_named(shop: Shop) -> None:
    """Of several commits, one that changed only what is shared with others is not said to be taken back."""
    shared = shop.commit("Go loud", {ENVIRONMENT_FILE: ENVIRONMENT.replace("quiet", "loud")})
    one = shop.commit("Break web", {web(): config_map("web", "bad")})
    two = shop.commit("Break web more", {web(): config_map("web", "worse")})
    head = await reverted(shop, shop.failed(two))
    assert shared not in trailers(shop, head, "Gitops-Reverts")
    assert trailers(shop, head, "Gitops-Reverts") == [two, one]
    assert "loud" in shop.people.show(head, ENVIRONMENT_FILE)


async def test_the_commit_says_what_failed_and_where_the_evidence_is(shop: Shop) -> None:
    """Trailers name environment, application, wave, reverted commit and the audit record."""
    record = shop.mirror.append_audit(
        "production", message="failed\n", files={"x": b"x"}, author=author(NOW), expected_tip=None
    )
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    head = await reverted(shop, shop.failed(bad))
    named = {
        "Gitops-Environment": ["production"],
        "Gitops-Application": ["web"],
        "Gitops-Rollout": ["web#2"],
        "Gitops-Wave": ["canary"],
        "Gitops-Reverts": [bad],
        "Gitops-Audit": [record],
    }
    assert {key: trailers(shop, head, key) for key in named} == named
    body = shop.people.git("log", "-1", "--format=%B", head)
    assert "container main exited with 1" in body
    assert f"{bad[:12]} Break web (Ada)" in body


async def test_a_commit_that_was_pushed_before_a_crash_is_found(shop: Shop) -> None:
    """The second run reports the first one's commit, also when people have built on it."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    first = await reverted(shop, state)
    shop.commit("Meanwhile", {api(): config_map("api", "two")})
    before = shop.people.head()
    assert await revert(shop, state) == [RevertReport(commit=first)]
    assert shop.people.head() == before


async def test_forged_trailers_keep_no_revert_from_being_pushed(shop: Shop) -> None:
    """Who can commit can write our trailers: on the branch, and in what is merged into it."""
    forged = "\n\nGitops-Environment: production\nGitops-Rollout: web#2"
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    shop.people.git("checkout", "-q", "-b", "side", shop.first)
    shop.people.commit({"SIDE": "x\n"}, f"Look like a revert beside{forged}")
    shop.people.git("checkout", "-q", "main")
    shop.people.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    shop.commit(f"Look like a revert{forged}", {"README": "x\n"})
    head = await reverted(shop, shop.failed(bad))
    assert shop.people.show(head, web()) + "\n" == config_map("web")


async def test_a_branch_that_moves_before_the_push_is_read_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revert ends on top of what came in between."""
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    state = shop.failed(bad)
    push = shop.mirror.push_branch
    between: list[str] = []

    def late(commit: str, *, expected_head: str) -> None:
        if not between:
            between.append(shop.people.commit({"HANDBOOK": "new\n"}, "Meanwhile"))
        push(commit, expected_head=expected_head)

    monkeypatch.setattr(shop.mirror, "push_branch", late)
    head = await reverted(shop, state)
    assert shop.people.git("rev-parse", f"{head}^") == between[0]


async def test_a_remote_that_is_away_is_waited_for(shop: Shop) -> None:
    """Each try says why it waits; when the remote is back, the revert goes through."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    away = shop.people.path.with_name("away")
    shop.people.path.rename(away)

    def come_back() -> None:
        if shop.waits == 2:
            away.rename(shop.people.path)

    shop.while_waiting = come_back
    first, second, last = await revert(shop, state)
    assert first == second
    assert "there is no Git repository" in first.waiting_for
    assert last.commit == shop.people.head()


async def test_a_branch_that_vanished_is_waited_for(shop: Shop) -> None:
    """Nobody can say where the revert belongs: that is told, and not a crash in a circle."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    shop.people.git("checkout", "-q", "-b", "other")
    shop.people.git("branch", "-q", "-D", "main")

    def bring_back() -> None:
        shop.people.git("checkout", "-q", "-b", "main")

    shop.while_waiting = bring_back
    first, last = await revert(shop, state)
    assert "has no branch main any more" in first.waiting_for
    assert last.commit == shop.people.head()


async def test_a_force_push_that_is_not_followed_does_not_spin(shop: Shop) -> None:
    """The push can never arrive on top of what we follow: it is said what to do, and waited in between."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    bad = shop.people.head()
    shop.people.git("commit", "-q", "--amend", "-m", "Rewritten")

    def mend() -> None:
        if shop.waits == 3:
            shop.people.git("reset", "-q", "--hard", bad)

    shop.while_waiting = mend
    *waiting, last = await revert(shop, state)
    assert len(waiting) == 3
    assert all("force-pushed" in one.waiting_for and "onForcePush" in one.waiting_for for one in waiting)
    assert last.commit == shop.people.head()


async def test_credentials_that_expired_delay_the_revert_and_do_not_end_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the branch was denied: an operator mends that, so nobody is asked to revert by hand."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    fetch = shop.mirror.fetch
    tries: list[int] = []

    def denied() -> object:
        tries.append(1)
        if len(tries) < 3:
            raise Denied("the server did not accept our credentials")
        return fetch()

    monkeypatch.setattr(shop.mirror, "fetch", denied)
    first, second, last = await revert(shop, state)
    assert first == second == RevertReport(waiting_for="the server did not accept our credentials")
    assert last.commit


async def test_a_protected_branch_ends_in_a_refusal(shop: Shop) -> None:
    """Nobody but a person can push there; the server's words are passed on."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    guard = shop.people.path / ".git" / "hooks" / "pre-receive"
    guard.parent.mkdir(exist_ok=True)
    guard.write_text("#!/bin/sh\nexit 1\n")
    guard.chmod(0o755)
    assert "the push was refused: " in await refused(shop, state)


async def test_the_wait_between_tries_honours_the_servers_wish(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forge that says when to come back is not asked earlier."""
    state = shop.failed(shop.commit("Break web", {web(): config_map("web", "bad")}))
    fetch = shop.mirror.fetch
    slept: list[float] = []
    tries: list[int] = []

    def busy() -> object:
        tries.append(1)
        if len(tries) == 1:
            raise Unreachable("slow down", retry_after=42.0)
        return fetch()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(shop.mirror, "fetch", busy)
    object.__setattr__(shop.patience, "sleep", sleep)
    assert (await revert(shop, state))[-1].commit
    assert len(slept) == 1
    assert slept[0] >= 42.0


async def test_without_a_last_good_revision_there_is_nothing_to_revert_to(shop: Shop) -> None:
    """A first rollout that failed is left for a person."""
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    state = shop.failed(bad).model_copy(update={"good": None})
    assert "nothing to revert to" in await refused(shop, state)


async def test_a_broken_environment_at_the_head_is_left_alone(shop: Shop) -> None:
    """Nobody can say what the head wants, so nothing is put on top of it."""
    bad = shop.commit("Break web", {web(): config_map("web", "bad")})
    shop.commit("Break all", {ENVIRONMENT_FILE: "kind: Nonsense\n"})
    assert "newer inputs" in await refused(shop, shop.failed(bad))


def head_of(shop: Shop) -> str:
    """The branch's head, known to the mirror."""
    return shop.mirror.fetch().head
