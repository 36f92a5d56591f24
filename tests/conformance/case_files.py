"""Cases as YAML: what is asked of a server, step by step, and what the real one answered.

A file in `cases/` is a subject, a list of cases. Each runs in a namespace of its own, `{ns}`:

    - case: create-twice
      states: A second create of the same name is refused.
      given: [{do: POST <configmaps>, body: {like: configmap}}]        # must succeed; not compared
      steps:
      - do: POST <configmaps>
        body: {like: configmap, data: {a: b}}   # merged onto the object of that name in objects.yaml
        expect: 409                             # this and what follows is recorded on the real server
        answer: {reason: AlreadyExists, …}

`do` is a verb and a path. Verbs: GET, POST, PUT, DELETE; APPLY, MERGE, STRATEGIC, JSON for the four patches;
UNTIL repeats a GET until every path of `until` has its value (or the status is `until`); OPEN starts a watch,
READ takes `events` from it, WATCH does both; KUBECTL runs the rig's kubectl. `<configmaps>` stands for a
collection, `{name}` for the namespace or what an earlier step kept by `save: {name: path}`. `text` is a body
sent as it is, `type` its content type, `accept`, `headers` and `user` (admin, limited, nobody, stranger) the
rest of the request. `show` chooses what is compared (see `answers.at`), `refused` the same of a refusal,
`sort: true` orders lists that servers order as they like.

`python -m tests.conformance.record` writes `expect`, `answer` and `warnings` from the real server.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
# Reads the same as SafeLoader, many times faster; there are megabytes of answers.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RECORDED = ("expect", "answer", "warnings")
_PLACEHOLDER = re.compile(r"\{([a-zA-Z_]\w*)\}")
_COLLECTION = re.compile(r"<([a-z]+)>")
_CORE = "/api/v1/namespaces/{ns}"
_GROUPS = {
    "/apis/apps/v1": ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"),
    "/apis/batch/v1": ("jobs", "cronjobs"),
    "/apis/networking.k8s.io/v1": ("ingresses", "networkpolicies"),
    "/apis/discovery.k8s.io/v1": ("endpointslices",),
    "/apis/policy/v1": ("poddisruptionbudgets",),
    "/apis/rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
    "/apis/autoscaling/v2": ("horizontalpodautoscalers",),
    "/apis/coordination.k8s.io/v1": ("leases",),
    "/apis/conformance.example.com/v1": ("widgets",),
}
_COLLECTIONS = {
    plural: f"{group}/namespaces/{{ns}}/{plural}" for group, plurals in _GROUPS.items() for plural in plurals
} | {
    "namespaces": "/api/v1/namespaces",
    "nodes": "/api/v1/nodes",
    "crds": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One case; steps are as written in its file."""

    subject: str
    name: str
    given: tuple[dict[str, Any], ...]
    steps: tuple[dict[str, Any], ...]


def load(folder: str = "cases") -> list[Case]:
    """Return every case below `folder`, in the order of files and of cases in them."""
    return [
        Case(path.stem, raw["case"], tuple(raw.get("given", ())), tuple(raw["steps"]))
        for path in sorted((FOLDER / folder).glob("*.yaml"))
        for raw in yaml.load(path.read_text(), Loader=_LOADER)
    ]


@functools.cache
def objects() -> dict[str, Any]:
    """Return the objects that bodies are `like`, by name. They are shared: change copies only."""
    found: dict[str, Any] = yaml.load((FOLDER / "objects.yaml").read_text(), Loader=_LOADER)
    return found


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace `{name}` by its value in every text below `value`; names that nobody gave stay."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: variables.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if isinstance(value, dict):
        return {filled(name, variables): filled(item, variables) for name, item in value.items()}
    return value


def path_of(text: str, variables: Mapping[str, str]) -> str:
    """Spell out the collections and the names of a step's path."""
    spelled = _COLLECTION.sub(lambda found: _COLLECTIONS.get(found[1], f"{_CORE}/{found[1]}"), text)
    return str(filled(spelled, variables))


def body_of(value: Any, known: Mapping[str, Any]) -> Any:
    """Return a step's body with what it is `like` below it."""
    if isinstance(value, dict) and "like" in value:
        changes = {name: item for name, item in value.items() if name != "like"}
        return _merged(copy.deepcopy(known[value["like"]]), changes)
    return value


def _merged(target: Any, changes: Any) -> Any:
    """RFC 7386, as everywhere."""
    if not isinstance(changes, dict):
        return changes
    found = dict(target) if isinstance(target, dict) else {}
    for name, item in changes.items():
        if item is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), item)
    return found
