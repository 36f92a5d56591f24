"""What holds for every live object, however odd, and every order in which related objects come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops.health import (
    Health,
    HealthStatus,
    Related,
    Tolerance,
    assess,
    evidence,
    failing,
    look_again,
    own_pods,
)
from gitops.health.assessment import RULES

NOW = datetime(2026, 3, 1, 10, 1, tzinfo=UTC)
WORDS = [
    "metadata",
    "spec",
    "status",
    "conditions",
    "type",
    "reason",
    "message",
    "generation",
    "observedGeneration",
    "replicas",
    "ownerReferences",
    "controller",
    "uid",
    "name",
    "kind",
    "labels",
    "annotations",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
    "waiting",
    "terminated",
    "exitCode",
    "restartCount",
    "phase",
    "suspend",
    "managedFields",
    "fieldsV1",
    "f:spec",
    "updateStrategy",
    "rollingUpdate",
    "partition",
    "data",
    "series",
    "count",
    "involvedObject",
    "lastTimestamp",
    "deletionTimestamp",
    "creationTimestamp",
    "startTime",
    "finishedAt",
]
VALUES = [
    "True",
    "False",
    "Unknown",
    "Ready",
    "Failed",
    "Complete",
    "Running",
    "Pending",
    "Succeeded",
    "CrashLoopBackOff",
    "Evicted",
    "Warning",
    "Unschedulable",
    "PodScheduled",
    "ReplicaFailure",
    "gitops-waves",
    "Apply",
    "2026-03-01T10:00:00Z",
    "u-1",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.sampled_from(VALUES),
    st.text(max_size=5),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)
BODIES = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6)
KINDS = st.sampled_from(sorted(RULES))


@st.composite
def live_objects(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an object of a known kind with the usual places filled in at random, or wholly wild."""
    if draw(st.booleans()):
        wild: dict[str, Any] = draw(
            st.dictionaries(st.sampled_from([*WORDS, "apiVersion"]), JSON, max_size=6)
        )
        return wild
    kind = draw(KINDS)
    body: dict[str, Any] = {"apiVersion": f"{kind.group}/v1".lstrip("/"), "kind": kind.kind}
    for place in ("metadata", "spec", "status"):
        body[place] = draw(BODIES | JSON)
    return body


RELATED = st.builds(
    Related,
    replica_sets=st.lists(live_objects(), max_size=2).map(tuple),
    pods=st.lists(live_objects(), max_size=3).map(tuple),
    events=st.lists(live_objects() | BODIES, max_size=3).map(tuple),
)


@given(live_objects(), st.none() | st.integers())
def test_assess_answers_for_any_object_in_one_short_line(obj: dict[str, Any], applied: int | None) -> None:
    health = assess(obj, applied_generation=applied)
    assert isinstance(health, Health)
    assert health.message
    assert len(health.message) <= 300
    assert health.message.isprintable()


@given(live_objects(), RELATED)
def test_symptoms_and_evidence_answer_for_any_objects(obj: dict[str, Any], related: Related) -> None:
    symptoms = failing(obj, related, now=NOW)
    wait = look_again(obj, related, now=NOW)
    assert wait is None or wait > timedelta(0)
    lines = evidence(obj, symptoms, related)
    assert len(lines) <= 22
    assert all(line.isprintable() and len(line) <= 300 for line in lines)


CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": SCALARS,
            "restartCount": SCALARS,
            "ready": SCALARS,
            "state": st.dictionaries(st.sampled_from(["waiting", "terminated", "running"]), BODIES | SCALARS),
            "lastState": st.dictionaries(st.sampled_from(["terminated"]), BODIES | SCALARS),
        },
    ),
    max_size=3,
)


@given(st.sampled_from(["Running", "Pending", "Failed"]), CONTAINERS, CONTAINERS, JSON)
def test_symptoms_and_evidence_answer_for_any_pod(
    phase: str, init: Any, containers: Any, conditions: Any
) -> None:
    status = {"phase": phase, "initContainerStatuses": init, "containerStatuses": containers}
    pod = {"metadata": {"name": "a", "uid": "p", "ownerReferences": [{"controller": True, "uid": "rs-2"}]}}
    pod["status"] = status | ({"conditions": conditions} if isinstance(conditions, list) else {})
    related = Related((replica_set(2),), (pod,))
    symptoms = failing(workload(), related, now=NOW)
    assert all(line.isprintable() for line in evidence(workload(), symptoms, related))


