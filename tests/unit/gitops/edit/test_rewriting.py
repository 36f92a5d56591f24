"""A file that says something else afterwards, and in which nothing else moved."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from gitops.dialect import parse
from gitops.edit import rewrite
from gitops.errors import Refused

PATH = "environments/production/web/app.yaml"
TEXTS = st.one_of(
    st.text("ab:#-{}[]'\" \\,&*!|>%@`?\n", max_size=12),
    st.sampled_from(
        [
            "on",
            "1e3",
            "0x1F",
            "null",
            "~",
            "12:30:45",
            "2020-01-01",
            "ü\u2028\x7f\U0001f600",
            "a\nb\n",
            "x\n\n",
        ]
    ),
)
SCALARS = st.one_of(
    TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none(), st.sampled_from([0.5, 1e300])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@dataclass
class Node:
    """A value, how it is written, and what a person changes about it."""

    value: Any = None
    style: str = ""
    children: dict[str, Node] | list[Node] | None = None
    flow: bool = False
    token: str = ""
    change: Any = None
    removed: bool = False
    added: list[Any] = field(default_factory=list)

    def after(self) -> Any:
        """What it says once changed."""
        if self.children is None:
            return self.value if self.change is None else self.change[0]
        if isinstance(self.children, dict):
            kept = {key: one.after() for key, one in self.children.items() if not one.removed}
            return kept | {f"new{number}": one for number, one in enumerate(self.added)}
        return [one.after() for one in self.children if not one.removed] + self.added

    def before(self) -> Any:
        """What it says now."""
        if isinstance(self.children, dict):
            return {key: one.before() for key, one in self.children.items()}
        return self.value if self.children is None else [one.before() for one in self.children]

    def untouched(self) -> list[str]:
        """The tokens of leaves that stay as they are."""
        if self.removed:
            return []
        if self.children is None:
            return [self.token] if self.change is None and self.token else []
        below = self.children.values() if isinstance(self.children, dict) else self.children
        return [token for one in below for token in one.untouched()]


def scalar(value: Any, style: str) -> str:
    """In the style where that can say it."""
    if style == "'" and isinstance(value, str) and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == "" and isinstance(value, str) and value.isalpha() and value not in ("on", "null", "y", "n"):
        return value
    return json.dumps(value).replace("\\ud83d\\ude00", "\U0001f600")


def flow(node: Node) -> str:
    """On one line."""
    if isinstance(node.children, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {flow(one)}" for key, one in node.children.items()) + "}"
    if node.children is not None:
        return "[" + " , ".join(flow(one) for one in node.children) + " ]"
    return scalar(node.value, node.style)


def block(start: str, node: Node, indent: int, gaps: st.DataObject) -> list[str]:
    """As people write it, with comments and blank lines; every line of a leaf carries its token."""
    head = gaps.draw(st.sampled_from([[], [""], [f"{' ' * indent}# why {node.token} so"], ["# far left"]]))
    comment = f"   # {node.token}" if node.token else ""
    if not node.children or node.flow:
        if node.style == "|" and isinstance(node.value, str) and node.value and node.value.isalpha():
            return [*head, f"{start} |-{comment}", f"{' ' * (indent + 2)}{node.value}"]
        return [*head, f"{start} {flow(node)}{comment}"]
    if isinstance(node.children, dict):
        lines = [
            line
            for key, one in node.children.items()
            for line in block(f"{' ' * (indent + 2)}{scalar(key, '')}:", one, indent + 2, gaps)
        ]
    else:
        step = gaps.draw(st.sampled_from([0, 2])) if start.endswith(":") else 2
        lines = [
            line
            for one in node.children
            for line in block(f"{' ' * (indent + step)}-", one, indent + step, gaps)
        ]
    if start.endswith("-") and lines[0].strip() and not lines[0].strip().startswith("#"):
        return [*head, f"{start} {lines[0].lstrip()}", *lines[1:]]
    return [*head, f"{start}{comment}", *lines]


@st.composite
def nodes(draw: st.DrawFn, depth: int, *, flat: bool = False) -> Node:
    kind = draw(st.sampled_from(["leaf", "leaf", "map", "names", "list"] if depth else ["leaf"]))
    if kind == "leaf":
        return Node(draw(SCALARS), draw(st.sampled_from(["", "'", '"', "|"])))
    inner = flat or draw(st.integers(0, 4)) == 0
    below = nodes(depth - 1, flat=inner)
    if kind == "map":
        return Node(
            children=draw(st.dictionaries(st.text("abcß-/.", min_size=1), below, min_size=1, max_size=4)),
            flow=inner,
        )
    if kind == "list":
        values = draw(st.lists(SCALARS, unique_by=json.dumps, min_size=1, max_size=4))
        return Node(children=[Node(value) for value in values], flow=inner)
    maps = draw(st.lists(st.dictionaries(st.sampled_from("xyz"), below, max_size=3), min_size=1, max_size=3))
    named = [
        Node(children={"name": Node(f"n{number}"), **one}, flow=inner) for number, one in enumerate(maps)
    ]
    return Node(children=named, flow=inner)


def prepared(node: Node, data: st.DataObject, numbers: list[int], *, inside: bool = False) -> None:
    """Number the leaves that have a line of their own, and decide what changes."""
    if node.children is None or node.flow:
        numbers[0] += 1
        node.token = "" if inside else f"t{numbers[0]}."
    if node.children is None:
        if data.draw(st.integers(0, 5)) == 0:
            node.change = [data.draw(VALUES)]
        return
    keys = list(node.children) if isinstance(node.children, dict) else range(len(node.children))
    for key in keys:
        one = node.children[key]  # type: ignore[index]
        prepared(one, data, numbers, inside=inside or node.flow)
        if key == "name":
            one.change = None
        elif data.draw(st.integers(0, 5)) == 0:
            one.removed = True
    if data.draw(st.integers(0, 5)) == 0 and not any(
        isinstance(one.children, dict) and "name" in one.children
        for one in (node.children if isinstance(node.children, list) else ())
    ):
        node.added = data.draw(st.lists(VALUES, min_size=1, max_size=2))


@settings(max_examples=100)
@given(
    st.lists(
        st.dictionaries(st.text("abc", min_size=1), nodes(depth=2), min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
    st.data(),
)
def test_a_rewritten_file_says_what_it_should_and_keeps_every_other_line(
    documents: list[dict[str, Node]], data: st.DataObject
) -> None:
    """Comments, layout and quotes of what did not change are there as they were, in their order."""
    numbers = [0]
    roots = [Node(children=document) for document in documents]
    for root in roots:
        prepared(root, data, numbers)
    texts = [
        "\n".join(line for key, one in root.children.items() for line in block(f"{key}:", one, 0, data))  # type: ignore[union-attr]
        for root in roots
    ]
    text = "\n---\n".join(texts) + data.draw(st.sampled_from(["\n", "", "\n\n# end\n"]))
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    assert [one.value for one in parse(text.encode(), PATH)] == [root.before() for root in roots]
    index = data.draw(st.integers(0, len(roots) - 1))
    wanted = roots[index].after()
    note(f"{text}\n=> {wanted}")
    edited = rewrite(PATH, text.encode(), index, wanted)
    said = [one.value for one in parse(edited, PATH)]
    assert said[index] == wanted or wanted == {}
    kept = [
        token for number, root in enumerate(roots) for token in (root.untouched() if number == index else [])
    ]
    before, after = (said.splitlines() for said in (text, edited.decode()))
    bare = [one.lstrip(" -") for one in after]
    for token in kept:
        lines = [one.lstrip(" -") for one in before if one.endswith((token, f"# why {token} so"))]
        assert [one for one in lines if one not in bare] == []
    places = [next(at for at, one in enumerate(bare) if one.endswith(token)) for token in kept]
    assert places == sorted(places)


@given(
    st.dictionaries(st.text("ab", min_size=1), VALUES, min_size=1),
    st.dictionaries(st.text("ab", min_size=1), VALUES),
    st.sampled_from([None, 0, 2]),
)
def test_json_stays_json(before: Any, wanted: Any, indent: int | None) -> None:
    """Where it was JSON, however it is laid out."""
    text = json.dumps(before, indent=indent, ensure_ascii=False).replace("\x7f", "\\u007f")
    text = text.replace("\u2028", "\\u2028")
    edited = rewrite("a.json", text.encode(), 0, wanted)
    assert json.loads(edited) == wanted


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("a: 1 # one\n", {"a": "1"}, 'a: "1" # one\n'),
        ("a: 'x'\n", {"a": "it's"}, "a: 'it''s'\n"),
        ("a:\nb: 1\n", {"a": 2, "b": 1}, "a: 2\nb: 1\n"),
        (
            "a: |  # why\n  one\n  two\n\nb: 1\n",
            {"a": "one\nthree\n", "b": 1},
            "a: |  # why\n  one\n  three\n\nb: 1\n",
        ),
        ("a: >-\n  one\n  two\n", {"a": "other"}, "a: |-\n  other\n"),
        ("a:\n  b: 1\n  # after\n", {"a": {}}, "a: {}\n  # after\n"),
        ("a:\n- 1\n- 2 # two\n- 3\n", {"a": [1, 3]}, "a:\n- 1\n- 3\n"),
        ("a: {b: 1, c: 2}\n", {"a": {"c": 2}}, "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", {"a": {"b": 1, "d": ["x"]}}, "a: {b: 1, d: [x]}\n"),
        ('{"a": {"b": 1}}\n', {"a": {"b": 1, "c": "x"}}, '{"a": {"b": 1, "c": "x"}}\n'),
        ("a:\r\n  b: 1\r\n", {"a": {"b": 1, "c": 2}}, "a:\r\n  b: 1\r\n  c: 2\r\n"),
        ("\ufeffa: 1\n---\nb: 1", {"a": 2}, "\ufeffa: 2\n---\nb: 1"),
        ("- name: p\n  v: 1 # x\n- name: q\n  v: 2\n", [{"name": "q", "v": 2}], "- name: q\n  v: 2\n"),
        ("a: &x {b: 1}\nc: &y 2\nd: *y\n", {"a": {"b": 3}, "c": 2, "d": 2}, "a: &x {b: 3}\nc: &y 2\nd: *y\n"),
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 2}, "a: &x 1\nb: 2\n"),
        ("- a: 1 # x\n  b: 2\n", [{"b": 2}], "- b: 2\n"),
        ("- a: 1\n  # why\n  b: 2\n", [{"b": 2}], "- # why\n  b: 2\n"),
        ("- a: 1\n  b: 2\n  c: 3\n", [{"c": 3}], "- c: 3\n"),
        ("- 1\n", [0, 1], "- 0\n- 1\n"),
        ("a:\n  - 1\nb: 2\n", {"a": [0, 1], "b": 2}, "a:\n  - 0\n  - 1\nb: 2\n"),
    ],
)
def test_a_change_is_as_small_as_a_person_would_make_it(before: str, wanted: Any, after: str) -> None:
    path = "a.json" if before.startswith("{") else PATH
    assert rewrite(path, before.encode(), 0, wanted).decode() == after


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: &x 1\nb: *x\n", {"a": 2, "b": 1}),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 2}}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", {"a": {"b": 1}, "c": {"b": 2, "d": 1}}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", {"a": {"b": 1}, "c": {"d": 1}}),
    ],
)
def test_one_text_that_stands_for_two_values_is_refused_with_its_place(text: str, wanted: Any) -> None:
    with pytest.raises(Refused, match=rf"{PATH}:\d:\d: "):
        rewrite(PATH, text.encode(), 0, wanted)


def test_what_is_so_already_stays_byte_for_byte() -> None:
    assert rewrite(PATH, b"a:   1\n", 0, {"a": 1}) == b"a:   1\n"
