"""Watches the health of one application's objects on one target, and the Pods behind its workloads.

Fetches nothing on a timer: list and watch keep the picture, tolerances that run out set the only clocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.reflector import Reflector
from controllers.adapters.kube.resources import Discovery, Resource
from gitops.errors import GitopsError, Unreachable
from gitops.fields import fields_hash
from gitops.health import (
    Health,
    HealthStatus,
    Related,
    Symptom,
    assess,
    evidence,
    failing,
    look_again,
)
from gitops.inventory import Entry
from gitops.objects import GroupKind, JsonObject, ObjectKey

# Kinds without any status: applied is Current, so there is nothing to watch.
STATIC = frozenset(
    GroupKind(group, kind)
    for group, kinds in {
        "": ("ConfigMap", "Secret", "ServiceAccount", "LimitRange"),
        "rbac.authorization.k8s.io": ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
        "networking.k8s.io": ("NetworkPolicy", "IngressClass"),
        "scheduling.k8s.io": ("PriorityClass",),
        "storage.k8s.io": ("StorageClass",),
    }.items()
    for kind in kinds
)
WORKLOADS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("batch", "Job"),
    }
)
_POD = GroupKind("", "Pod")
_REPLICA_SET = GroupKind("apps", "ReplicaSet")
_EVENT = GroupKind("", "Event")
_LOGGED_PODS = 2
_FIRST_LOOK_SECONDS = 0.01


class Standing(Enum):
    """All objects together. `BLIND`: something cannot be watched right now, so nothing can be said."""

    CURRENT = auto()
    PROGRESSING = auto()
    FAILED = auto()
    BLIND = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment. `because` names the first object that is not Current, and its state.

    `gap`: since the look before, something may have come and gone unseen (a watch had to list again).
    """

    standing: Standing
    because: str
    failed: tuple[ObjectKey, ...] = ()
    look_again_in: timedelta | None = None
    gap: bool = False


