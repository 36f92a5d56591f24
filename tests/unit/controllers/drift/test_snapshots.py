"""What watches had seen is found again by the next process, and nothing that is wrong is believed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from controllers.drift.habits import Habits
from controllers.drift.snapshots import Snapshot, Snapshots, WatchName
from gitops.drift import Sight
from gitops.fields import Owner
from gitops.foreign import Claim
from simcluster.fleet import Fleet
from tests.unit.controllers.drift.yard import CONFIG_MAPS, QUICK, Yard, config_map, rule, until

NAME = WatchName("https://eu-1:6443", "production", "", "configmaps", "")
SIGHT = Sight("u1", "7", 3, "hash", "2026-03-01T12:00:00Z", "applyset-x-v1", terminating=False)
CLAIM = Claim(Owner("eve", "Update", time="2026-03-01T12:00:00Z"), "", '[[["f:spec","f:paused"],{}]]')
SNAPSHOT = Snapshot(
    "41",
    {
        ("shop", "web"): ("shop", "web", SIGHT),
        ("shop", "injected"): ("shop", "injected", SIGHT._replace(foreign=(CLAIM,))),
    },
)


def head(**changes: Any) -> bytes:
    """The first line of a file."""
    return orjson.dumps({"format": 3, "of": list(NAME), "version": "41", "items": 0, **changes})


def of_rows(*rows: list[Any]) -> bytes:
    """A file that holds these rows."""
    return b"\n".join([head(items=len(rows)), *map(orjson.dumps, rows)])


def the_file(folder: Path) -> Path:
    (found,) = folder.glob("*.json")
    return found


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    Snapshots(tmp_path / "watches").save(NAME, SNAPSHOT)
    assert Snapshots(tmp_path / "watches").load(NAME) == SNAPSHOT
    file = the_file(tmp_path / "watches")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("other", [NAME._replace(server="https://us-1"), NAME._replace(namespace="shop")])
def test_another_watch_finds_nothing(tmp_path: Path, other: WatchName) -> None:
    Snapshots(tmp_path).save(NAME, SNAPSHOT)
    assert Snapshots(tmp_path).load(other) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"format": 3}',
        head(format=9),
        head(of=["other"]),
        head(version=41),
        head(items=1),
        of_rows(["shop", "web"]),
        of_rows(["a", "b", *SIGHT[:-3], 0, [], ""]),
        of_rows(["a", "b", *SIGHT[:-2], [1], ""]),
        of_rows(["a", "b", *SIGHT[:-2], [["eve", "Update", "", "", 1]], ""]),
        of_rows(["a", "b", *SIGHT[:-2], [["eve", "Update", "", "", "["]], ""]),
        of_rows(["a", "b", *SIGHT[:-2], [], ""])[:-9],
    ],
)
def test_nonsense_is_nothing(tmp_path: Path, content: bytes) -> None:
    Snapshots(tmp_path).save(NAME, SNAPSHOT)
    the_file(tmp_path).write_bytes(content)
    assert Snapshots(tmp_path).load(NAME) is None


def test_what_is_a_day_old_is_forgotten(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path)
    kept.save(NAME, SNAPSHOT)
    file = the_file(tmp_path)
    os.utime(file, (file.stat().st_mtime - 90_000,) * 2)
    assert kept.load(NAME) is None
    kept.tidy()
    assert not file.exists()


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    kept = Snapshots(tmp_path / "file")
    kept.save(NAME, SNAPSHOT)
    assert kept.load(NAME) is None


async def test_the_next_process_goes_on_watching_where_the_last_one_ended(yard: Yard, tmp_path: Path) -> None:
    """No kind is listed; what happened in between is found."""
    yard.habits = Habits(QUICK, Snapshots(tmp_path / "watches"))
    yard.start()
    await yard.settled(config_map("a"), config_map("b"), rule("c"))
    await yard.drift.stop()
    await yard.paint("a", "red")
    yard.start()
    yard.requests.clear()
    await yard.watched()
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"
    assert [one.resource for one in yard.requests if one.verb == "list"].count("networkpolicies") == 0
    assert yard.corrections == ["ConfigMap shop/a"]
    assert yard.dry_runs == 1


async def test_where_the_server_forgot_there_is_a_list(yard: Yard, fleet: Fleet, tmp_path: Path) -> None:
    """410: what was deleted meanwhile is noticed."""
    yard.habits = Habits(QUICK, Snapshots(tmp_path / "watches"))
    yard.start()
    await yard.settled(config_map("a"), rule("c"))
    await yard.drift.stop()
    await yard.person.delete(CONFIG_MAPS, "a", "shop")
    fleet.clusters["cluster-1"].store.compact()
    yard.start()
    await yard.watched()
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"
