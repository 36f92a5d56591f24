"""As much of a Kubernetes API server as carrying out a plan needs, played over HTTP, with faults on demand.

ConfigMaps, Namespaces and Widgets (a custom kind, InProgress until a test says that it is ready). It applies,
deletes, lists and watches; it judges nothing. What real servers do is shown by the tests in `tests/cluster`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from aiohttp import web

from gitops.objects import digest
from tests.unit.controllers.adapters.kube.scripted import Play, answers, refuses

_KINDS = {
    "namespaces": ("", "v1", "Namespace", "Cluster"),
    "configmaps": ("", "v1", "ConfigMap", "Namespaced"),
    "widgets": ("example.org", "v1", "Widget", "Namespaced"),
}
_Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, taken apart: `verb` is apply, dry-run, delete, get, list or watch."""

    verb: str
    plural: str
    namespace: str
    name: str
    body: Any = None

    def __str__(self) -> str:
        return f"{self.verb} {self.plural} {self.name}".strip()


@dataclass
class LittleApi:
    """Objects by place, and every write in the order in which it was asked for."""

    objects: dict[_Place, dict[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    _faults: list[tuple[Callable[[Request], bool], Play]] = field(default_factory=list)
    _versions: count[int] = field(default_factory=lambda: count(1))
    _events: list[tuple[int, str, str, dict[str, Any]]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def fault(self, where: Callable[[Request], bool], play: Play) -> Callable[[], None]:
        """Answer requests so, until what this returns is called."""
        entry = (where, play)
        self._faults.append(entry)
        return lambda: self._faults.remove(entry)

    def names(self, plural: str) -> list[str]:
        """Names of what exists of a kind, without the inventory."""
        return [name for kind, _, name in sorted(self.objects) if kind == plural and "gitops" not in name]

    def inventory(self) -> list[dict[str, Any]]:
        """The ConfigMaps in which the controller keeps what it applied."""
        return [body for (_, _, name), body in sorted(self.objects.items()) if "gitops" in name]

    def ready(self, name: str) -> None:
        """Let a Widget report that it is ready."""
        place = next(place for place in self.objects if place[0] == "widgets" and place[2] == name)
        status = {"conditions": [{"type": "Ready", "status": "True"}]}
        self._put(place, {**self.objects[place], "status": status})

    async def play(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path.strip("/").split("/")
        if path in (["api"], ["apis"]):
            return await answers(_discovery(path[0] == "api"))(request)
        asked = _taken_apart(request, path, await request.read())
        for where, play in self._faults:
            if where(asked):
                return await play(request)
        if asked.verb == "watch":
            return await self._watch(request, asked)
        return await self._answer(asked, request.query)(request)

    def _answer(self, asked: Request, query: Any) -> Play:
        place = (asked.plural, asked.namespace, asked.name)
        known = self.objects.get(place)
        match asked.verb:
            case "list":
                chosen = [body for body in self._of(asked) if _selected(body, query.get("labelSelector", ""))]
                return answers({"items": chosen, "metadata": {"resourceVersion": str(self._newest)}})
            case "get":
                return answers(known) if known else refuses(404, f"{asked.name} not found")
            case "delete":
                self.writes.append(str(asked))
                if known is None:
                    return refuses(404, f"{asked.name} not found")
                del self.objects[place]
                self._tell("DELETED", asked.plural, known)
                return answers({"kind": "Status"})
            case "dry-run":
                return answers(_applied(asked.body, known, 0))
        self.writes.append(str(asked))
        self._put(place, _applied(asked.body, known, next(self._versions)))
        return answers(self.objects[place])

    def _put(self, place: _Place, body: dict[str, Any]) -> None:
        version = next(self._versions)
        kind = "MODIFIED" if place in self.objects else "ADDED"
        self.objects[place] = {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}
        self._tell(kind, place[0], self.objects[place])

    def _tell(self, kind: str, plural: str, body: dict[str, Any]) -> None:
        self._events.append((next(self._versions), kind, plural, body))
        self._news.set()
        self._news = asyncio.Event()

    @property
    def _newest(self) -> int:
        return self._events[-1][0] if self._events else 0

    def _of(self, asked: Request) -> list[dict[str, Any]]:
        return [
            body
            for (plural, namespace, _), body in sorted(self.objects.items())
            if plural == asked.plural and asked.namespace in ("", namespace)
        ]

    async def _watch(self, request: web.Request, asked: Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        sent = int(request.query["resourceVersion"])
        selector = request.query.get("labelSelector", "")
        while True:
            news = self._news
            for version, kind, plural, body in list(self._events):
                if version > sent and plural == asked.plural and _selected(body, selector):
                    shown = {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}
                    await response.write(orjson.dumps({"type": kind, "object": shown}) + b"\n")
            sent = max(sent, self._newest)
            await news.wait()


def _taken_apart(request: web.Request, path: list[str], raw: bytes) -> Request:
    rest = path[2:] if path[0] == "api" else path[3:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name = rest[0], rest[1] if len(rest) > 1 else ""
    verb = {"PATCH": "apply", "DELETE": "delete", "GET": "get" if name else "list"}[request.method]
    if "watch" in request.query:
        verb = "watch"
    if "dryRun" in request.query:
        verb = "dry-run"
    return Request(verb, plural, namespace, name, orjson.loads(raw) if raw else None)


def _selected(body: dict[str, Any], selector: str) -> bool:
    labels = body["metadata"].get("labels") or {}
    wanted = [term.split("=", 1) for term in selector.split(",") if term]
    return all(labels.get(key) == value for key, value in wanted)


def _applied(body: dict[str, Any], known: dict[str, Any] | None, number: int) -> dict[str, Any]:
    """The object after the apply: our field set is told by a fingerprint, which is all that is compared."""
    before = (known or {}).get("metadata") or {}
    content = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    changed = known is None or any(known.get(key) != value for key, value in content.items())
    metadata = {
        **body["metadata"],
        "uid": before.get("uid") or f"uid-{number}",
        "generation": before.get("generation", 0) + changed,
        "managedFields": [
            {"manager": "gitops-waves", "operation": "Apply", "fieldsV1": {f"f:{digest(content)}": {}}}
        ],
    }
    status = {"conditions": [{"type": "Ready", "status": "False", "message": "still starting"}]}
    waiting = {"status": status} if body["kind"] == "Widget" and changed else {}
    return {**(known or {}), **body, **waiting, "metadata": metadata}


def _discovery(core: bool) -> dict[str, Any]:  # noqa: FBT001 - one private caller
    groups: dict[str, list[dict[str, Any]]] = {}
    for plural, (group, _, kind, scope) in _KINDS.items():
        if (group == "") == core:
            entry = {"resource": plural, "scope": scope, "responseKind": {"kind": kind}, "verbs": ["get"]}
            groups.setdefault(group, []).append(entry)
    items = [
        {"metadata": {"name": group}, "versions": [{"version": "v1", "resources": resources}]}
        for group, resources in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}
