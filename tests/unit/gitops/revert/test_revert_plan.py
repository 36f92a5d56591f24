"""Which change in Git takes a failed rollout back, and what its message says."""

from __future__ import annotations

from controllers.adapters.git.history import trailers
from gitops.revert import (
    Change,
    NoRevert,
    RestorePaths,
    ReverseCommit,
    RevertPlan,
    is_revert,
    message,
    plan,
    reverted_by,
)
from gitops.rollout.state import Rollout
from tests.unit.gitops.rollout.world import World

FOLDER = "environments/production/web"
OWN = f"{FOLDER}/deployment.yaml"
SHARED = "environments/production/environment.yaml"


def change(commit: str, *paths: str, reverts: tuple[str, ...] = ()) -> Change:
    return Change(commit, f"Change {commit}", "Ada", paths, is_revert=bool(reverts), reverts=reverts)


def planned(*changes: Change, head_changed: bool = False) -> RevertPlan:
    return plan(application_path=FOLDER, changes=changes, good_revision="good", head_changed=head_changed)


def test_one_commit_is_reversed_limited_to_the_guilty_paths() -> None:
    assert planned(change("b", SHARED, OWN)) == ReverseCommit("b", (SHARED, OWN))


def test_commits_that_do_not_bear_on_the_application_do_not_count() -> None:
    assert planned(change("c"), change("b", OWN), change("a")) == ReverseCommit("b", (OWN,))


def test_several_commits_put_the_own_folder_back_as_of_last_good() -> None:
    assert planned(change("c", OWN), change("b", SHARED)) == RestorePaths((FOLDER,), "good")


def test_several_commits_that_only_changed_what_is_shared_ask_for_a_person() -> None:
    found = planned(change("c", SHARED), change("b", "clusters/eu-1.yaml"))
    assert isinstance(found, NoRevert)
    assert "clusters/eu-1.yaml, environments/production/environment.yaml" in found.because


def test_a_folder_whose_name_only_begins_alike_is_not_the_own() -> None:
    found = planned(change("c", f"{FOLDER}-admin/a.yaml"), change("b", SHARED))
    assert isinstance(found, NoRevert)


def test_newer_inputs_on_the_branch_are_left_alone() -> None:
    found = planned(change("b", OWN), head_changed=True)
    assert found == NoRevert("newer inputs are on the branch already")


def test_a_revert_is_never_reverted() -> None:
    alone = planned(change("r", OWN, reverts=("older",)))
    among = planned(change("c", OWN), change("r", OWN, reverts=("older",)))
    assert isinstance(alone, NoRevert)
    assert isinstance(among, NoRevert)
    assert "never reverted" in alone.because


def test_what_was_taken_back_already_does_not_make_the_next_bad_commit_one_of_several() -> None:
    """B failed and was reverted by R, then C came: C alone is to blame."""
    assert planned(change("c", OWN), change("r", OWN, reverts=("b",)), change("b", OWN)) == ReverseCommit(
        "c", (OWN,)
    )


def test_a_revert_of_a_part_does_not_cancel_its_commit() -> None:
    found = planned(change("c", OWN), change("r", OWN, reverts=("b",)), change("b", OWN, SHARED))
    assert isinstance(found, NoRevert)


def test_bad_again_after_a_person_reverted_the_revert_blames_the_person_s_commit() -> None:
    assert planned(change("again", OWN), change("r", OWN, reverts=("b",)), change("b", OWN)) == ReverseCommit(
        "again", (OWN,)
    )


def test_nothing_to_take_back_asks_for_a_person() -> None:
    assert isinstance(planned(), NoRevert)
    assert isinstance(planned(change("r", OWN, reverts=("b",)), change("b", OWN)), NoRevert)


def test_our_reverts_are_known_by_their_trailer() -> None:
    assert is_revert((("gitops-reverts", "abc"),))
    assert not is_revert((("Gitops-Environment", "production"),))
    assert reverted_by((("Gitops-Reverts", "a "), ("Gitops-Reverts", "b"))) == ("a", "b")


def failed_rollout(*, stuck: bool = False) -> Rollout:
    world = World()
    world.commit("web", "A")
    world.settle()
    world.bad("B", "c1")
    if stuck:
        world.bad("A", "c1", how="never")
    world.push = "waits"
    world.commit("web", "B")
    world.run_until(lambda: "RestoreFinished" in world.told())
    rollout = world.application().rollout
    assert rollout is not None
    return rollout


def test_the_message_tells_what_failed_where_the_evidence_and_what_to_do() -> None:
    text = message("production", "web", failed_rollout(), (change("b" * 40, OWN),), "f" * 40)
    lines = text.splitlines()
    assert lines[0].startswith("Revert web in production: c1: Deployment api: CrashLoop")
    assert len(lines[0]) <= 72
    assert lines[2] == "Rollout web#2 of r2 failed in wave canary."
    assert "  c1: Deployment api: CrashLoopBackOff" in lines
    assert "  exit code 1" in lines
    assert f"  {'b' * 12} Change {'b' * 40} (Ada)" in lines
    assert "merge a commit with the trailer Gitops-Retry: production/web" in lines
    assert trailers(text) == (
        ("Gitops-Environment", "production"),
        ("Gitops-Application", "web"),
        ("Gitops-Rollout", "web#2"),
        ("Gitops-Wave", "canary"),
        ("Gitops-Reverts", "b" * 40),
        ("Gitops-Audit", "f" * 40),
    )


def test_the_message_says_why_where_no_target_does() -> None:
    """A gate failed, and every target was healthy."""
    gate = {"because": "gate smoke failed: 500", "failed_gate": "smoke"}
    text = message("production", "web", failed_rollout().model_copy(update=gate), (change("b", OWN),), "f")
    assert text.splitlines()[2].endswith("failed in wave canary: gate smoke failed: 500.")
    assert ("Gitops-Gate", "smoke") in trailers(text)


def test_the_message_names_targets_that_are_not_back() -> None:
    text = message("production", "web", failed_rollout(stuck=True), (change("b", OWN),), "f")
    assert "on the last good revision, but not: c1." in text


def test_a_subject_cannot_smuggle_trailers_into_the_message() -> None:
    evil = Change("b", "x\n\nGitops-Retry: production/web", "Mallory\n\nGitops-Approve: production", (OWN,))
    keys = {key for key, _ in trailers(message("production", "web", failed_rollout(), (evil,), "f"))}
    assert not keys & {"Gitops-Retry", "Gitops-Approve"}
