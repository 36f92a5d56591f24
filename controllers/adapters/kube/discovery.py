"""Asks a server which kinds it serves: aggregated discovery in two requests, or the older way.

Keeps the answer; a refresh is a conditional request, which costs the server nothing when nothing changed.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache

from controllers.adapters.kube.resources import (
    Discovery,
    Resource,
    group_versions,
    parse_aggregated,
    parse_resource_list,
)
from controllers.adapters.kube.status import error_for
from controllers.adapters.kube.transport import Transport
from controllers.adapters.kube.wire import ERRORS_FROM, Answer, Call, Retry, json_object
from gitops.errors import Unreachable
from gitops.objects import JsonObject

# Servers that do not know aggregated discovery (before 1.27) answer with the plain document.
_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;q=0.9"
# Clusters of one version serve the same, byte for byte: a thousand of them share what was read of it once.
_DOCUMENTS_KEPT = 32
_NOT_MODIFIED = 304


class DiscoveryCache:
    """What one server serves. Shared by all clients of it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = asyncio.Lock()
        self._found: Discovery | None = None
        self._parts: dict[str, tuple[str, Discovery]] = {}

    async def get(self, *, refresh: bool) -> Discovery:
        """Give what is known, asking the server on first use or where `refresh` says so.

        Raises Unreachable or Denied where the server does not tell.
        """
        if self._found is not None and not refresh:
            return self._found
        before = self._found
        async with self._lock:
            if self._found is None or self._found is before:
                core, groups = await asyncio.gather(self._root("/api"), self._root("/apis"))
                self._found = Discovery(
                    (*core.resources, *groups.resources), core.unavailable | groups.unavailable
                )
            return self._found

    async def _root(self, path: str) -> Discovery:
        etag, kept = self._parts.get(path, ("", None))
        headers = {"Accept": _ACCEPT, **({"If-None-Match": etag} if etag else {})}
        answer = await self._ask(path, headers)
        if answer.status == _NOT_MODIFIED and kept is not None:
            return kept
        found = _aggregated(answer.body)
        if found is not None:
            self._parts[path] = (answer.headers.get("ETag", ""), found)
            return found
        return await self._one_by_one(path, group_versions(self._document(answer)))

    async def _one_by_one(self, path: str, versions: list[str]) -> Discovery:
        lists = await asyncio.gather(*(self._resource_list(f"{path}/{version}") for version in versions))
        resources: list[Resource] = []
        unavailable: list[str] = []
        for version, found in zip(versions, lists, strict=True):
            if found is None:
                unavailable.append(version)
            else:
                resources += found
        return Discovery(resources, unavailable)

    async def _resource_list(self, path: str) -> list[Resource] | None:
        """Read one group and version; None where its server (an APIService's, say) does not answer."""
        try:
            answer = await self._ask(path, {"Accept": "application/json"}, retry=Retry.NEVER)
            return parse_resource_list(self._document(answer))
        except Unreachable:
            return None

    async def _ask(self, path: str, headers: dict[str, str], *, retry: Retry = Retry.ALWAYS) -> Answer:
        call = Call("get", "GET", path, "discovery", headers=headers, retry=retry)
        answer = await self._transport.send(call)
        if answer.status >= ERRORS_FROM:
            raise error_for(call, answer, cluster=self._transport.name)
        return answer

    def _document(self, answer: Answer) -> JsonObject:
        document = json_object(answer.body)
        if document is None:
            raise Unreachable(
                f"{self._transport.name}: discovery: what answered is not a Kubernetes API server"
            )
        return document


@lru_cache(maxsize=_DOCUMENTS_KEPT)
def _aggregated(body: bytes) -> Discovery | None:
    """Read an aggregated document; None for anything else."""
    document = json_object(body)
    if document is None or document.get("kind") != "APIGroupDiscoveryList":
        return None
    return parse_aggregated(document)
