"""Run one tool on untrusted files: a private folder, no environment, limits, and nothing left afterwards.

The tool itself is trusted; what it reads is not. It gets the files it needs and no others, an environment
with nothing of ours in it, and no way to more time, memory or output than `Limits` says. Whatever it started
is killed with it.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controllers import processors
from controllers.adapters.renderers import isolation, places
from controllers.adapters.renderers.pipes import TooLong, TooMuch, exchange
from gitops.errors import TransientError

_PRIVATE = 0o700
_MEBIBYTE = 1 << 20
# The machine has too little left for one more process.
_SCARCE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
# Names that are too long, or that only Git can tell apart.
_UNFIT = frozenset(
    {errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EILSEQ, errno.EINVAL}
)
_RESERVED = 2048 * _MEBIBYTE  # address space that a Go program may have and not use: 1 GiB, and its threads'
# Where no network can be taken away: a port where nobody listens.
_NO_PROXY = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take: `seconds` of time and of processor, bytes of memory, bytes of output."""

    seconds: float = 60.0
    memory: int = 1024 * _MEBIBYTE
    output: int = 32 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class Files:
    """Contents and symlinks by path from the tree's root. Both are where the repository has them.

    `secret`: there is something among them that must not be written to a disk.
    """

    contents: Mapping[str, bytes] = field(repr=False)
    links: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False


class ToolFailed(Exception):  # noqa: N818 - internal: becomes a Problem in the adapter that ran the tool
    """The tool did not do it. The text is the tool's own where it has said something; it may quote its input.

    `exhausted`: it met a limit, and the text says which.
    """

    def __init__(self, text: str, *, exhausted: bool = False) -> None:
        self.exhausted = exhausted
        super().__init__(text)


class Stopped(TransientError):  # noqa: N818 - nothing went wrong
    """Nobody waits for the tool any more."""

    def __init__(self) -> None:
        super().__init__("rendering was stopped")


