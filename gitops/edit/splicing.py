"""The smallest changes to a document's text that make it say another value. Checks nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from gitops.dialect import Document, Form, Span, layout
from gitops.edit import writing
from gitops.errors import Refused
from gitops.objects import Json, JsonObject, canonical_json
from gitops.pointers import Pointer

_INDICATORS = re.compile(r"[|>](?P<chomping>[+-]?)(?P<indent>[0-9]?)[+-]?")
_BLOCKS = frozenset({Form.BLOCK_MAPPING, Form.BLOCK_SEQUENCE})
_EMPTY: tuple[Json, ...] = ({}, [])


class Splice(NamedTuple):
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


class _Part(NamedTuple):
    """A child of a collection with its key or dash."""

    start: int
    value: Span


def splices(document: Document, wanted: Json) -> tuple[Splice, ...]:
    """Give changes of the document's text, in order and apart, after which it should say `wanted`.

    Raises Refused where a value comes through an alias or a merge key.
    """
    writer = _Writer(document)
    writer.change(layout(document), document.value, wanted, ())
    # What is inserted at one place stays in order: inner collections come before those that hold them.
    return tuple(sorted(writer.found, key=lambda one: one[:2]))


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1."""
    return one is other or canonical_json(one) == canonical_json(other)


class _Writer:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._text = document.text
        self._break = "\r\n" if "\r\n" in self._text else "\n"
        self._strict = document.path.endswith(".json")
        self.found: list[Splice] = []

    def change(self, span: Span, value: Json, wanted: Json, pointer: Pointer) -> None:
        if same(value, wanted):
            return
        mapping = span.form in (Form.BLOCK_MAPPING, Form.FLOW_MAPPING)
        if wanted in _EMPTY or not isinstance(wanted, dict | list) or type(wanted) is not type(value):
            self._replace(span, value, wanted)
        elif span.form is Form.ALIAS:
            raise Refused(
                f"{self._document.locate(*pointer)}: this is an alias, and stands for another value"
            )
        elif mapping and isinstance(value, dict) and isinstance(wanted, dict):
            self._mapping(span, value, wanted, pointer)
        elif isinstance(value, list) and isinstance(wanted, list):
            self._sequence(span, value, wanted, pointer)

    def _mapping(self, span: Span, value: JsonObject, wanted: JsonObject, pointer: Pointer) -> None:
        written = {key.place: index for index, key in enumerate(span.keys)}
        parts = [_Part(key.start, below) for key, below in zip(span.keys, span.children, strict=True)]
        removed: set[int] = set()
        for name, now in value.items():
            if name in wanted and same(now, wanted[name]):
                continue
            index = written.get(self._document.key_at(*pointer, name))
            if index is None:
                place = self._document.locate_key(*pointer, name)
                raise Refused(f"{place}: this comes through a merge key (<<), and stands for another value")
            if name in wanted:
                self.change(span.children[index], now, wanted[name], (*pointer, name))
            else:
                removed.add(index)
        added = {name: below for name, below in wanted.items() if name not in value}
        if not added and not removed:
            return
        if span.form is Form.FLOW_MAPPING:
            texts = [
                f"{writing.inline(name, strict=self._strict)}: {self._inline(below)}"
                for name, below in added.items()
            ]
            self._flow(span, parts, removed, {len(parts): texts})
        elif len(removed) == len(parts):
            self._replace(span, value, wanted)
        else:
            indent = self._column(parts[0].start)
            lines = [line for name, below in added.items() for line in writing.entry(name, below, indent)]
            self._remove_block(parts, removed)
            self._insert_block(parts, len(parts), lines)

    def _sequence(self, span: Span, value: list[Json], wanted: list[Json], pointer: Pointer) -> None:
        flow = span.form is Form.FLOW_SEQUENCE
        parts = [_Part(one.start if flow else self._dash(one), one) for one in span.children]
        removed: set[int] = set()
        added: dict[int, list[Json]] = {}
        for _, start, end, first, last in _differing(value, wanted):
            paired = min(end - start, last - first)
            for offset in range(paired):
                index = start + offset
                self.change(span.children[index], value[index], wanted[first + offset], (*pointer, index))
            removed.update(range(start + paired, end))
            if last - first > paired:
                added[end] = wanted[first + paired : last]
        if flow:
            self._flow(
                span, parts, removed, {at: [self._inline(one) for one in new] for at, new in added.items()}
            )
        elif len(removed) == len(parts):
            self._replace(span, value, wanted)
        else:
            self._remove_block(parts, removed)
            for at, new in added.items():
                indent = self._column(parts[0].start)
                self._insert_block(parts, at, [line for one in new for line in writing.item(one, indent)])

    def _replace(self, span: Span, value: Json, wanted: Json) -> None:
        if span.style in ("|", ">") and isinstance(wanted, str) and self._replace_block(span, wanted):
            return
        text, start, end = self._inline(wanted, span.style), span.start, self._value_end(span)
        if start == end:  # an empty value, right after its colon or dash
            text = f" {text}"
        elif span.form in _BLOCKS and not self._text[:start].rpartition("\n")[2].strip():
            above = self._text[:start].rstrip()
            if above.endswith((":", "-")):  # nothing but blanks is between: on the line of its key or dash
                start, text = len(above), f" {text}"
            else:  # further in than its key, as a sequence need not be
                text = f"  {text}"
        elif isinstance(value, str) and not isinstance(wanted, str) and span.style:
            text = self._inline(wanted)
        self.found.append(Splice(start, end, text))

    def _replace_block(self, span: Span, wanted: str) -> bool:
        """Write the text of a block scalar anew, in the lines' own indentation."""
        head, _, body = self._text[span.start : span.end].partition("\n")
        indicators = _INDICATORS.search(head)
        block = _literal(wanted)
        first = next((line for line in body.split("\n") if line.strip()), "")
        if block is None or indicators is None or indicators["indent"] or not first:
            return False
        indent = len(first) - len(first.lstrip(" "))
        head = f"{head[: indicators.start()]}|{block.chomping}{head[indicators.end() :]}"
        lines = writing.indented(block.lines, indent)
        end = self._value_end(span) if indicators["chomping"] != "+" else span.end
        after = self._break if end == span.end and self._text[end - 1] == "\n" else ""
        text = self._break.join((head.removesuffix("\r"), *lines))
        self.found.append(Splice(span.start, end, text + after))
        return True

    def _flow(
        self, span: Span, parts: Sequence[_Part], removed: set[int], added: dict[int, list[str]]
    ) -> None:
        """Remove and add elements of a flow collection together with their commas."""
        kept = [index for index in range(len(parts)) if index not in removed]
        if not kept:
            start = (
                parts[0].start
                if parts
                else self._text.rindex("{["[span.form is Form.FLOW_SEQUENCE], 0, span.end) + 1
            )
            end = parts[-1].value.end if parts else start
            self.found.append(
                Splice(start, end, ", ".join(text for texts in added.values() for text in texts))
            )
            return
        for index in sorted(removed):
            if index > kept[-1]:
                self.found.append(Splice(parts[index - 1].value.end, parts[index].value.end, ""))
            else:
                self.found.append(Splice(parts[index].start, parts[index + 1].start, ""))
        for at, texts in added.items():
            before = [index for index in kept if index < at]
            if before:
                place = parts[before[-1]].value.end
                self.found.append(Splice(place, place, "".join(f", {text}" for text in texts)))
            elif texts:
                self.found.append(
                    Splice(parts[0].start, parts[0].start, "".join(f"{text}, " for text in texts))
                )

    def _remove_block(self, parts: Sequence[_Part], removed: set[int]) -> None:
        """Remove whole lines; what stands on the line of a dash is followed by what comes next."""
        leading = 0
        if not self._alone(parts[0].start):
            while leading in removed:
                leading += 1
        if leading:
            end = self._lines_end(parts[leading - 1].value)
            end += len(self._text[end:]) - len(self._text[end:].lstrip())
            self.found.append(Splice(parts[0].start, end, ""))
        for index in sorted(removed):
            if index >= leading:
                start = self._line_start(parts[index].start)
                self.found.append(Splice(start, self._lines_end(parts[index].value), ""))

    def _insert_block(self, parts: Sequence[_Part], at: int, lines: Sequence[str]) -> None:
        if not lines:
            return
        text = self._break.join(lines)
        if at:
            place = self._lines_end(parts[at - 1].value)
            self.found.append(Splice(place, place, f"{text}{self._break}"))
        else:
            place = parts[0].start
            indent = " " * self._column(place)
            self.found.append(Splice(place, place, f"{text.removeprefix(indent)}{self._break}{indent}"))

    def _inline(self, value: Json, style: str = "") -> str:
        return writing.inline(value, style if style in ("'", '"') else "", strict=self._strict)

    def _column(self, place: int) -> int:
        return place - self._line_start(place)

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _alone(self, place: int) -> bool:
        """Whether nothing but blanks is before it on its line."""
        return not self._text[self._line_start(place) : place].strip()

    def _dash(self, item: Span) -> int:
        return self._text.rfind("-", 0, item.start)

    def _value_end(self, span: Span) -> int:
        """The end of a value without the line breaks after it, which may be nobody's."""
        last = span
        while last.form in _BLOCKS and last.children:
            last = last.children[-1]
        if last.style in ("|", ">") and not _keeps(self._text[last.start : last.end]):
            return last.start + len(self._text[last.start : last.end].rstrip("\r\n"))
        return span.end

    def _lines_end(self, span: Span) -> int:
        """Where the line after a value begins: comments behind it belong to it."""
        end = self._value_end(span)
        if self._text[end - 1] == "\n" and end > span.start:
            return end
        found = self._text.find("\n", end)
        return len(self._text) if found < 0 else found + 1


