"""Whether a chart makes the same twice. What differs would be applied anew after every lost cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from gitops.dialect import Document
from gitops.errors import Problem
from gitops.objects import Json
from gitops.pointers import Pointer

_MOST_PROBLEMS = 20


def differences(
    first: Sequence[Document], second: Sequence[Document], functions: Iterable[str]
) -> tuple[Problem, ...]:
    """Give the fields in which two renders differ, each object's first, and what to do. Quotes no value.

    `functions` are those that may be at fault.
    """
    found: list[Problem] = []
    because = f"templates call {', '.join(sorted(functions))}" if functions else "a template is at fault"
    for one, other in zip_longest(first, second):
        document = one or other
        before, after = (None if each is None else each.value for each in (one, other))
        pointer = next(_differing(before, after, ()), None)
        if document is None or pointer is None:
            continue
        message = (
            f"the chart makes something else each time it is rendered ({because}): set it in values, or take "
            "it from a Secret that exists"
        )
        found.append(Problem(document.locate(*pointer), message))
        if len(found) == _MOST_PROBLEMS:
            break
    return tuple(found)


def _differing(one: Json, other: Json, pointer: Pointer) -> Iterator[Pointer]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key, value in one.items():
            yield from _differing(value, other[key], (*pointer, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (value, partner) in enumerate(zip(one, other, strict=True)):
            yield from _differing(value, partner, (*pointer, index))
    elif one != other:
        yield pointer
