"""Records: what people read, what machines read back, and what nothing quoted can do to either."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.git.history import trailers
from gitops.audit import compose, narrate, one_line, read_events, read_state, record
from gitops.drift import DriftKind
from gitops.errors import TerminalError
from gitops.model.kinds import DriftMode
from gitops.rollout import events as e
from gitops.rollout.state import EnvironmentState, FailureCause
from tests.unit.gitops.rollout.world import START, World

DRIFT: dict[str, Any] = {
    "at": START,
    "application": "web",
    "target": "t",
    "object": "ConfigMap shop/web",
    "kind": DriftKind.CHANGED,
    "group_kind": "ConfigMap",
    "mode": DriftMode.REPORT,
    "because": "fields that we applied were changed",
    "by": (e.ChangedBy(manager="kubectl-edit", operation="Update"),),
    "patch": ({"op": "replace", "path": "/data/colour", "value": "green", "live": "red"},),
}
FOREIGN: dict[str, Any] = {
    "at": START,
    "application": "web",
    "target": "t",
    "object": "Deployment.apps shop/web",
    "group_kind": "Deployment.apps",
    "by": (e.HeldBy(manager="eve", operation="Update", fields=("spec.template.spec.hostNetwork",)),),
}
WEB = {"at": START, "application": "web", "rollout": "web#7"}


def eventful() -> World:
    world = World()
    world.commit("web", "A")
    world.commit("api", "A")
    world.settle()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    return world


def test_events_and_state_are_read_back_as_they_were() -> None:
    world = eventful()
    written = record("production", tuple(world.events), world.state)
    assert read_state(written.files) == world.state
    assert read_events(written.files) == tuple(world.events)
    assert list(written.files) == [
        "events.json",
        "format",
        "state/applications/api.json",
        "state/applications/web.json",
        "state/environment.json",
    ]


def test_equal_state_gives_equal_bytes_whatever_the_order_it_was_made_in() -> None:
    world = eventful()
    backwards = dict(reversed(world.state.applications.items()))
    other = world.state.model_copy(update={"applications": backwards})
    assert record("production", (), world.state) == record("production", (), other)


def test_known_files_of_the_record_before_change_nothing_but_the_work() -> None:
    world = eventful()
    before = record("production", (), world.state)
    world.commit("web", "C")
    events = world.step()
    fresh = record("production", events, world.state)
    assert record("production", events, world.state, before.files) == fresh
    assert fresh.files["state/applications/api.json"] == before.files["state/applications/api.json"]
    assert fresh.files["state/applications/web.json"] != before.files["state/applications/web.json"]


def test_the_subject_tells_the_weightiest_event_and_the_trailers_tell_machines() -> None:
    failed = e.RolloutFailed(
        **WEB,
        wave="canary",
        cause=FailureCause.HEALTH,
        because="eu-1/shop: Deployment web is in CrashLoopBackOff",
        evidence=("container web: exit code 1",),
    )
    target = e.TargetFailed(**WEB, target="eu-1/shop", cause=FailureCause.HEALTH, because="x")
    message = record("production", (target, failed), EnvironmentState()).message
    assert (
        message.splitlines()[0] == "production/web#7: wave canary failed: eu-1/shop: Deployment web is in C…"
    )
    assert "  container web: exit code 1" in message.splitlines()
    assert trailers(message) == (
        ("Gitops-Environment", "production"),
        ("Gitops-Application", "web"),
        ("Gitops-Rollout", "web#7"),
        ("Gitops-Event", "TargetFailed"),
        ("Gitops-Event", "RolloutFailed"),
    )


def test_events_of_several_applications_share_a_record() -> None:
    events = tuple(
        e.RolloutSucceeded(at=START, application=name, rollout=f"{name}#1") for name in ("api", "web")
    )
    found = trailers(record("production", events, EnvironmentState()).message)
    assert [value for key, value in found if key == "Gitops-Application"] == ["api", "web"]


@given(st.text())
def test_nothing_quoted_adds_a_line_a_trailer_or_a_command(text: str) -> None:
    event = e.TargetFailed(
        **WEB, target=f"t{text}", cause=FailureCause.HEALTH, because=text, evidence=(text,)
    )
    command = e.CommandSeen(
        at=START, application="web", command=e.CommandKind.RETRY, commit=text, author=text
    )
    message = record("production", (command, event), EnvironmentState()).message
    assert {key for key, _ in trailers(message)} <= {
        "Gitops-Environment",
        "Gitops-Application",
        "Gitops-Rollout",
        "Gitops-Event",
    }
    assert len(message.splitlines()[0]) <= 72
    assert len(message.split("\n\n")) <= 4


@pytest.mark.parametrize(
    "text",
    ["x\n\nGitops-Retry: production", "x\r\rGitops-Retry: y", "x\u2028\u2028Gitops-Retry: y", "x\x85\x0b"],
)
def test_every_kind_of_line_break_is_a_blank(text: str) -> None:
    assert len(one_line(text).splitlines()) == 1
    found = trailers(compose(text, ((text,), (text,)), (("Gitops-Environment", text),)))
    assert [key for key, _ in found] == ["Gitops-Environment"]


def test_every_event_has_its_sentence() -> None:
    """Told by a world in which nearly everything happens, and by name for the rest."""
    told = {type(event): narrate(event) for event in eventful().events}
    told |= {type(event): narrate(event) for event in RARE}
    assert set(told) == set(get_args(get_args(e.Event)[0]))
    for sentence in told.values():
        assert sentence.endswith(".")
        assert len(sentence.splitlines()) == 1


def test_what_left_git_and_stays_is_named_with_the_reason() -> None:
    held, released = {"StatefulSet.apps shop/db": "it asks"}, {"ConfigMap shop/a": "it is protected"}
    said = narrate(e.TargetApplied(**WEB, target="t", counts={}, held=held, released=released))
    assert said.endswith(
        "; StatefulSet.apps shop/db is kept: it asks; ConfigMap shop/a is left: it is protected."
    )
    said = narrate(e.TargetHealthy(**WEB, target="t", leaving={"ConfigMap shop/b": "403"}))
    assert said == "web#7 is healthy on t; ConfigMap shop/b is still to go: 403."


def test_an_apply_is_told_by_what_was_done_and_is_left_to_do() -> None:
    counts = {"configure": 1, "delete": 2, "unchanged": 5}
    said = narrate(e.TargetApplied(**WEB, target="t", counts=counts))
    assert said == "web#7 is applied on t: 1 configured, 2 to delete, 5 unchanged."
    assert narrate(e.TargetApplied(**WEB, target="t", counts={})) == "web#7 is applied on t: no objects."


def test_who_holds_which_foreign_fields_is_told() -> None:
    found = e.ForeignFieldsFound(**FOREIGN, because="they cannot be removed: no", since=START, seen="f")
    assert narrate(found) == (
        "Deployment.apps shop/web of web on t holds fields of others, eve (Update): "
        "spec.template.spec.hostNetwork; they cannot be removed: no."
    )
    contested = e.ForeignFieldsContested(**FOREIGN, rounds=3, until=START)
    assert "eve puts back what gitops-waves removes from Deployment.apps shop/web" in narrate(contested)
    assert "(3 times so far: eve (Update): spec.template.spec.hostNetwork)" in narrate(contested)


def test_a_gate_that_failed_is_named_once() -> None:
    because = "gate smoke failed: eu-1/shop: answered 500"
    failed = e.RolloutFailed(**WEB, wave="canary", cause=FailureCause.GATE, because=because, gate="smoke")
    assert narrate(failed) == f"web#7 failed in wave canary: {because}."


RARE = (
    e.CommandSeen(at=START, application="web", command=e.CommandKind.RETRY, commit="c" * 40, author="Ada"),
    e.RevisionObserved(at=START, revision="r"),
    e.RevisionRefused(at=START, revision="r", problems=("a.yaml:1:1: no",)),
    e.TargetRegressed(**WEB, target="t", because="1 of 2 ready"),
    e.GateJudged(**WEB, wave="w", gate="g", verdict="Pass", because="200"),
    e.RolloutHalted(**WEB, because="first"),
    e.TargetNotRestored(**WEB, target="t", cause=FailureCause.DEADLINE, because="late"),
    e.RevertRefused(**WEB, because="conflict"),
    e.RolloutSuperseded(**WEB, by="r2"),
    e.RejoinAbandoned(**WEB, because="silent"),
    e.ApplicationRetired(at=START, application="web"),
    e.PruneFinished(at=START, application="web", target="t"),
    e.TargetUnsettled(at=START, application="web", target="t", because="its inventory is gone"),
    e.DriftFound(**DRIFT, since=START, seen="d"),
    e.DriftCorrected(**DRIFT),
    e.DriftContested(**DRIFT, rounds=3, until=START),
    e.DriftMutated(**DRIFT),
    e.DriftEnded(at=START, application="web", target="t", object="ConfigMap shop/web"),
    e.ForeignFieldsFound(**FOREIGN, since=START, seen="f"),
    e.ForeignFieldsRemoved(**FOREIGN),
    e.ForeignFieldsContested(**FOREIGN, rounds=3, until=START),
    e.ForeignFieldsEnded(at=START, application="web", target="t", object="Deployment.apps shop/web"),
)


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("format", b"9\n", "upgrade"),
        ("format", b"?", "not a number"),
        ("format", None, "no file format"),
        ("state/environment.json", b"{", "state/environment.json is broken"),
        ("state/applications/web.json", b'{"rollouts": "many"}', "web.json is broken at rollouts"),
    ],
)
def test_a_broken_snapshot_is_named(path: str, content: bytes | None, says: str) -> None:
    files = dict(record("production", (), eventful().state).files)
    if content is None:
        del files[path]
    else:
        files[path] = content
    with pytest.raises(TerminalError, match=says):
        read_state(files)


def test_broken_events_are_named_without_quoting_them() -> None:
    files = {"format": b"1\n", "events.json": b'[{"type": "WaveStarted", "wave": "canary-secret-value"}]'}
    with pytest.raises(TerminalError, match=r"events\.json is broken at 0\.WaveStarted\.at") as error:
        read_events(files)
    assert "canary-secret-value" not in str(error.value)
