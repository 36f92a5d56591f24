"""What was seen of a target before planning: metadata only, never an object's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gitops.fields import fields_hash
from gitops.foreign import Claim, claims
from gitops.inventory import Inventory
from gitops.objects import JsonObject, ObjectKey
from gitops.redact import LAST_APPLIED


@dataclass(frozen=True, slots=True)
class LiveObject:
    """The metadata of one live object. `fields` is the hash of what we own in it, "" where nothing.

    `foreign` is what others own in its spec.
    """

    uid: str
    resource_version: str = ""
    generation: int = 0
    fields: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner_references: tuple[JsonObject, ...] = ()
    terminating: bool = False
    foreign: tuple[Claim, ...] = ()

    @classmethod
    def from_metadata(cls, metadata: JsonObject) -> LiveObject:
        """Read `metadata` as the API server sends it; kubectl's last-applied annotation is dropped.

        That annotation repeats the whole object, the values of a Secret included.
        """
        annotations = metadata.get("annotations") or {}
        return cls(
            uid=str(metadata.get("uid", "")),
            resource_version=str(metadata.get("resourceVersion", "")),
            generation=int(metadata.get("generation", 0)),
            fields=fields_hash(metadata),
            labels=metadata.get("labels") or {},
            annotations={key: value for key, value in annotations.items() if key != LAST_APPLIED},
            owner_references=tuple(metadata.get("ownerReferences") or ()),
            terminating=metadata.get("deletionTimestamp") is not None,
            foreign=claims(metadata),
        )


@dataclass(frozen=True, slots=True)
class TargetView:
    """One look at a target.

    `namespaced` answers for (apiVersion, kind) whether objects have a namespace, None for a kind that the
    cluster does not serve. `namespaces` that exist; None when not known. `live` holds every object that
    exists among those wanted (settled) and those in the inventory: a key that is missing is an object that
    is not there, so a read that failed must not become a view. `siblings` says, per ApplySet id, what the
    other applications of the repository render on this cluster at this revision. `added`: what the failed
    revision rendered, where a target is taken back from one.
    """

    namespaced: Callable[[str, str], bool | None]
    namespaces: frozenset[str] | None = None
    inventory: Inventory | None = None
    live: Mapping[ObjectKey, LiveObject] = field(default_factory=dict)
    siblings: Mapping[str, frozenset[ObjectKey]] = field(default_factory=dict)
    added: frozenset[ObjectKey] = frozenset()

    def exists(self, namespace: str) -> bool:
        """Whether objects can be written there now; a cluster-scoped object always can."""
        return not namespace or self.namespaces is None or namespace in self.namespaces