def _literal(text: str) -> writing.Literal | None:
    """As `writing.literal`; what was a block scalar stays one where its text has a single line now."""
    if text.strip() and text.isprintable() and text[0] != " ":
        return writing.Literal("-", (text,))
    return writing.literal(text)


def _keeps(block: str) -> bool:
    return "+" in block.partition("\n")[0].partition("#")[0]


def _differing(value: list[Json], wanted: list[Json]) -> list[tuple[str, int, int, int, int]]:
    """Where two lists differ, as difflib's opcodes; elements that all have a name are matched by it."""
    named = _names(value), _names(wanted)
    matcher: SequenceMatcher[str | bytes]
    if named[0] is not None and named[1] is not None:
        matcher = SequenceMatcher(None, named[0], named[1], autojunk=False)
    else:
        matcher = SequenceMatcher(
            None,
            [canonical_json(one) for one in value],
            [canonical_json(one) for one in wanted],
            autojunk=False,
        )
    return [code for code in matcher.get_opcodes() if named[0] is not None or code[0] != "equal"]


def _names(items: list[Json]) -> list[str | bytes] | None:
    names = [one.get("name") for one in items if isinstance(one, dict)]
    if len(names) < len(items) or not all(isinstance(name, str) for name in names):
        return None
    return [str(name) for name in names] if len(set(names)) == len(names) else None
