"""Random sequences of writes to one object, in the form of a case's steps, for the differential test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = dict[str, Any]
Drawn: TypeAlias = st.SearchStrategy[Any]

MANAGERS = ("one", "two", "three")
_TEXTS = st.sampled_from(["x", "y", "z"])
_LABELS = st.dictionaries(st.sampled_from(["l", "m", "example.com/n"]), _TEXTS, max_size=2)
_FINALIZERS = st.lists(st.sampled_from(["example.com/f", "example.com/g"]), max_size=2)
_PORT = st.sampled_from([80, 81, 82])
_PROTOCOL = st.sampled_from(["TCP", "UDP"])


def _some(**fields: Drawn) -> Drawn:
    """An object with any of `fields`."""
    return st.fixed_dictionaries({}, optional=fields)


_METADATA = _some(labels=_LABELS, annotations=_LABELS, finalizers=_FINALIZERS)
_DATA = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", ""]), max_size=3)
_FREE = st.recursive(
    st.sampled_from([1, "x", True, None, 2.5]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("uv"), inner, max_size=2),
    max_leaves=4,
)


def _listed(entries: Drawn, key: str, *, sloppy: bool, least: int = 0) -> Drawn:
    """A list of objects, told apart by `key` unless `sloppy`."""
    if sloppy:
        return st.lists(entries, max_size=3)
    return st.lists(entries, min_size=least, max_size=3, unique_by=lambda item: item[key])


def _configmap(*, sloppy: bool) -> Drawn:
    binary = st.dictionaries(st.just("a" if sloppy else "d"), st.sampled_from(["aGk=", "eA=="]))
    return _some(data=_DATA, binaryData=binary)


_NAMED_PORTS = [{"name": f"p{port}", "port": port} for port in (80, 81, 82)]


def _service(*, sloppy: bool) -> Drawn:
    options: dict[str, Drawn] = {
        "protocol": _PROTOCOL,
        "targetPort": st.sampled_from([1, 2, "web"]),
        "appProtocol": _TEXTS,
    }
    named = st.sampled_from(_NAMED_PORTS)
    if sloppy:
        named = st.fixed_dictionaries({"name": st.sampled_from(["p80", "p81", "q"]), "port": _PORT})
    port = st.builds(lambda left, right: left | right, named, _some(**options))
    spec = st.fixed_dictionaries(
        {"ports": _listed(port, "port", sloppy=sloppy, least=1)},
        optional={
            "selector": _LABELS,
            "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
            "publishNotReadyAddresses": st.booleans(),
            "externalIPs": st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2"]), max_size=2),
        },
    )
    return st.fixed_dictionaries({"spec": spec})


def _widget(*, sloppy: bool) -> Drawn:
    port = st.fixed_dictionaries(
        {"port": _PORT}, optional={"protocol": _PROTOCOL, "name": st.sampled_from(["p", "q"])}
    )
    options: dict[str, Drawn] = {
        "colour": st.sampled_from(["red", "blue", "pink"] if sloppy else ["red", "blue"]),
        "ports": _listed(port, "port", sloppy=sloppy),
        "tags": st.lists(_TEXTS, max_size=3, unique=not sloppy),
        "steps": st.lists(_TEXTS, max_size=2),
        "limits": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from([1, "1Gi"])),
        "place": _some(city=_TEXTS, country=_TEXTS),
        "free": st.dictionaries(st.sampled_from("st"), _FREE, max_size=2),
        "note": st.sampled_from([None, "x"]),
    }
    if sloppy:
        return st.fixed_dictionaries(
            {"spec": _some(size=st.sampled_from([1, 99, "x"]), unknown=st.just(1), **options)}
        )
    size = {"size": st.sampled_from([1, 2])}
    return st.fixed_dictionaries({"spec": st.fixed_dictionaries(size, optional=options)})


def _pod(*, sloppy: bool) -> Drawn:
    port = st.fixed_dictionaries(
        {"containerPort": _PORT}, optional={"protocol": _PROTOCOL, "name": st.sampled_from(["p", "q"])}
    )
    options: dict[str, Drawn] = {
        "env": _listed(
            st.fixed_dictionaries({"name": st.sampled_from("AB")}, optional={"value": _TEXTS}),
            "name",
            sloppy=sloppy,
        ),
        "ports": st.lists(port, max_size=2, unique_by=lambda item: item.get("name", item["containerPort"])),
        "args": st.lists(_TEXTS, max_size=2),
        "resources": st.fixed_dictionaries(
            {"requests": st.dictionaries(st.just("cpu"), st.sampled_from(["500m", "0.5", "1"]), max_size=1)}
        ),
    }
    image = {"image": st.sampled_from(["i", "j"])}
    container = st.fixed_dictionaries(
        {"name": st.sampled_from("abc")} | ({} if sloppy else image),
        optional=options | (image if sloppy else {}),
    )
    volume = st.fixed_dictionaries(
        {"name": st.sampled_from("vw")},
        optional={"emptyDir": st.just({})} | ({"configMap": st.just({"name": "c"})} if sloppy else {}),
    )
    tolerations = st.sampled_from([{"key": "k", "operator": "Exists"}, {"operator": "Exists"}])
    return st.fixed_dictionaries(
        {"containers": _listed(container, "name", sloppy=sloppy, least=1)},
        optional={
            "volumes": _listed(volume, "name", sloppy=sloppy),
            "nodeSelector": _LABELS,
            "terminationGracePeriodSeconds": st.sampled_from([5, 30]),
            "tolerations": st.lists(tolerations, max_size=2),
        },
    )


def _deployment(*, sloppy: bool) -> Drawn:
    # Always paused and without replicas: no controller changes the object beside the sequence.
    still = {"paused": st.just(value=True), "replicas": st.just(0)}
    strategies: list[Json] = [{"type": "RollingUpdate"}, {"rollingUpdate": {"maxSurge": 1}}, {}]
    template = st.fixed_dictionaries(
        {"metadata": st.just({"labels": {"app": "x"}}), "spec": _pod(sloppy=sloppy)}
    )
    spec = st.fixed_dictionaries(
        still | {"selector": st.just({"matchLabels": {"app": "x"}}), "template": template},
        optional={
            "strategy": st.sampled_from([*strategies, {"type": "Recreate"}] if sloppy else strategies),
            "minReadySeconds": st.sampled_from([0, 3]),
            "revisionHistoryLimit": st.sampled_from([0, 10]),
        },
    )
    return st.fixed_dictionaries({"spec": spec})


_KINDS: dict[str, tuple[Json, Callable[..., Drawn]]] = {
    "configmaps": ({"apiVersion": "v1", "kind": "ConfigMap"}, _configmap),
    "services": ({"apiVersion": "v1", "kind": "Service"}, _service),
    "widgets": ({"apiVersion": "conformance.example.com/v1", "kind": "Widget"}, _widget),
    "deployments": ({"apiVersion": "apps/v1", "kind": "Deployment"}, _deployment),
}
# Of each kind what is mostly valid, so that sequences get far, and what often is not.
_CONTENTS = {
    (plural, sloppy): content(sloppy=sloppy)
    for plural, (_, content) in _KINDS.items()
    for sloppy in (False, True)
}


@st.composite
def sequences(draw: st.DrawFn, longest: int = 8) -> list[Json]:
    """Draw the steps of one sequence: applies, updates, the three patches and deletes of one object."""
    plural = draw(st.sampled_from(sorted(_KINDS)))
    kind, _ = _KINDS[plural]
    sloppy = draw(st.sampled_from([False, False, True]))
    count = draw(st.integers(2, longest))
    return [draw(_step(plural, kind, _CONTENTS[plural, sloppy])) for _ in range(count)]


@st.composite
def _step(draw: st.DrawFn, plural: str, kind: Json, content: Drawn) -> Json:
    verbs = ["APPLY", "APPLY", "APPLY", "POST", "PUT", "MERGE", "JSON", "DELETE"]
    verb = draw(st.sampled_from(verbs if plural == "widgets" else [*verbs, "STRATEGIC"]))
    path = f"<{plural}>" if verb == "POST" else f"<{plural}>/{{name}}"
    if verb == "DELETE":
        return {"do": f"DELETE {path}"}
    query = f"fieldManager={draw(st.sampled_from(MANAGERS))}"
    if verb == "APPLY" and draw(st.booleans()):
        query += "&force=true"
    step: Json = {"do": f"{verb} {path}?{query}", "save": {"version": "metadata.resourceVersion"}}
    if verb == "JSON":
        return step | {"body": draw(_json_patch(plural))}
    if verb in ("MERGE", "STRATEGIC"):
        return step | {"body": draw(_partial(content, strategic=verb == "STRATEGIC"))}
    metadata = draw(_METADATA) | {"name": "{name}"}
    if verb == "PUT" and plural in ("widgets", "configmaps"):
        metadata["resourceVersion"] = "{version}"
    return step | {"body": kind | {"metadata": metadata} | draw(content)}


@st.composite
def _partial(draw: st.DrawFn, content: Drawn, *, strategic: bool) -> Json:
    """Draw a part of an object with some fields null, and with directives for a strategic patch."""
    body: Json = draw(content)
    if draw(st.booleans()):
        body = body | {"metadata": draw(_METADATA)}
    changed: Json = _with_nulls(draw, body, strategic=strategic)
    return changed


_KEPT = ("paused", "replicas", "selector", "ports")


def _with_nulls(draw: st.DrawFn, value: Any, *, strategic: bool) -> Any:
    if isinstance(value, list):
        return [_with_nulls(draw, item, strategic=strategic) for item in value]
    if not isinstance(value, dict):
        return value
    found = {
        name: None
        if name not in (*_KEPT, "name", "port", "containerPort", "spec", "template", "metadata")
        and draw(st.integers(0, 7)) == 0
        else _with_nulls(draw, item, strategic=strategic)
        for name, item in value.items()
    }
    if strategic and value.get("name") and draw(st.integers(0, 7)) == 0:
        found["$patch"] = "delete"
    return found


def _json_patch(plural: str) -> Drawn:
    paths = {
        "configmaps": ["/data", "/data/a", "/data/b"],
        "services": ["/spec/ports/0", "/spec/ports/-", "/spec/ports/0/targetPort", "/spec/selector"],
        "widgets": [
            "/spec/tags/-",
            "/spec/tags",
            "/spec/ports/0",
            "/spec/size",
            "/spec/note",
            "/spec/place/city",
        ],
        "deployments": [
            "/spec/minReadySeconds",
            "/spec/template/spec/containers/0",
            "/spec/template/spec/containers/0/image",
            "/spec/template/spec/nodeSelector",
        ],
    }[plural]
    values: dict[str, Drawn] = {
        "configmaps": st.sampled_from(["x", "y"]) | _DATA,
        "services": st.sampled_from([*_NAMED_PORTS, 7]) | _LABELS,
        "widgets": st.sampled_from(["x", "y", 1, 2, {"port": 80}, {"port": 81}])
        | st.lists(_TEXTS, max_size=2),
        "deployments": st.sampled_from([0, 3, "i", {"name": "a", "image": "i"}]) | _LABELS,
    }
    path = st.sampled_from([*paths, "/metadata/labels", "/metadata/labels/l"])
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": path, "value": values[plural]}
    )
    removal = st.fixed_dictionaries({"op": st.just("remove"), "path": path})
    return st.lists(operation | removal, max_size=2)
