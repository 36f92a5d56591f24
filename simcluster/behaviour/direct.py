"""Writes of controllers that need no check: straight to the store, with the result that the api would give.

Objects that controllers make of one template differ by names, uids and times only, so the api prepares the
first one, and the others are copies (`Prepared`). Statuses and Events are well-formed by construction.
Everything else, and what is not certain to come out the same, goes through the api.
"""

from __future__ import annotations

from collections import OrderedDict

import orjson

from simcluster.api import namespaces
from simcluster.api.core import Core
from simcluster.api.identity import new_uid
from simcluster.behaviour import tracking
from simcluster.kinds.kind import Kind
from simcluster.store.records import canonical
from simcluster.strategies import generation
from simcluster.strategies.names import suffix
from simcluster.values import JsonObject

_REMEMBERED = 256
_LONGEST_NAME = 63
_OWNER = "00000000-0000-4000-8000-0000000000ff"
_TOKEN = b"kube-api-access-"
_CLASSES = "scheduling.k8s.io/priorityclasses"
_SYSTEM_CLASSES = 2
_COPIED = frozenset(("pods", "apps/replicasets"))
_OWN = frozenset(("apps/replicasets", "discovery.k8s.io/endpointslices", "endpoints"))


class Prepared:
    """Objects as the api prepared them, by what was asked for. A memory of a pure function: shared by all."""

    __slots__ = ("_bodies",)

    def __init__(self) -> None:
        self._bodies: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """Return the body that was kept for a key."""
        found = self._bodies.get(key)
        if found is not None:
            self._bodies.move_to_end(key)
        return found

    def keep(self, key: bytes, made: JsonObject, owner: str) -> None:
        """Keep what the api made, with the owner's uid made neutral; forget what was long not asked for."""
        self._bodies[key] = canonical(made).replace(owner.encode(), _OWNER.encode())
        if len(self._bodies) > _REMEMBERED:
            self._bodies.popitem(last=False)


_PREPARED = Prepared()


def key_for(core: Core, obj: JsonObject, kind: Kind, manager: str) -> bytes | None:
    """Return under what a new object's prepared form is kept; None where it must not be copied.

    It holds all that admission looks at, in the object and beside it.
    """
    metadata = obj["metadata"]
    references: list[JsonObject] = metadata.get("ownerReferences") or []
    if kind.storage not in _COPIED or len(references) != 1 or len(metadata["name"]) > _LONGEST_NAME:
        return None
    beside: JsonObject = {}
    if kind.storage == "pods":
        spec, namespace = obj["spec"], metadata["namespace"]
        account = core.store.get("serviceaccounts", namespace, spec.get("serviceAccountName") or "default")
        plain = len(core.store.items(_CLASSES)) == _SYSTEM_CLASSES and not core.store.items(
            "limitranges", namespace
        )
        if account is None or not plain or spec.get("runtimeClassName"):
            return None
        said = account.object()
        beside = {key: said.get(key) for key in ("automountServiceAccountToken", "imagePullSecrets")}
    kept = {key: value for key, value in metadata.items() if key not in ("name", "generateName", "namespace")}
    kept["ownerReferences"] = [{**references[0], "uid": "", "name": ""}]
    generated = "generateName" in metadata
    asked = {"object": {**obj, "metadata": kept}, "by": [manager, generated], "beside": beside}
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)


def remember(key: bytes, made: JsonObject) -> None:
    """Keep what the api made for `key`."""
    _PREPARED.keep(key, made, made["metadata"]["ownerReferences"][0]["uid"])


