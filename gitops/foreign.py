"""Foreign fields: what others own inside an object of ours, read from its managedFields alone.

What counts is everything outside `metadata` and `status`: a spec, the data of a ConfigMap, the rules of a
Role. Labels, annotations and finalizers of the object itself are how tools talk to one another, and a status
is an observation; what is written to a subresource (`status`, `scale`, …) is the business of whom the cluster
lets write there. A field that we own as well is not foreign.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from gitops.fields import Owner, Path, loaded, our_entry, owner_of, place_of, value_at
from gitops.objects import JsonObject
from gitops.pointers import pointer_to

ALLOWED_MANAGERS = frozenset(
    {
        # The cluster's own: bound volumes, autoscaling, allocated addresses.
        "cloud-controller-manager",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "openshift-controller-manager",
        # Injectors of certificate authorities, sidecars and resource requests.
        "cainjector",
        "cert-manager-cainjector",
        "istio-sidecar-injector",
        "linkerd-proxy-injector",
        "pilot-discovery",
        "vault-agent-injector",
        "vpa-admission-controller",
        "vpa-updater",
    }
)
"""Who may own fields in everybody's objects. Names are claims of whoever writes, as in any managedFields."""

_NOT_SPEC = frozenset({"f:apiVersion", "f:kind", "f:metadata", "f:status"})
# When somebody asked for a restart: `kubectl rollout restart` and what does as it. A wish, not a state.
_RESTARTED: JsonObject = {
    "f:spec": {
        "f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}},
    }
}

# A manifest has at most 100 levels; Python's own limit, and JSON libraries', is not far above.
_DEEPEST = 150

# Without a number, a workload falls to one replica, however many an autoscaler or a person had asked for.
_NEVER_REMOVED: JsonObject = {"f:spec": {"f:replicas": {}}}

_Root: TypeAlias = tuple[Path, JsonObject]


class Claim(NamedTuple):
    """What one manager owns and we do not, as the metadata of an object tells.

    `fields` is JSON: pairs of a topmost path that holds nothing of ours, and the trie at it. What of it we
    want too, and somebody took from us, only our manifest tells. `version`: that of the API in which the
    fields were written, "" where it is ours.
    """

    owner: Owner
    version: str
    fields: str


class ForeignFields(NamedTuple):
    """What one manager owns that is none of ours. `paths` are the topmost ones, in order."""

    owner: Owner
    paths: tuple[Path, ...]


def claims(metadata: Mapping[str, Any]) -> tuple[Claim, ...]:
    """List by owner what others own inside an object of ours; () where nothing of it is applied by us."""
    found = (
        Claim(owner, version, json.dumps(roots, separators=(",", ":"), sort_keys=True))
        for owner, version, roots in _claimed(metadata)
    )
    return tuple(sorted(found))


def foreign_fields(found: Iterable[Claim], manifest: JsonObject) -> tuple[ForeignFields, ...]:
    """Leave out of claims what our manifest wants: that was taken from us, and is drift."""
    return _beside(((one.owner, json.loads(one.fields)) for one in found), manifest)


def removable(
    metadata: Mapping[str, Any], manifest: JsonObject, allowed: Callable[[str], bool], kept: JsonObject
) -> tuple[ForeignFields, ...]:
    """List what can be removed from a live object without touching anything else.

    `allowed` says of a manager that its fields count as little as ours: what it shares is not listed, and
    neither is what the trie `kept` holds, nor what was written in another version of the API (its fields
    have other names there), nor the number of replicas.
    """
    found = _claimed(metadata, allowed, union(kept, _NEVER_REMOVED))
    return _beside(((owner, roots) for owner, version, roots in found if not version), manifest)


def _claimed(
    metadata: Mapping[str, Any],
    allowed: Callable[[str], bool] = lambda _manager: False,
    kept: JsonObject | None = None,
) -> Iterator[tuple[Owner, str, list[_Root]]]:
    entries = metadata.get("managedFields") or ()
    ours = our_entry(entries)
    if ours is None:
        return
    others = [entry for entry in entries if entry is not ours and not _counts_not(entry, allowed)]
    if not others:
        return
    allies = [ours, *(entry for entry in entries if _counts_not(entry, allowed))]
    trie = union(_RESTARTED, kept or {}, *(entry.get("fieldsV1") or {} for entry in allies))
    for entry in others:
        roots = list(_roots(entry.get("fieldsV1") or {}, trie))
        version = str(entry.get("apiVersion", ""))
        roots = [(path, {} if _is_deep(below) else below) for path, below in roots]
        if roots:
            yield owner_of(entry), "" if version == ours.get("apiVersion", "") else version, roots


def _is_deep(trie: JsonObject) -> bool:
    """Whether a trie is deeper than any manifest: somebody made it so, and it is taken as one field."""
    level = [trie]
    for _ in range(_DEEPEST):
        level = [below for one in level for below in one.values()]
        if not level:
            return False
    return True


