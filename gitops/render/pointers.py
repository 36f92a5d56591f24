"""Where a JSON pointer (RFC 6901) leaves an object: what a person needs to mend a patch. Quotes no value."""

from __future__ import annotations

import re

from gitops.model.reading import nearest
from gitops.objects import Json
from gitops.pointers import pointer_to, steps_of

_SHOWN = 200
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def missing(body: Json, path: str) -> str:
    """Say what the last part of `path` that is there lacks; empty where all of it is there."""
    value, walked = body, ""
    for name in steps_of(path):
        here = walked or "the object"
        if isinstance(value, dict):
            if name not in value:
                return f'{here} has no "{name[:_SHOWN]}"{nearest(name, value)}'
            value = value[name]
        elif isinstance(value, list):
            if _INDEX.fullmatch(name) is None or int(name) >= len(value):
                return f"{here} is a list of {len(value)}, counted from 0"
            value = value[int(name)]
        else:
            return f"{here} is neither a mapping nor a list"
        walked += pointer_to(name)
    return ""
