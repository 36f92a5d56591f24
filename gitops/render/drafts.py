"""Objects on their way to a Manifest: what an object must say, and what a manifest must not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gitops.dialect import Document
from gitops.errors import Location, Problem
from gitops.inventory import PRUNE, unknown_word
from gitops.model.schema import API_VERSION
from gitops.objects import Json, JsonObject, ObjectKey, split_api_version
from gitops.pointers import Pointer
from gitops.render.origins import Step, written
from gitops.render.scopes import CLUSTER_SCOPED

_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SERVERS_OWN = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_APPLYSET = "applyset.kubernetes.io/"  # KEP-3659
_ENVIRONMENT_LABEL = "gitops-waves.io/environment"
_OWN_GROUP, _ = split_api_version(API_VERSION)


@dataclass(frozen=True, slots=True)
class Draft:
    """An object and where in its document it stands. `body` is frozen: changes make a new Draft.

    `steps` are what patches did to it, in order.
    """

    body: JsonObject
    document: Document
    pointer: Pointer = ()
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        place = replace(self.source, inside="")  # it would say kind and name once more
        return f"{self.body.get('kind')} {self.metadata.get('name')} ({place})"

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """Where the value at `pointer` below the object was written, or its key; where a patch removed it."""
        if self.steps:
            found = written(pointer, self.steps, key=key)
            if isinstance(found, Location):
                return found
            pointer = found
        locate = self.document.locate_key if key else self.document.locate
        return locate(*self.pointer, *pointer)

    @property
    def source(self) -> Location:
        """The file and line that the object begins on."""
        if not self.pointer and not self.document.rendered:
            return Location(self.document.path, self.document.line)
        begins = self.document.locate(*self.pointer)  # reads the document once more
        return begins if self.document.rendered else replace(begins, column=0)

    @property
    def secret(self) -> bool:
        """Whether its values must not be quoted."""
        return self.body.get("kind") == "Secret"

    @property
    def metadata(self) -> JsonObject:
        """`metadata`, empty where it is not a mapping."""
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}


def drafts(document: Document) -> Iterator[Draft | Problem]:
    """Give the objects of a document: one, or each item of a `List`, as kubectl does."""
    yield from _expand(document.value, document, ())


def _expand(value: Json, document: Document, pointer: tuple[str | int, ...]) -> Iterator[Draft | Problem]:
    if not isinstance(value, dict):
        yield Problem(document.locate(*pointer), "not an object: it needs apiVersion, kind and metadata")
        return
    kind, items = value.get("kind"), value.get("items")
    if "items" not in value:
        yield Draft(value, document, pointer)
        return
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        message = "whatever has items is a List to kubectl: its kind must end with List, and they be a list"
        yield Problem(document.locate_key(*pointer, "items"), message)
        return
    if pointer:
        yield Problem(document.locate(*pointer), f"a {kind} inside a List: kubectl cannot read this")
        return
    if kind == "List" and value.get("apiVersion") != "v1":
        yield Problem(document.locate("apiVersion"), "a List is of apiVersion v1")
        return
    inherited = (
        {} if kind == "List" else {"apiVersion": value.get("apiVersion"), "kind": kind[: -len("List")]}
    )
    for index, item in enumerate(items):
        # A typed list, such as ConfigMapList, may leave its items' kind and version to be understood.
        bare = isinstance(item, dict) and not (item.get("kind") or item.get("apiVersion"))
        whole = {**inherited, **item, **inherited} if isinstance(item, dict) and bare else item
        if inherited and isinstance(whole, dict) and {**whole, **inherited} != whole:
            place = document.locate("items", index)
            yield Problem(place, f"a {kind} holds {inherited['kind']} of its own apiVersion only")
            continue
        yield from _expand(whole, document, (*pointer, "items", index))


def shape_problems(draft: Draft) -> list[Problem]:
    """Say what keeps the object from being identified: apiVersion, kind, name, namespace."""
    body, metadata = draft.body, draft.metadata
    found = []
    for field, pattern in (("apiVersion", _API_VERSION), ("kind", _KIND)):
        value = body.get(field)
        if not isinstance(value, str) or not value:
            found.append(Problem(draft.at(field), f"the object has no {field}"))
        elif pattern.fullmatch(value) is None:
            found.append(Problem(draft.at(field), f"this is not a valid {field}"))
    if not isinstance(body.get("metadata"), dict):
        found.append(Problem(draft.at("metadata"), "the object has no metadata with a name"))
        return found
    if metadata.get("generateName"):
        message = "generateName is refused: without a name of its own the object would be made anew each time"
        found.append(Problem(draft.at("metadata", "generateName"), message))
    elif not metadata.get("name"):
        found.append(Problem(draft.at("metadata", "name"), "the object has no metadata.name"))
    for field in ("name", "namespace"):
        found += _text_problems(draft, field, metadata.get(field))
    return found


def _text_problems(draft: Draft, field: str, value: Json) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, str):
        yield Problem(draft.at("metadata", field), f"metadata.{field} must be text: put it in quotes")
    elif value in (".", "..") or "/" in value or "%" in value:
        yield Problem(draft.at("metadata", field), f"metadata.{field} cannot be part of a path")


def problems_of(draft: Draft) -> list[Problem]:
    """Say everything that an object must not be; where a patch wrote it, name the object too."""
    return [
        one
        if one.location.path == draft.document.path
        else Problem(one.location, f"after this patch of the object at {draft.source}, {one.message}")
        for one in shape_problems(draft) or content_problems(draft)
    ]


def content_problems(draft: Draft) -> list[Problem]:
    """Say what a manifest must not hold: what the API server writes, what marks our ownership."""
    metadata = draft.metadata
    found = []
    for field in _SERVERS_OWN:
        if metadata.get(field) is not None:
            message = f"metadata.{field} is written by the API server: remove it from the manifest"
            found.append(Problem(draft.at("metadata", field), message))
    for field in ("labels", "annotations"):
        found += _map_problems(draft, field, metadata.get(field))
    group, _ = split_api_version(str(draft.body["apiVersion"]))
    if group == _OWN_GROUP:
        message = (
            f"{draft.body['kind']} configures gitops-waves and is not applied: it is in the wrong folder"
        )
        found.append(Problem(draft.at(), message))
    return found


def _map_problems(draft: Draft, field: str, value: Json) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem(draft.at("metadata", field), f"metadata.{field} must be a mapping of names to text")
        return
    for name, text in value.items():
        wrong = []
        if not isinstance(text, str):
            wrong.append(f"metadata.{field}: {name} must be text: put it in quotes")
        if name.startswith(_APPLYSET) or name == _ENVIRONMENT_LABEL:
            wrong.append(f"{name} is reserved: it says which application an object belongs to")
        if wrong:  # a place costs another reading of the document
            place = draft.at("metadata", field, name, key=True)
            yield from (Problem(place, message) for message in wrong)
    if field == "annotations" and (unknown := unknown_word(value)):
        place = draft.document.locate(*draft.pointer, "metadata", field, PRUNE)
        yield Problem(place, unknown)


def cleaned(draft: Draft) -> JsonObject:
    """Give the body without `status` and without empty fields of the API server's own."""
    body = draft.body
    if "status" in body:
        body = {key: value for key, value in body.items() if key != "status"}
    metadata: dict[str, Any] = body["metadata"]
    if any(field in metadata for field in _SERVERS_OWN):
        body = {**body, "metadata": {key: metadata[key] for key in metadata if key not in _SERVERS_OWN}}
    return body


def identity(body: JsonObject, namespace: str) -> ObjectKey:
    """Key of an object in a target whose namespace is `namespace`, as far as it is known before discovery."""
    group, _ = split_api_version(str(body["apiVersion"]))
    kind, metadata = str(body["kind"]), body["metadata"]
    place = "" if (group, kind) in CLUSTER_SCOPED else str(metadata.get("namespace") or namespace)
    return ObjectKey(group, kind, place, str(metadata["name"]))