@given(live_objects(), st.integers(min_value=0, max_value=5))
def test_an_object_older_than_our_apply_never_passes(obj: dict[str, Any], generation: int) -> None:
    obj["metadata"] = {"generation": generation}
    assert assess(obj, applied_generation=generation + 1).status is not HealthStatus.CURRENT


@given(live_objects(), st.integers(min_value=1, max_value=5))
def test_a_status_of_another_generation_never_passes(obj: dict[str, Any], generation: int) -> None:
    obj["metadata"] = {"generation": generation}
    obj["status"] = {"observedGeneration": generation - 1}
    assert assess(obj).status is not HealthStatus.CURRENT


def workload() -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "uid": "d",
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1},
    }


def replica_set(revision: int) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"web-{revision}",
            "uid": f"rs-{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"controller": True, "uid": "d"}],
        }
    }


def unscheduled(name: str, revision: int, age: int) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=age)).isoformat()
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "ownerReferences": [{"controller": True, "uid": f"rs-{revision}"}],
        },
        "status": {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": f"no node for {name}",
                    "lastTransitionTime": since,
                }
            ],
        },
    }


def named(drawn: list[tuple[int, int]]) -> tuple[dict[str, Any], ...]:
    return tuple(
        unscheduled(f"p{number}", *revision_and_age) for number, revision_and_age in enumerate(drawn)
    )


PODS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=6).map(named)


def warning(pod: dict[str, Any], second: int) -> dict[str, Any]:
    return {
        "type": "Warning",
        "reason": "FailedScheduling",
        "message": f"no node {second % 3}",
        "involvedObject": {"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]},
        "lastTimestamp": f"2026-03-01T10:00:{second:02}Z",
    }


@given(PODS, st.data())
def test_the_order_of_related_objects_changes_nothing(
    pods: tuple[dict[str, Any], ...], data: st.DataObject
) -> None:
    events = tuple(warning(pod, second) for second, pod in enumerate(pods))
    sets = tuple(replica_set(revision) for revision in (1, 2, 3))
    one = Related(sets, pods, events)
    other = Related(*(tuple(data.draw(st.permutations(list(part)))) for part in (sets, pods, events)))
    symptoms = failing(workload(), one, now=NOW)
    assert symptoms == failing(workload(), other, now=NOW)
    assert evidence(workload(), symptoms, one) == evidence(workload(), symptoms, other)


@given(PODS)
def test_only_pods_of_the_newest_template_are_its_own(pods: tuple[dict[str, Any], ...]) -> None:
    related = Related(tuple(replica_set(revision) for revision in (1, 2, 3)), pods)
    newest = [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["uid"] == "rs-2"]
    assert list(own_pods(workload(), related)) == newest


@given(PODS, st.integers(0, 30))
def test_looking_again_when_told_finds_a_new_symptom_and_not_before(
    pods: tuple[dict[str, Any], ...], tolerated: int
) -> None:
    related = Related((replica_set(2),), pods)
    tolerance = Tolerance(unschedulable=timedelta(seconds=tolerated))
    before = failing(workload(), related, now=NOW, tolerance=tolerance)
    wait = look_again(workload(), related, now=NOW, tolerance=tolerance)
    if wait is None:
        assert failing(workload(), related, now=NOW + timedelta(days=1), tolerance=tolerance) == before
        return
    just_before = NOW + wait - timedelta(microseconds=1)
    assert failing(workload(), related, now=just_before, tolerance=tolerance) == before
    assert len(failing(workload(), related, now=NOW + wait, tolerance=tolerance)) > len(before)


@given(BODIES)
def test_data_of_a_secret_never_appears(metadata: dict[str, Any]) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"password": "canary-value"},
        "stringData": {"token": "canary-value"},
    }
    said = [str(assess(secret)), *evidence(secret, (), Related())]
    assert not any("canary-value" in line for line in said)
