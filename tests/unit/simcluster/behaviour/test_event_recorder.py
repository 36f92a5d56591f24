"""Events are counted, combined and limited as client-go does it, and kept for an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simcluster.behaviour.actions import Record
from simcluster.behaviour.events import Recorder
from tests.unit.simcluster.behaviour.world import JsonObject, World

_POD: JsonObject = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "7"},
}
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _tell(recorder: Recorder, message: str, seconds: float = 0) -> JsonObject | None:
    told = Record(_POD, "Normal", "Told", message)
    written = recorder.write(told, "teller", _START + timedelta(seconds=seconds))
    return None if written is None else written.event


def test_event_names_what_it_is_about() -> None:
    """With all that the real ones say."""
    event = _tell(Recorder(), "hello")
    assert event is not None
    assert event["metadata"].pop("name").startswith("web.")
    assert event == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "default"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "default",
            "name": "web",
            "uid": "u",
            "resourceVersion": "7",
        },
        "reason": "Told",
        "message": "hello",
        "type": "Normal",
        "source": {"component": "teller"},
        "reportingComponent": "teller",
        "reportingInstance": "",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "eventTime": None,
        "count": 1,
    }


def test_same_thing_again_is_counted() -> None:
    """Under the same name, with a new last time."""
    recorder = Recorder()
    first, second = _tell(recorder, "hello"), _tell(recorder, "hello", 5)
    assert first is not None
    assert second is not None
    assert first["metadata"]["name"] == second["metadata"]["name"]
    assert (second["count"], second["firstTimestamp"], second["lastTimestamp"]) == (
        2,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:05Z",
    )


def test_many_messages_are_combined() -> None:
    """From the tenth different one on."""
    recorder = Recorder()
    found = [_tell(recorder, f"message {number}") for number in range(12)]
    messages = [each["message"] for each in found if each is not None]
    assert messages[:9] == [f"message {number}" for number in range(9)]
    assert messages[9:] == [f"(combined from similar events): message {number}" for number in (9, 10, 11)]
    last = found[-1]
    assert last is not None
    assert last["count"] == 3


def test_after_ten_quiet_minutes_nothing_is_combined() -> None:
    """The memory of similar ones starts anew."""
    recorder = Recorder()
    for number in range(12):
        _tell(recorder, f"message {number}")
    event = _tell(recorder, "later", 601)
    assert event is not None
    assert event["message"] == "later"


def test_one_source_may_not_tell_too_much() -> None:
    """Twenty-five times, then once in five minutes."""
    recorder = Recorder()
    told = [_tell(recorder, "again") for _ in range(30)]
    assert [each is not None for each in told] == [True] * 25 + [False] * 5
    assert _tell(recorder, "again", 301) is not None
    assert _tell(recorder, "again", 302) is None


def test_events_are_kept_for_an_hour(world: World) -> None:
    """The next Event lets go of older ones."""
    world.deploy()
    world.step(1)
    world.step(3700)
    world.set_spec("Deployment", "web", replicas=2)
    world.step(1)
    times = {each["metadata"]["creationTimestamp"] for each in world.all("Event")}
    assert times == {"2026-01-01T01:01:41Z"}
