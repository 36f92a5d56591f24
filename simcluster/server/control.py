"""What a test does to a cluster from outside: faults, compaction, dropped watches, time. Not Kubernetes.

Below `/_simcluster/`: `GET` and `PUT faults`, `POST compact`, `POST drop-watches`,
`POST pause-controllers`, `POST resume-controllers`, `POST step`, `GET state`.
"""

from __future__ import annotations

import orjson

from simcluster import faults
from simcluster.clock import SteppedClock, timestamp
from simcluster.errors import bad_request, method_not_allowed, no_such_path
from simcluster.server.site import Site
from simcluster.values import JsonObject

PREFIX = "/_simcluster/"


def control(site: Site, method: str, action: str, body: bytes) -> JsonObject:
    """Do it, and return the answer. Raises `ApiError` 400, 404 or 405."""
    if action == "faults":
        return _faults(site, method, body)
    if action == "state":
        return _state(site)
    actions = {
        "compact": _compact,
        "drop-watches": _drop_watches,
        "pause-controllers": _pause_controllers,
        "resume-controllers": _resume_controllers,
        "step": _step,
    }
    if action not in actions:
        raise no_such_path()
    if method != "POST":
        raise method_not_allowed()
    return actions[action](site, _object(body))


def _faults(site: Site, method: str, body: bytes) -> JsonObject:
    injector = site.cluster.faults
    if method == "PUT":
        try:
            injector.set(faults.from_json(_object(body)))
        except ValueError as error:
            raise bad_request(str(error)) from None
    elif method != "GET":
        raise method_not_allowed()
    return faults.to_json(injector.current)


def _state(site: Site) -> JsonObject:
    store = site.cluster.store
    return {
        "simulation": True,
        "name": site.cluster.name,
        "time": timestamp(site.cluster.clock.now()),
        "revision": store.revision,
        "compacted": store.compacted,
        "objects": {storage: len(store.items(storage)) for storage in store.storages()},
        "watches": len(store.watches()),
    }


def _compact(site: Site, said: JsonObject) -> JsonObject:
    revision = said.get("revision")
    if revision is not None and (not isinstance(revision, int) or isinstance(revision, bool)):
        raise bad_request("revision must be an integer")
    site.cluster.store.compact(revision)
    return {"compacted": site.cluster.store.compacted}


def _drop_watches(site: Site, said: JsonObject) -> JsonObject:
    del said
    dropped = len(site.watches)
    site.drop_watches()
    return {"dropped": dropped}


def _pause_controllers(site: Site, said: JsonObject) -> JsonObject:
    del said
    site.cluster.behaviour.pause_controllers()
    return {}


def _resume_controllers(site: Site, said: JsonObject) -> JsonObject:
    del said
    site.cluster.behaviour.resume_controllers()
    return {}


def _step(site: Site, said: JsonObject) -> JsonObject:
    clock, seconds = site.cluster.clock, said.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise bad_request("seconds must be a number that is not negative")
    if not isinstance(clock, SteppedClock):
        raise bad_request("this cluster's clock runs by itself")
    clock.step(seconds)
    return {"time": timestamp(clock.now())}


def _object(body: bytes) -> JsonObject:
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise bad_request("the body is not JSON") from None
    if not isinstance(found, dict):
        raise bad_request("the body must be an object")
    return found