class HealthWatch:
    """Start after the apply: everything seen is then at least as new as what was applied."""

    def __init__(
        self, client: KubeClient, discovery: Discovery, expected: Mapping[ObjectKey, Entry], selector: str
    ) -> None:
        """`expected`: how each object was right after its apply."""
        self.changed = asyncio.Event()
        self._client = client
        self._discovery = discovery
        self._expected = {key: seen for key, seen in expected.items() if key.group_kind not in STATIC}
        self._selector = selector
        self._objects: dict[tuple[GroupKind, str], Reflector[JsonObject]] = {}
        self._around: dict[tuple[GroupKind, str], Reflector[JsonObject]] = {}
        self._health: dict[ObjectKey, Health] = {}
        self._lists: int | None = None

    async def start(self) -> None:
        """Begin to watch; returns once every collection was seen once, or cannot be seen."""
        for key in sorted(self._expected):
            self._reflect(self._objects, key.group_kind, key.namespace, self._selector)
            if key.group_kind in WORKLOADS:
                for related in (_POD, _REPLICA_SET):
                    self._reflect(self._around, related, key.namespace, "")
        reflectors = self._reflectors()
        for reflector in reflectors:
            reflector.start()
        # A reflector tells its error as a value, not as an event, hence the short sleeps.
        while not all(reflector.synced.is_set() or reflector.error for reflector in reflectors):  # noqa: ASYNC110
            await asyncio.sleep(_FIRST_LOOK_SECONDS)

    async def stop(self) -> None:
        """End every watch."""
        await asyncio.gather(*(reflector.stop() for reflector in self._reflectors()))

    def look(self, now: datetime) -> Look:
        """Judge everything as seen up to this moment."""
        seen = self._look(now)
        if seen.standing is Standing.BLIND:
            return seen
        lists = sum(reflector.lists for reflector in self._objects.values())
        gap = self._lists not in (None, lists)
        self._lists = lists
        return replace(seen, gap=gap)

    def _look(self, now: datetime) -> Look:
        blind = next((reflector for reflector in self._reflectors() if not _sees(reflector)), None)
        if blind is not None:
            reason = str(blind.error or "not seen yet")
            return Look(Standing.BLIND, f"cannot watch {blind.resource.plural}: {reason}")
        failed: list[tuple[ObjectKey, str]] = []
        pending: list[str] = []
        again: list[timedelta] = []
        for key in self._expected:
            health = self._assess(key)
            if health.status is HealthStatus.CURRENT:
                continue
            signs, later = self._signs(key, now)
            if later is not None:
                again.append(later)
            if signs or health.status is HealthStatus.FAILED:
                failed.append((key, str(signs[0]) if signs else health.message))
            else:
                pending.append(f"{key} is {health.status}: {health.message}")
        if failed:
            key, why = failed[0]
            more = f" (and {len(failed) - 1} more objects)" if len(failed) > 1 else ""
            return Look(Standing.FAILED, f"{key} failed: {why}{more}", tuple(key for key, _ in failed))
        if pending:
            more = f" (and {len(pending) - 1} more objects)" if len(pending) > 1 else ""
            return Look(Standing.PROGRESSING, pending[0] + more, look_again_in=min(again, default=None))
        return Look(Standing.CURRENT, "")

    async def evidence(self, keys: Iterable[ObjectKey], now: datetime) -> tuple[str, ...]:
        """What a person would look for first about failed objects: events, container states, log lines."""
        lines: list[str] = []
        for key in keys:
            body = self._object(key)
            if body is None:
                continue
            related = await self._with_events(key)
            signs = failing(body, related, now=now, applied_generation=self._generation(key, body))
            logs = await self._logs(key.namespace, signs)
            lines += evidence(body, signs, related, logs, applied_generation=self._generation(key, body))
        return tuple(lines)

    def _reflectors(self) -> tuple[Reflector[JsonObject], ...]:
        return (*self._objects.values(), *self._around.values())

    def _reflect(
        self,
        into: dict[tuple[GroupKind, str], Reflector[JsonObject]],
        kind: GroupKind,
        namespace: str,
        selector: str,
    ) -> None:
        if (kind, namespace) in into:
            return
        resource = self._discovery.preferred(kind)
        if resource is None:
            raise Unreachable(f"the cluster does not serve {kind} any more")
        reflector: Reflector[JsonObject] = Reflector(
            self._client, resource, namespace, label_selector=selector
        )
        reflector.on_change = partial(self._noted, kind)
        into[kind, namespace] = reflector

    def _noted(self, kind: GroupKind, _type: str, body: JsonObject) -> None:
        metadata = body["metadata"]
        namespace = str(metadata.get("namespace") or "")
        self._health.pop(ObjectKey(*kind, namespace, str(metadata["name"])), None)
        self.changed.set()

    def _object(self, key: ObjectKey) -> JsonObject | None:
        return self._objects[key.group_kind, key.namespace].items.get((key.namespace, key.name))

    def _generation(self, key: ObjectKey, body: JsonObject | None) -> int | None:
        """Which generation it has to have come to.

        One that was deleted, and made anew of what we applied, begins to count from one: then it is any.
        """
        applied = self._expected[key]
        metadata = body["metadata"] if body is not None else {}
        anew = applied.uid and metadata.get("uid") != applied.uid and fields_hash(metadata) == applied.fields
        return None if anew else applied.generation or None

    def _assess(self, key: ObjectKey) -> Health:
        known = self._health.get(key)
        if known is None:
            body = self._object(key)
            known = assess(body, applied_generation=self._generation(key, body))
            self._health[key] = known
        return known

    def _signs(self, key: ObjectKey, now: datetime) -> tuple[tuple[Symptom, ...], timedelta | None]:
        body = self._object(key)
        if body is None or key.group_kind not in WORKLOADS:
            return (), None
        related = self._related(key)
        expected = self._generation(key, body)
        found = failing(body, related, now=now, applied_generation=expected)
        return found, look_again(body, related, now=now, applied_generation=expected)

    def _related(self, key: ObjectKey, events: tuple[JsonObject, ...] = ()) -> Related:
        def seen(kind: GroupKind) -> tuple[JsonObject, ...]:
            reflector = self._around.get((kind, key.namespace))
            return tuple(reflector.items.values()) if reflector else ()

        return Related(replica_sets=seen(_REPLICA_SET), pods=seen(_POD), events=events)

    async def _with_events(self, key: ObjectKey) -> Related:
        resource = self._discovery.preferred(_EVENT) or Resource("", "v1", "Event", "events", namespaced=True)
        try:
            listing = await self._client.list(resource, key.namespace, field_selector="type=Warning")
        except GitopsError:
            return self._related(key)  # evidence is worth having, and never a reason to fail over
        return self._related(key, listing.items)

    async def _logs(self, namespace: str, signs: Iterable[Symptom]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for sign in signs:
            if not sign.container or len(found) >= _LOGGED_PODS:
                continue
            for previous in (True, False):
                text = await self._client.pod_logs(namespace, sign.pod, sign.container, previous=previous)
                if text:
                    found[sign.pod, sign.container] = text
                    break
        return found


def _sees(reflector: Reflector[JsonObject]) -> bool:
    return reflector.synced.is_set() and reflector.error is None
