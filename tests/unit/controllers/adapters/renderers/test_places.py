"""Where tools get their files: private, gone afterwards, in memory where they must be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controllers.adapters.renderers import places

PREFIX = "gitops-waves-render-"


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("proc /proc proc rw 0 0\ntmpfs {place} tmpfs rw,nosuid 0 0\n", True),
        ("shm {place} ramfs rw 0 0\n", True),
        ("/dev/sda1 {place} ext4 rw 0 0\n", False),
        ("tmpfs {place} tmpfs rw 0 0\n/dev/sda1 {place} ext4 rw 0 0\n", False),
        ("tmpfs {place}/below tmpfs rw 0 0\ntmpfs / tmpfs rw 0 0\nbroken\n", False),
        ("", False),
    ],
)
def test_a_folder_is_in_memory_where_the_system_says_so(tmp_path: Path, mounts: str, *, found: bool) -> None:
    """What was mounted there last counts."""
    place, table = tmp_path / "shm", tmp_path / "mounts"
    place.mkdir()
    table.write_text(mounts.format(place=place))
    assert places.memory(table, place) == (place if found else None)


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert places.memory(tmp_path / "missing", tmp_path) is None


def test_a_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with places.private(tmp_path) as place:
        assert place.stat().st_mode & 0o777 == 0o700
        (place / "a").write_text("b")
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    left, other, new = (tmp_path / name for name in (f"{PREFIX}left", "other", f"{PREFIX}new"))
    for folder in (left, other, new):
        folder.mkdir()
        (folder / "a").write_text("b")
    with places.private(tmp_path) as used:
        for folder in (left, other, used):
            os.utime(folder, (0, 0))
        places.sweep(tmp_path)
        assert set(tmp_path.iterdir()) == {other, new, used}
