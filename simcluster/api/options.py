"""What a request says besides its object: how, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from simcluster.store.records import Stored
from simcluster.values import JsonObject

FieldValidation: TypeAlias = Literal["Ignore", "Warn", "Strict"]
Propagation: TypeAlias = Literal["Background", "Foreground", "Orphan"]


class PatchKind(StrEnum):
    """The patch types, by their media type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(slots=True, frozen=True)
class WriteOptions:
    """CreateOptions, UpdateOptions and PatchOptions in one.

    `manager` is settled by the caller: the request's `fieldManager`, else the first word of its user agent;
    only an apply may come with none (and is refused).
    """

    manager: str = "unknown"
    dry_run: bool = False
    field_validation: FieldValidation = "Warn"
    force: bool = False
    duplicates: tuple[str, ...] = ()  # what the decoder found: `duplicate field "data.x"`


@dataclass(slots=True, frozen=True)
class DeleteOptions:
    """`metav1.DeleteOptions`. None is: not said."""

    grace_period: int | None = None
    propagation: Propagation | None = None
    orphan: bool | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


@dataclass(slots=True, frozen=True)
class ListOptions:
    """`metav1.ListOptions` of lists and watches; the texts are as the query says them."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    bookmarks: bool = False
    send_initial_events: bool | None = None


@dataclass(slots=True, frozen=True)
class ListResult:
    """One page of a list: records as stored, the list's revision, how to go on, what is left."""

    items: Sequence[Stored]
    revision: int
    continue_: str = ""
    remaining: int | None = None


@dataclass(slots=True, frozen=True)
class Result:
    """What a write answers: the object or a Status, whether it was made now, and the warnings beside it."""

    object: JsonObject
    created: bool = False
    warnings: tuple[str, ...] = ()
