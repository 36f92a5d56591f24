"""What the strategies ask of the cluster around an object: time, neighbours, chance, free addresses."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Protocol

from simcluster.strategies.addresses import Addresses
from simcluster.values import JsonObject


class Context(Protocol):
    """One cluster, as the strategies see it. Nothing here writes."""

    @property
    def now(self) -> str:
        """The time in RFC 3339, UTC, whole seconds."""
        ...

    @property
    def random(self) -> Random:
        """Where random choices come from: suffixes, cluster IPs, node ports."""
        ...

    @property
    def addresses(self) -> Addresses:
        """Which cluster IPs and node ports Services have. Kept up to date by whoever stores Services."""
        ...

    def find(self, group_resource: str, namespace: str, name: str) -> JsonObject | None:
        """Return one object (`serviceaccounts`, `storageclasses.storage.k8s.io`), or None."""
        ...

    def items(self, group_resource: str, namespace: str) -> Iterable[JsonObject]:
        """Return the objects of a namespace, or all of them where `namespace` is ""."""
        ...
