"""YAML events → values with their places, within limits that are checked before anything grows."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any

import yaml

from gitops.dialect import scalars
from gitops.objects import Json

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Place = tuple[int, int]

_TAG_WITHOUT_BLANK = re.compile(r"(?:&[^\s,\[\]{}]+\s+)?![^\s,\[\]{}]*[,\[\]{}]")
_NO_MERGE = "<< takes a mapping or a list of mappings, written here or each by an alias"
_JSON_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\/")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. `nodes` counts every value of the file after aliases are followed.

    `repeated` is how many characters of text aliases may repeat: objects are written out in full.
    """

    bytes: int = 3 << 20
    documents: int = 1000
    depth: int = 64
    aliases: int = 10_000
    nodes: int = 250_000
    repeated: int = 4 << 20


@dataclass(slots=True)
class Spent:
    """What a file has cost so far, over all its documents."""

    nodes: int = 0
    aliases: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place (line and column count from 1). `keys` has the places of a mapping's keys.

    `size` counts values, `text` characters, aliases followed.
    """

    value: Json
    place: Place
    size: int = 1
    text: int = 0
    keys: dict[str, Place] = field(default_factory=dict)
    children: dict[str, Node] | list[Node] | None = None


class Malformed(Exception):  # noqa: N818 - internal: becomes a Problem in the one place that catches it
    """Reading cannot go on after this."""

    def __init__(self, place: Place, message: str) -> None:
        self.place = place
        self.message = message
        super().__init__(message)


class Composer:
    """Composes the one document of `text`; what does not stop the reading is left in `faults`.

    `json`: the text is JSON, which kubectl reads as such and so with JSON's escapes.
    """

    def __init__(
        self, text: str, first_line: int, limits: Limits, spent: Spent, *, json: bool = False
    ) -> None:
        self._text = text
        self._json = json
        self._first_line = first_line
        self._limits = limits
        self._spent = spent
        self._anchors: dict[str, Node | None] = {}  # None while the anchored value is still being read
        self._flow = 0  # how many brackets are open
        self.faults: list[tuple[Place, str]] = []

    def compose(self) -> Node | None:
        """Read the document; None when there is none. Raises Malformed."""
        events: Generator[Any, None, None] = yaml.parse(self._text, Loader=LOADER)  # type: ignore[assignment]
        try:
            return self._document(events)
        except yaml.MarkedYAMLError as error:
            raise self._malformed(error) from None
        except yaml.YAMLError:
            raise Malformed((self._first_line, 1), "not valid YAML: it cannot be read") from None
        finally:
            events.close()

    def _malformed(self, error: yaml.MarkedYAMLError) -> Malformed:
        """Turn libyaml's complaint, which never quotes a value, into ours, with where the trouble began."""
        began, seen = error.context_mark, error.problem_mark
        if error.context == "while scanning a simple key":
            seen, began = began or seen, None  # the key is the fault, not the line below it
        where = ""
        if began is not None and seen is not None and began.line != seen.line:
            where = f", in what begins on line {self._place(began)[0]}"
        place = self._place(seen) if seen else (self._first_line, 1)
        return Malformed(place, f"not valid YAML: {error.problem or 'it cannot be read'}{where}")

    def _document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise Malformed(self._place(event.start_mark), "a new document starts with a line ---")
                root = self._node(next(events), events, 1)
        return root

    def _place(self, mark: Any) -> Place:  # noqa: ANN401 - PyYAML's C marks have no type
        return (self._first_line + int(mark.line), int(mark.column) + 1)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:  # noqa: ANN401 - as above
        place = self._place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, place)
        self._charge(1, place)
        self._check_syntax(event, place)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = Node(scalars.through_json(self._scalar(event, place)), place, text=len(event.value))
        else:
            if depth > self._limits.depth:
                raise Malformed(place, f"nested deeper than {self._limits.depth} levels")
            self._flow += bool(event.flow_style)
            node = self._collection(event, events, depth)
            self._flow -= bool(event.flow_style)
        # What used the name again inside comes later, so it stays.
        if event.anchor is not None and self._anchors[event.anchor] is None:
            self._anchors[event.anchor] = node
        return node

    def _check_syntax(self, event: Any, place: Place) -> None:  # noqa: ANN401 - as above
        """Refuse what our YAML library reads and kubectl's does not, or otherwise."""
        begin, end = event.start_mark.index, event.end_mark
        if event.tag is not None and (tag := _TAG_WITHOUT_BLANK.match(self._text, begin)) is not None:
            place = (place[0], place[1] + tag.end() - begin - 1)
            self.faults.append((place, "a blank must follow the tag: kubectl takes this for a part of it"))
        if self._flow and isinstance(event, yaml.ScalarEvent) and not event.style and "?" in event.value:
            self.faults.append((place, "between brackets, kubectl ends a text before ?: put it in quotes"))
        if isinstance(event, yaml.ScalarEvent) and event.style == '"' and not self._json:
            written = self._text[begin : end.index]
            if "\\/" in written and _JSON_ESCAPE.search(written) is not None:
                self.faults.append((place, "not valid YAML: \\/ is an escape in JSON only: write /"))

    def _charge(self, nodes: int, place: Place) -> None:
        self._spent.nodes += nodes
        if self._spent.nodes > self._limits.nodes:
            raise Malformed(place, f"more than {self._limits.nodes} values in one file, aliases included")

    def _alias(self, anchor: str | None, place: Place) -> Node:
        self._spent.aliases += 1
        if self._spent.aliases > self._limits.aliases:
            raise Malformed(place, f"more than {self._limits.aliases} aliases in one file")
        if anchor is None or anchor not in self._anchors:
            # The name is not shown: `password: *hunter2` is a forgotten pair of quotes.
            raise Malformed(
                place, "an alias (*) without an anchor (&) before it; quote text that starts with *"
            )
        node = self._anchors[anchor]
        if node is None:
            raise Malformed(place, "an alias inside the very value it stands for")
        self._charge(node.size, place)
        self._spent.repeated += node.text
        if self._spent.repeated > self._limits.repeated:
            raise Malformed(place, f"aliases repeat more than {self._limits.repeated} characters in one file")
        return node

    def _scalar(self, event: Any, place: Place) -> scalars.Scalar:  # noqa: ANN401 - as above
        if event.tag == "!" or (event.tag is None and not event.implicit[0]):
            return str(event.value)
        try:
            value = scalars.resolve(event.tag, event.value)
        except ValueError as error:
            self.faults.append((place, str(error)))
            return None
        if self._json and isinstance(value, str):  # JSON has no text without quotes
            self.faults.append((place, "this is no number that JSON can hold"))
        return value

    def _collection(self, event: Any, events: Iterator[Any], depth: int) -> Node:  # noqa: ANN401 - as above
        place = self._place(event.start_mark)
        expected = scalars.SEQ if isinstance(event, yaml.SequenceStartEvent) else scalars.MAP
        if event.tag not in (None, "!", expected):
            self.faults.append((place, scalars.UNSUPPORTED_TAG))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(place, events, depth)
        items: list[Node] = []
        while not isinstance(child := next(events), yaml.SequenceEndEvent):
            items.append(self._node(child, events, depth + 1))
        size = 1 + sum(item.size for item in items)
        text = sum(item.text for item in items)
        return Node([item.value for item in items], place, size, text, children=items)

    def _mapping(self, place: Place, events: Iterator[Any], depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        written: dict[str, Place] = {}
        size, text = 1, 0
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key_place = self._place(event.start_mark)
            name = self._key(event, events, depth)
            inner = next(events)
            value = self._node(inner, events, depth + 1)
            size, text = size + 1 + value.size, text + len(name or "") + value.text
            if _is_merge(event):
                if not self._merge(value, entries, keys, alias=isinstance(inner, yaml.AliasEvent)):
                    self.faults.append((self._place(inner.start_mark), _NO_MERGE))
                continue
            if name is None:
                continue
            if name in written:
                self.faults.append((key_place, f'duplicate key "{name}", first on line {written[name][0]}'))
                continue
            entries[name], keys[name], written[name] = value, key_place, key_place
        values = {name: node.value for name, node in entries.items()}
        return Node(values, place, size, text, keys, entries)

    def _key(self, event: Any, events: Iterator[Any], depth: int) -> str | None:  # noqa: ANN401 - as above
        """Read a key; a scalar is named before it goes through JSON, as sigs.k8s.io/yaml does it."""
        place = self._place(event.start_mark)
        faults = len(self.faults)
        node = self._node(event, events, depth + 1)
        if len(self.faults) > faults:
            return None
        if isinstance(node.value, dict | list):
            self.faults.append((place, "a key must be a text, not a list or a mapping"))
            return None
        try:
            raw = self._scalar(event, place) if isinstance(event, yaml.ScalarEvent) else node.value
            return intern(scalars.key_text(raw))  # every manifest has the same ones
        except ValueError as error:
            self.faults.append((place, str(error)))
            return None

    def _merge(self, value: Node, entries: dict[str, Node], keys: dict[str, Place], *, alias: bool) -> bool:
        # As go-yaml v2 does it: in order of writing, so a merge replaces keys written above it.
        sources = reversed(value.children) if isinstance(value.children, list) and not alias else [value]
        for source in sources:
            if not isinstance(source.children, dict):
                return False
            entries.update(source.children)
            keys.update(source.keys)
        return True


def _is_merge(event: Any) -> bool:  # noqa: ANN401 - PyYAML's events have no common type
    return (
        isinstance(event, yaml.ScalarEvent)
        and event.value == "<<"
        and (event.tag == scalars.MERGE or (event.tag in (None, "!") and bool(event.implicit[0])))
    )
