"""What has to do with a pod's processes: its log, which is invented; exec and the like, which are refused.

Every container has written the same two lines, as in the rig of the tests. A log never grows, so following
one ends at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from simcluster.errors import ApiError, Cause, bad_request, invalid, no_such_path
from simcluster.kinds.kind import Kind
from simcluster.server.call import Call, answer
from simcluster.server.paths import Query, truth
from simcluster.values import JsonObject

SUBRESOURCES = frozenset(("log", "exec", "attach", "portforward", "proxy"))
LINES = ("listening on :8080", "fatal: cannot reach the database")
_SIMULATION = "this is a simulation: there is no process behind a pod"


def answered(call: Call, kind: Kind) -> web.Response:
    """Answer for one of `SUBRESOURCES`. Raises `ApiError`."""
    info = call.info
    obj = call.api.get(kind, info.namespace if kind.namespaced else "", info.name)
    if info.subresource == "log":
        return _log(call.query, obj)
    if info.subresource in ("exec", "attach"):
        _container(call.query, obj)
    if info.subresource == "proxy":
        raise ApiError(503, "ServiceUnavailable", _SIMULATION)
    if "upgrade" not in call.request.headers.get("Connection", "").lower():
        raise bad_request("Upgrade request required")
    raise ApiError(501, "NotImplemented", _SIMULATION)


def _log(query: Query, pod: JsonObject) -> web.Response:
    options = _options(query, pod["metadata"]["name"])
    _container(query, pod)
    if not pod["spec"].get("nodeName"):
        return web.Response(status=204)
    lines = _lines(pod, stamped=truth(query.get("timestamps")))
    tail = options.get("tailLines")
    if tail is not None:
        lines = lines[len(lines) - tail :] if tail < len(lines) else lines
    text = "".join(f"{line}\n" for line in lines).encode()
    return answer(text[: options.get("limitBytes") or None], media_type="text/plain")


def _lines(pod: JsonObject, *, stamped: bool) -> list[str]:
    if not stamped:
        return list(LINES)
    started = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    moments = (started + timedelta(microseconds=each) for each in range(len(LINES)))
    return [f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z {line}" for moment, line in zip(moments, LINES, strict=True)]


def _options(query: Query, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    causes = []
    for key, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        text = query.get(key)
        if not text:
            continue
        try:
            found[key] = int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
        if found[key] < least:
            told = "must be greater than 0" if least else "must be greater than or equal to 0"
            causes.append(Cause(key, "FieldValueInvalid", f"Invalid value: {found[key]}: {told}"))
    if causes:
        raise invalid("PodLogOptions", "", name, causes)
    return found


def _container(query: Query, pod: JsonObject) -> str:
    """Return the container that is meant. Raises `ApiError` 400 where none or an unknown one is named."""
    name, spec = pod["metadata"]["name"], pod.get("spec")
    if spec is None:
        raise no_such_path()
    names = [each["name"] for each in spec["containers"]]
    init = [each["name"] for each in spec.get("initContainers") or ()]
    wanted = query.get("container", "")
    if not wanted:
        if len(names) == 1 and not init:
            return str(names[0])
        more = f" or one of the init containers: [{' '.join(init)}]" if init else ""
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]{more}"
        )
    ephemeral = [each["name"] for each in spec.get("ephemeralContainers") or ()]
    if wanted not in (*names, *init, *ephemeral):
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted
