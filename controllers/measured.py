"""A mirror that tells how long its conversations with the remote took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from controllers.adapters.git import Fetched, Mirror, PushResult, Remote


class GitRequest(Protocol):
    """Takes one measured conversation."""

    def __call__(self, operation: str, seconds: float, *, ok: bool) -> None:
        """`operation` is `fetch`, `push_branch` or `push_audit`."""


def nobody(operation: str, seconds: float, *, ok: bool) -> None:
    """Measure for nobody."""
    del operation, seconds, ok


class MeasuredMirror(Mirror):
    """The same mirror, measured. `on_request` is called from the thread that talked."""

    def __init__(self, path: Path, remote: Remote, audit_remote: Remote | None = None) -> None:
        super().__init__(path, remote, audit_remote)
        self.on_request: GitRequest = nobody

    def fetch(self) -> Fetched:
        """See Mirror."""
        with self._measured("fetch"):
            return super().fetch()

    def push_branch(self, commit: str, *, expected_head: str) -> None:
        """See Mirror."""
        with self._measured("push_branch"):
            super().push_branch(commit, expected_head=expected_head)

    def push_audit(self, environments: Sequence[str]) -> Mapping[str, PushResult]:
        """See Mirror."""
        with self._measured("push_audit"):
            return super().push_audit(environments)

    @contextmanager
    def _measured(self, operation: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        except Exception:
            self.on_request(operation, time.perf_counter() - start, ok=False)
            raise
        self.on_request(operation, time.perf_counter() - start, ok=True)
