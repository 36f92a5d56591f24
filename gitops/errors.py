"""The error tree. The class says whether a retry can help; the text says what to do.

GitopsError
├── TerminalError        fails the same way until its input changes: never retried
│   ├── InvalidInput     what people wrote is wrong; carries every Problem found, not just the first
│   │   └── ToolMissing  it may well be right: nothing here can render it; waited for
│   ├── Refused          a request we understood and will not carry out (budget, ownership, policy)
│   └── Denied           the other side refused us: credentials, permissions, host keys
└── TransientError       retried with backoff and jitter
    ├── Unreachable      no answer, or none in time
    └── Conflict         somebody else was faster: read again, decide again
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Location:
    """A place in a repository file. `line` and `column` count from 1; 0 means the whole file.

    `inside` names an object and a field of what a renderer made of that file, such as
    `Deployment web, /spec/replicas`: a renderer's output has no lines that anybody wrote.
    """

    path: str
    line: int = 0
    column: int = 0
    inside: str = ""

    def __str__(self) -> str:
        if not self.line:
            return f"{self.path} ({self.inside})" if self.inside else self.path
        return f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}"


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong with what people wrote, where, and what to do about it."""

    location: Location
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


class GitopsError(Exception):
    """Root of every error that this project raises on purpose."""


class TerminalError(GitopsError):
    """Fails the same way until its input changes."""


class InvalidInput(TerminalError):  # noqa: N818 - reads as the field says it: invalid input
    """Carries every problem found in one read, sorted by place."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class ToolMissing(InvalidInput):
    """The program that renders it, or its key, is not there: not the fault of what people wrote.

    Who only shows problems takes it for one; who acts on them waits until it is there.
    """


class Refused(TerminalError):  # noqa: N818 - a decision, not a malfunction
    """We understood and will not do it; the text says how to allow it."""


class Denied(TerminalError):  # noqa: N818 - a decision of the other side
    """Credentials, permissions or a host key were not accepted."""


class TransientError(GitopsError):
    """May succeed when tried again. `retry_after` (seconds) is the other side's wish, where it gave one."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Unreachable(TransientError):  # noqa: N818 - a state of the other side
    """No answer, or none in time."""


class Conflict(TransientError):  # noqa: N818 - Kubernetes' and Git's own word
    """Somebody else was faster: read again, decide again."""
