"""Values for Helm that SOPS encrypted: which they are, and where they come out of a chart.

What a Secret holds is hidden wherever objects are shown; of a value that went elsewhere nobody would know.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.objects import Json, JsonObject
from gitops.pointers import Pointer
from gitops.redact import SECRET_FIELDS, Redactor, recognisable, secret_values
from gitops.render.drafts import Draft, drafts

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Sealed:
    """Texts that stand encrypted in files of values, each with its place there.

    `shown` are those that the repository shows too, as an application's name for instance.
    """

    places: Mapping[str, Callable[[], Location]] = field(default_factory=dict, repr=False)
    shown: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, found: Iterable[tuple[Json, Callable[[], Location]]], shown: Iterable[Json] = ()) -> Sealed:
        """Collect encrypted values with their places; `shown` are open ones."""
        places: dict[str, Callable[[], Location]] = {}
        for value, place in found:
            for text in _texts(value):
                places.setdefault(text, place)
        if not places:
            return cls()
        open_ = {text for value in shown for text in _texts(value)}
        return cls(places, frozenset(open_ & places.keys()))

    def __bool__(self) -> bool:
        return bool(self.places)

    def redacted(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Give problems that show none of them."""
        redact = self._redactor().text
        return tuple(
            Problem(replace(one.location, inside=redact(one.location.inside)), redact(one.message))
            for one in problems
        )

    def refuse_shown(self, documents: Iterable[Document]) -> None:
        """Raise InvalidInput for what stands outside of Secrets' values; objects are named as they are."""
        problems: list[Problem] = []
        told: Draft | None = None
        for draft, pointer, text in self._outside(documents):
            if draft is told:
                continue  # one place is enough
            told = draft
            place = self._place(text)
            message = (
                f"the value at {place} is encrypted, and would be shown here: it may come out in the values "
                "of a Secret only. If it is no secret, leave it open (sops --encrypted-regex)"
            )
            problems.append(Problem(draft.document.locate(*draft.pointer, *pointer), message))
            if len(problems) == _MOST_PROBLEMS:
                break
        if problems:
            raise InvalidInput(*problems)

    def names_anything(self, documents: Iterable[Document]) -> bool:
        """Whether an object's kind or metadata would be others once these are known."""
        return any(
            pointer[:1] in (("apiVersion",), ("kind",), ("metadata",))
            for _, pointer, _ in self._outside(documents)
        )

    def secrets(self, documents: Iterable[Document]) -> frozenset[int]:
        """Tell which documents are Secrets whose values have all something of these in them."""
        redactor = Redactor(recognisable(self.places))
        found = set()
        for document in documents:
            values = [
                value
                for draft in drafts(document)
                if isinstance(draft, Draft) and draft.secret
                for _, value in secret_values(draft.body)
                if value not in (None, "")
            ]
            if values and all(
                _holds(value, redactor) or not self.places.keys().isdisjoint(_readings(value))
                for value in map(str, values)
            ):
                found.add(document.index)
        return frozenset(found)

    def _redactor(self) -> Redactor:
        return Redactor(recognisable(self.places.keys() - self.shown))

    def _outside(self, documents: Iterable[Document]) -> Iterator[tuple[Draft, Pointer, str]]:
        """Give every text that has one of these in it."""
        redactor = self._redactor()
        for document in documents:
            for draft in drafts(document):
                if isinstance(draft, Draft):
                    shown = ((pointer, text) for pointer, text in _shown(draft) if _holds(text, redactor))
                    yield from ((draft, pointer, text) for pointer, text in shown)

    def _place(self, text: str) -> Location:
        """Where what stands in a text is written."""
        return next(
            place()
            for one, place in self.places.items()
            if one not in self.shown and _holds(text, Redactor(recognisable([one])))
        )


def leaves(value: Json, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Json]]:
    """Give every value that holds no others."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*pointer, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*pointer, index))
    else:
        yield pointer, value


def _texts(value: Json) -> Iterator[str]:
    """How a value may come out: a number also as Go prints one that it takes for a fraction."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
        exact = Decimal(repr(float(value))).normalize()
        digits = "".join(map(str, exact.as_tuple().digits))
        exponent = exact.adjusted()
        sign = "-" if exact.is_signed() else ""
        mantissa = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
        yield f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _shown(draft: Draft) -> Iterator[tuple[Pointer, str]]:
    """Give every text of an object but what is hidden as a Secret's value; names of fields too."""
    body: JsonObject = draft.body
    if draft.secret:
        hidden: JsonObject = {
            one: dict.fromkeys(body[one]) for one in SECRET_FIELDS if isinstance(body.get(one), dict)
        }
        body = {**body, **hidden}
    yield from _every(body, ())


def _every(value: Any, pointer: Pointer) -> Iterator[tuple[Pointer, str]]:  # noqa: ANN401 - raw JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            yield pointer, key
            yield from _every(inner, (*pointer, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _every(inner, (*pointer, index))
    else:
        yield from ((pointer, text) for text in _texts(value))


def _holds(text: str, redactor: Redactor) -> bool:
    return any(redactor.text(one) != one for one in _readings(text))


def _readings(value: str) -> Iterator[str]:
    """A value as it stands, and what it is in base64."""
    yield value
    try:
        yield base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return
