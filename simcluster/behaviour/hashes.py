"""Names that controllers make: hashes of templates, and random suffixes.

A real controller hashes a printout of Go structs, which nothing else can reproduce; here it is the canonical
JSON. Alphabet and lengths are apimachinery's (util/rand), so names look and sort alike.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any, TypeAlias

import orjson

JsonObject: TypeAlias = dict[str, Any]
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5


def template_hash(template: JsonObject, collisions: int | None = None) -> str:
    """Return the hash of a pod template (or a revision's data), changed by the number of collisions."""
    digest = hashlib.blake2b(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), digest_size=4)
    if collisions is not None:
        digest.update(collisions.to_bytes(4, "little"))
    number = str(int.from_bytes(digest.digest(), "little"))
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in number)


def suffix(random: Random) -> str:
    """Return five random characters, as generateName appends them."""
    return "".join(random.choices(_ALPHABET, k=_SUFFIX))
