"""JSON patches (RFC 6902) as the server applies them, with the liberties that its library takes.

A `replace` of an absent key adds it, a `copy` of one gives null, an index may be negative, and a `test` for
null holds where nothing is. Why an operation failed the server does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simcluster.errors import Cause, bad_request, invalid, too_large
from simcluster.patches.refusals import decoded, json_type, same, unprocessable
from simcluster.values import JsonObject

MOST_OPERATIONS = 10_000
_INDEX = re.compile(r"[+-]?[0-9]+")
_OPERATION = "handlers.jsonPatchOp"
_NO_OBJECT = (
    "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct "
    '{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)


def apply(obj: JsonObject, body: bytes) -> JsonObject:
    """Return the patched object; `obj` is not changed. Raises `ApiError` (400, 413 or 422).

    Fields that were set to null are there with None: what that means depends on the kind.
    """
    operations = _operations(body)
    document = _Document(obj)
    for operation in operations:
        _apply_one(document, operation)
    if not isinstance(document.root, dict):
        cause = Cause("patch", "FieldValueInvalid", f'Invalid value: "[]": {_NO_OBJECT}')
        raise invalid("", "", "", [cause])
    return document.root


class _Document:
    """The object while it is patched. Its lists and maps are its own."""

    def __init__(self, obj: JsonObject) -> None:
        self.root: JsonObject | list[Any] = _copied(obj)

    def get(self, pointer: str) -> Any:  # noqa: ANN401 - any JSON may be there
        """Return what is there; None for an absent key too."""
        place, key = self._place(pointer)
        if isinstance(place, dict):
            return place.get(key)
        return place[_index(key, len(place))]

    def add(self, pointer: str, value: Any) -> None:  # noqa: ANN401 - any JSON may be added
        place, key = self._place(pointer)
        if isinstance(place, dict):
            place[key] = value
        elif key == "-":
            place.append(value)
        else:
            place.insert(_index(key, len(place) + 1), value)

    def replace(self, pointer: str, value: Any) -> None:  # noqa: ANN401 - any JSON may replace
        if pointer == "":
            if not isinstance(value, (dict, list)):
                raise unprocessable()
            self.root = value
            return
        place, key = self._place(pointer)
        if isinstance(place, dict):
            place[key] = value
        else:
            place[_index(key, len(place))] = value

    def remove(self, pointer: str) -> None:
        place, key = self._place(pointer)
        if isinstance(place, list):
            del place[_index(key, len(place))]
        elif key in place:
            del place[key]
        else:
            raise unprocessable()

    def _place(self, pointer: str) -> tuple[JsonObject | list[Any], str]:
        """Return the container that the last word is a key of. What is before the first slash is free."""
        words = [word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")[1:]]
        if not words:
            raise unprocessable()
        place: Any = self.root
        for word in words[:-1]:
            place = place.get(word) if isinstance(place, dict) else place[_index(word, len(place))]
            if not isinstance(place, (dict, list)):
                raise unprocessable()
        return place, words[-1]


def _index(word: str, length: int) -> int:
    """Read a list's index below `length`; a negative one counts from there."""
    if not _INDEX.fullmatch(word):
        raise unprocessable()
    index = int(word)
    if not -length <= index < length:
        raise unprocessable()
    return index % length


def _operations(body: bytes) -> list[JsonObject]:
    found = decoded(body)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _mistyped(found, f"Go value of type []{_OPERATION}")
    for operation in found:
        if operation is None:
            continue
        if not isinstance(operation, dict):
            raise _mistyped(operation, f"Go value of type {_OPERATION}")
        for field, value in operation.items():
            if field in ("op", "path", "from") and not isinstance(value, (str, type(None))):
                raise _mistyped(value, f"Go struct field jsonPatchOp.{field} of type string")
    if len(found) > MOST_OPERATIONS:
        raise too_large(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MOST_OPERATIONS}, got {len(found)}"
        )
    return [operation or {} for operation in found]


def _mistyped(value: Any, wanted: str) -> Exception:  # noqa: ANN401 - any JSON may come
    return bad_request(f"error decoding patch: json: cannot unmarshal {json_type(value)} into {wanted}")


def _apply_one(document: _Document, operation: JsonObject) -> None:
    act = _ACTIONS.get(operation.get("op") or "")
    if act is None:
        raise unprocessable()
    act(document, operation)


def _pointer(operation: JsonObject, field: str = "path") -> str:
    found = operation.get(field)
    if found is None:
        raise unprocessable()
    return str(found)


def _add(document: _Document, operation: JsonObject) -> None:
    document.add(_pointer(operation), _copied(operation.get("value")))


def _remove(document: _Document, operation: JsonObject) -> None:
    document.remove(_pointer(operation))


def _replace(document: _Document, operation: JsonObject) -> None:
    document.replace(_pointer(operation), _copied(operation.get("value")))


def _move(document: _Document, operation: JsonObject) -> None:
    value = document.get(_pointer(operation, "from"))
    document.remove(_pointer(operation, "from"))
    document.add(_pointer(operation), value)


def _copy(document: _Document, operation: JsonObject) -> None:
    document.add(_pointer(operation), _copied(document.get(_pointer(operation, "from"))))


def _test(document: _Document, operation: JsonObject) -> None:
    pointer = _pointer(operation)
    found = document.root if pointer == "" else document.get(pointer)
    if not same(found, operation.get("value")):
        raise unprocessable()


_ACTIONS: dict[str, Callable[[_Document, JsonObject], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _copied(value: Any) -> Any:  # noqa: ANN401 - any JSON may come
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value
