"""Say in our own error tree, and in a sentence, what libgit2 reported."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from controllers.adapters.git.remote import redact
from gitops.errors import Conflict, Denied, GitopsError, TerminalError, TransientError, Unreachable

_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_HTTP_STATUS = re.compile(r"http status code: (\d{3})")
_FASTER = ("non-fast", "fetch first", "not present locally", "failed to lock", "does not match", "stale info")
_MISSING = ("does not appear to be a git repository", "repository not found", "could not find repository")
_TEXT_LIMIT = 500
# git_error_t: what the library was busy with when it gave up
_CLASS_OS, _CLASS_NET, _CLASS_SSL, _CLASS_SSH, _CLASS_HTTP = 2, 12, 16, 23, 34
_WIRE_CLASSES = frozenset({_CLASS_OS, _CLASS_NET, _CLASS_SSL, _CLASS_SSH, _CLASS_HTTP})


def plain(text: str) -> str:
    """Make foreign text fit for one line of log: no control characters, no user info, not endless."""
    printable = "".join(c if c.isprintable() else " " for c in redact(text))
    return " ".join(printable.split())[:_TEXT_LIMIT]


def disk_full(doing: str) -> TransientError:
    """Say that there is no room, and what people can do."""
    return TransientError(f"{doing}: the disk is full; free some space or enlarge the volume of the mirror")


def explain(error: Exception, doing: str) -> GitopsError:
    """Translate one of libgit2's errors; `doing` begins the sentence ("fetching https://…")."""
    text = plain(str(error))
    if any(sign in text for sign in _FULL):
        return disk_full(doing)
    if isinstance(error, pygit2.CertificateError):
        return Denied(f"{doing}: the server's certificate or host key is not trusted: {text}")
    if isinstance(error, pygit2.AuthError) or "failed to authenticate" in text:
        return Denied(f"{doing}: the server did not accept our credentials: {text}")
    if "not owned by current user" in text:
        return Denied(f"{doing}: {text}; change its owner or add it to Git's safe.directory setting")
    if "ermission denied" in text or os.strerror(errno.EROFS) in text:
        return Denied(f"{doing}: {text}")
    if any(sign in text.lower() for sign in _FASTER):
        return Conflict(f"{doing}: somebody else was faster: {text}")
    return _network(error, text, doing)


def _network(error: Exception, text: str, doing: str) -> GitopsError:
    status = _HTTP_STATUS.search(text)
    if status:
        return _http(int(status[1]), doing)
    if any(sign in text.lower() for sign in _MISSING):
        return Denied(f"{doing}: there is no such repository, or we may not see it: {text}")
    if "redirect" in text:
        return TerminalError(
            f"{doing}: the server redirects elsewhere; configure the repository's new address"
        )
    if getattr(error, "error_class", None) in _WIRE_CLASSES or isinstance(error, OSError):
        return Unreachable(f"{doing}: {text}")
    return TransientError(f"{doing}: {text}")


def _http(status: int, doing: str) -> GitopsError:
    if status in {401, 403}:
        return Denied(
            f"{doing}: the server refuses us (HTTP {status}); check the credentials and their scope"
        )
    if status in {404, 410}:
        return Denied(f"{doing}: there is no such repository, or we may not see it (HTTP {status})")
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return TerminalError(
            f"{doing}: the server redirects elsewhere; configure the repository's new address"
        )
    return Unreachable(f"{doing}: the server answered HTTP {status}")


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Let libgit2's errors leave as ours."""
    try:
        yield
    except GitopsError:
        raise
    except (pygit2.GitError, OSError, KeyError, ValueError) as error:
        raise explain(error, doing) from None
