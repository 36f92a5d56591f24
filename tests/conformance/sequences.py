"""Random sequences of writes to one object, in the form of a case's steps, for the differential test."""

from __future__ import annotations

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


def _named(names: str, fields: dict[str, Drawn]) -> Drawn:
    """A list of objects that are told apart by their name."""
    entry = st.fixed_dictionaries({"name": st.sampled_from(names)}, optional=fields)
    return st.lists(entry, max_size=3, unique_by=lambda item: item["name"])


_METADATA = _some(labels=_LABELS, annotations=_LABELS, finalizers=_FINALIZERS)
_DATA = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", ""]), max_size=3)
_CONFIGMAP = _some(data=_DATA, binaryData=st.dictionaries(st.just("d"), st.sampled_from(["aGk=", "eA=="])))
_SERVICE_PORT = st.fixed_dictionaries(
    {"name": st.sampled_from(["p", "q", "r"]), "port": _PORT},
    optional={"protocol": _PROTOCOL, "targetPort": st.sampled_from([1, 2, "web"]), "appProtocol": _TEXTS},
)
_SERVICE = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {"ports": st.lists(_SERVICE_PORT, min_size=1, max_size=3)},
            optional={
                "selector": _LABELS,
                "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
                "publishNotReadyAddresses": st.booleans(),
                "externalIPs": st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2"]), max_size=2),
            },
        )
    }
)
_WIDGET_PORT = st.fixed_dictionaries(
    {"port": _PORT}, optional={"protocol": _PROTOCOL, "name": st.sampled_from(["p", "q"])}
)
_FREE = st.recursive(
    st.sampled_from([1, "x", True, None, 2.5]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("uv"), inner, max_size=2),
    max_leaves=4,
)
_WIDGET = st.fixed_dictionaries(
    {
        "spec": _some(
            size=st.sampled_from([1, 2, 99]),
            colour=st.sampled_from(["red", "blue", "pink"]),
            ports=st.lists(_WIDGET_PORT, max_size=3),
            tags=st.lists(_TEXTS, max_size=3),
            steps=st.lists(_TEXTS, max_size=2),
            limits=st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from([1, "1Gi"])),
            place=_some(city=_TEXTS, country=_TEXTS),
            free=st.dictionaries(st.sampled_from("st"), _FREE, max_size=2),
            note=st.sampled_from([None, "x"]),
            unknown=st.just(1),
        )
    }
)
_ENV = _named("AB", {"value": _TEXTS})
_CONTAINER_PORT = st.fixed_dictionaries(
    {"containerPort": _PORT}, optional={"protocol": _PROTOCOL, "name": st.sampled_from(["p", "q"])}
)
_CONTAINERS = _named(
    "abc",
    {
        "image": st.sampled_from(["i", "j"]),
        "env": _ENV,
        "ports": st.lists(_CONTAINER_PORT, max_size=2),
        "args": st.lists(_TEXTS, max_size=2),
        "resources": st.fixed_dictionaries(
            {"requests": st.dictionaries(st.just("cpu"), st.sampled_from(["500m", "0.5", "1"]), max_size=1)}
        ),
    },
)
_VOLUMES = _named("vw", {"emptyDir": st.just({}), "configMap": st.just({"name": "c"})})
_POD = _some(
    containers=_CONTAINERS,
    volumes=_VOLUMES,
    nodeSelector=_LABELS,
    terminationGracePeriodSeconds=st.sampled_from([5, 30]),
    tolerations=st.lists(
        st.sampled_from([{"key": "k", "operator": "Exists"}, {"operator": "Exists"}]), max_size=2
    ),
)
_STRATEGY = st.sampled_from(
    [{"type": "Recreate"}, {"type": "RollingUpdate"}, {"rollingUpdate": {"maxSurge": 1}}, {}]
)
# Always paused and without replicas: no controller changes the object beside the sequence.
_STILL = {
    "paused": st.just(True),  # noqa: FBT003 - a value, no flag
    "replicas": st.just(0),
}
_DEPLOYMENT = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            _STILL
            | {
                "selector": st.just({"matchLabels": {"app": "x"}}),
                "template": st.fixed_dictionaries(
                    {"metadata": st.just({"labels": {"app": "x"}}), "spec": _POD}
                ),
            },
            optional={
                "strategy": _STRATEGY,
                "minReadySeconds": st.sampled_from([0, 3]),
                "revisionHistoryLimit": st.sampled_from([0, 10]),
            },
        )
    }
)
_KINDS: dict[str, tuple[Json, Drawn]] = {
    "configmaps": ({"apiVersion": "v1", "kind": "ConfigMap"}, _CONFIGMAP),
    "services": ({"apiVersion": "v1", "kind": "Service"}, _SERVICE),
    "widgets": ({"apiVersion": "conformance.example.com/v1", "kind": "Widget"}, _WIDGET),
    "deployments": ({"apiVersion": "apps/v1", "kind": "Deployment"}, _DEPLOYMENT),
}


@st.composite
def sequences(draw: st.DrawFn, longest: int = 8) -> list[Json]:
    """Draw the steps of one sequence: applies, updates, the three patches and deletes of one object."""
    plural = draw(st.sampled_from(sorted(_KINDS)))
    kind, content = _KINDS[plural]
    count = draw(st.integers(2, longest))
    return [draw(_step(plural, kind, content)) for _ in range(count)]


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
    return _with_nulls(draw, body, strategic=strategic)


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
    values = {
        "configmaps": st.sampled_from(["x", "y"]) | _DATA,
        "services": _SERVICE_PORT | st.just(7) | _LABELS,
        "widgets": _TEXTS | _WIDGET_PORT | st.sampled_from([1, 2]) | st.lists(_TEXTS, max_size=2),
        "deployments": st.sampled_from([0, 3]) | st.just("i") | _LABELS,
    }[plural]
    path = st.sampled_from([*paths, "/metadata/labels", "/metadata/labels/l"])
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": path, "value": values}
    )
    removal = st.fixed_dictionaries({"op": st.just("remove"), "path": path})
    return st.lists(operation | removal, max_size=2)
