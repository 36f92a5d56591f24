"""The mirror's folder: damage, leftovers of killed processes, full disks, shallow history."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controllers.adapters.git import Change, Mirror, Remote
from controllers.adapters.git.compaction import compact
from gitops.errors import TerminalError, TransientError
from tests.unit.controllers.adapters.git.conftest import Work
from tests.unit.controllers.adapters.git.git_servers import HttpGit
from tests.unit.controllers.adapters.git.test_edit import AUTHOR

Open = Callable[..., Mirror]


def record(mirror: Mirror) -> str:
    tip = mirror.audit_tip("production")
    return mirror.append_audit("production", message="m", files={"e": b"1"}, author=AUTHOR, expected_tip=tip)


def damage_commit(mirror: Mirror, oid: str) -> None:
    """As a power cut does: the file is there, its content is not. Files in use are never cut short."""
    mirror.close()
    file = mirror.path / "objects" / oid[:2] / oid[2:]
    if not file.exists():
        for pack in (mirror.path / "objects/pack").glob("*"):
            pack.chmod(0o644)
            pack.write_bytes(b"")
        return
    file.chmod(0o644)
    file.write_bytes(b"")


def test_a_damaged_mirror_is_made_anew(work: Work, open_mirror: Open, tmp_path: Path) -> None:
    """Nothing is kept aside when nothing in it was ours alone."""
    mirror = open_mirror(work.path)
    head = mirror.fetch().head
    damage_commit(mirror, head)
    again = open_mirror(work.path)
    assert again.head() is None
    assert again.fetch().head == head
    assert again.tree(head).read("README") == b"hello\n"
    assert [p.name for p in tmp_path.iterdir() if "damaged" in p.name] == []


def test_pushed_records_do_not_keep_a_damaged_mirror(hub: Work, open_mirror: Open, tmp_path: Path) -> None:
    mirror = open_mirror(hub.path)
    head = mirror.fetch().head
    tip = record(mirror)
    mirror.push_audit(["production"])
    damage_commit(mirror, head)
    again = open_mirror(hub.path)
    again.fetch()
    assert again.audit_tip("production") == tip
    assert [p.name for p in tmp_path.iterdir() if "damaged" in p.name] == []


@pytest.mark.parametrize("damage", ["commit", "ref"])
def test_records_that_were_not_pushed_are_kept_aside(
    work: Work, open_mirror: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """The warning names the folder, and Git can still read the record there."""
    mirror = open_mirror(work.path)
    head = mirror.fetch().head
    tip = record(mirror)
    if damage == "commit":
        damage_commit(mirror, head)
    else:
        (mirror.path / "refs/heads/main").write_text("")
    again = open_mirror(work.path)
    assert again.fetch().change is Change.NEW
    aside = tmp_path / "mirror.damaged-1"
    assert str(aside) in caplog.text
    assert (aside / "objects" / tip[:2] / tip[2:]).exists()


def test_an_emptied_head_file_heals(work: Work, open_mirror: Open) -> None:
    """It is ours to say what it holds."""
    mirror = open_mirror(work.path)
    tip = record(mirror)
    head = mirror.fetch().head
    mirror.close()
    (mirror.path / "HEAD").write_text("")
    again = open_mirror(work.path)
    assert (again.resolve("HEAD"), again.audit_tip("production")) == (head, tip)


@pytest.mark.parametrize("transport", ["path", "http"])
def test_tags_do_not_matter(
    work: Work, hub: Work, server: HttpGit, open_mirror: Open, tmp_path: Path, transport: str
) -> None:
    """Whatever they name, and when they move."""
    url = str(hub.path) if transport == "path" else f"{server.url}/hub.git"
    work.git("tag", "blob", "HEAD:README")
    work.git("tag", "-a", "-m", "release", "v1")
    work.git("push", "-q", "origin", "--tags")
    open_mirror(url).fetch()
    head = work.commit({"x": "y"})
    work.git("tag", "-f", "-a", "-m", "moved", "v1")
    work.git("push", "-q", "--force", "origin", "main", "--tags")
    assert open_mirror(url).fetch().head == head
    again = open_mirror(url)
    assert again.fetch().change is Change.NONE
    assert not (tmp_path / "mirror.damaged-1").exists()


def test_a_mirror_of_many_files_is_packed(work: Work, open_mirror: Open) -> None:
    """Every commit and record stays readable, and a second time there is nothing to do."""
    mirror = open_mirror(work.path)
    mirror.fetch()
    tips = [record(mirror) for _ in range(5)]
    head = work.commit({"x": "y"})
    mirror.fetch()
    assert not compact(mirror.path)
    assert compact(mirror.path, packs=0, loose=0)
    assert len(list((mirror.path / "objects/pack").glob("*.pack"))) == 1
    assert not list((mirror.path / "objects").glob("??/*"))
    assert not compact(mirror.path, packs=1, loose=0)
    compact(mirror.path, packs=0, loose=0)
    for reader in (mirror, open_mirror(work.path)):
        assert reader.tree(head).read("x") == b"y"
        assert [entry.oid for entry in reader.audit_log("production")] == tips[::-1]
        assert reader.fetch().head == head


def test_leftovers_of_killed_processes_are_swept(work: Work, open_mirror: Open) -> None:
    """Old locks and halves of packs go; a lock stays that may be alive, for the mirror is open elsewhere."""
    mirror = open_mirror(work.path)
    mirror.fetch()
    old = [
        mirror.path / name for name in ("refs/heads/main.lock", "config.lock", "objects/pack/pack_git2_abc")
    ]
    for leftover in old:
        leftover.write_text("")
        os.utime(leftover, (time.time() - 3600, time.time() - 3600))
    young = mirror.path / "packed-refs.lock"
    young.write_text("")
    again = open_mirror(work.path)
    assert not any(leftover.exists() for leftover in old)
    assert young.exists()
    young.unlink()
    head = work.commit({"x": "y"})
    assert again.fetch().head == head


def test_a_process_that_was_killed_while_it_wrote_a_ref_holds_up_nobody(
    work: Work, open_mirror: Open
) -> None:
    """A controller is started again within seconds: it must not take the dead one's locks for living."""
    mirror = open_mirror(work.path)
    mirror.fetch()
    mirror.close()
    for name in ("refs/heads/main.lock", "packed-refs.lock"):
        (mirror.path / name).write_text("")
    head = work.commit({"x": "y"})
    assert open_mirror(work.path).fetch().head == head


