"""Which rules hold for which kind: of its name, of a new object, of a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from simcluster.errors import Cause
from simcluster.strategies.validation import formats
from simcluster.strategies.validation.meta import NameRule

JsonObject: TypeAlias = dict[str, Any]
Create: TypeAlias = Callable[[JsonObject], list[Cause]]
Update: TypeAlias = Callable[[JsonObject, JsonObject], list[Cause]]


@dataclass(frozen=True, slots=True)
class Rules:
    """The checks of one kind beside its metadata; None: nothing more is checked."""

    name: NameRule = formats.dns_subdomain
    create: Create | None = None
    update: Update | None = None
    status: Update | None = None


RULES: Mapping[tuple[str, str], Rules] = {
    ("", "Namespace"): Rules(formats.dns_label),
    ("", "ConfigMap"): Rules(),
}
