"""What an answer to a verb holds: an object, the page of a list, or the error that it stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.status import error_for
from controllers.adapters.kube.wire import ERRORS_FROM, Answer, Call, is_object, json_object
from gitops.errors import Unreachable
from gitops.objects import JsonObject


def object_in(call: Call, answer: Answer, *, cluster: str) -> JsonObject:
    """Read the JSON object; raises the error that an answer of 400 or more stands for, else Unreachable."""
    if answer.status >= ERRORS_FROM:
        raise error_for(call, answer, cluster=cluster)
    document = json_object(answer.body)
    if document is None:
        raise Unreachable(
            f"{cluster}: {call.verb} {call.resource}: HTTP {answer.status} without JSON: "
            "what answered is not a Kubernetes API server"
        )
    return document


def page_in(
    document: JsonObject, resource: Resource, *, cluster: str
) -> tuple[list[JsonObject], dict[str, Any]]:
    """Read a page's items and its own metadata. Raises Unreachable where those are not objects."""
    items = document.get("items") or []
    metadata = document.get("metadata") or {}
    listed = isinstance(items, list) and isinstance(metadata, dict)
    if not listed or not all(map(is_object, items)):
        raise Unreachable(f"{cluster}: list {resource.plural}: what came holds no objects")
    return items, metadata


def name_kind(items: Iterable[JsonObject], resource: Resource) -> None:
    """Give items their kind: lists of built-in kinds leave out what single objects say of themselves."""
    for item in items:
        item.setdefault("apiVersion", resource.api_version)
        item.setdefault("kind", resource.kind)
