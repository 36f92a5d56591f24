"""The way from client-side to server-side apply, for kubectl's own field manager only (KEP-2155).

What the last-applied annotation says may be taken without force, and the annotation is kept in step.
"""

from __future__ import annotations

import orjson

from simcluster.fields.compare import compare
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.fields.typed import TypedError, check, field_set
from simcluster.gotext import json_text
from simcluster.kinds.types import Struct
from simcluster.values import JsonObject

MANAGER = "kubectl"
_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_BYTES = 256 * 1024  # of all annotations together


def _annotations(value: JsonObject) -> JsonObject:
    metadata = value.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def allowed(live: JsonObject, schema: Struct, api_version: str) -> FieldSet:
    """Return paths that the annotation says kubectl wrote, and that still are as it wrote them."""
    text = _annotations(live).get(_ANNOTATION)
    if not text:
        return EMPTY
    try:
        said = orjson.loads(text)
        if not isinstance(said, dict) or said.get("apiVersion") != api_version:
            return EMPTY
        check(said, schema)
    except (orjson.JSONDecodeError, TypedError):
        return EMPTY
    claimed = field_set(said, schema)
    for different in compare(said, live, schema):
        claimed = claimed.difference(different)
    return claimed


def refreshed(applied: JsonObject, config: JsonObject) -> JsonObject:
    """Return the applied object with the annotation, where it has one, saying what was applied."""
    if not _annotations(applied).get(_ANNOTATION):
        return applied
    said = config
    if _ANNOTATION in _annotations(config):
        left = {key: value for key, value in _annotations(config).items() if key != _ANNOTATION}
        said = {**config, "metadata": {**config["metadata"], "annotations": left}}
    annotations = {**_annotations(applied), _ANNOTATION: f"{json_text(said)}\n"}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _MOST_BYTES:
        del annotations[_ANNOTATION]
    return {**applied, "metadata": {**applied["metadata"], "annotations": annotations}}
