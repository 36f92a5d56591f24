"""Which Services and budgets select a pod: an index of their selectors."""

from __future__ import annotations

from collections.abc import Mapping

from simcluster.store.records import Change
from simcluster.values import JsonObject


class Selectors:
    """The pairs that each object of a storage asks of a pod's labels; expressions count as fulfilled."""

    __slots__ = ("_pairs",)

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], dict[str, JsonObject]] = {}

    def see(self, change: Change) -> None:
        """Follow one change of a Service or budget."""
        now = change.now
        known = self._pairs.setdefault((now.storage, now.namespace), {})
        known.pop(now.name, None)
        if change.kind == "DELETED":
            return
        selector = (now.object().get("spec") or {}).get("selector")
        if selector is not None:
            known[now.name] = selector if now.storage == "services" else selector.get("matchLabels") or {}

    def matching(self, storage: str, namespace: str, labels: Mapping[str, str]) -> set[str]:
        """Return the names of those that may select an object with these labels."""
        known = self._pairs.get((storage, namespace))
        if not known:
            return set()
        return {name for name, pairs in known.items() if pairs.items() <= labels.items()}
