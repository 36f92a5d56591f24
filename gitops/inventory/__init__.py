"""What was applied to one target for one application: set arithmetic, its ConfigMaps, the prune budget."""

from gitops.inventory.budget import (
    ALLOW_PRUNE,
    HOLDING,
    PRUNE,
    STATEFUL,
    Asked,
    PruneWord,
    how_to_release,
    prune_allowed,
    unknown_word,
)
from gitops.inventory.entries import Entry, Inventory, empty
from gitops.inventory.storage import (
    INVENTORY_OF,
    applyset_id,
    from_config_maps,
    leftover_chunks,
    member_labels,
    parent_name,
    pending_config_map,
    selector,
    to_config_maps,
)

__all__ = [
    "ALLOW_PRUNE",
    "HOLDING",
    "INVENTORY_OF",
    "PRUNE",
    "STATEFUL",
    "Asked",
    "Entry",
    "Inventory",
    "PruneWord",
    "applyset_id",
    "empty",
    "from_config_maps",
    "how_to_release",
    "leftover_chunks",
    "member_labels",
    "parent_name",
    "pending_config_map",
    "prune_allowed",
    "selector",
    "to_config_maps",
    "unknown_word",
]
