"""How single values look in a Table: ages, labels, selectors, containers, lists that are cut short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from simcluster.values import JsonObject

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = list[Cell]

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"
_SHOWN = 3
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
# Below how many seconds: the unit, and the smaller one that is told beside it (0 for none).
_UNITS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
_OPERATORS = {"In": "in", "NotIn": "notin"}


def at(obj: Any, path: str) -> Any:  # noqa: ANN401 - any JSON may be there
    """Return what is at a dotted path of field names, None where a part is absent."""
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def text(obj: JsonObject, path: str, default: str = "") -> str:
    """Return a string field, or `default` where it is absent or empty."""
    return str(at(obj, path) or default)


def number(obj: JsonObject, path: str) -> int:
    """Return an integer field, 0 where it is absent."""
    return int(at(obj, path) or 0)


def elements(obj: JsonObject, path: str) -> list[Any]:
    """Return a list field, empty where it is absent."""
    found: list[Any] = at(obj, path) or []
    return found


def name(obj: JsonObject) -> str:
    """Return the object's name."""
    return text(obj, "metadata.name")


def human_duration(elapsed: timedelta) -> str:
    """Shorten a duration as apimachinery's duration.HumanDuration does: `119s`, `2m5s`, `7h59m`, `2d1h`."""
    seconds = int(elapsed.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    for limit, unit, letter, small_unit, small_letter in _UNITS:
        if seconds < limit:
            small = seconds % unit // small_unit if small_unit else 0
            return (
                f"{seconds // unit}{letter}{small}{small_letter}" if small else f"{seconds // unit}{letter}"
            )
    return f"{seconds // _YEAR}y"


def moment(timestamp: str) -> datetime:
    """Read an RFC 3339 timestamp. Raises `ValueError`."""
    return datetime.fromisoformat(timestamp)


def since(timestamp: str | None, now: datetime) -> str:
    """Say how long ago a timestamp was; `<unknown>` where it is absent."""
    return human_duration(now - moment(timestamp)) if timestamp else UNKNOWN


def age(obj: JsonObject, now: datetime) -> str:
    """Say how long ago the object was created."""
    return since(at(obj, "metadata.creationTimestamp"), now)


def labels_text(labels: Mapping[str, str] | None) -> str:
    """Write labels as `a=b,c=d`, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: JsonObject | None, default: str = NONE) -> str:
    """Write a LabelSelector as a query does, sorted by key: `a=b,c in (d,e),!f`."""
    if selector is None:
        return default
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    terms += [(each["key"], _expression(each)) for each in selector.get("matchExpressions") or []]
    return ",".join(term for _, term in sorted(terms, key=lambda pair: pair[0])) or default


def _expression(found: JsonObject) -> str:
    key, operator = found["key"], found["operator"]
    if operator == "Exists":
        return str(key)
    if operator == "DoesNotExist":
        return f"!{key}"
    return f"{key} {_OPERATORS[operator]} ({','.join(sorted(found.get('values') or []))})"


def containers_of(template: JsonObject | None) -> Row:
    """Return the names and the images of a pod template's containers, a cell each."""
    containers = elements(template or {}, "spec.containers")
    return [",".join(str(each.get(field) or "") for each in containers) for field in ("name", "image")]


def cut_short(found: Sequence[str], empty: str = UNSET) -> str:
    """Join the first few and count the rest: `a,b,c + 2 more...`."""
    if len(found) > _SHOWN:
        return f"{','.join(found[:_SHOWN])} + {len(found) - _SHOWN} more..."
    return ",".join(found) or empty


def condition(conditions: Iterable[JsonObject], kind: str) -> JsonObject | None:
    """Return the condition of that type."""
    return next((each for each in conditions if each.get("type") == kind), None)


def is_true(conditions: Iterable[JsonObject], kind: str) -> bool:
    """Tell whether the condition of that type is there and True."""
    return (condition(conditions, kind) or {}).get("status") == "True"
