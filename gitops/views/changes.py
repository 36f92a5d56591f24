"""What a commit changes in files of manifests, object by object, so that Secrets' values can be hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitops import diff
from gitops.dialect import parse
from gitops.errors import InvalidInput
from gitops.model.folders import is_manifest
from gitops.objects import JsonObject

_LEFT, _CAME, _CHANGED = "D", "A", "M"


def text(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """One line per file that differs (`A`, `M` or `D` and its path), then its objects' redacted changes.

    A file that holds no manifests that can be read is named only: nobody can tell what in it is secret.
    """
    lines: list[str] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        lines.append(f"{_CAME if old is None else _LEFT if new is None else _CHANGED} {path}")
        if is_manifest(path):
            lines.extend(f"    {line}" for line in _objects(path, old or b"", new or b""))
    return "\n".join(lines)


def _objects(path: str, before: bytes, after: bytes) -> Iterator[str]:
    try:
        old, new = _by_name(path, before), _by_name(path, after)
    except InvalidInput:
        return
    for name in sorted({*old, *new}):
        changes = diff.diff(old.get(name), new.get(name))
        if changes:
            yield name
            yield from (f"  {line}" for line in diff.text(changes).splitlines())


def _by_name(path: str, data: bytes) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for document in parse(data, path):
        if isinstance(document.value, dict):
            found[_name(document.value, document.index)] = document.value
    return found


def _name(body: JsonObject, index: int) -> str:
    metadata = body.get("metadata")
    named = metadata.get("name") if isinstance(metadata, dict) else None
    place = metadata.get("namespace") if isinstance(metadata, dict) else None
    name = f"{place}/{named}" if place else str(named or f"document {index + 1}")
    return f"{body.get('kind', 'object')} {name}"
