"""What an apply makes of the live object: its values, laid over by the configuration's."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.fields import elements
from simcluster.fields.shapes import ANY, MISSING, child, shape
from simcluster.kinds.types import List, Struct, Type
from simcluster.values import JsonObject

Json: TypeAlias = Any


def merge(live: JsonObject, config: JsonObject, schema: Struct) -> JsonObject:
    """Lay a checked configuration over the live object. The result shares parts with both; none changes."""
    return _struct(live, config, schema)


def _value(live: Json, config: Json, found: Type) -> Json:
    """Merge two values; null and empty in the configuration leave parts that are there alone."""
    if live is MISSING or live is None:
        return config
    kind = shape(found, config)
    if type(kind) is Struct and not kind.atomic:
        if type(live) is not dict or not live:
            return config
        return _struct(live, config, kind) if config else live
    if type(kind) is List and kind.topology != "atomic":
        if type(live) is not list or not live:
            return config
        return _Lists(kind, live, config).merged() if config else live
    return config


def _struct(live: JsonObject, config: JsonObject, struct: Struct) -> JsonObject:
    made = dict(live)
    for key, value in config.items():
        made[key] = _value(live.get(key, MISSING), value, child(struct, key) or ANY)
    return made


class _Lists:
    """Merges two sets or map lists: shared items in the configuration's order, others keep their places."""

    def __init__(self, listed: List, live: list[Json], config: list[Json]) -> None:
        self._items = listed.items
        self._live = [(elements.of_item(listed, item), item) for item in live]
        self._config = [(elements.of_item(listed, item), item) for item in config]
        self._theirs: dict[str, Json] = {}
        for step, item in self._live:
            # Items that share an element cannot be told apart, so none of them is merged into.
            self._theirs[step] = None if step in self._theirs else item
        self._ours = {step for step, _ in self._config}
        self._shared = [step for step, _ in reversed(self._config) if step in self._theirs]
        self._out: list[Json] = []
        self._taken: set[str] = set()

    def merged(self) -> list[Json]:
        """Return the merged list."""
        left = right = 0
        while left < len(self._live) or right < len(self._config):
            if left < len(self._live):
                used = self._from_live(left, right)
                if used:
                    left += 1
                    right += used - 1
                    continue
                left += self._live[left][0] in self._taken
            if right < len(self._config):
                self._take(*self._config[right])
                right += 1
        return self._out

    def _from_live(self, left: int, right: int) -> int:
        """Deal with a live item: 0 not yet, 1 done with it, 2 done with it and the configuration's next."""
        step, item = self._live[left]
        if right < len(self._config):
            if step == self._config[right][0]:
                self._take(step, self._config[right][1])
                return 2
            if step in self._ours and self._shared and self._shared[-1] != step:
                return 1  # shared, but the configuration wants another one first
        if step in self._ours:
            return 0
        self._out.append(item)
        return 1

    def _take(self, step: str, item: Json) -> None:
        self._taken.add(step)
        self._out.append(_value(self._theirs.get(step, MISSING), item, self._items))
        if self._shared and self._shared[-1] == step:
            self._shared.pop()
