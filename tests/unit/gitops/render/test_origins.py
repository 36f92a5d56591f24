"""Places of values in patched objects: in the patch that wrote them, or where they stood before."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.dialect import parse
from gitops.errors import Location
from gitops.pointers import Pointer
from gitops.render.origins import Place, Step, resolved, written

OPERATIONS = """\
- {op: replace, path: /spec/a, value: {b: [1, 2]}}
- {op: add, path: /spec/list/0, value: first}
- {op: remove, path: /spec/gone}
- {op: add, path: /spec/list/-, value: last}
- {op: move, from: /spec/moved, path: /spec/list/1}
- {op: copy, from: /spec/list/2, path: /spec/copy}
- {op: remove, path: /spec/list/0}
"""
# Every leaf is another, so that a value says where it comes from.
BODY = {"spec": {"a": 10, "list": [11, 12, {"x": 13}], "gone": 14, "moved": {"y": 15}, "same": [16]}}


def carried_out(body: Any, operations: list[dict[str, Any]], text: str = "") -> tuple[Any, list[Step]]:
    """Patch as the renderer does, one operation after the other."""
    (document,) = parse(text.encode(), "patch.yaml") if text else (None,)
    steps = []
    for number, operation in enumerate(operations):
        taken = operation["path"] if operation["op"] == "remove" else operation.get("from")
        source = None if taken is None else resolved(body, taken)
        body = jsonpatch.apply_patch(body, [copy.deepcopy(operation)])
        target = None if operation["op"] == "remove" else resolved(body, operation["path"])
        steps.append(Step(operation["op"], source, target, Place(document, (number,), Location(f"{number}"))))
    return body, steps


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        (("spec", "a"), "patch.yaml:1:39"),
        (("spec", "a", "b", 1), "patch.yaml:1:47"),
        (("spec", "a", "missing"), "patch.yaml:1:39"),
        (("spec", "gone"), "patch.yaml:3:3"),
        (("spec", "moved"), "patch.yaml:5:3"),
        (("spec", "list", 0), ("spec", "moved")),
        (("spec", "list", 0, "y"), ("spec", "moved", "y")),
        (("spec", "list", 1), ("spec", "list", 0)),
        (("spec", "list", 3, "x"), ("spec", "list", 2, "x")),
        (("spec", "list", 4), "patch.yaml:4:40"),
        (("spec", "copy"), ("spec", "list", 0)),
        (("spec",), ("spec",)),
        (("spec", "same", 0), ("spec", "same", 0)),
        ((), ()),
    ],
)
def test_a_value_is_found_where_it_was_written(pointer: Pointer, place: str | Pointer) -> None:
    operations: Any = parse(OPERATIONS.encode(), "patch.yaml")[0].value
    body, steps = carried_out(BODY, operations, OPERATIONS)
    assert body["spec"]["list"] == [{"y": 15}, 11, 12, {"x": 13}, "last"]
    found = written(pointer, steps)
    assert (str(found) if isinstance(found, Location) else found) == place


def at(value: Any, pointer: Pointer) -> Any:
    for step in pointer:
        value = value[step]
    return value


def leaves(value: Any, pointer: Pointer = ()) -> list[Pointer]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in leaves(inner, (*pointer, key))]
    if isinstance(value, list):
        return [one for index, inner in enumerate(value) for one in leaves(inner, (*pointer, index))]
    return [pointer]


PATHS = st.sampled_from(
    ["/l", "/m", "/l/0", "/l/1", "/l/2", "/l/-", "/m/a", "/m/b", "/m/a/0", "/m/a/-", "/n"]
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "replace", "move", "copy"]), PATHS, PATHS), max_size=8
    )
)
def test_every_leaf_comes_from_where_it_is_said_to(found: list[tuple[str, str, str]]) -> None:
    """Whatever the operations: a leaf that none wrote has the value that stood at its old pointer."""
    before = {"l": [1, [2, 3], 4], "m": {"a": [5, 6], "b": 7}}
    body: Any = before
    operations: list[dict[str, Any]] = []
    for number, (op, path, source) in enumerate(found):
        operation: dict[str, Any] = {"op": op, "path": path}
        operation |= {"from": source} if op in ("move", "copy") else {}
        operation |= {"value": [f"by {number}"]} if op in ("add", "replace") else {}
        try:
            body = jsonpatch.apply_patch(body, [copy.deepcopy(operation)])
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, ValueError):
            continue
        operations.append(operation)
    after, steps = carried_out(before, operations)
    for pointer in leaves(after):
        place = written(pointer, steps)
        if isinstance(place, Location):
            assert at(after, pointer) == operations[int(place.path)]["value"][0]
        else:
            assert at(after, pointer) == at(before, place)
