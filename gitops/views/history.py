"""What was recorded about an environment, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gitops.objects import JsonObject
from gitops.views.moments import readable, rfc3339

_SHORT = 8


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who wrote the revision that a rollout started for, and what they said about it."""

    revision: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One audit commit: the sentences of its events, the events as JSON, and whose work set out."""

    commit: str
    at: datetime
    sentences: tuple[str, ...]
    events: tuple[JsonObject, ...] = ()
    authors: tuple[Authorship, ...] = ()


def form(environment: str, records: Iterable[HistoryRecord]) -> JsonObject:
    """Give the records in their order."""
    return {"environment": environment, "records": [_record(record) for record in records]}


def _record(record: HistoryRecord) -> JsonObject:
    authors: list[Any] = [
        {"revision": one.revision, "author": one.author, "subject": one.subject} for one in record.authors
    ]
    return {
        "commit": record.commit,
        "at": rfc3339(record.at),
        "sentences": list(record.sentences),
        "events": list(record.events),
        "authors": authors,
    }


def text(records: Iterable[HistoryRecord]) -> str:
    """Time, audit commit, first sentence; further sentences and authors below, indented."""
    return "\n".join(line for record in records for line in _lines(record))


def _lines(record: HistoryRecord) -> Iterator[str]:
    lead = f"{readable(record.at)}  {record.commit[:_SHORT]}  "
    first, *rest = record.sentences or ("(no event)",)
    yield lead + first
    indent = " " * len(lead)
    for sentence in rest:
        yield indent + sentence
    for one in record.authors:
        yield f'{indent}{one.revision[:_SHORT]} is by {one.author}: "{one.subject}"'
