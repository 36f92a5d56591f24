"""Jobs run to their end and CronJobs make them in time; figures and texts were measured on 1.37."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.behaviour import cron, indexes
from tests.unit.simcluster.behaviour.world import JsonObject, World, template


def _job(image: str, **spec: Any) -> JsonObject:
    return {"template": template(image, "job", restartPolicy="Never"), **spec}


def _ended(world: World, name: str = "job") -> list[tuple[str, str, str]]:
    found = world.status("Job", name).get("conditions") or []
    return [(each["type"], each["status"], each["reason"]) for each in found]


def test_job_completes(world: World) -> None:
    """Status, conditions, Events; its pod is released from its finalizer."""
    world.create("Job", "job", spec=_job("r/m:1"))
    world.step()
    assert world.status("Job", "job") == {
        "active": 1,
        "ready": 0,
        "terminating": 0,
        "startTime": "2026-01-01T00:00:00Z",
        "uncountedTerminatedPods": {},
    }
    assert world.pod()["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    world.step(1)
    status = world.status("Job", "job")
    del status["conditions"]
    assert status == {
        "ready": 0,
        "succeeded": 1,
        "terminating": 0,
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:00:00Z",
        "uncountedTerminatedPods": {},
    }
    assert _ended(world) == [
        ("SuccessCriteriaMet", "True", "CompletionsReached"),
        ("Complete", "True", "CompletionsReached"),
    ]
    pod = world.pod()
    assert "finalizers" not in pod["metadata"]
    assert pod["status"]["phase"] == "Succeeded"
    assert world.conditions("Pod", pod["metadata"]["name"])["Ready"]["reason"] == "PodCompleted"
    assert [reason for reason, _ in world.told("Job")] == ["SuccessfulCreate", "Completed"]


def test_completions_are_reached_in_parallel(world: World) -> None:
    """Never more pods at a time than the parallelism, nor than are missing."""
    world.create("Job", "job", spec=_job("r/m:1", completions=3, parallelism=2))
    world.step()
    assert world.status("Job", "job")["active"] == 2
    world.step(0.8)
    assert (world.status("Job", "job")["succeeded"], world.status("Job", "job")["active"]) == (2, 1)
    world.step(1)
    assert world.status("Job", "job")["succeeded"] == 3
    assert len(world.pods()) == 3


def test_failing_job_tries_again_with_back_off(world: World) -> None:
    """Ten seconds after the first failure, then it is over."""
    world.create("Job", "job", spec=_job("r/m:1-job-fails", backoffLimit=1))
    world.step(9.9)
    assert (world.status("Job", "job")["failed"], len(world.pods())) == (1, 1)
    world.step(0.1)
    assert len(world.pods()) == 2
    world.step(1)
    assert _ended(world) == [
        ("FailureTarget", "True", "BackoffLimitExceeded"),
        ("Failed", "True", "BackoffLimitExceeded"),
    ]
    assert world.told("Job")[-1] == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


def test_deadline_ends_a_job(world: World) -> None:
    """Its pods are deleted and count as failed."""
    world.create("Job", "job", spec=_job("r/m:1-never-ready", activeDeadlineSeconds=3))
    world.step(4)
    assert _ended(world) == [
        ("FailureTarget", "True", "DeadlineExceeded"),
        ("Failed", "True", "DeadlineExceeded"),
    ]
    assert world.status("Job", "job")["failed"] == 1
    assert world.pods() == []


def test_suspended_job_waits(world: World) -> None:
    """No pod while suspended; suspended again, its pods go without counting as failed."""
    world.create("Job", "job", spec=_job("r/m:1-never-ready", suspend=True))
    world.step(1)
    assert (_ended(world), world.pods()) == ([("Suspended", "True", "JobSuspended")], [])
    world.set_spec("Job", "job", suspend=False)
    world.step(1)
    assert _ended(world) == [("Suspended", "False", "JobResumed")]
    assert world.status("Job", "job")["active"] == 1
    world.set_spec("Job", "job", suspend=True)
    world.step(1)
    assert (world.pods(), world.status("Job", "job").get("failed", 0)) == ([], 0)


def test_finished_job_is_deleted_after_its_time(world: World) -> None:
    """ttlSecondsAfterFinished; its pods go with it."""
    world.create("Job", "job", spec=_job("r/m:1", ttlSecondsAfterFinished=5))
    world.step(4)
    assert world.has("Job", "job")
    world.step(3)
    assert not world.has("Job", "job")
    assert world.pods() == []


def test_indexed_job_runs_each_index(world: World) -> None:
    """Each pod knows its own by annotation, host name and environment."""
    world.create("Job", "job", spec=_job("r/m:1", completions=3, parallelism=2, completionMode="Indexed"))
    world.step()
    first = world.pods()[0]
    assert first["metadata"]["name"].startswith("job-0-")
    assert first["spec"]["hostname"] == "job-0"
    assert first["metadata"]["annotations"] == {"batch.kubernetes.io/job-completion-index": "0"}
    assert first["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    world.step(3)
    assert world.status("Job", "job")["completedIndexes"] == "0-2"


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_deleted_job_takes_its_pods_along(world: World, propagation: str) -> None:
    """In spite of their finalizer."""
    world.create("Job", "job", spec=_job("r/m:1-never-ready"))
    world.step(1)
    world.delete("Job", "job", propagation=propagation)
    world.step(1)
    assert (world.has("Job", "job"), world.pods()) == (False, [])


@given(st.sets(st.integers(0, 40)))
def test_completed_indexes_are_read_as_they_were_written(numbers: set[int]) -> None:
    """Any set of indexes comes back."""
    assert indexes.parse(indexes.text(numbers)) == numbers


def test_indexes_in_a_row_are_a_range() -> None:
    """Two in a row are listed, three are a range."""
    assert indexes.text({0, 1, 3, 5, 6, 7}) == "0,1,3,5-7"


def _cron(world: World, image: str = "r/m:1", **spec: Any) -> None:
    wanted = {"schedule": "* * * * *", "jobTemplate": {"spec": _job(image)}, **spec}
    world.create("CronJob", "tick", spec=wanted)


def _jobs(world: World) -> list[str]:
    return [each["metadata"]["name"] for each in world.all("Job")]


def test_cron_job_makes_a_job_in_time(world: World) -> None:
    """Named by the minute, annotated, active until it is done; then the status says when it succeeded."""
    _cron(world)
    world.step(59)
    assert _jobs(world) == []
    world.step(1)
    assert _jobs(world) == ["tick-29453761"]
    annotations = world.get("Job", "tick-29453761")["metadata"]["annotations"]
    assert annotations == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:01:00Z"}
    status = world.status("CronJob", "tick")
    assert [each["name"] for each in status["active"]] == ["tick-29453761"]
    world.step(2)
    assert world.status("CronJob", "tick") == {
        "lastScheduleTime": "2026-01-01T00:01:00Z",
        "lastSuccessfulTime": "2026-01-01T00:01:00Z",
    }
    assert world.told("CronJob") == [
        ("SuccessfulCreate", "Created job tick-29453761"),
        ("SawCompletedJob", "Saw completed job: tick-29453761, condition: Complete"),
    ]


def test_cron_job_keeps_a_short_history(world: World) -> None:
    """Three that succeeded, one that failed."""
    _cron(world, successfulJobsHistoryLimit=2)
    world.step(60 * 5 + 5)
    assert len(_jobs(world)) == 2


@pytest.mark.parametrize(("policy", "names"), [("Allow", 3), ("Forbid", 1), ("Replace", 1)])
def test_concurrency_policy(world: World, policy: str, names: int) -> None:
    """What becomes of a time when the last Job still runs."""
    _cron(world, "r/m:1-never-ready", concurrencyPolicy=policy)
    world.step(60 * 3)
    assert len(_jobs(world)) == names
    replaced = _jobs(world)[-1] == "tick-29453763"
    assert replaced is (policy != "Forbid")


def test_suspended_cron_job_makes_nothing(world: World) -> None:
    """Until it is resumed."""
    _cron(world, suspend=True)
    world.step(200)
    assert _jobs(world) == []
    world.set_spec("CronJob", "tick", suspend=False)
    world.step(60)
    assert _jobs(world)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-01T00:07:30", "2026-01-01T00:15:00"),
        ("@hourly", "2026-01-01T00:00:00", "2026-01-01T01:00:00"),
        ("@weekly", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("30 9 * * MON-FRI", "2026-01-02T10:00:00", "2026-01-05T09:30:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 13 * 5", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("5,10 8-9 1 jan,jul *", "2026-01-02T00:00:00", "2026-07-01T08:05:00"),
    ],
)
def test_schedule_gives_the_next_time(schedule: str, after: str, expected: str) -> None:
    """Steps, lists, ranges, names, shorthands; day of month or weekday where both are given."""
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert cron.parse(schedule).next_after(start, UTC) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_schedule_counts_in_its_zone() -> None:
    """Nine in the morning in Tokyo is midnight in UTC."""
    start = datetime(2026, 1, 1, 1, tzinfo=UTC)
    found = cron.parse("0 9 * * *").next_after(start, ZoneInfo("Asia/Tokyo"))
    assert found == datetime(2026, 1, 2, tzinfo=UTC)


def test_schedule_that_never_comes() -> None:
    """The 31st of February."""
    assert cron.parse("0 0 31 2 *").next_after(datetime(2026, 1, 1, tzinfo=UTC), UTC) is None


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "5-1 * * * *", "* * * * mo", "*/0 * * * *"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """With a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        cron.parse(text)
