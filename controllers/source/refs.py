"""Notice that a local repository's refs changed. An event says only that it is worth looking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from controllers.adapters.git.local import common_folder

# Opening and closing without writing are left out: our own fetch does both, and would wake us again.
_WRITES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
_TOP = frozenset({"HEAD", "packed-refs", "refs"})


class RefWatch:
    """Call `changed` from a thread of its own whenever HEAD, a branch or packed-refs was written.

    Works for bare repositories, work trees and linked work trees. Raises Unreachable or OSError when the
    folder cannot be watched.
    """

    def __init__(self, repository: Path, changed: Callable[[], None]) -> None:
        folder = common_folder(repository)
        handler = _Handler(folder, changed)
        self._observer = Observer()
        self._observer.daemon = True
        self._observer.schedule(handler, str(folder), event_filter=_WRITES)
        self._observer.schedule(handler, str(folder / "refs"), recursive=True, event_filter=_WRITES)

    def __enter__(self) -> Self:
        self._observer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.stop()
        self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, folder: Path, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        if self._concerns(event.dest_path or event.src_path):
            self._changed()

    def _concerns(self, path: bytes | str) -> bool:
        name = path.decode(errors="replace") if isinstance(path, bytes) else path
        if name.endswith(".lock"):
            return False
        parts = Path(name).relative_to(self._folder).parts
        return bool(parts) and parts[0] in _TOP
