"""The kinds that one cluster serves: the shared built-in ones, and those of its CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from simcluster.kinds.builtin import Builtin, builtin
from simcluster.kinds.custom import kinds_of
from simcluster.kinds.kind import Kind
from simcluster.values import JsonObject

__all__ = ["Registry", "builtin"]


class Registry:
    """Kinds by path and by name. `generation` grows with every change, for documents made of it."""

    __slots__ = ("_by_crd", "_by_kind", "_by_plural", "builtin", "generation")

    def __init__(self, table: Builtin | None = None) -> None:
        self.builtin = table or builtin()
        self.generation = 0
        self._by_crd: dict[str, tuple[Kind, ...]] = {}
        self._by_plural: dict[tuple[str, str, str], Kind] = {}
        self._by_kind: dict[tuple[str, str], Kind] = {}

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the served kind behind a path's group, version and resource."""
        key = (group, version, plural)
        found = self.builtin.by_plural.get(key) or self._by_plural.get(key)
        return found if found is None or _served(found) else None

    def of(self, api_version: str, kind: str) -> Kind | None:
        """Return the served kind of an object's `apiVersion` and `kind`."""
        key = (api_version, kind)
        found = self.builtin.by_kind.get(key) or self._by_kind.get(key)
        return found if found is None or _served(found) else None

    def kinds(self) -> Iterator[Kind]:
        """Every served kind: built-in ones in discovery's order, then custom ones by CRD name."""
        yield from self.builtin.by_plural.values()
        yield from filter(_served, self.custom())

    def custom(self) -> Iterator[Kind]:
        """Every version of every custom kind, also those not served, by CRD name."""
        return chain.from_iterable(self._by_crd[name] for name in sorted(self._by_crd))

    def of_crd(self, crd_name: str) -> tuple[Kind, ...]:
        """Return all versions that a CRD defines; empty where it is not known."""
        return self._by_crd.get(crd_name, ())

    def groups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(group, versions, preferred first) as discovery lists them."""
        found = dict(self.builtin.groups)
        custom: dict[str, list[str]] = {}
        for kind in filter(_served, self.custom()):
            versions = custom.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
        for group in sorted(custom):
            both = (*found.get(group, ()), *sorted(custom[group], key=version_order))
            found[group] = tuple(dict.fromkeys(both))
        return tuple(found.items())

    def define(self, crd: JsonObject) -> None:
        """Serve the kinds of an Established CRD, in place of those that it defined before."""
        kinds = kinds_of(crd)
        self._set(crd["metadata"]["name"], kinds)

    def remove(self, crd_name: str) -> None:
        """Serve the kinds of a CRD no more; nothing happens where it is not known."""
        if crd_name in self._by_crd:
            self._set(crd_name, ())

    def _set(self, crd_name: str, kinds: tuple[Kind, ...]) -> None:
        remaining = {name: each for name, each in self._by_crd.items() if name != crd_name}
        if kinds:
            remaining[crd_name] = kinds
        every = list(chain.from_iterable(remaining.values()))
        self._by_crd = remaining
        self._by_plural = {(kind.group, kind.version, kind.plural): kind for kind in every}
        self._by_kind = {(kind.api_version, kind.kind): kind for kind in every}
        self.generation += 1


def _served(kind: Kind) -> bool:
    return kind.custom is None or kind.custom.served


def version_order(version: str) -> tuple[int, int, int, str]:
    """Sort key of versions as Kubernetes prefers them: v2, v1, v2beta1, v1alpha1, then others by name."""
    head, _, tail = version.partition("v")
    for rank, stage in enumerate(("", "beta", "alpha")):
        major, found, minor = tail.partition(stage) if stage else (tail, "", "0")
        if not head and major.isdigit() and minor.isdigit() and found == stage:
            return (rank, -int(major), -int(minor), "")
    return (3, 0, 0, version)
