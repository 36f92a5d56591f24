"""What travels between the verbs and the transport: calls, answers, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

import orjson

from gitops.objects import JsonObject

METADATA_OBJECT = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ERRORS_FROM = 400


def is_object(body: object, *, name: bool = True) -> bool:
    """Whether this has the metadata that everything here rests on; a bookmark has no `name`."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return isinstance(metadata, dict) and (not name or isinstance(metadata.get("name"), str))


def json_object(body: bytes) -> JsonObject | None:
    """Read a JSON object; None for anything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


class Retry(Enum):
    """When a call may be sent a second time."""

    ALWAYS = "always"  # idempotent
    UNSEEN = "unseen"  # only where the server certainly did not begin with it
    NEVER = "never"


class Call(NamedTuple):
    """One request. `url` is path and query, already quoted. `kind` is empty where no object is meant."""

    verb: str
    method: str
    url: str
    resource: str
    kind: str = ""
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    retry: Retry = Retry.ALWAYS
    dry_run: bool = False


class Answer(NamedTuple):
    """A whole HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Silence(NamedTuple):
    """No answer came. `sent` is false only where the request certainly never left."""

    reason: str
    sent: bool


class RequestSeen(NamedTuple):
    """One request as it went over the wire, retries included. `code` is 0 where no answer came."""

    verb: str
    resource: str
    code: int
    seconds: float
    dry_run: bool


class Listing(NamedTuple):
    """All pages of a list, and the resource version from which a watch continues it."""

    items: tuple[JsonObject, ...]
    resource_version: str


class WatchEvent(NamedTuple):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (then only the resource version counts)."""

    type: str
    object: JsonObject
