"""The options of a request, from its query, headers and body, checked as meta/v1 validation does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast, get_args

from simcluster.api.options import (
    DeleteOptions,
    FieldValidation,
    ListOptions,
    PatchKind,
    Propagation,
    WriteOptions,
)
from simcluster.errors import Cause, bad_request, invalid
from simcluster.gotext import quoted
from simcluster.server.paths import Query, truth
from simcluster.values import JsonObject

_MANAGER_BYTES = 128
_DEFAULT_VALIDATION: FieldValidation = "Warn"
_POLICIES: tuple[str, ...] = ("Foreground", "Background", "Orphan")
_NOT_OLDER = "NotOlderThan"
_MATCH = "Forbidden: resourceVersionMatch"
_MATCHES = ("Exact", _NOT_OLDER, "")


def write_options(kind: str, query: Query, user_agent: str, patch: PatchKind | None = None) -> WriteOptions:
    """Read CreateOptions, UpdateOptions or PatchOptions (`kind`). Raises `ApiError` 400 or 422."""
    causes = [*_dry_run(query), *_manager(query.get("fieldManager", ""))]
    validation = query.get("fieldValidation", "")
    if validation not in ("", *get_args(FieldValidation)):
        supported = ", ".join(json.dumps(each) for each in ("", *sorted(get_args(FieldValidation))))
        message = f"Unsupported value: {json.dumps(validation)}: supported values: {supported}"
        causes.append(Cause("fieldValidation", "FieldValueNotSupported", message))
    manager = query.get("fieldManager", "")
    force = patch is not None and truth(query.get("force"))
    if patch is PatchKind.APPLY:
        if not manager:
            message = "Required value: is required for apply patch"
            causes.insert(0, Cause("fieldManager", "FieldValueRequired", message))
    elif patch is not None and "force" in query:
        message = "Forbidden: may not be specified for non-apply patch"
        causes.insert(0, Cause("force", "FieldValueForbidden", message))
    if causes:
        _refuse(kind, causes)
    return WriteOptions(
        manager=manager or manager_of(user_agent),
        dry_run=bool(query.get("dryRun")),
        field_validation=cast("FieldValidation", validation or _DEFAULT_VALIDATION),
        force=force,
    )


def manager_of(user_agent: str) -> str:
    """Name the field manager of a request that names none: the first part of its user agent."""
    first = user_agent.partition("/")[0]
    printable = "".join(character for character in first if character.isprintable())
    return printable.encode()[:_MANAGER_BYTES].decode(errors="ignore") or "unknown"


def list_options(query: Query, *, watch: bool = False) -> ListOptions:
    """Read ListOptions. Raises `ApiError` 400 or 422."""
    limit = _integer(query, "limit")
    _integer(query, "timeoutSeconds")
    initial = truth(query["sendInitialEvents"]) if "sendInitialEvents" in query else None
    match = query.get("resourceVersionMatch", "")
    version = query.get("resourceVersion", "")
    causes = _watch_causes(query, initial, match) if watch else _list_causes(query, initial, match, version)
    if causes:
        _refuse("ListOptions", causes)
    return ListOptions(
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", ""),
        limit=max(limit or 0, 0),
        continue_=query.get("continue", ""),
        resource_version=version,
        resource_version_match=match,
        bookmarks=truth(query.get("allowWatchBookmarks")),
        send_initial_events=initial,
    )


def timeout_seconds(query: Query) -> int | None:
    """Return how long a watch wants to last; None where it says nothing or 0."""
    return _integer(query, "timeoutSeconds") or None


def delete_options(query: Query, body: JsonObject | None) -> DeleteOptions:
    """Read DeleteOptions from the body, else the query. Raises `ApiError` 400 or 422."""
    said = _said_in_query(query) if body is None else body
    policy, orphan = said.get("propagationPolicy"), said.get("orphanDependents")
    dry_run = said.get("dryRun") or []
    causes = []
    if policy is not None and orphan is not None:
        both = "orphanDependents and deletionPropagation cannot be both set"
        message = f"Invalid value: {json.dumps(policy)}: {both}"
        causes.append(Cause("propagationPolicy", "FieldValueInvalid", message))
    elif policy is not None and policy not in _POLICIES:
        supported = ", ".join(json.dumps(each) for each in (*_POLICIES, "nil"))
        message = f"Unsupported value: {json.dumps(policy)}: supported values: {supported}"
        causes.append(Cause("propagationPolicy", "FieldValueNotSupported", message))
    causes += _dry_run_causes(dry_run)
    if causes:
        _refuse("DeleteOptions", causes)
    preconditions: Mapping[str, Any] = said.get("preconditions") or {}
    return DeleteOptions(
        grace_period=said.get("gracePeriodSeconds"),
        propagation=cast("Propagation | None", policy),
        orphan=orphan,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=bool(dry_run),
    )


def _said_in_query(query: Query) -> JsonObject:
    said: JsonObject = {}
    grace = _integer(query, "gracePeriodSeconds")
    if grace is not None:
        said["gracePeriodSeconds"] = grace
    if "propagationPolicy" in query:
        said["propagationPolicy"] = query["propagationPolicy"]
    if "orphanDependents" in query:
        said["orphanDependents"] = truth(query["orphanDependents"])
    if query.get("dryRun"):
        said["dryRun"] = [query["dryRun"]]
    return said


def _watch_causes(query: Query, initial: bool | None, match: str) -> list[Cause]:  # noqa: FBT001 - three-valued
    causes = []
    if initial is None and match:
        causes.append(_match(f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"))
    elif initial is not None and match != _NOT_OLDER:
        message = f"Forbidden: sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER}"
        causes.append(_match(message))
    if match and match != _NOT_OLDER:
        message = f'Unsupported value: {quoted(match)}: supported values: "{_NOT_OLDER}"'
        causes.append(Cause("resourceVersionMatch", "FieldValueNotSupported", message))
    if match and query.get("continue"):
        causes.append(_match(f"{_MATCH} is forbidden when continue is provided"))
    return causes


def _list_causes(query: Query, initial: bool | None, match: str, version: str) -> list[Cause]:  # noqa: FBT001 - see above
    causes = []
    if match:
        if not version:
            causes.append(_match(f"{_MATCH} is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            causes.append(_match(f"{_MATCH} is forbidden when continue is provided"))
        if match not in _MATCHES:
            supported = ", ".join(json.dumps(each) for each in _MATCHES)
            message = f"Unsupported value: {json.dumps(match)}: supported values: {supported}"
            causes.append(Cause("resourceVersionMatch", "FieldValueNotSupported", message))
        elif match == "Exact" and version == "0":
            message = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            causes.append(_match(message))
    if initial is not None:
        message = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(Cause("sendInitialEvents", "FieldValueForbidden", message))
    return causes


def _match(message: str) -> Cause:
    return Cause("resourceVersionMatch", "FieldValueForbidden", message)


def _dry_run(query: Query) -> list[Cause]:
    return _dry_run_causes([query["dryRun"]] if query.get("dryRun") else [])


def _dry_run_causes(values: Any) -> list[Cause]:  # noqa: ANN401 - JSON
    if not values or values == ["All"]:
        return []
    message = f'Unsupported value: {json.dumps(values, separators=(",", ":"))}: supported values: "All"'
    return [Cause("dryRun", "FieldValueNotSupported", message)]


def _manager(name: str) -> list[Cause]:
    if len(name.encode()) > _MANAGER_BYTES:
        message = f"Too long: may not be more than {_MANAGER_BYTES} bytes"
        return [Cause("fieldManager", "FieldValueTooLong", message)]
    for position, character in enumerate(name):
        if not character.isprintable():
            shown = f"invalid character U+{ord(character):04X} (at position {position})"
            return [Cause("fieldManager", "FieldValueInvalid", f"Invalid value: {quoted(name)}: {shown}")]
    return []


def _integer(query: Query, key: str) -> int | None:
    text = query.get(key)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax") from None


def _refuse(kind: str, causes: list[Cause]) -> NoReturn:
    raise invalid(kind, "meta.k8s.io", "", causes)
