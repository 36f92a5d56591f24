"""The file in which a live object's values are what is wanted: edited, and proved by rendering it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitops.dialect import Document
from gitops.diff import Operation, json_patch
from gitops.edit.adoption import Sides, adopt
from gitops.edit.origin import Around, explain
from gitops.edit.rewriting import rewrite
from gitops.edit.splicing import same
from gitops.errors import InvalidInput, Refused
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.targets import Target
from gitops.objects import Json, JsonObject, Manifest, ObjectKey
from gitops.redact import REDACTED
from gitops.render import identity, parse_file, render_documents
from gitops.render.drafts import Draft, drafts
from gitops.render.plain import left_alone


@dataclass(frozen=True, slots=True)
class Source:
    """An application as a revision has it, with its documents: parsed, or as its renderer printed them."""

    environment: EnvironmentSource
    application: ApplicationSource
    documents: Sequence[Document]

    def rendered(self, target: Target, cluster: Cluster) -> Mapping[ObjectKey, Manifest]:
        """Render for one target. Raises InvalidInput."""
        found = render_documents(
            self.environment, self.application, target, cluster, self.documents
        ).manifests
        return {identity(manifest.body, target.namespace): manifest for manifest in found}

    def with_file(self, path: str, data: bytes) -> Source:
        """The same with one file changed. Raises InvalidInput."""
        at = next((n for n, one in enumerate(self.documents) if one.path == path), len(self.documents))
        others = [one for one in self.documents if one.path != path]
        return replace(self, documents=(*others[:at], *parse_file(path, data), *others[at:]))


@dataclass(frozen=True, slots=True)
class Seen:
    """An object on one target: its manifest as it is applied, what an apply makes of it, and what is live.

    `key` is its `identity`, before the cluster said whether it has a namespace.
    """

    key: ObjectKey
    target: Target
    cluster: Cluster
    manifest: Manifest
    applied: JsonObject
    live: JsonObject


@dataclass(frozen=True, slots=True)
class Edited:
    """The file as it should be committed. `changes`, redacted, lead from the old manifest to the new one."""

    path: str
    data: bytes
    changes: tuple[Operation, ...]


def adopt_into(source: Source, data: bytes, seen: Seen) -> Edited:
    """Write what is live into the file that the manifest was read from; `data` is that file.

    Raises Refused, with what to change instead and where, for values that the file does not have: those of
    variables and patches, of what is generated, and Secrets'. Nothing is written in part.
    """
    draft = _draft(source, seen.manifest)
    around = Around(source.environment, source.application, seen.cluster)
    sides = Sides(draft.body, seen.manifest.body, seen.applied, seen.live)
    written = adopt(sides, escape=not left_alone(draft))
    if written.blocked:
        reasons = sorted({explain(draft, pointer, around) for pointer in written.blocked})
        raise Refused(_told(seen, reasons))
    before = source.rendered(seen.target, seen.cluster)[seen.key].body
    wanted = adopt(sides._replace(written=before, manifest=before), escape=False).body
    changes = json_patch(before, wanted)
    _keep_secrets(draft, seen, changes)
    path = draft.document.path
    edited = rewrite(path, data, draft.document.index, _placed(draft, written.body))
    _prove(source.with_file(path, edited), seen, wanted)
    return Edited(path, edited, changes)


def changed_elsewhere(
    source: Source, edited: Edited, key: ObjectKey, others: Mapping[Target, Cluster]
) -> tuple[Target, ...]:
    """Name those of the other targets on which the edit changes the object too, or what stops it there.

    Raises Refused where the application could not be rendered for one of them any more.
    """
    after = source.with_file(edited.path, edited.data)
    found = []
    for target, cluster in others.items():
        place = key._replace(namespace=key.namespace and target.namespace)
        old = source.rendered(target, cluster)
        try:
            new = after.rendered(target, cluster)
        except InvalidInput as error:
            raise Refused(
                f"with these values nothing could be rendered for {target} any more: {error}"
            ) from None
        if any(place in side for side in (old, new)) and not same(_body(old, place), _body(new, place)):
            found.append(target)
    return tuple(sorted(found))


def _body(rendered: Mapping[ObjectKey, Manifest], key: ObjectKey) -> JsonObject | None:
    return rendered[key].body if key in rendered else None


def _draft(source: Source, manifest: Manifest) -> Draft:
    """The object as its file has it. Raises Refused where no file of the application has it."""
    found = [
        one
        for document in source.documents
        if document.path == manifest.source.path and not document.rendered
        for one in drafts(document)
        if isinstance(one, Draft) and one.source == manifest.source and one.body.get("kind") == manifest.kind
    ]
    if len(found) != 1:
        raise Refused(
            f"{manifest.key} is not written in a file of its own text ({manifest.source}): "
            "change what it is generated from"
        )
    return found[0]


def _told(seen: Seen, reasons: Sequence[str]) -> str:
    return (
        f"{seen.manifest.key} cannot be adopted from {seen.target} by an edit of {seen.manifest.source}:\n"
        + "\n".join(reasons)
    )


def _keep_secrets(draft: Draft, seen: Seen, changes: Sequence[Operation]) -> None:
    secret = [change.path for change in changes if _mentions(change.value)]
    if secret:
        reasons = [f"{path} holds what looks like a credential, which is never written" for path in secret]
        raise Refused(_told(seen, [*reasons, f"change it by hand at {draft.source}"]))


def _mentions(value: Any) -> bool:  # noqa: ANN401 - any JSON, or ABSENT
    if isinstance(value, dict | list):
        return any(map(_mentions, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value.startswith(REDACTED[:-1])


def _placed(draft: Draft, body: JsonObject) -> Json:
    """The document's value with the object in it; what a list says for all its items stays there."""
    value = draft.document.value
    at: Any = value
    for step in draft.pointer:
        at = at[step]
    own = {name: below for name, below in body.items() if name in at or name not in draft.body}
    return _with(value, draft.pointer, own)


def _with(value: Json, pointer: Sequence[str | int], new: Json) -> Json:
    if not pointer:
        return new
    first, *rest = pointer
    if isinstance(value, list):
        return [_with(one, rest, new) if index == first else one for index, one in enumerate(value)]
    if isinstance(value, dict):
        return {name: _with(below, rest, new) if name == first else below for name, below in value.items()}
    return value


def _prove(after: Source, seen: Seen, wanted: JsonObject) -> None:
    try:
        found = after.rendered(seen.target, seen.cluster).get(seen.key)
    except InvalidInput as error:
        raise Refused(_told(seen, [f"nothing could be rendered any more: {error}"])) from None
    if found is None or not same(found.body, wanted):
        raise Refused(_told(seen, ["a patch or a variable makes something else of it: change it by hand"]))
