"""What of an answer is compared: a part chosen by a path, with what no two runs share put in brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_FILTER = re.compile(r"(\w+)=(.*)")
# The alphabet of generated names: no vowels, nothing that looks like another letter.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b"), "<ip>"),
    (re.compile(r"(?<=resource version: )\d+( \(\d+\))?"), "<version>"),
    (re.compile(r'(?<=resourceVersion: ")\d+'), "<version>"),
    (re.compile(r'(?<=resourceVersion\\":\\")\d+'), "<version>"),
    (re.compile(r'(?<=resourceVersion":")\d+'), "<version>"),
    (re.compile(r"(?<=Resource Version:  )\d+"), "<version>"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"), "<time>"),
    (re.compile(r"(?<=pod-template-hash=)\w+"), "<hash>"),
    (re.compile(r"(?<=current: )\d+"), "<version>"),
    (re.compile(r"(?<=record \()\d+"), "<version>"),
    (re.compile(r"\b127\.0\.0\.1:\d+\b"), "<address>"),
    (re.compile(rf"-{_SAFE}{{8,10}}-{_SAFE}{{5}}\b"), "-<hash>-<random>"),
    (re.compile(rf"-{_SAFE}{{8,10}}\b"), "-<hash>"),
    (re.compile(rf"-{_SAFE}{{5}}\b"), "-<random>"),
)
_COLUMNS = re.compile(r"(?<=\S) {2,}")
_AGE = re.compile(
    r"(?<![\w.-])(\d+h)?(\d+m)?\d+(\.\d+)?(s|ms)(?![\w-])"
    r"|(?<![\w.=:-])(\d+d)?(\d+h)?\d+[mhd](?![\w-])"  # what is older than some minutes
    r"|<unknown>|<invalid>"
)
_VOLATILE_KEYS = {
    "resourceVersion": "<version>",
    "continue": "<continue>",
    "nodePort": "<port>",
    "healthCheckNodePort": "<port>",
    "pod-template-hash": "<hash>",
    "controller-revision-hash": "<hash>",
}
_OWNER_KEYS = ("operation", "manager", "subresource", "apiVersion")
# Status bodies differ in these four only when something is wrong: `settled` leaves them out otherwise.
_PLAIN_STATUS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}


def at(value: Any, path: str) -> Any:
    """Return what is at `path` below `value`: None where there is nothing.

    A path is names with dots between; `[0]` and `[-1]` count, `[*]` takes every item, `[type=Ready]` the
    first item with that value, `[a.b/c]` is a name with dots, `[#]` the length and `[keys]` the sorted names.
    """
    return _walk(value, [bracket or plain for bracket, plain in _STEP.findall(path)])


def _walk(value: Any, steps: Sequence[str]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        return _walk_list(value, step, rest)
    if not isinstance(value, dict):
        return None
    if step == "keys" and "keys" not in value:
        return sorted(value)
    return _walk(value[step], rest) if step in value else None


def _walk_list(value: list[Any], step: str, rest: Sequence[str]) -> Any:
    if step == "#":
        return len(value)
    if step == "*":
        return [_walk(item, rest) for item in value]
    if condition := _FILTER.fullmatch(step):
        name, wanted = condition.groups()
        found = [item for item in value if str(at(item, name)) == wanted]
        return _walk(found[0], rest) if found else None
    position = int(step)
    inside = -len(value) <= position < len(value)
    return _walk(value[position], rest) if inside else None


def shown(body: Any, show: Any) -> Any:
    """Return the part of `body` that a step's `show` names: a path, a list of paths, or all without one."""
    if show is None:
        return body
    if isinstance(show, str):
        return at(body, show)
    return {path: at(body, path) for path in show}


def settled(value: Any, namespace: str) -> Any:
    """Replace what differs from run to run: times, uids, versions, addresses, generated names, namespace."""

    def text(found: str) -> str:
        found = found.replace(namespace, "{ns}")
        for pattern, word in _WORDS:
            found = pattern.sub(word, found)
        return found

    return _settled(value, text)


def printed(text: str, namespace: str) -> str:
    """Do the same to what kubectl printed, where columns are as wide as their texts and time shows as age."""
    lines = (_AGE.sub("<age>", _COLUMNS.sub("  ", line)).rstrip() for line in text.split("\n"))
    return str(settled("\n".join(lines), namespace))


def _settled(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return _in_owners_order([_settled(item, text) for item in value if not _is_of_a_controller(item)])
    if not isinstance(value, dict):
        return value
    found = {
        text(name): _VOLATILE_KEYS[name]
        if name in _VOLATILE_KEYS and isinstance(item, str | int) and item != ""
        else _settled(item, text)
        for name, item in value.items()
    }
    if all(found.get(name) == item for name, item in _PLAIN_STATUS.items()):
        found = {name: item for name, item in found.items() if name not in _PLAIN_STATUS}
    return found


def _is_of_a_controller(entry: Any) -> bool:
    """Tell an entry of managedFields that is there once a controller came by, which is a matter of time."""
    return (
        isinstance(entry, dict)
        and entry.get("manager") == "kube-controller-manager"
        and entry.get("subresource") == "status"
    )


def _in_owners_order(items: list[Any]) -> list[Any]:
    """Order managedFields by their managers: servers go by times first, and a second may pass in between."""
    if not items or not all(isinstance(item, dict) and "fieldsV1" in item for item in items):
        return items
    return sorted(items, key=lambda item: [str(item.get(name)) for name in _OWNER_KEYS])