@lru_cache(maxsize=4096)
def one_of_equals(found: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Let equal claims be one in memory: what a tool does to one object it does to many."""
    return found


def _beside(
    found: Iterable[tuple[Owner, Iterable[_Root]]], manifest: JsonObject
) -> tuple[ForeignFields, ...]:
    every = []
    for owner, roots in found:
        paths = (path for root, trie in roots for path in _unwanted(tuple(root), trie, manifest))
        every.append(ForeignFields(owner, tuple(sorted(paths))))
    return tuple(sorted(one for one in every if one.paths))


def _unwanted(root: Path, trie: JsonObject, manifest: JsonObject) -> Iterator[Path]:
    """Topmost paths at or below `root` that the manifest does not have."""
    written: Any = manifest
    for step in root:
        written = _written(written, step)
        if written is None:
            yield from _topmost(trie, root)
            return
    for path, below in _outside(trie, _wanted(trie, written), root):
        yield from _topmost(below, path)


def _wanted(trie: JsonObject, written: Any) -> JsonObject:  # noqa: ANN401 - any JSON
    """What of a trie a manifest has."""
    found = {step: _written(written, step) for step in trie if step != "."}
    return {step: _wanted(trie[step], value) for step, value in found.items() if value is not None}


def _written(value: Any, step: str) -> Any:  # noqa: ANN401 - any JSON
    """What a manifest has at one step; None for nothing. Key fields left to defaults are as meant."""
    form, _, rest = step.partition(":")
    if form != "k" or not isinstance(value, list):
        name = place_of(step, value)
        return None if name is None else value_at(value, name)
    wanted = loaded(rest)
    if not isinstance(wanted, dict):
        return None
    meant = (item for item in value if isinstance(item, dict) and wanted.keys() & item.keys())
    return next((item for item in meant if all(item.get(k, v) == v for k, v in wanted.items())), None)


def _counts_not(entry: JsonObject, allowed: Callable[[str], bool]) -> bool:
    return bool(entry.get("subresource")) or allowed(str(entry.get("manager", "")))


def union(*tries: JsonObject) -> JsonObject:
    """Give the trie that holds what any of the FieldsV1 tries holds."""
    whole: JsonObject = {}
    for trie in tries:
        for step, below in trie.items():
            known = whole.get(step)
            whole[step] = union(known, below) if known and below else known or below
    return whole


def _roots(theirs: JsonObject, kept: JsonObject) -> Iterator[_Root]:
    for step, below in theirs.items():
        if step not in _NOT_SPEC:
            yield from _outside(below, kept.get(step), (step,))


def _outside(theirs: JsonObject, kept: JsonObject | None, path: Path) -> Iterator[_Root]:
    if kept is None:
        yield path, theirs
        return
    for step, below in theirs.items():
        if step != ".":
            yield from _outside(below, kept.get(step), (*path, step))


def _topmost(theirs: JsonObject, path: Path) -> Iterator[Path]:
    """The path itself, or, of a list and of a whole spec, each thing in it."""
    inner = [step for step in theirs if step != "."]
    parted = len(path) == 1 or any(not step.startswith("f:") for step in inner)
    if not inner or not parted:
        yield path
        return
    for step in inner:
        yield from _topmost(theirs[step], (*path, step))


def without(
    managed_fields: Iterable[JsonObject], removed: Mapping[Owner, Iterable[Path]]
) -> list[JsonObject]:
    """Give managedFields in which these owners no longer own these paths, nor anything below them.

    An entry of which nothing is left is left out; all others are as they were.
    """
    kept: list[JsonObject] = []
    for entry in managed_fields:
        fields = entry.get("fieldsV1") or {}
        for path in removed.get(owner_of(entry), ()):
            fields = _cut(fields, path)
        if fields or not entry.get("fieldsV1"):
            kept.append({**entry, "fieldsV1": fields} if fields else dict(entry))
    return kept


def _cut(fields: JsonObject, path: Path) -> JsonObject:
    step, *rest = path
    if step not in fields:
        return fields
    others = {name: below for name, below in fields.items() if name != step}
    below = _cut(fields[step], tuple(rest)) if rest else {}
    return {**others, step: below} if below.keys() - {"."} else others


def pointers(live: JsonObject, paths: Iterable[Path]) -> tuple[str, ...]:
    """Find fields in a live object, as JSON pointers (RFC 6901) in an order in which they can be removed.

    What is not there is left out, and so is what is inside of something that is removed anyway.
    """
    found = {there[0] for path in paths if (there := _there(live, path)) is not None}
    outermost = [
        place for place in found if not any(place[:length] in found for length in range(1, len(place)))
    ]
    ordered = sorted(outermost, key=lambda place: [_rank(step) for step in place], reverse=True)
    return tuple(pointer_to(*place) for place in ordered)


def changed(before: JsonObject, after: JsonObject, paths: Iterable[Path]) -> tuple[Path, ...]:
    """Give the fields whose values are others now, or are gone; wherever in a list they are."""
    return tuple(path for path in paths if _value(_there(before, path)) != _value(_there(after, path)))


def _value(there: tuple[Any, Any] | None) -> tuple[Any, ...]:
    return () if there is None else (there[1],)


def _rank(step: str | int) -> tuple[int, str]:
    return (step, "") if isinstance(step, int) else (0, step)


def _there(live: Any, path: Path) -> tuple[tuple[str | int, ...], Any] | None:  # noqa: ANN401 - any JSON
    """Where a field is, and its value; None where it is not there."""
    place: list[str | int] = []
    for step in path:
        name = place_of(step, live)
        below = None if name is None else value_at(live, name)
        if name is None or below is None:
            return None
        place.append(int(name) if isinstance(live, list) else name)
        live = below
    return tuple(place), live
