"""What the API answers to a patch that it cannot apply, and Go's way to print values in such answers."""

from __future__ import annotations

from typing import Any

import orjson

from simcluster.errors import ApiError, bad_request

_GO_TYPES = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
    type(None): "%!s(<nil>)",
}
_JSON_TYPES = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "array"}


def decoded(body: bytes) -> Any:  # noqa: ANN401 - any JSON may come
    """Decode a patch's body. Raises `ApiError` 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_request("invalid JSON patch") from None


def json_type(value: Any) -> str:  # noqa: ANN401 - any JSON may come
    """Name the type of a decoded JSON value as Go's decoder does in its errors."""
    return _JSON_TYPES[type(value)]


def go_type(value: Any) -> str:  # noqa: ANN401 - any JSON may come
    """Name the Go type that holds a decoded JSON value."""
    return _GO_TYPES[type(value)]


def unprocessable() -> ApiError:
    """Refuse a patch that is well formed and cannot be applied: the server keeps the cause to itself."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def internal(message: str) -> ApiError:
    """Refuse as the server does where its own code gave an error without a status: 500, without a reason."""
    error = ApiError(500, "", message)
    del error.status["reason"]
    return error


def same(left: Any, right: Any) -> bool:  # noqa: ANN401 - any JSON may come
    """Compare JSON values by type too: Python holds True and 1 and 1.0 to be equal, JSON does not."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)
