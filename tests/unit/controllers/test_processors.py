"""Processors are counted as the container that we run in has them, not as its node does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controllers import processors

PINNED = 8


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of eight processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(PINNED)))


def system(root: Path, groups: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


@pytest.mark.parametrize(
    ("quota", "processors_of_it"),
    [
        ("max 100000", PINNED),
        ("50000 100000", 1),
        ("250000 100000", 3),
        ("6400000 100000", PINNED),
        ("", PINNED),
        ("0 0", PINNED),
    ],
)
def test_a_limit_counts_in_whole_processors(tmp_path: Path, quota: str, processors_of_it: int) -> None:
    root = system(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": f"{quota}\n"})
    assert processors.available(root) == processors_of_it


def test_the_least_of_all_groups_above_holds(tmp_path: Path) -> None:
    limits = {"pods/one/cpu.max": "max 100000\n", "pods/cpu.max": "200000 100000\n"}
    files = {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
    assert processors.available(system(tmp_path, "0::/pods/one\n", files)) == 2


@pytest.mark.parametrize("folder", ["docker/abc/", ""])
def test_the_older_groups_count_too(tmp_path: Path, folder: str) -> None:
    """Also where the container sees its own group as the root."""
    groups = "3:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n"
    place = f"sys/fs/cgroup/cpu/{folder}"
    limits = {f"{place}cpu.cfs_quota_us": "300000\n", f"{place}cpu.cfs_period_us": "100000\n"}
    assert processors.available(system(tmp_path, groups, limits)) == 3
    limits[f"{place}cpu.cfs_quota_us"] = "-1\n"
    assert processors.available(system(tmp_path, groups, limits)) == PINNED


@pytest.mark.parametrize("groups", ["", "nonsense\n", "0::/nowhere\n"])
def test_where_nothing_is_said_nothing_is_limited(tmp_path: Path, groups: str) -> None:
    assert processors.available(system(tmp_path, groups, {})) == PINNED


def test_of_this_machine_there_is_one_at_least() -> None:
    assert 1 <= processors.available() <= PINNED
