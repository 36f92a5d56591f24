"""What watches had seen when they were last noted down: files of our own, and a mere cache.

A process that starts goes on watching from there, where the server still has what came since; else it lists.
Without them, or with wrong ones, nothing is lost: what does not fit an inventory is looked at closely.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from sys import intern
from typing import NamedTuple, TypeAlias

import orjson

from controllers.files import write_whole
from gitops.drift import Sight
from gitops.fields import Owner
from gitops.foreign import Claim, one_of_equals
from gitops.objects import Json

log = logging.getLogger(__name__)

Kept: TypeAlias = tuple[str, str, Sight]

# A server keeps what happened for minutes, some for hours.
_OLDEST_SECONDS = 24 * 3600.0
_TYPES = (str, str, str, str, int, str, str, str, bool, list, str)


class WatchName(NamedTuple):
    """What is watched: everything that tells one watch from another."""

    server: str
    environment: str
    group: str
    plural: str
    namespace: str


class Snapshot(NamedTuple):
    """The objects seen, by namespace and name, and the resource version up to which they were."""

    resource_version: str
    items: Mapping[tuple[str, str], Kept]


class Snapshots:
    """Files in one folder; without a folder nothing is kept. Methods block: call them in a thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def load(self, name: WatchName) -> Snapshot | None:
        """Give what was kept; None where nothing was, or it cannot be read, or it is old."""
        path = self._path(name)
        if path is None:
            return None
        try:
            if time.time() - path.stat().st_mtime > _OLDEST_SECONDS:
                return None
            return _parsed(path.read_bytes(), name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.debug("what watches saw of %s is not known any more: %s", name.plural, error)
            return None

    def save(self, name: WatchName, snapshot: Snapshot) -> None:
        """Keep it; where that fails, the next start lists."""
        path = self._path(name)
        if path is None:
            return
        head = {
            "format": 3,
            "of": list(name),
            "version": snapshot.resource_version,
            "items": len(snapshot.items),
        }
        lines = [
            orjson.dumps((namespace, title, *sight[:-2], _plain(sight.foreign), sight.prune))
            for namespace, title, sight in snapshot.items.values()
        ]
        body = b"\n".join([orjson.dumps(head), *lines])
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, body)
        except OSError as error:
            log.debug("what watches see of %s is not kept: %s", name.plural, error)

    def tidy(self) -> None:
        """Remove files that nobody would read."""
        if self._folder is not None:
            for path in self._folder.glob("*.json"):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > _OLDEST_SECONDS:
                        path.unlink()

    def _path(self, name: WatchName) -> Path | None:
        """A server chooses plurals: no name of its becomes a path."""
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(orjson.dumps(list(name))).hexdigest()[:32]}.json"


def _parsed(body: bytes, name: WatchName) -> Snapshot:
    """Raises ValueError for anything that `save` did not write.

    Line by line: what is kept must not lie in memory between pieces of a whole document that is dropped.
    """
    lines = iter(io.BytesIO(body))
    match orjson.loads(next(lines, b"")):
        case {"format": 3, "of": of, "version": str(version), "items": int(count)} if of == list(name):
            items = {(one[0], one[1]): one for one in map(_kept, map(orjson.loads, lines))}
            if len(items) == count:
                return Snapshot(version, items)
    raise ValueError("it is of another format, or of another watch, or not whole")


def _kept(row: Json) -> Kept:
    if not isinstance(row, list) or tuple(map(type, row)) != _TYPES:
        raise ValueError("a row is not whole")
    namespace, title, uid, version, generation, fields, applied_at, part_of, terminating, foreign, prune = row
    sight = Sight(
        intern(uid),
        version,
        generation,
        intern(fields),
        intern(applied_at),
        intern(part_of),
        terminating,
        one_of_equals(tuple(map(_claim, foreign))),
        intern(prune),
    )
    return intern(namespace), title, sight


def _plain(found: tuple[Claim, ...]) -> list[Json]:
    return [
        [one.owner.manager, one.owner.operation, one.owner.time, one.version, one.fields] for one in found
    ]


def _claim(row: Json) -> Claim:
    match row:
        case [str(manager), str(operation), str(time_), str(version), str(fields)]:
            orjson.loads(fields)
            return Claim(Owner(manager, operation, time=time_), version, fields)
    raise ValueError("a claim is not whole")
