"""Watch events as lines of JSON: made once for each change and view, whoever many watch it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

import orjson

from simcluster.api import conversion
from simcluster.api.watching import Event
from simcluster.errors import ApiError
from simcluster.server.rendering import View, shaped
from simcluster.values import JsonObject

INITIAL_END = "k8s.io/initial-events-end"
# Watchers of one cluster are woken by the same change, so the last lines are those that others want.
_REMEMBERED = 64


class Lines:
    """The last lines made for one cluster's watchers."""

    __slots__ = ("_made", "_now")

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._made: OrderedDict[tuple[Event, View, bool], bytes] = OrderedDict()

    def line(self, event: Event, view: View, *, first: bool = False) -> bytes:
        """Return one event as a client sees it. The `first` of a Table's stream carries the columns."""
        key = (event, view, first)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._encoded(event, view, first=first)
            if len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return found

    def bookmark(self, revision: int, view: View, *, initial_end: bool, first: bool = False) -> bytes:
        """Return a bookmark at `revision`; with `initial_end` it says that what was there has been sent."""
        metadata: JsonObject = {"resourceVersion": str(revision)}
        if initial_end:
            metadata["annotations"] = {INITIAL_END: "true"}
        obj = {"kind": view.kind.kind, "apiVersion": view.kind.api_version, "metadata": metadata}
        return _line("BOOKMARK", orjson.dumps(self._shaped(obj, view, first=first)))

    def _encoded(self, event: Event, view: View, *, first: bool) -> bytes:
        if view.plain:
            return _line(event.type, conversion.body(event.record, view.kind))
        obj = conversion.convert(event.record.object(), view.kind)
        return _line(event.type, orjson.dumps(self._shaped(obj, view, first=first)))

    def _shaped(self, obj: JsonObject, view: View, *, first: bool) -> JsonObject:
        found = shaped(obj, view, self._now())
        if view.representation.shape == "Table" and not first:
            found = {**found, "columnDefinitions": None}
        return found


def error(refused: ApiError) -> bytes:
    """Return the event that ends a watch for a reason."""
    return _line("ERROR", orjson.dumps(refused.status))


def _line(kind: str, body: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"
