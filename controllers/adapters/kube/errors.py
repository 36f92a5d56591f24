"""Errors of the Kubernetes API that `gitops.errors` has no word for yet.

Denied
└── Forbidden   we are known, and may not do this (403); says nothing about the connection
TerminalError
├── Rejected    the server understood the request and will not store the object as it is (400, 422, …)
└── NotFound    what the request needs does not exist: the kind, or the namespace
TransientError
└── Expired     a resource version or continue token is older than the server's memory (410)
"""

from __future__ import annotations

from typing import NamedTuple

from gitops.errors import Denied, TerminalError, TransientError


class Cause(NamedTuple):
    """One entry of a Status' `details.causes`: which field, and what is wrong with it."""

    field: str
    message: str


class Forbidden(Denied):
    """The server knows us and will not let us do this one thing, unlike a connection that is refused."""


class Rejected(TerminalError):  # noqa: N818 - a decision of the other side
    """The server's own message, its reason word (`Invalid`, `BadRequest`, …), causes and HTTP code.

    For a Secret every value is blotted out of message and causes before they get here.
    """

    def __init__(self, message: str, *, code: int, reason: str = "", causes: tuple[Cause, ...] = ()) -> None:
        self.code = code
        self.reason = reason
        self.causes = causes
        super().__init__(message)


class NotFound(TerminalError):  # noqa: N818 - Kubernetes' own word
    """The kind is not served (any more), or the namespace does not exist."""


class Expired(TransientError):  # noqa: N818 - Kubernetes' own word
    """The server no longer remembers that far back: list again."""
