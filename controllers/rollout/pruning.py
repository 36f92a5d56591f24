"""Deletes objects in the reverse order of stages, waits for finalizers, and says why the rest is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Expired, Forbidden, NotFound, Rejected
from controllers.adapters.kube.resources import Discovery, Resource
from controllers.rollout.finishing import side_by_side, to_the_end
from gitops.errors import Conflict, TransientError
from gitops.objects import ObjectKey
from gitops.ordering import stage_of
from gitops.plan import ObjectPlan
from gitops.rollout.observation import shortened

# How long a rollout waits for what it deletes; what takes longer is gone on with beside it. Health is not
# looked at meanwhile, and a progressDeadline goes on.
GONE_WITHIN_SECONDS = 10.0
FIRST_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 2.0
_HANDS = 8

Waiting = Callable[[Mapping[ObjectKey, str]], None]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is confirmed gone, and why the rest is not."""

    gone: frozenset[ObjectKey] = frozenset()
    left: Mapping[ObjectKey, str] = field(default_factory=dict)


class Doomed(NamedTuple):
    """An object to be deleted: exactly this one, by its uid."""

    key: ObjectKey
    uid: str
    resource: Resource


class Pruner:
    """Deletes with one client's rights."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def delete(
        self,
        planned: Sequence[ObjectPlan],
        discovery: Discovery,
        *,
        within: float | None = None,
        waiting: Waiting = lambda _left: None,
    ) -> Pruned:
        """Delete what was planned, in that order, a stage at a time; what a stage needs outlives it.

        An object whose kind is not served any more went with it. `waiting` is told what is not gone yet.
        Nothing is raised for an object that cannot be deleted now: it is left, with the reason.
        """
        until = asyncio.get_running_loop().time() + (GONE_WITHIN_SECONDS if within is None else within)
        gone: set[ObjectKey] = set()
        for _, stage in groupby(planned, key=lambda one: stage_of(one.key)):
            doomed: list[Doomed] = []
            for one in stage:
                resource = discovery.preferred(one.key.group_kind)
                if resource is None:
                    gone.add(one.key)
                else:
                    doomed.append(Doomed(one.key, one.uid, resource))
            left = await self._stage(doomed, until, waiting)
            gone.update({one.key for one in doomed} - left.keys())
            if left:
                first = min(left)
                later = {one.key for one in planned} - gone - left.keys()
                return Pruned(frozenset(gone), {**left, **dict.fromkeys(later, f"it goes after {first}")})
        return Pruned(frozenset(gone))

    async def _stage(self, doomed: Sequence[Doomed], until: float, waiting: Waiting) -> dict[ObjectKey, str]:
        refusals = await side_by_side(doomed, self._ask, hands=_HANDS)
        refused = {
            one.key: because for one, because in zip(doomed, refusals, strict=True) if because is not None
        }
        awaited = [one for one in doomed if one.key not in refused]
        pause = FIRST_POLL_SECONDS
        while True:
            found = await side_by_side(awaited, self._why_there, hands=_HANDS)
            there = {
                one.key: because for one, because in zip(awaited, found, strict=True) if because is not None
            }
            left = {**refused, **there}
            if not there or asyncio.get_running_loop().time() >= until:
                return left
            waiting(left)
            awaited = [one for one in awaited if one.key in there]
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)

    async def _ask(self, one: Doomed) -> str | None:
        """Ask for the deletion; the reason where it is refused."""
        key = one.key
        try:
            await to_the_end(self._client.delete(one.resource, key.name, key.namespace, uid=one.uid))
        except (Conflict, Expired, NotFound):
            return None  # another object has the name now, or none has
        except (Rejected, Forbidden) as error:
            return f"its deletion is refused: {error}"
        except TransientError as error:
            return f"its deletion is not answered: {error}"
        return None

    async def _why_there(self, one: Doomed) -> str | None:
        """Why the object is still there; None once it is gone, or another one has its name."""
        try:
            body = await self._client.get(one.resource, one.key.name, one.key.namespace, metadata_only=True)
        except (Expired, NotFound):
            return None
        except (Forbidden, TransientError) as error:
            return f"nobody can say whether it is gone: {error}"
        if body is None or body["metadata"].get("uid") != one.uid:
            return None
        finalizers = body["metadata"].get("finalizers") or ()
        if not finalizers:
            return "it is being deleted"
        return f"it is being deleted and waits for its finalizers {', '.join(map(str, finalizers))}"


def told(left: Mapping[ObjectKey, str], redact: Callable[[str], str]) -> dict[str, str]:
    """The same by name, fit for a record: all names, because they are gone on with."""
    return {str(key): shortened(redact(because)) for key, because in sorted(left.items())}


def sentence(left: Mapping[ObjectKey, str]) -> str:
    """What is waited for, in words."""
    return "; ".join(f"{key}: {because}" for key, because in sorted(left.items()))


def named(planned: Iterable[ObjectPlan], names: frozenset[str]) -> tuple[ObjectPlan, ...]:
    """Those of the plan that have one of these names."""
    return tuple(one for one in planned if str(one.key) in names)
