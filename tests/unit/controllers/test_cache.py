"""Rendered output on disk: private, bounded, shared, and never believed when it is not what was written."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import stat
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from controllers.cache import DiskCache

DATA = b"kind: ConfigMap\n" * 10
NAME = sha256(b"one").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the cache shall be; it is not there yet."""
    return tmp_path / "state" / "renders"


@pytest.fixture
def cache(folder: Path) -> DiskCache:
    """One that is large enough."""
    return DiskCache(folder, 1 << 20)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def name(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def test_what_was_kept_is_found_by_another_process(folder: Path, cache: DiskCache) -> None:
    assert cache.get(NAME) is None
    cache.put(NAME, DATA)
    assert cache.get(NAME) == DATA
    assert DiskCache(folder, 1 << 20).get(NAME) == DATA


def test_nobody_else_may_read_it(folder: Path, cache: DiskCache) -> None:
    cache.put(NAME, DATA)
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [stat.S_IMODE(place.stat().st_mode) for place in (file.parent, folder)] == [0o700, 0o700]


@pytest.mark.parametrize("place", [0, 5, 25, 40, 60, -1])
def test_a_damaged_entry_is_missing_and_goes(
    folder: Path, cache: DiskCache, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever byte is wrong: of the mark, the checksum or the output."""
    cache.put(NAME, DATA)
    (file,) = files(folder)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert cache.get(NAME) is None
    assert "damaged" in caplog.text
    assert files(folder) == []


@pytest.mark.parametrize("length", [0, 10, 40, 60])
def test_a_truncated_entry_is_missing(folder: Path, cache: DiskCache, length: int) -> None:
    cache.put(NAME, DATA)
    (file,) = files(folder)
    file.write_bytes(file.read_bytes()[:length])
    assert cache.get(NAME) is None


def test_the_output_of_other_inputs_is_not_taken_for_these(folder: Path, cache: DiskCache) -> None:
    """Even where it was put under their name."""
    cache.put(NAME, DATA)
    (file,) = files(folder)
    other = folder / name(2)[:2] / name(2)
    other.parent.mkdir(exist_ok=True)
    shutil.copy(file, other)
    assert cache.get(name(2)) is None


def test_a_symlink_or_a_pipe_is_no_entry(folder: Path, cache: DiskCache, tmp_path: Path) -> None:
    """Nothing elsewhere is read, and nothing is waited for."""
    cache.put(NAME, DATA)
    (file,) = files(folder)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert cache.get(NAME) is None
    file.unlink()
    os.mkfifo(file)
    assert cache.get(NAME) is None
    assert elsewhere.exists()


def test_it_stays_within_its_limit_and_keeps_what_is_used(folder: Path) -> None:
    """What was used longest ago goes first, drafts of killed processes too."""
    cache = DiskCache(folder, 20_000)
    cache.put(NAME, DATA)
    draft = folder / NAME[:2] / ".draft-left"
    draft.write_bytes(b"x" * 1000)
    os.utime(draft, (1, 1))
    for number in range(200):
        cache.put(name(number), b"x" * 500)
        assert cache.get(NAME) == DATA
        newest = max(path.stat().st_mtime for path in files(folder))
        os.utime(folder / NAME[:2] / NAME, (newest + 1, newest + 1))
        assert sum(path.stat().st_size for path in files(folder)) <= 20_000
    assert not draft.exists()
    assert cache.get(name(199)) is not None
    assert cache.get(name(0)) is None


def test_what_is_larger_than_everything_is_not_kept(folder: Path) -> None:
    DiskCache(folder, 100).put(NAME, DATA)
    assert not folder.exists()


def test_it_can_be_deleted_at_any_time(folder: Path, cache: DiskCache) -> None:
    cache.put(NAME, DATA)
    shutil.rmtree(folder)
    assert cache.get(NAME) is None
    cache.put(NAME, DATA)
    assert cache.get(NAME) == DATA


def test_a_disk_that_fails_is_told_once_and_costs_renders_only(
    folder: Path, cache: DiskCache, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file, where the folder should be")
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            cache.put(name(number), DATA)
            assert cache.get(name(number)) is None
    assert len(caplog.records) == 1


def test_several_may_write_read_and_make_room_at_once(folder: Path) -> None:
    """Each as if it were alone: what is found is what was written."""
    caches = [DiskCache(folder, 30_000) for _ in range(4)]

    def work(number: int) -> None:
        cache = caches[number % len(caches)]
        wanted = name(number % 60)
        found = cache.get(wanted)
        assert found in (None, wanted.encode() * 10)
        cache.put(wanted, wanted.encode() * 10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(600)))
    assert sum(path.stat().st_size for path in files(folder)) <= 30_000 * 1.4


def _use(folder: Path) -> None:
    """Write and read in a process of its own until something was often there."""
    cache, found = DiskCache(folder, 30_000), 0
    deadline = time.monotonic() + 100
    while found < 200:
        assert time.monotonic() < deadline
        for number in range(60):
            wanted = name(number)
            kept = cache.get(wanted)
            assert kept in (None, wanted.encode() * 10)
            found += kept is not None
            cache.put(wanted, wanted.encode() * 10)


def test_processes_share_it_while_somebody_deletes_it(folder: Path) -> None:
    """What is found is what was written, and nobody stops because of another."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        uses = [pool.submit(_use, folder) for _ in range(2)]
        while not all(use.done() for use in uses):
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.3)
        for use in uses:
            use.result()
    assert sum(path.stat().st_size for path in files(folder)) <= 30_000 * 1.2


def test_only_digests_name_entries(cache: DiskCache) -> None:
    """No path can be made of one."""
    with pytest.raises(ValueError, match="not a digest"):
        cache.get("../../etc/passwd")