class Sandbox:
    """Runs tools, at most `side_by_side` at once; further callers wait. For any thread."""

    def __init__(
        self, limits: Limits | None = None, *, side_by_side: int = 0, folder: Path | None = None
    ) -> None:
        """`folder` holds the private folders, by default the system's place for temporary files."""
        self._limits = limits or Limits()
        self._slots = threading.BoundedSemaphore(side_by_side or max(2, processors.available()))
        self._folder = Path(folder or tempfile.gettempdir()).resolve()
        self._swept: dict[Path, float] = {}
        self._isolation: tuple[str, ...] | None = None
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Kill the tools that run, for good: whoever waits for one, now or later, gets Stopped."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def run(
        self,
        executable: Path,
        arguments: Sequence[str],
        files: Files,
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        fatal: re.Pattern[bytes] | None = None,
    ) -> bytes:
        """Give what the tool prints. It starts in the root of the tree that `files` make.

        `environment` is added to the little that every tool gets. A warning that matches `fatal` is a
        failure, and its text. Raises ToolFailed, and TransientError for a machine that has no room for it.
        """
        if not os.access(executable, os.X_OK):
            raise ToolFailed(f"{executable} cannot be started: there is no such program")
        with self._slots, self._private(files) as place:
            tree, home = place / "tree", place / "home"
            try:
                for each in (tree, home):
                    each.mkdir(mode=_PRIVATE)
                _write(files, tree)
            except OSError as error:
                raise self._no_room(error) from None
            variables = {
                "HOME": str(home),
                "TMPDIR": str(home),
                "HTTP_PROXY": _NO_PROXY,
                "HTTPS_PROXY": _NO_PROXY,
                **(environment or {}),
            }
            try:
                command = [*self._isolated(), str(executable), *arguments]
                return self._run(command, tree, variables, stdin, fatal)
            except ToolFailed as failed:
                text = str(failed).replace(f"{tree}/", "").replace(str(tree), ".")
                raise ToolFailed(text.replace(str(place), "."), exhausted=failed.exhausted) from None

    def _isolated(self) -> Sequence[str]:
        if self._isolation is None:
            self._isolation = (*isolation.without_network(), *isolation.ending_with_us())
        return self._isolation

    def _run(
        self,
        command: Sequence[str],
        tree: Path,
        variables: Mapping[str, str],
        stdin: bytes,
        fatal: re.Pattern[bytes] | None,
    ) -> bytes:
        limits = self._limits
        process = _started(command, tree, variables)
        try:
            self._note(process)
            _limit(process.pid, limits)
            out, err = exchange(process, stdin, time.monotonic() + limits.seconds, limits.output)
            code = process.wait(timeout=limits.seconds)
        except (TooLong, subprocess.TimeoutExpired):
            raise ToolFailed(f"it takes longer than {limits.seconds:g} s", exhausted=True) from None
        except TooMuch:
            raise ToolFailed(f"it prints more than {limits.output} bytes", exhausted=True) from None
        finally:
            with self._lock:
                self._running.discard(process)
            _end(process)
        if code and self._stopped:
            raise Stopped
        if code:
            raise _failure(code, err, limits)
        if fatal is not None and (found := fatal.search(err)):
            raise ToolFailed(found[0].decode(errors="replace"))
        return out

    def _note(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._stopped:
                raise Stopped
            self._running.add(process)

    def _no_room(self, error: OSError) -> TransientError:
        return TransientError(f"nothing can be rendered in {self._folder}: {error.strerror}")

    @contextlib.contextmanager
    def _private(self, files: Files) -> Iterator[Path]:
        if self._stopped:
            raise Stopped
        folder = places.memory() if files.secret else self._folder
        if folder is None:
            raise ToolFailed("this system has no file system in memory for plain text", exhausted=True)
        # Again and again: what a killed process left a moment ago may be in use, for all one can see.
        if time.monotonic() - self._swept.get(folder, -math.inf) > places.MOMENT:
            self._swept[folder] = time.monotonic()
            places.sweep(folder)
        with contextlib.ExitStack() as held:
            try:
                place = held.enter_context(places.private(folder))
            except OSError as error:
                raise self._no_room(error) from None
            yield place


def _write(files: Files, tree: Path) -> None:
    """Lay the files out. Paths come from Git trees, so none of them climbs; links are checked by then.

    Raises ToolFailed for names that no folder takes, OSError where the machine is at fault.
    """
    try:
        for path, content in files.contents.items():
            _within_folder(tree / path).write_bytes(content)
        for path, target in files.links.items():
            _within_folder(tree / path).symlink_to(target)
    except OSError as error:
        if error.errno not in _UNFIT:
            raise
        name = Path(error.filename or "").name[:50]
        message = f"this system cannot have such a file: {error.strerror} ({name})"
        raise ToolFailed(message, exhausted=True) from None


def _within_folder(place: Path) -> Path:
    """Make the folder of a place; give the place."""
    place.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    return place


def _limit(pid: int, limits: Limits) -> None:
    """Bound memory and processor time, from outside: code between fork and exec is unsafe with threads.

    A Go program reserves address space that it never uses, so that is bounded with room for it. RLIMIT_DATA
    bounds what is used, but not one allocation alone: Linux does not count what is mapped over a reservation,
    as Go does it, until the next one. Linux only; elsewhere the limit on time is what remains.
    """
    if sys.platform != "linux":
        return
    seconds = int(limits.seconds) + 1
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        resource.prlimit(pid, resource.RLIMIT_DATA, (limits.memory, limits.memory))
        resource.prlimit(pid, resource.RLIMIT_AS, (limits.memory + _RESERVED,) * 2)
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limits.output, limits.output))


def _started(command: Sequence[str], tree: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - no shell, and the arguments are ours
            command,
            cwd=tree,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        if error.errno in _SCARCE:
            raise TransientError(f"{command[0]} cannot be started: {error.strerror}") from None
        raise ToolFailed(f"{command[0]} cannot be started: {error.strerror}") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the tool and all it started, also where it has ended by itself."""
    _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _failure(code: int, err: bytes, limits: Limits) -> ToolFailed:
    text = err.decode(errors="replace").strip()
    if code == -signal.SIGXCPU:
        return ToolFailed(f"it takes longer than {limits.seconds:g} s of processor time", exhausted=True)
    if "out of memory" in text or "cannot allocate memory" in text:
        return ToolFailed(f"it needs more than {limits.memory // _MEBIBYTE} MiB of memory", exhausted=True)
    if code < 0 and not text:
        return ToolFailed(f"it was ended by signal {-code}", exhausted=True)
    return ToolFailed(text or f"it ended with code {code} and said nothing")