def test_a_mirror_that_may_not_be_written_says_so(work: Work, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransientError, match="opening the mirror in"):
        Mirror.open(tmp_path / "file" / "mirror", Remote(str(work.path)))


class TestFullDisk:
    """A volume of a few MiB, as root; elsewhere a limit on the size of files."""

    @pytest.fixture
    def volume(self, tmp_path: Path) -> Iterator[Path]:
        """A file system with 24 MiB."""
        place = tmp_path / "volume"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small volume needs root; the limit on file sizes is tested besides")
        yield place
        subprocess.run(["umount", "-l", str(place)], check=True)

    @pytest.mark.parametrize("transport", ["path", "http"])
    def test_a_fetch_that_does_not_fit_is_a_clear_error_and_recovers(
        self, work: Work, hub: Work, server: HttpGit, volume: Path, transport: str
    ) -> None:
        """Accepted state stays readable; with room again the same mirror goes on."""
        url = str(hub.path) if transport == "path" else f"{server.url}/hub.git"
        mirror = Mirror.open(volume / "mirror", Remote(url))
        first = mirror.fetch().head
        second = work.commit({"big": os.urandom(30 << 20)})
        work.git("push", "-q", "origin", "main")
        for _ in range(2):
            with pytest.raises(TransientError, match="the disk is full; free some space"):
                mirror.fetch()
        assert mirror.head() == first
        assert mirror.tree(first).read("README") == b"hello\n"
        subprocess.run(["mount", "-o", "remount,size=80m", str(volume)], check=True)
        assert mirror.fetch().head == second
        assert len(mirror.tree(second).read("big")) == 30 << 20

    def test_a_record_that_does_not_fit_is_a_clear_error_and_recovers(self, work: Work, volume: Path) -> None:
        """The chain stays where it was."""
        mirror = Mirror.open(volume / "mirror", Remote(str(work.path)))
        mirror.fetch()
        tip = record(mirror)
        filler = volume / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        with pytest.raises(TransientError, match="the disk is full"):
            record(mirror)
        assert mirror.audit_tip("production") == tip
        filler.unlink()
        assert record(mirror) != tip

    def test_a_limit_on_file_sizes_is_a_clear_error(self, work: Work, tmp_path: Path) -> None:
        """In a process of its own, because the limit cannot be taken back."""
        program = f"""
import resource
from pathlib import Path
from controllers.adapters.git import Mirror, Remote
from gitops.errors import TransientError
mirror = Mirror.open(Path({str(tmp_path / "limited")!r}), Remote({str(work.path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
try:
    mirror.fetch()
except TransientError as error:
    print(error)
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert "the disk is full" in done.stdout, done.stderr
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 40


class TestShallow:
    """A mirror that fetched only the newest commits, and gets the rest when it is asked for."""

    @pytest.fixture
    def history(self, work: Work, hub: Work) -> list[str]:
        """Ten more commits on the hub."""
        made = [work.head(), *(work.commit({"n": str(n)}) for n in range(10))]
        work.git("push", "-q", "origin", "main")
        assert hub.head() == made[-1]
        return made

    @pytest.fixture
    def mirror(self, history: list[str], server: HttpGit, open_mirror: Open) -> Mirror:
        """Fetched with a depth of two."""
        mirror = open_mirror(f"{server.url}/hub.git", depth=2)
        assert mirror.fetch().head == history[-1]
        assert self.is_shallow(mirror)
        return mirror

    @staticmethod
    def is_shallow(mirror: Mirror) -> bool:
        """Whether commits are missing."""
        return (mirror.path / "shallow").exists() and bool((mirror.path / "shallow").read_text())

    def test_later_fetches_stay_shallow(self, work: Work, history: list[str], mirror: Mirror) -> None:
        """And bring only what is new."""
        head = work.commit({"n": "new"})
        work.git("push", "-q", "origin", "main")
        fetched = mirror.fetch()
        assert (fetched.change, fetched.head) == (Change.FAST_FORWARD, head)
        assert [c.oid for c in mirror.commits(head, history[-1])] == [head]
        assert mirror.changed_paths(history[-1], head) == ("n",)
        assert self.is_shallow(mirror)

    def test_older_commits_come_when_asked_for(self, history: list[str], mirror: Mirror) -> None:
        """Whichever way."""
        assert [c.oid for c in mirror.commits(history[-1], history[0])] == history[:0:-1]
        assert not self.is_shallow(mirror)

    def test_the_tree_of_an_older_commit_comes_too(self, history: list[str], mirror: Mirror) -> None:
        """By its full hash."""
        assert mirror.tree(history[3]).read("n") == b"2"

    def test_a_commit_at_the_boundary_is_reverted_rightly(self, history: list[str], mirror: Mirror) -> None:
        """Its parent is fetched first; otherwise it would look as if it had added every file."""
        tree = mirror.revert_commit(history[-2], history[-2])
        assert tree == mirror.tree(history[-3]).root_oid

    def test_an_unknown_commit_stays_unknown(self, mirror: Mirror) -> None:
        """After deepening."""
        with pytest.raises(TerminalError, match="there is no commit"):
            mirror.tree("1" * 40)

    def test_pushes_work_from_a_shallow_mirror(self, hub: Work, history: list[str], mirror: Mirror) -> None:
        """To the branch and to the audit refs, which are always whole."""
        made = mirror.write_commit(parent=history[-1], changes={"n": b"x"}, message="m", author=AUTHOR)
        mirror.push_branch(made, expected_head=history[-1])
        tips = [record(mirror) for _ in range(4)]
        assert mirror.push_audit(["production"])["production"].head == tips[-1]
        assert hub.git("fsck", "--strict") == ""
        assert hub.head() == made

    def test_audit_refs_are_fetched_whole(
        self, history: list[str], mirror: Mirror, server: HttpGit, open_mirror: Open
    ) -> None:
        """Though the branch is not."""
        tips = [record(mirror) for _ in range(4)]
        mirror.push_audit(["production"])
        other = open_mirror(f"{server.url}/hub.git", name="other", depth=1)
        assert other.fetch().head == history[-1]
        assert [entry.oid for entry in other.audit_log("production")] == tips[::-1]
        assert self.is_shallow(other)


def test_nobody_else_may_read_the_mirror(work: Work, tmp_path: Path) -> None:
    """It holds what the repository holds: Secrets in the clear."""
    path = tmp_path / "state" / "mirror.git"
    Mirror.open(path, Remote(str(work.path))).close()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o700, 0o700]


def test_a_mirror_that_is_in_use_already_is_told(
    work: Work, open_mirror: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Two controllers on one folder would take each other's objects and locks away."""
    mirror = open_mirror(work.path)
    assert caplog.messages == []
    open_mirror(work.path)
    (told,) = caplog.messages
    assert f"{mirror.path} is in use" in told
