"""Uids that the server makes up, from a generator with a seed, so that runs repeat."""

from __future__ import annotations

import random
import uuid


def new_uid(chance: random.Random) -> str:
    """Return a random UUID (version 4)."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
