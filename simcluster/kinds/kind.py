"""What one kind is: names, scope, verbs, subresources, structural type; and what a CRD adds to that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simcluster.errors import qualified
from simcluster.kinds.types import Struct
from simcluster.values import JsonObject


@dataclass(frozen=True, slots=True)
class Subresource:
    """One subresource: the kind that its bodies have, and its verbs."""

    group: str
    version: str
    kind: str
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where a custom kind keeps what its `scale` subresource shows: JSON paths such as `.spec.replicas`."""

    spec_replicas: str
    status_replicas: str
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class CustomKind:
    """What only a kind of a CRD has. `validation` is the version's openAPIV3Schema, as written."""

    crd_name: str
    served: bool
    storage_version: str
    conversion: str
    has_status: bool
    scale: ScalePaths | None
    columns: tuple[JsonObject, ...]
    validation: JsonObject
    selectable_fields: tuple[str, ...]
    preserve_unknown: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One served version of one kind. Compared by identity.

    `storage` names what objects are stored under: all versions of a resource share one
    (`apps/deployments`, `pods`), and so do the events of both groups.
    `schema` is the type of the whole object, `apiVersion`, `kind` and `metadata` included.
    """

    group: str
    version: str
    kind: str
    list_kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    verbs: frozenset[str]
    subresources: Mapping[str, Subresource]
    schema: Struct
    storage: str
    custom: CustomKind | None = None

    @property
    def api_version(self) -> str:
        """As objects write it: `apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """As messages write it: `deployments.apps`, `pods`."""
        return qualified(self.plural, self.group)
