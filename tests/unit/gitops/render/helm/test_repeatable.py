"""Two renders of one chart: the first field of each object that differs, and no value."""

from __future__ import annotations

from gitops.render.helm.releases import parse_release
from gitops.render.helm.repeatable import differences

FIRST = (
    "kind: A\nmetadata: {name: a}\nspec: {same: 1, list: [{x: one}, {x: two}]}\n---\nkind: B\n---\nkind: C\n"
)


def found(second: str, first: str = FIRST) -> list[str]:
    before, after = (parse_release("c.yaml", text.encode()) for text in (first, second))
    return [str(problem) for problem in differences(before, after, {"now", "keys"})]


def test_equal_renders_have_no_differences() -> None:
    """However they were printed."""
    assert found(FIRST.replace("{same: 1, list:", "{list:").replace("two}]}", "two}], same: 1}")) == []


def test_each_object_is_told_once_with_a_field() -> None:
    changed = found(FIRST.replace("two", "other").replace("kind: C", "kind: D"))
    assert changed[0].startswith(
        "c.yaml (A a, /spec/list/1/x): the chart makes something else each time it is rendered "
        "(templates call keys, now)"
    )
    assert changed[1].startswith("c.yaml (C, /kind): ")
    assert not any("other" in one for one in changed)


def test_what_comes_and_goes_is_told() -> None:
    assert [one.split(":")[0] for one in found(f"{FIRST}---\nkind: D\n")] == ["c.yaml (D)"]
    assert [one.split(":")[0] for one in found("kind: A\n", "kind: A\n---\nkind: B\n")] == ["c.yaml (B)"]
    assert [one.split(":")[0] for one in found("kind: A\nx: [1]\n", "kind: A\nx: [1, 2]\n")] == [
        "c.yaml (A, /x)"
    ]
