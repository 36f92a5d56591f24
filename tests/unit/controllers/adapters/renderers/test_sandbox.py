"""A tool sees its files and nothing of ours, meets its limits, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from controllers.adapters.renderers import isolation, places
from controllers.adapters.renderers.sandbox import Files, Limits, Sandbox, Stopped, ToolFailed
from gitops.errors import TransientError

SHELL = Path("/bin/sh")
NOTHING = Files({})


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Private folders below one that a test can look into."""
    return Sandbox(folder=tmp_path)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and that nobody has asked for yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_a_tool_prints_what_it_makes_of_its_files(sandbox: Sandbox) -> None:
    files = Files({"a/b/c.txt": b"text", "d.txt": b"more"}, {"a/link": "b/c.txt"})
    printed = sandbox.run(SHELL, ["-c", "cat a/link d.txt; find . | sort"], files)
    assert printed.decode().split("\n")[0] == "textmore."
    assert printed.decode().split()[1:] == ["./a", "./a/b", "./a/b/c.txt", "./a/link", "./d.txt"]


def test_arguments_are_no_shell_words(sandbox: Sandbox) -> None:
    """Names that people choose may hold anything."""
    hostile = "$(touch canary); `id` \n && exit 9"
    printed = sandbox.run(Path("/bin/cat"), [hostile], Files({hostile: b"read"}))
    assert printed == b"read"


def test_the_environment_has_nothing_of_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_TOKEN", "hunter22")
    printed = sandbox.run(Path("/usr/bin/env"), [], NOTHING, environment={"GIVEN": "1"}).decode()
    names = {line.partition("=")[0] for line in printed.splitlines()}
    assert names == {"HOME", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "GIVEN"}
    assert "hunter22" not in printed


def test_the_folder_is_private_and_removed(sandbox: Sandbox, tmp_path: Path) -> None:
    printed = sandbox.run(SHELL, ["-c", "stat -c %a . .. ../home; pwd"], Files({"secret.txt": b"x"}))
    modes, place = printed.decode().split()[:3], printed.decode().split()[3]
    assert modes == ["700", "700", "700"]
    assert place.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_removed_after_a_failure(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        sandbox.run(SHELL, ["-c", "exit 3"], Files({"secret.txt": b"x"}))
    with pytest.raises(ToolFailed, match="cannot be started"):
        sandbox.run(Path("/nonexistent/tool"), [], Files({"secret.txt": b"x"}))
    assert list(tmp_path.iterdir()) == []


def test_what_went_wrong_names_files_as_the_repository_does(sandbox: Sandbox, tmp_path: Path) -> None:
    command = 'echo "$(pwd)/base/x.yaml is broken, see $HOME and $(pwd)" >&2; exit 1'
    with pytest.raises(ToolFailed) as caught:
        sandbox.run(SHELL, ["-c", command], Files({"base/x.yaml": b""}))
    assert str(caught.value) == "base/x.yaml is broken, see ./home and ."
    assert str(tmp_path) not in str(caught.value)


def test_a_tool_that_never_ends_is_killed(tmp_path: Path) -> None:
    sandbox = Sandbox(Limits(seconds=0.5), folder=tmp_path)
    started = time.monotonic()
    with pytest.raises(ToolFailed, match=r"longer than 0\.5 s") as caught:
        sandbox.run(SHELL, ["-c", "while :; do :; done"], NOTHING)
    assert caught.value.exhausted
    assert time.monotonic() - started < 30


def test_a_tool_that_closes_its_outputs_and_goes_on_is_killed(tmp_path: Path) -> None:
    """The end of the output is not the end of the tool."""
    sandbox = Sandbox(Limits(seconds=0.5), folder=tmp_path)
    with pytest.raises(ToolFailed, match=r"longer than 0\.5 s"):
        sandbox.run(SHELL, ["-c", "exec >&- 2>&-; while :; do :; done"], NOTHING)


def test_what_a_tool_started_ends_with_it(sandbox: Sandbox) -> None:
    printed = sandbox.run(SHELL, ["-c", "sleep 600 >/dev/null 2>&1 & echo $!"], NOTHING)
    orphan = int(printed)
    deadline = time.monotonic() + 20
    while alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(orphan)


def test_output_has_a_limit(tmp_path: Path) -> None:
    sandbox = Sandbox(Limits(output=1 << 20), folder=tmp_path)
    with pytest.raises(ToolFailed, match="prints more than 1048576 bytes") as caught:
        sandbox.run(Path("/usr/bin/yes"), [], NOTHING)
    assert caught.value.exhausted


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux' own")
def test_memory_time_and_file_size_are_limited(tmp_path: Path) -> None:
    """The kernel's own list; the limits come just after the start, so the tool waits for them."""
    wait = "while ! grep -q 'Max file size *1048576 ' /proc/self/limits; do :; done; cat /proc/self/limits"
    limits = Limits(seconds=20, memory=300 << 20, output=1 << 20)
    printed = Sandbox(limits, folder=tmp_path).run(SHELL, ["-c", wait], NOTHING).decode()
    found = {line[:26].strip(): line[26:].split()[:2] for line in printed.splitlines()}
    assert found["Max data size"] == [str(300 << 20)] * 2
    assert found["Max cpu time"] == ["21", "21"]
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max file size"] == [str(1 << 20)] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux' own")
def test_a_tool_that_wants_too_much_memory_fails(tmp_path: Path) -> None:
    sandbox = Sandbox(Limits(memory=200 << 20), folder=tmp_path)
    greedy = "import time\nheld = []\nwhile True:\n    held.append(bytearray(1 << 20))\n    time.sleep(0.001)"
    with pytest.raises(ToolFailed, match="MemoryError"):
        sandbox.run(Path(sys.executable), ["-c", greedy], NOTHING)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux' own")
