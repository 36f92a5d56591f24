"""Taking over objects that another tool applied: which of their fields become ours alone, and what stays.

As long as another manager owns a field beside us, a line that is removed in Git stays in the cluster. So
the entries that tools leave in managedFields lose the fields that we apply. No value changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops.errors import Refused
from gitops.fields import FIELD_MANAGER, Owner, Path, our_entry, owner_of, paths, place_of, value_at
from gitops.foreign import ALLOWED_MANAGERS, union
from gitops.objects import JsonObject, canonical_json
from gitops.ownership import MANAGED_BY
from gitops.redact import LAST_APPLIED

# As each tool names itself: kubectl's are `kubectl` and `kubectl-<command>`; what was there before
# Server-Side Apply is the server's `before-first-apply`; Argo CD, Flux and kapp name their controllers.
_TOOLS = frozenset(
    {
        FIELD_MANAGER,  # our own writes that were no applies
        "argocd-application-controller",
        "argocd-controller",
        "argocd-server",
        "before-first-apply",
        "flux",
        "helm",
        "Helm",
        "helm-controller",
        "kapp",
        "kapp-controller",
        "kapp-server",
        "kapp-server-side-fieldmanager",
        "kubectl",
        "kustomize-controller",
    }
)
_KUBECTL = "kubectl-"
_MARKS = (
    "argocd.argoproj.io/",
    "config.k8s.io/owning-inventory",
    "configmanagement.gke.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kapp.k14s.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "pipecd.dev/",
)
_ADDRESSES = frozenset({"clusterIP", "clusterIPs", "healthCheckNodePort"})
_HELM_LABELS = {MANAGED_BY: frozenset({"Helm"})}


@dataclass(frozen=True, slots=True)
class Share:
    """What becomes of one manager's fields: `moved` are ours alone afterwards, `left` stay with it."""

    owner: Owner
    moved: tuple[Path, ...]
    left: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Takeover:
    """The object's managedFields as they should be. `beside_us`: others that go on owning fields of ours."""

    managed_fields: tuple[JsonObject, ...]
    shares: tuple[Share, ...] = ()
    beside_us: tuple[Owner, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether fields stay with a tool, of which some may be mere defaults."""
        return any(share.left for share in self.shares)


@dataclass(frozen=True, slots=True)
class Managers:
    """Names of field managers: further `tools`, and those that are `allowed` to own fields beside us."""

    tools: frozenset[str] = frozenset()
    allowed: frozenset[str] = ALLOWED_MANAGERS

    def is_tool(self, manager: str) -> bool:
        """Whether it is what people apply manifests with."""
        return manager in _TOOLS or manager.startswith(_KUBECTL) or manager in self.tools


def take_over(
    live: JsonObject,
    applied: JsonObject,
    made_new: JsonObject | None = None,
    managers: Managers = Managers(),
) -> Takeover:
    """Decide about one object.

    `applied` is what a dry-run apply of our manifest makes of `live`: it has our fields. `made_new` is what
    it makes where there is nothing yet: a field that a tool owns, that we do not apply, and whose value is
    the one there is a default, which nobody has to own. A tool's other fields stay its own; so do those of
    subresources and of managers that are no tools (autoscalers, controllers). Raises Refused for an
    `applied` in which nothing is ours.
    """
    entry = our_entry((applied.get("metadata") or {}).get("managedFields") or ())
    if entry is None:
        raise Refused("the API server does not record field managers for this object")
    before = (live.get("metadata") or {}).get("managedFields") or ()
    ours = _with_what_leaves(entry, our_entry(before))
    entries: list[JsonObject] = []
    shares: list[Share] = []
    beside: list[Owner] = []
    for one in before:
        owner, theirs = owner_of(one), one.get("fieldsV1") or {}
        if our_entry([one]) is not None:
            continue
        moved = paths(_shared(theirs, ours["fieldsV1"]))
        if one.get("subresource") or not managers.is_tool(owner.manager):
            entries.append(one)
            beside += [owner] if moved and owner.manager not in managers.allowed else []
            continue
        rest = _rest(theirs, ours["fieldsV1"], live, made_new)
        if rest:
            entries.append({**one, "fieldsV1": rest})
        if moved or rest != theirs:
            shares.append(Share(owner, tuple(sorted(moved)), tuple(sorted(paths(rest)))))
    return Takeover((*entries, ours), tuple(shares), tuple(beside))


def _with_what_leaves(entry: JsonObject, before: JsonObject | None) -> JsonObject:
    """Our entry with what we applied earlier and the manifest no longer says.

    It is for the next apply to remove; left to nobody, it would stay.
    """
    if before is None or before.get("apiVersion") != entry.get("apiVersion"):
        return entry
    return {**entry, "fieldsV1": union(before.get("fieldsV1") or {}, entry["fieldsV1"])}


def marks(metadata: Mapping[str, Any], manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Give the labels and annotations that other tools left on an object and our manifest does not write.

    As pairs of `labels` or `annotations`, and the key.
    """
    found = []
    for field in ("annotations", "labels"):
        written = manifest.get(field) or {}
        for key, value in sorted((metadata.get(field) or {}).items()):
            known = key.startswith(_MARKS) or key == LAST_APPLIED or value in _HELM_LABELS.get(key, ())
            if known and key not in written:
                found.append((field, key))
    return tuple(found)


def _shared(theirs: JsonObject, ours: JsonObject) -> JsonObject:
    """The trie of what both hold: a field of ours, or something below it."""
    found: JsonObject = {}
    for step, below in theirs.items():
        if step == "." or step not in ours:
            continue
        inner = _shared(below, ours[step])
        if inner or not (below.keys() - {"."} and ours[step].keys() - {"."}):
            found[step] = inner
    return found


def _rest(theirs: JsonObject, ours: JsonObject, live: Any, made_new: Any) -> JsonObject:  # noqa: ANN401 - any JSON
    """What a tool keeps. A parent of fields of ours is ours too, or it would stay behind, empty."""
    kept: JsonObject = {}
    for step, below in theirs.items():
        if step == ".":
            continue
        value, default = _at(live, step), _at(made_new, step)
        if step in ours:
            inner = _without_keys(step, _rest(below, ours[step], value, default))
            if inner:
                kept[step] = inner
        elif made_new is None or canonical_json(value) != canonical_json(default):
            kept[step] = below
    return kept


def _without_keys(step: str, fields: JsonObject) -> JsonObject:
    """What is held in a list's element, but for what tells it apart: that stays as long as the element."""
    form, _, rest = step.partition(":")
    keys = json.loads(rest) if form == "k" else {}
    return {name: below for name, below in fields.items() if name.removeprefix("f:") not in keys}


def unallocated(body: JsonObject) -> JsonObject:
    """A manifest without what only one object of a cluster can have: a Service's addresses and node ports."""
    spec = body.get("spec")
    if (body.get("apiVersion"), body.get("kind")) != ("v1", "Service") or not isinstance(spec, dict):
        return body
    rest = {name: value for name, value in spec.items() if name not in _ADDRESSES}
    ports = spec.get("ports")
    if isinstance(ports, list):
        rest["ports"] = [
            {name: value for name, value in port.items() if name != "nodePort"}
            if isinstance(port, dict)
            else port
            for port in ports
        ]
    return {**body, "spec": rest}


def _at(value: Any, step: str) -> Any:  # noqa: ANN401 - any JSON
    name = place_of(step, value)
    return None if name is None else value_at(value, name)
