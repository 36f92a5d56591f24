"""Where each part of a document is written, to the character: what an edit needs to change nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import yaml

from gitops.dialect.documents import Document
from gitops.dialect.nodes import LOADER, Place


class Form(Enum):
    """How a value is written."""

    SCALAR = "scalar"
    BLOCK_MAPPING = "block mapping"
    BLOCK_SEQUENCE = "block sequence"
    FLOW_MAPPING = "flow mapping"
    FLOW_SEQUENCE = "flow sequence"
    ALIAS = "alias"


@dataclass(frozen=True, slots=True)
class Span:
    """A value's characters in the document's text: `start` is the first, `end` is after the last.

    An anchor or a tag counts as part of the value. A block scalar (`style` `|` or `>`) ends after its
    line breaks, a block collection with its last child, an empty value where it begins. `keys` are those
    of a mapping, in the order of `children`; `place` is the line and column in the file.
    """

    form: Form
    start: int
    end: int
    place: Place
    style: str = ""
    keys: tuple[Span, ...] = ()
    children: tuple[Span, ...] = ()


def layout(document: Document) -> Span:
    """Lay out a document that `parse` gave, in characters of its `text`."""
    events: Iterator[Any] = iter(yaml.parse(document.text, Loader=LOADER))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            break
    return _span(next(events), events, document.first_line)


def _span(event: Any, events: Iterator[Any], first_line: int) -> Span:  # noqa: ANN401 - PyYAML's events are untyped
    start, end = _index(event.start_mark), _index(event.end_mark)
    place = (first_line + int(event.start_mark.line), int(event.start_mark.column) + 1)
    if isinstance(event, yaml.AliasEvent):
        return Span(Form.ALIAS, start, end, place)
    if isinstance(event, yaml.ScalarEvent):
        return Span(Form.SCALAR, start, end, place, style=event.style or "")
    parts: list[Span] = []
    closing = yaml.MappingEndEvent if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceEndEvent
    inner: Any = next(events)
    while not isinstance(inner, closing):
        parts.append(_span(inner, events, first_line))
        inner = next(events)
    if event.flow_style:
        end = _index(inner.end_mark)
    elif parts:
        end = parts[-1].end
    if closing is yaml.SequenceEndEvent:
        form = Form.FLOW_SEQUENCE if event.flow_style else Form.BLOCK_SEQUENCE
        return Span(form, start, end, place, children=tuple(parts))
    form = Form.FLOW_MAPPING if event.flow_style else Form.BLOCK_MAPPING
    return Span(form, start, end, place, keys=tuple(parts[::2]), children=tuple(parts[1::2]))


def _index(mark: Any) -> int:  # noqa: ANN401 - as above
    return int(mark.index)