def copy(core: Core, obj: JsonObject, kind: Kind, key: bytes) -> JsonObject | None:
    """Create an object as a copy of one that was prepared; None where there is none, or where it would fail.

    Draws the same random numbers as the api would.
    """
    body = _PREPARED.get(key)
    metadata = obj["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    if body is None or core.store.get(kind.storage, namespace, name) is not None:
        return None
    namespaces.check_open(core, kind, namespace, name)
    uid = new_uid(core.random)
    at = body.find(_TOKEN)
    if at >= 0:
        end = body.index(b'"', at)
        body = body.replace(body[at:end], _TOKEN + suffix(core.random).encode())
    reference = metadata["ownerReferences"][0]
    made: JsonObject = orjson.loads(body.replace(_OWNER.encode(), reference["uid"].encode()))
    own = made["metadata"]
    own |= {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": core.now}
    if "generateName" in metadata:
        own["generateName"] = metadata["generateName"]
    own["ownerReferences"] = [reference]
    for entry in own.get("managedFields") or ():
        entry["time"] = core.now
    core.store.put(kind.storage, made)
    return made


def put_status(
    core: Core, change: tuple[JsonObject, JsonObject], kind: Kind, manager: str
) -> JsonObject | None:
    """Write the status (and changed annotations) of an object that was just read; None: ask the api.

    `change` is the object as read, and as it shall be.
    """
    found, wanted = change
    metadata = wanted["metadata"]
    live = core.store.get(kind.storage, metadata.get("namespace", ""), metadata["name"])
    if live is None or str(live.revision) != metadata["resourceVersion"]:
        return None
    if live.api_version != kind.api_version or (kind.storage == "batch/jobs" and "labels" not in metadata):
        return None  # a Job without labels gets those of its template, whatever is written
    entries = tracking.status_entries(found, wanted, kind.schema, (manager, kind.api_version, core.now))
    if entries is None:
        return None
    made = {**wanted, "metadata": {**metadata, "managedFields": entries}}
    core.store.put(kind.storage, made)
    return made


def put(core: Core, change: tuple[JsonObject, JsonObject], kind: Kind, manager: str) -> JsonObject | None:
    """Write what a controller changed of an object of its own, which was just read; None: ask the api.

    `change` is the object as read, and as it shall be. Labels, owners and finalizers must stay.
    """
    found, wanted = change
    before, metadata = found["metadata"], wanted["metadata"]
    live = core.store.get(kind.storage, metadata.get("namespace", ""), metadata["name"])
    if (
        live is None
        or str(live.revision) != metadata["resourceVersion"]
        or live.api_version != kind.api_version
    ):
        return None
    if kind.storage not in _OWN or "deletionTimestamp" in metadata:
        return None
    if any(
        before.get(key) != metadata.get(key)
        for key in before.keys() | metadata.keys()
        if key != "annotations"
    ):
        return None
    entries = tracking.own_entries(found, wanted, kind.schema, (manager, kind.api_version, core.now))
    if entries is None:
        return None
    number = generation(wanted, found, kind)
    told = {} if number is None else {"generation": number}
    made = {**wanted, "metadata": {**metadata, **told, "managedFields": entries}}
    core.store.put(kind.storage, made)
    return made


def put_event(core: Core, event: JsonObject, kind: Kind, manager: str) -> JsonObject:
    """Create an Event; raises `ApiError` where its namespace does not take any."""
    metadata = event["metadata"]
    namespaces.check_open(core, kind, metadata["namespace"], metadata["name"])
    metadata |= {"uid": new_uid(core.random), "creationTimestamp": core.now}
    metadata["managedFields"] = [_event_entry(event, manager, core.now)]
    core.store.put(kind.storage, event)
    return event


def count_event(core: Core, live: JsonObject, event: JsonObject, kind: Kind) -> JsonObject:
    """Write an Event again with its new count, time and message."""
    made = {**live, **event, "metadata": live["metadata"]}
    for entry in made["metadata"].get("managedFields") or ():
        entry["time"] = core.now
    core.store.put(kind.storage, made)
    return made


_OLD_FIELDS = (
    "count",
    "firstTimestamp",
    "involvedObject",
    "lastTimestamp",
    "message",
    "reason",
    "reportingComponent",
    "type",
)
_NEW_FIELDS = (
    "action",
    "eventTime",
    "note",
    "reason",
    "regarding",
    "reportingController",
    "reportingInstance",
    "type",
)


def _event_entry(event: JsonObject, manager: str, now: str) -> JsonObject:
    """Return the entry that the writer gets, through the group that it writes to."""
    if event["eventTime"] is not None:
        version = "events.k8s.io/v1"
        fields: JsonObject = {f"f:{key}": {} for key in _NEW_FIELDS}
    else:
        version = "v1"
        fields = {f"f:{key}": {} for key in _OLD_FIELDS if event[key]}
        fields["f:source"] = {"f:component": {}}
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": version,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
