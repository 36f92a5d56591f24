"""The verbs on objects: what a request to a resource calls of the api, and how the result is answered."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import hdrs, web

from simcluster.api.options import ListOptions, Result, WriteOptions
from simcluster.errors import ApiError, method_not_allowed, not_found, not_supported
from simcluster.gotext import quoted
from simcluster.kinds.decoding import decode
from simcluster.kinds.kind import Kind, Subresource
from simcluster.kinds.typed import read
from simcluster.rbac import escalation
from simcluster.server import logs, rendering, reviews
from simcluster.server.bodies import body_kind, delete_body, patch_kind
from simcluster.server.call import Call, answer, begun, warning_header
from simcluster.server.negotiation import check_offered, negotiate_stream
from simcluster.server.options import (
    delete_options,
    list_options,
    timeout_seconds,
    write_options,
)
from simcluster.server.paths import check_name
from simcluster.server.rendering import View, view
from simcluster.server.routes import check_routed, is_collective, is_place, nothing_there
from simcluster.server.watching import HttpSink, WatchStream
from simcluster.strategies import deprecation

_CREATED = 201
_ACCEPTED = 202
# A watch that does not say how long it wants to last ends after half an hour to an hour on a real server.
_WATCH_SECONDS = 1800


async def handle(call: Call) -> web.StreamResponse:
    """Answer a request to a resource. Raises `ApiError`."""
    info = call.info
    kind = call.site.cluster.registry.find(info.group, info.version, info.resource)
    if kind is None or not is_place(call, kind):
        return nothing_there(call)
    if kind.custom is None:
        check_offered(call.accept, watch=info.verb == "watch")
    check_routed(call, kind)
    if not (warning := deprecation(kind)):
        return await _answer(call, kind)
    try:
        answered = await _answer(call, kind)
    except ApiError as error:
        told = error.headers.get("Warning")
        error.headers |= warning_header(warning)
        if told:
            error.headers["Warning"] += f", {told}"
        raise
    if not answered.prepared:
        answered.headers.extend(warning_header(warning))
    return answered


async def _answer(call: Call, kind: Kind) -> web.StreamResponse:
    info = call.info
    if info.subresource:
        return await _subresource(call, kind)
    if info.name and not is_collective(call):
        check_name(info.name)
    return await _VERBS[info.verb](call, kind)


async def _get(call: Call, kind: Kind) -> web.StreamResponse:
    version = call.query.get("resourceVersion", "")
    _check_version(version)
    seen = _view(call, kind)
    found = call.api.read(kind, _namespace(call, kind), call.info.name, version)
    return answer(rendering.record(found, seen, call.now), media_type=seen.representation.media_type)


async def _list(call: Call, kind: Kind) -> web.StreamResponse:
    seen = _view(call, kind)
    result = call.api.list(kind, _namespace(call, kind), list_options(call.query))
    return answer(rendering.page(result, seen, call.now), media_type=seen.representation.media_type)


async def _watch(call: Call, kind: Kind) -> web.StreamResponse:
    site, info = call.site, call.info
    seen = view(kind, negotiate_stream(call.accept), call.query.get("includeObject", ""))
    rendering.check_single(seen)
    options = _not_of_the_future(call, list_options(call.query, watch=True))
    if info.name and not options.field_selector:  # the old form, /watch/…/pods/x
        options = replace(options, field_selector=f"metadata.name={info.name}")
    seconds = timeout_seconds(call.query) or _WATCH_SECONDS * random.uniform(1, 2)  # noqa: S311 - spreads ends
    response = begun()
    if warning := deprecation(kind):
        response.headers.extend(warning_header(warning))
    sink = HttpSink(call.request, response, site.reachable)
    try:
        events = call.api.watch(kind, _namespace(call, kind), options)
    except ApiError as error:
        if error.reason != "Expired":
            raise
        return await sink.error(error)
    stream = WatchStream(events, seen, site.lines, site.cluster.clock, lambda: site.cluster.store.revision)
    with site.watching(call.request.transport):
        await sink.stream(
            stream,
            seconds=seconds,
            bookmarks=options.bookmarks,
            initial_end=options.bookmarks and _begins_with_all(options),
        )
    return sink.response


def _begins_with_all(options: ListOptions) -> bool:
    """Tell whether a watch first sends what is there."""
    if options.send_initial_events is None:
        return options.resource_version in ("", "0")
    return options.send_initial_events


def _not_of_the_future(call: Call, options: ListOptions) -> ListOptions:
    """Let a watch from a revision that has not come begin now: the real one waits without a word."""
    version = options.resource_version
    _check_version(version)
    current = call.site.cluster.store.revision
    return replace(options, resource_version=str(current)) if version and int(version) > current else options


def _check_version(version: str) -> None:
    """Raise what etcd's versioner says of a resource version that is no number."""
    if version and not version.isdecimal():
        shown = quoted(version)
        message = (
            f"resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: invalid syntax"
        )
        raise ApiError(500, "", message)


