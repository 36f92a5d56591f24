"""The manifests of places where something drifts, for as long as it does: no others are in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Discovery
from controllers.rollout.errands import Errands
from gitops.objects import Manifest, ObjectKey
from gitops.plan import Scope, settle

KEPT = 4
IDLE_SECONDS = 60.0

_Name: TypeAlias = tuple[Scope, str]


class ManifestCache:
    """Settled manifests by place and revision: the few used last, for a minute."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._found: dict[_Name, asyncio.Task[Mapping[ObjectKey, Manifest]]] = {}
        self._idle: dict[_Name, asyncio.TimerHandle] = {}

    async def of(self, scope: Scope, revision: str, client: KubeClient) -> Mapping[ObjectKey, Manifest]:
        """Render what a place is on. Raises InvalidInput where that revision cannot be rendered."""
        name = (scope, revision)
        task = self._found.pop(name, None)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._render(scope, revision, client), name=f"render {scope.name}")
        self._found[name] = task
        for oldest in list(self._found)[:-KEPT]:
            self._drop(oldest)
        if name in self._idle:
            self._idle[name].cancel()
        self._idle[name] = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._drop, name)
        return await asyncio.shield(task)

    def _drop(self, name: _Name) -> None:
        self._found.pop(name, None)
        if name in self._idle:
            self._idle.pop(name).cancel()

    async def _render(self, scope: Scope, revision: str, client: KubeClient) -> Mapping[ObjectKey, Manifest]:
        errand = await self._errands.prepare(scope.application, str(scope.target), revision)
        discovery = await client.discovery()
        return await asyncio.to_thread(_settled, errand.wanted.manifests, scope, discovery)


def _settled(
    manifests: tuple[Manifest, ...], scope: Scope, discovery: Discovery
) -> Mapping[ObjectKey, Manifest]:
    return {manifest.key: manifest for manifest in settle(manifests, scope, discovery.namespaced).manifests}
