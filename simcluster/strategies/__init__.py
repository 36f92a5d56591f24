"""What the server's registry does to objects of each kind before they are stored.

Defaults computed in Go, allocation, admission, names, validation, immutability, generations, what a write
may reset, warnings. Values in, values out: the caller stores, and settles names, uids and versions.
"""

from __future__ import annotations

from simcluster.strategies import traits
from simcluster.strategies.addresses import Addresses
from simcluster.strategies.context import Context
from simcluster.strategies.defaults import install
from simcluster.strategies.names import generated
from simcluster.strategies.preparation import (
    decoded,
    generation,
    prepare_create,
    prepare_status,
    prepare_update,
)
from simcluster.strategies.traits import Traits
from simcluster.strategies.validation import validate_create, validate_status, validate_update
from simcluster.strategies.warnings import deprecation, warnings

install()

__all__ = [
    "Addresses",
    "Context",
    "Traits",
    "decoded",
    "deprecation",
    "generated",
    "generation",
    "prepare_create",
    "prepare_status",
    "prepare_update",
    "traits",
    "validate_create",
    "validate_status",
    "validate_update",
    "warnings",
]