async def _create(call: Call, kind: Kind) -> web.StreamResponse:
    options = write_options("CreateOptions", call.query, call.user_agent)
    body, duplicates = decode(await call.body(), call.content_type, kind)
    reviewed = reviews.find(kind)
    if reviewed is not None:
        answered = reviewed(call, read(body, kind))
        return _answered(call, kind, Result(answered, created=True))
    options = replace(options, duplicates=tuple(duplicates))
    namespace = _namespace(call, kind)
    result = _unless_escalating(call, kind, options, lambda how: call.api.create(kind, namespace, body, how))
    return _answered(call, kind, result)


async def _update(call: Call, kind: Kind) -> web.StreamResponse:
    options = write_options("UpdateOptions", call.query, call.user_agent)
    wanted = body_kind(kind, call.info.subresource)
    body, duplicates = decode(await call.body(), call.content_type, wanted)
    if wanted is not kind:
        body = read(body, wanted)
    options = replace(options, duplicates=tuple(duplicates))
    info = call.info
    result = _unless_escalating(
        call,
        kind,
        options,
        lambda how: call.api.update(kind, _namespace(call, kind), info.name, body, how, info.subresource),
    )
    return _answered(call, wanted, result)


async def _patch(call: Call, kind: Kind) -> web.StreamResponse:
    wanted = patch_kind(call, kind)
    options = write_options("PatchOptions", call.query, call.user_agent, wanted)
    info, body = call.info, await call.body()
    place = (_namespace(call, kind), info.name)
    result = _unless_escalating(
        call, kind, options, lambda how: call.api.patch(kind, *place, wanted, body, how, info.subresource)
    )
    return _answered(call, body_kind(kind, info.subresource), result)


def _unless_escalating(
    call: Call, kind: Kind, options: WriteOptions, write: Callable[[WriteOptions], Result]
) -> Result:
    """Write; Roles and bindings first without effect, to see whether they give more than the user has."""
    if escalation.applies(kind.group, kind.plural, call.who):
        tried = write(replace(options, dry_run=True)).object
        record = call.site.cluster.store.get(kind.storage, _namespace(call, kind), call.info.name)
        old = record.object() if record else None
        escalation.check(call.site.authorizer, call.who, kind.plural, tried, old)
    return write(options)


async def _delete(call: Call, kind: Kind) -> web.StreamResponse:
    options = delete_options(call.query, await delete_body(call))
    result = call.api.delete(kind, _namespace(call, kind), call.info.name, options)
    waits = result.object.get("kind") != "Status" and options.orphan is False
    return _answered(call, kind, result, _ACCEPTED if waits else None)


async def _delete_collection(call: Call, kind: Kind) -> web.StreamResponse:
    options = delete_options(call.query, await delete_body(call))
    seen = _view(call, kind)
    result = call.api.delete_collection(kind, _namespace(call, kind), list_options(call.query), options)
    return answer(rendering.page(result, seen, call.now), media_type=seen.representation.media_type)


async def _subresource(call: Call, kind: Kind) -> web.StreamResponse:
    info = call.info
    found = kind.subresources.get(info.subresource)
    if found is None:
        if kind.custom is not None:
            raise not_found(kind.plural, kind.group, info.name)
        return nothing_there(call)
    if kind.custom is not None and info.verb not in found.verbs:
        raise not_supported(kind.plural, kind.group, info.verb)
    if info.verb not in found.verbs or (kind.custom is None and call.request.method == hdrs.METH_HEAD):
        raise method_not_allowed()
    check_name(info.name)
    if info.subresource in logs.SUBRESOURCES:
        return logs.answered(call, kind)
    if info.verb == "get":
        obj = call.api.get(kind, _namespace(call, kind), info.name, info.subresource)
        return _answered(call, body_kind(kind, info.subresource), Result(obj))
    if info.verb == "update":
        return await _update(call, kind)
    if info.verb == "patch":
        return await _patch(call, kind)
    if info.verb == "create":
        return await _create_subresource(call, kind, found)
    raise method_not_allowed()


async def _create_subresource(call: Call, kind: Kind, found: Subresource) -> web.StreamResponse:
    info = call.info
    options = write_options("CreateOptions", call.query, call.user_agent)
    wanted = body_kind(kind, info.subresource)
    body, _ = decode(await call.body(), call.content_type, wanted)
    body = read(body, wanted)
    if found.kind == "TokenRequest":
        return _answered(call, wanted, Result(reviews.token(call, body), created=True))
    result = call.api.create_subresource(
        kind, _namespace(call, kind), info.name, info.subresource, body, options
    )
    return _answered(call, wanted, replace(result, created=True))


def _namespace(call: Call, kind: Kind) -> str:
    return call.info.namespace if kind.namespaced else ""


def _view(call: Call, kind: Kind) -> View:
    return view(kind, call.representation(), call.query.get("includeObject", ""))


def _answered(call: Call, kind: Kind, result: Result, status: int | None = None) -> web.Response:
    seen = _view(call, kind)
    code = status or (_CREATED if result.created else 200)
    if result.object.get("kind") == "Status" and kind.kind != "Status":
        body = rendering.encoded(result.object, seen.representation)
    else:
        body = rendering.one(result.object, seen, call.now)
    return answer(
        body,
        code,
        seen.representation.media_type,
        warnings=result.warnings,
    )


_VERBS: dict[str, Callable[[Call, Kind], Awaitable[web.StreamResponse]]] = {
    "get": _get,
    "list": _list,
    "watch": _watch,
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
    "deletecollection": _delete_collection,
}
