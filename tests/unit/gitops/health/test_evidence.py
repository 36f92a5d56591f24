"""Evidence stays short and clean whatever a broken program or a busy namespace brings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gitops.health import Related, Symptom, Tolerance, evidence, failing

NOW = datetime(2026, 3, 1, 10, 1, tzinfo=UTC)


def crashing_pod(restarts: int = 0) -> dict[str, Any]:
    status = {"name": "app", "restartCount": restarts, "state": {"terminated": {"exitCode": 1}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tool", "uid": "p"},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def event(number: int, message: str) -> dict[str, Any]:
    return {
        "type": "Warning",
        "reason": "Broken",
        "message": message,
        "involvedObject": {"kind": "Pod", "name": "tool", "uid": "p"},
        "lastTimestamp": f"2026-03-01T10:00:{number:02}Z",
    }


def test_a_flood_of_events_leaves_the_newest_and_room_for_the_log() -> None:
    """Six events at most, newest first; the log's last lines still follow."""
    events = tuple(event(number, f"trouble {number}") for number in range(40))
    lines = evidence(crashing_pod(), (), Related(events=events), {("tool", "app"): "a\nb\n"})
    told = [line for line in lines if line.startswith("Event")]
    assert [line.rpartition(" ")[2] for line in told] == ["39", "38", "37", "36", "35", "34"]
    assert lines[-2:] == ("Log of tool/app: a", "Log of tool/app: b")


def test_a_log_is_cut_to_its_last_lines_without_control_characters() -> None:
    """Terminal escapes and endless lines from a program do not reach a person's terminal or a commit."""
    log = "\n".join(["old"] * 50 + ["\x1b[31m" + "x" * 5000, "", "last"])
    lines = evidence(crashing_pod(), (), Related(), {("tool", "app"): log})
    shown = [line for line in lines if line.startswith("Log")]
    assert len(shown) == 5
    assert shown[-1] == "Log of tool/app: last"
    assert all(len(line) <= 300 and "\x1b" not in line for line in shown)


def test_the_log_of_a_container_with_a_symptom_comes_first() -> None:
    """With more logs than room, the failing container's is the one to keep."""
    symptom = Symptom("tool", "zz", "CrashLoopBackOff", "", 1, None)
    logs = {("tool", name): f"from {name}" for name in ("aa", "bb", "zz")}
    shown = [line for line in evidence(crashing_pod(), (symptom,), Related(), logs) if line.startswith("Log")]
    assert shown == ["Log of tool/zz: from zz", "Log of tool/aa: from aa"]


def test_the_tolerance_sets_how_many_restarts_are_one_too_many() -> None:
    """A container that ends with an error once may have waited for a dependency."""
    patient, strict = Tolerance(restarts=3), Tolerance(restarts=1)
    assert failing(crashing_pod(2), Related(), now=NOW, tolerance=patient) == ()
    assert [
        symptom.exit_code for symptom in failing(crashing_pod(2), Related(), now=NOW, tolerance=strict)
    ] == [1]


def test_a_sign_with_a_tolerance_but_without_a_time_never_counts() -> None:
    """Nobody can tell how long it lasts; the deadline of the rollout still stands."""
    pod = crashing_pod()
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ErrImagePull"}}
    assert failing(pod, Related(), now=NOW + timedelta(days=1)) == ()
    at_once = Tolerance(starting=timedelta(0))
    assert [symptom.reason for symptom in failing(pod, Related(), now=NOW, tolerance=at_once)] == [
        "ErrImagePull"
    ]
