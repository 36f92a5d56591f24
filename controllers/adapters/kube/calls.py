"""Parts of requests: paths of objects, query strings, bodies. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode

import orjson

from controllers.adapters.kube.errors import Rejected
from controllers.adapters.kube.resources import Resource
from gitops.errors import Refused
from gitops.objects import Json, JsonObject

FIELD_MANAGER = "gitops-waves"


def object_path(resource: Resource, namespace: str, name: str) -> str:
    """Build the path of one object; Refused where the name (or a needed namespace) is missing or unfit."""
    if not name:
        raise Refused(f"a {resource.group_kind} without a name cannot be addressed")
    return resource.path(namespace, name)


def body_path(resource: Resource, body: JsonObject) -> str:
    """Build the path of the object that a body describes; Refused as `object_path`."""
    metadata = body.get("metadata") or {}
    return object_path(resource, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))


def encoded(resource: Resource, body: Json) -> bytes:
    """Write a body as JSON; Rejected for what JSON or the API cannot hold (integers beyond 64 bits)."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise Rejected(f"this {resource.group_kind} cannot be written as JSON: {error}", code=0) from None


def selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    """Give the query parameters of the selectors that are not empty."""
    chosen = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {name: value for name, value in chosen.items() if value}


@lru_cache(maxsize=64)  # the same few for thousands of objects
def applying(field_manager: str, *, force: bool, dry_run: bool) -> str:
    """Give the query string of a Server-Side Apply."""
    parameters = {"fieldManager": field_manager, "force": str(force).lower(), "fieldValidation": "Strict"}
    return urlencode(parameters | {"dryRun": "All"} if dry_run else parameters)


def writing(*, dry_run: bool) -> dict[str, str]:
    """Give the query parameters of a create or an update."""
    parameters = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    return parameters | {"dryRun": "All"} if dry_run else parameters


def query(path: str, parameters: Mapping[str, str]) -> str:
    """Put path and query string together, quoted."""
    return f"{path}?{urlencode(parameters)}" if parameters else path
