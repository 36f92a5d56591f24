"""Hashes of templates, by which controllers name what they make.

A real controller hashes a printout of Go structs, which nothing else can reproduce; here it is the canonical
JSON. The letters are apimachinery's (util/rand), so names look and sort alike.
"""

from __future__ import annotations

import hashlib

import orjson

from simcluster.strategies.names import LETTERS
from simcluster.values import JsonObject


def template_hash(template: JsonObject, collisions: int | None = None) -> str:
    """Return the hash of a pod template (or a revision's data), changed by the number of collisions."""
    digest = hashlib.blake2b(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), digest_size=4)
    if collisions is not None:
        digest.update(collisions.to_bytes(4, "little"))
    number = str(int.from_bytes(digest.digest(), "little"))
    return "".join(LETTERS[ord(digit) % len(LETTERS)] for digit in number)
