"""Lists: which records, in which order, at which revision, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from simcluster.api import continuing, conversion
from simcluster.api.continuing import Token
from simcluster.api.core import Core
from simcluster.api.options import ListOptions, ListResult
from simcluster.errors import ApiError, Cause, bad_request, expired, invalid
from simcluster.kinds.kind import Kind
from simcluster.selectors import parse_fields, parse_labels
from simcluster.store.records import Stored, key_of
from simcluster.values import JsonObject

RecordTest: TypeAlias = Callable[[Stored], bool]

# A field selector that a record can answer without its body.
_BY_PLACE = re.compile(r"(metadata\.(name|namespace)(=|==|!=)[^,=!\\]*,?)+")


def list_records(core: Core, kind: Kind, namespace: str, options: ListOptions) -> ListResult:
    """Return one page of a kind's objects in a namespace ("": all). Raises `ApiError` 400, 410, 422, 504."""
    check_list_options(options)
    test = record_test(kind, options)
    token = continuing.read(options.continue_) if options.continue_ else None
    revision = _revision(core, options, token)
    if revision == core.store.revision:
        records = core.store.items(kind.storage, namespace)
    else:
        records = _at(core, kind, namespace, revision, continues=token is not None)
    if token:
        records = [record for record in records if _start(record, namespace) >= token.start]
    if test is not None:
        records = [record for record in records if test(record)]
    if 0 < options.limit < len(records):
        page = records[: options.limit]
        remaining = len(records) - len(page) if test is None else None
        return ListResult(
            page, revision, continuing.written(revision, _start(page[-1], namespace)), remaining
        )
    return ListResult(records, revision)


def record_test(kind: Kind, options: ListOptions) -> RecordTest | None:
    """Return the test of the options' selectors on records, None where there are none."""
    tests: list[RecordTest] = []
    if options.label_selector:
        by_label = parse_labels(options.label_selector)
        tests.append(lambda record: by_label(record.labels))
    if options.field_selector:
        by_field = parse_fields(options.field_selector, kind)
        if _BY_PLACE.fullmatch(options.field_selector):
            tests.append(lambda record: by_field(_place(record)))
        else:
            tests.append(lambda record: by_field(conversion.convert(record.object(), kind)))
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    first, second = tests
    return lambda record: first(record) and second(record)


def check_list_options(options: ListOptions) -> None:
    """Hold what a list asks for against the API's rules; raises `ApiError` 400 or 422."""
    match, version = options.resource_version_match, options.resource_version
    if match and options.send_initial_events is None:
        if options.continue_:
            _refuse(
                "resourceVersionMatch",
                "Forbidden",
                "resourceVersionMatch is forbidden when continue is provided",
            )
        if not version:
            _refuse(
                "resourceVersionMatch",
                "Forbidden",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )
        if match not in ("Exact", "NotOlderThan"):
            supported = '"Exact", "NotOlderThan", ""'
            _refuse("resourceVersionMatch", "Unsupported value", f'"{match}": supported values: {supported}')
        if match == "Exact" and version == "0":
            _refuse(
                "resourceVersionMatch",
                "Forbidden",
                'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            )
    if options.continue_ and version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")


def requested(core: Core, text: str) -> int:
    """Return the resource version that a read asks for, 0 for none; `ApiError` 400, 504 for the future."""
    if not text.isdigit():
        if not text:
            return 0
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": '
            f'strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    revision = int(text)
    if revision > core.store.revision:
        raise too_new(revision, core.store.revision)
    return revision


def too_new(revision: int, current: int) -> ApiError:
    """Return the answer to a request for a revision that has not come."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {revision}, current: {current}"
    return ApiError(504, "Timeout", message, details, {"Retry-After": "1"})


def _revision(core: Core, options: ListOptions, token: Token | None) -> int:
    if token is not None:
        return token.revision if token.revision > 0 else core.store.revision
    wanted = requested(core, options.resource_version)
    # A limit makes a resource version exact where the match is not said (the legacy rule of the API).
    exact = options.resource_version_match == "Exact" or (
        bool(options.limit) and bool(wanted) and not options.resource_version_match
    )
    return wanted if exact else core.store.revision


def _at(core: Core, kind: Kind, namespace: str, revision: int, *, continues: bool) -> list[Stored]:
    if revision > core.store.revision:
        raise too_new(revision, core.store.revision)
    try:
        return core.store.items_at(kind.storage, namespace, revision)
    except ApiError as error:
        if not continues:
            raise expired("The resourceVersion for the provided list is too old.") from error
        raise expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a "
            "new list without the continue parameter."
        ) from error


def _start(record: Stored, namespace: str) -> str:
    """Return a record's key below that of the list."""
    return f"/{record.name}" if namespace else f"/{key_of(record.namespace, record.name)}"


def _place(record: Stored) -> JsonObject:
    metadata = {"name": record.name}
    if record.namespace:
        metadata["namespace"] = record.namespace
    return {"metadata": metadata}


def _refuse(field: str, what: str, text: str) -> None:
    reasons = {"Forbidden": "FieldValueForbidden", "Unsupported value": "FieldValueNotSupported"}
    raise invalid("ListOptions", "meta.k8s.io", "", [Cause(field, reasons[what], f"{what}: {text}")])