def test_a_reservation_of_memory_has_a_limit_too(tmp_path: Path) -> None:
    """What a Go program maps over address space that it reserved is not held against its data at once."""
    reserve = (
        "import mmap, sys\n"
        "for size in (512, 4096):\n"
        "    held = mmap.mmap(-1, size << 20, mmap.MAP_PRIVATE, mmap.PROT_READ)\n"
        "    print(size, file=sys.stderr)\n"
    )
    wait = "import time\nwhile '1048576 ' not in open('/proc/self/limits').read(): time.sleep(0.01)\n"
    sandbox = Sandbox(Limits(memory=200 << 20, output=1 << 20), folder=tmp_path)
    with pytest.raises(ToolFailed, match="Cannot allocate memory") as caught:
        sandbox.run(Path(sys.executable), ["-c", wait + reserve], NOTHING)
    assert str(caught.value).startswith("512\n")
    assert "4096" not in str(caught.value)


def test_what_is_piped_in_comes_out(sandbox: Sandbox) -> None:
    """More than a pipe holds, in both directions."""
    data = os.urandom(1 << 20)
    assert sandbox.run(Path("/bin/cat"), [], NOTHING, stdin=data) == data


def test_a_tool_need_not_read_what_is_piped_in(sandbox: Sandbox) -> None:
    assert sandbox.run(SHELL, ["-c", "echo done"], NOTHING, stdin=b"x" * (1 << 20)) == b"done\n"


def test_tools_run_side_by_side_within_a_bound(tmp_path: Path) -> None:
    """Each would fail on the lock of another that runs at the same time."""
    sandbox = Sandbox(side_by_side=1, folder=tmp_path)
    command = f"mkdir {tmp_path}/lock && sleep 0.05 && rmdir {tmp_path}/lock"
    failures: list[ToolFailed] = []

    def run() -> None:
        try:
            sandbox.run(SHELL, ["-c", command], NOTHING)
        except ToolFailed as failed:
            failures.append(failed)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    """Folders of processes that may still run are left alone."""
    old, young = tmp_path / "gitops-waves-render-old", tmp_path / "gitops-waves-render-young"
    for folder in (old, young):
        (folder / "tree").mkdir(parents=True)
    os.utime(old, (0, 0))
    Sandbox(folder=tmp_path).run(SHELL, ["-c", ":"], NOTHING)
    assert not old.exists()
    assert young.exists()


