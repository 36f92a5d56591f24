"""The verbs of one cluster's API: all that the server and the controllers do to objects goes through here.

Each call is atomic and takes effect before it returns. Who may do it is the server's question.
"""

from __future__ import annotations

from simcluster.api import (
    crds,
    deleting,
    listing,
    scale,
    subresources,
    watching,
    writing,
)
from simcluster.api.accepting import read_config
from simcluster.api.core import Core
from simcluster.api.options import (
    DeleteOptions,
    ListOptions,
    ListResult,
    PatchKind,
    Result,
    WriteOptions,
)
from simcluster.api.watching import EventStream
from simcluster.errors import method_not_allowed
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.store.records import Stored
from simcluster.store.store import Store
from simcluster.values import JsonObject

_SCALE = "scale"
_FINALIZE = "finalize"
_DEFAULT = WriteOptions()
_DELETE = DeleteOptions()
_LIST = ListOptions()


class Api:
    """Verbs by kind, namespace ("" for cluster-scoped kinds) and name. All raise `ApiError`."""

    __slots__ = ("core",)

    def __init__(self, core: Core) -> None:
        self.core = core

    @property
    def registry(self) -> Registry:
        """The kinds that the cluster serves."""
        return self.core.registry

    @property
    def store(self) -> Store:
        """The objects behind it."""
        return self.core.store

    def get(
        self, kind: Kind, namespace: str, name: str, subresource: str = "", resource_version: str = ""
    ) -> JsonObject:
        """Return an object in the version of `kind`, or its Scale."""
        if subresource == _SCALE:
            return scale.read(self.core, kind, namespace, name)
        return self.core.shown(kind, self.read(kind, namespace, name, resource_version))

    def read(self, kind: Kind, namespace: str, name: str, resource_version: str = "") -> Stored:
        """Return an object's record: `conversion.body` makes the bytes of the answer of it."""
        listing.requested(self.core, resource_version)
        return self.core.record(kind, namespace, name)

    def list(self, kind: Kind, namespace: str = "", options: ListOptions = _LIST) -> ListResult:
        """Return a page of records; `conversion.item` makes the bytes of a list's items of them."""
        return listing.list_records(self.core, kind, namespace, options)

    def watch(self, kind: Kind, namespace: str = "", options: ListOptions = _LIST) -> EventStream:
        """Follow the objects of a kind; end it with `close`."""
        return watching.watch(self.core, kind, namespace, options)

    def create(self, kind: Kind, namespace: str, obj: JsonObject, options: WriteOptions = _DEFAULT) -> Result:
        """Create an object, under a generated name where it asks for one."""
        crds.check_open(self.core, kind)
        return self._settled(kind, writing.create(self.core, kind, namespace, obj, options), options)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        obj: JsonObject,
        options: WriteOptions = _DEFAULT,
        subresource: str = "",
    ) -> Result:
        """Replace an object, or through a subresource its status, scale or finalizers."""
        place = (namespace, name)
        if subresource == _SCALE:
            result = scale.update(self.core, kind, place, obj, options)
        elif subresource == _FINALIZE:
            result = subresources.finalize(self.core, kind, place, obj, options)
        else:
            result = writing.update(self.core, kind, place, obj, options, subresource)
        return self._settled(kind, result, options)

    def patch(  # noqa: PLR0913, PLR0917 - the API's own coordinates
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch_kind: PatchKind,
        body: bytes,
        options: WriteOptions = _DEFAULT,
        subresource: str = "",
    ) -> Result:
        """Change an object by a patch of any type."""
        if patch_kind is PatchKind.APPLY:
            config = read_config(body)
            return self.apply(kind, namespace, name, config, options, subresource)
        place, change = (namespace, name), (patch_kind, body)
        if subresource == _SCALE:
            result = scale.patch(self.core, kind, place, change, options)
        else:
            result = writing.patch(self.core, kind, place, change, options, subresource)
        return self._settled(kind, result, options)

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        config: JsonObject,
        options: WriteOptions = _DEFAULT,
        subresource: str = "",
    ) -> Result:
        """Server-Side Apply."""
        place = (namespace, name)
        if subresource == _SCALE:
            return scale.apply(self.core, kind, place, config, options)
        return self._settled(
            kind, writing.apply(self.core, kind, place, config, options, subresource), options
        )

    def create_subresource(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        subresource: str,
        body: JsonObject,
        options: WriteOptions = _DEFAULT,
    ) -> Result:
        """POST to `binding` or `eviction`."""
        return subresources.create(self.core, kind, (namespace, name), subresource, body, options)

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions = _DELETE) -> Result:
        """Delete an object or begin to; answers with the object or with a Status."""
        result = deleting.delete(self.core, kind, namespace, name, options)
        if not options.dry_run:
            self._settle(kind, name)
        return result

    def delete_collection(
        self,
        kind: Kind,
        namespace: str,
        selection: ListOptions = _LIST,
        options: DeleteOptions = _DELETE,
    ) -> ListResult:
        """Delete what a list selects, one by one, and return that list as it was."""
        if "deletecollection" not in kind.verbs:
            raise method_not_allowed()
        deleting.check_options(options)
        found = self.list(kind, namespace, selection)
        for record in found.items:
            if self.core.store.get(kind.storage, record.namespace, record.name) is not None:
                self.delete(kind, record.namespace, record.name, options)
        return found

    def _settled(self, kind: Kind, result: Result, options: WriteOptions) -> Result:
        if not options.dry_run:
            self._settle(kind, result.object["metadata"].get("name", ""))
        return result

    def _settle(self, kind: Kind, name: str) -> None:
        """Let CRDs take effect: their own writes, and the end of the last object of one that is deleted."""
        if kind.storage == deleting.CRDS:
            crds.settle(self.core, kind, name)
        elif kind.custom is not None:
            crd_kind = self.core.registry.of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            if crd_kind is not None:
                crds.finish(self.core, kind, crd_kind)