def test_a_name_that_is_too_long_is_the_repositorys_fault(sandbox: Sandbox, tmp_path: Path) -> None:
    """Git has no bound; no limit of ours is the reason, and no defect."""
    with pytest.raises(ToolFailed, match=r"File name too long \(nnn") as caught:
        sandbox.run(SHELL, ["-c", ":"], Files({"n" * 300: b""}))
    assert caught.value.exhausted
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "files", [Files({"a": b"", "a/b": b""}), Files({"a/b": b""}, {"a": "b"}), Files({}, {"a": "l" * 5000})]
)
def test_a_tree_that_no_folder_can_hold_is_the_repositorys_fault(sandbox: Sandbox, files: Files) -> None:
    with pytest.raises(ToolFailed, match="cannot have such a file"):
        sandbox.run(SHELL, ["-c", ":"], files)


def test_a_full_disk_may_be_empty_later(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is nothing that is wrong in the repository."""

    def full(path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TransientError, match=r"nothing can be rendered in .*: No space left on device"):
        sandbox.run(SHELL, ["-c", ":"], Files({"a": b""}))


def test_a_folder_that_is_gone_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"nothing can be rendered in .*: No such file or directory"):
        Sandbox(folder=tmp_path / "nowhere").run(SHELL, ["-c", ":"], NOTHING)


def test_a_machine_with_too_many_processes_may_have_fewer_later(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.run(SHELL, ["-c", ":"], NOTHING)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(TransientError, match="cannot be started: Resource temporarily unavailable"):
        sandbox.run(SHELL, ["-c", ":"], NOTHING)


def test_a_stop_ends_what_runs_and_refuses_more(tmp_path: Path) -> None:
    """Whoever ends the controller does not wait for a build; nothing of it is left."""
    sandbox, stopped = Sandbox(side_by_side=1, folder=tmp_path), []

    def run() -> None:
        try:
            sandbox.run(SHELL, ["-c", "touch begun; sleep 600 & wait"], NOTHING)
        except Stopped:
            stopped.append(True)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*/tree/begun")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    sandbox.stop()
    for thread in threads:
        thread.join(60)
    assert stopped == [True] * 3
    assert list(tmp_path.iterdir()) == []


_PARENT = """
import os, signal, sys, threading
from pathlib import Path
from controllers.adapters.renderers import isolation
from controllers.adapters.renderers.sandbox import Files, Sandbox

tell = "echo $$ > pid.new; mv pid.new pid; exec sleep 600"
sandbox = Sandbox(folder=Path(sys.argv[1]))
run = threading.Thread(target=sandbox.run, args=(Path("/bin/sh"), ["-c", tell], Files({})))
run.start()
run.join()
"""


@pytest.mark.skipif(not isolation.ending_with_us(), reason="setpriv is Linux' own")
def test_a_tool_does_not_outlive_a_controller_that_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[5])}
    deadline = time.monotonic() + 60
    with subprocess.Popen([sys.executable, "-c", _PARENT, tmp_path], env=environment) as parent:
        try:
            while not (told := list(tmp_path.glob("*/tree/pid"))):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            parent.kill()
    tool = int(told[0].read_text())
    while alive(tool):
        assert time.monotonic() < deadline, "the tool still runs"
        time.sleep(0.02)


def test_a_warning_that_is_fatal_ends_a_run_with_its_words(sandbox: Sandbox) -> None:
    warns = ["-c", "echo warning: lost something >&2; echo done"]
    assert sandbox.run(SHELL, warns, NOTHING, fatal=re.compile(b"broken.*")) == b"done\n"
    with pytest.raises(ToolFailed, match="lost something"):
        sandbox.run(SHELL, warns, NOTHING, fatal=re.compile(b"lost.*"))


def test_what_a_killed_process_left_goes_while_another_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was too new to be told from one in use when the other started."""
    sandbox = Sandbox(folder=tmp_path)
    left = tmp_path / "gitops-waves-render-left"
    left.mkdir()
    sandbox.run(SHELL, ["-c", ":"], NOTHING)
    assert left.exists()
    os.utime(left, (0, 0))
    sandbox.run(SHELL, ["-c", ":"], NOTHING)
    assert left.exists()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + places.MOMENT + 1)
    sandbox.run(SHELL, ["-c", ":"], NOTHING)
    assert not left.exists()
