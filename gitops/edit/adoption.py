"""What a manifest has to say so that the live object's own values are no drift any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple, TypeAlias

from gitops.edit.splicing import same
from gitops.fields import our_entry
from gitops.objects import Json, JsonObject, canonical_json
from gitops.pointers import Pointer


class Missing:
    """The type of MISSING: no value at all, which null is not."""


MISSING: Final = Missing()
Value: TypeAlias = Json | Missing


@dataclass(frozen=True, slots=True)
class Adopted:
    """The manifest as it should be written. `blocked`: places where its text does not have the value."""

    body: JsonObject
    blocked: tuple[Pointer, ...] = ()


class Sides(NamedTuple):
    """One value in four forms.

    `written`: in its file; `manifest`: as it is applied, variables filled in, patched and labelled;
    `applied`: what the server makes of an apply of that; `live`.
    """

    written: Value
    manifest: Value
    applied: Value
    live: Value

    @property
    def equal(self) -> bool:
        """Whether an apply would change nothing."""
        return _equal(self.applied, self.live)

    def below(self, name: str) -> Sides:
        """The same of a mapping's field."""
        return Sides(*(_field(side, name) for side in self))


def adopt(sides: Sides, *, escape: bool) -> Adopted:
    """Put live values into a manifest where an apply of it would change them, and nothing else.

    What is applied has its managedFields: what is not ours there, defaults and other managers' fields, is
    left out. Elements of lists are matched by the keys that the API server itself uses. With `escape`,
    text taken from the live object stands for itself where variables are filled in.
    """
    metadata = _field(sides.applied, "metadata")
    entry = our_entry(_items(_field(metadata, "managedFields")))
    walk = _Walk(escape=escape)
    body = walk.fields(sides, (entry or {}).get("fieldsV1") or {}, ())
    return Adopted(body if isinstance(body, dict) else {}, tuple(walk.blocked))


class _Walk:
    """Goes through the four forms of an object side by side."""

    def __init__(self, *, escape: bool) -> None:
        self._escape = escape
        self.blocked: list[Pointer] = []

    def fields(self, sides: Sides, owned: JsonObject, pointer: Pointer) -> Value:
        """A part of which `owned` (FieldsV1) says what is ours below it; MISSING where it is gone."""
        if isinstance(sides.applied, Missing) or sides.equal:
            return sides.written
        if isinstance(sides.live, Missing):
            return MISSING
        rendered = sides[1:]
        if any(step != "." for step in owned):
            if all(isinstance(side, dict) for side in rendered):
                return self._mapping(sides, owned, pointer)
            if all(isinstance(side, list) for side in rendered):
                return self._list(sides, owned, pointer)
        return self.whole(sides, pointer)

    def _mapping(self, sides: Sides, owned: JsonObject, pointer: Pointer) -> Value:
        written, manifest = sides.written, sides.manifest
        if not isinstance(written, dict) or not isinstance(manifest, dict):
            return self._block(written, pointer)
        result = dict(written)
        for name in manifest:
            field, below = sides.below(name), owned.get(f"f:{name}")
            if below is None or field.equal:
                continue
            if name not in written:
                self._block(MISSING, (*pointer, name))
                continue
            changed = self.fields(field, below, (*pointer, name))
            if isinstance(changed, Missing):
                del result[name]
            else:
                result[name] = changed
        return result

    def _list(self, sides: Sides, owned: JsonObject, pointer: Pointer) -> Value:
        """A list whose elements are told apart by keys (`k:`) or by their values (`v:`)."""
        written, manifest, applied, live = (_items(side) for side in sides)
        if not isinstance(sides.written, list) or len(written) != len(manifest):
            return self._block(sides.written, pointer)
        kept: list[tuple[_Element | None, Json]] = []
        for index, (text, value) in enumerate(zip(written, manifest, strict=True)):
            found = next(_elements(value, applied, live, owned), None)
            changed: Value = text
            if found is not None:
                now = live[found.live] if found.live >= 0 else MISSING
                element = Sides(text, value, applied[found.applied], now)
                changed = self.fields(element, owned[found.step], (*pointer, index))
            if not isinstance(changed, Missing):
                kept.append((found, changed))
        return _ordered(kept)

    def whole(self, sides: Sides, pointer: Pointer) -> Value:
        """A part that is owned as one: text that is not affected stays as it is written."""
        if sides.equal:
            return sides.written
        if all(isinstance(side, dict) for side in sides):
            return self._whole_mapping(sides, pointer)
        lengths = {len(_items(side)) for side in sides[:3]}
        if all(isinstance(side, list) for side in sides) and len(lengths) == 1:
            return self._whole_list(sides, pointer)
        if isinstance(sides.live, Missing) or not _equal(sides.written, sides.manifest):
            return self._block(sides.written, pointer)
        return self._new(sides.live)

    def _whole_mapping(self, sides: Sides, pointer: Pointer) -> JsonObject:
        result: JsonObject = {}
        for name in _names(sides.written):
            field = sides.below(name)
            if isinstance(field.manifest, Missing) or field.equal:
                result[name] = field.written
            elif not isinstance(field.live, Missing):
                result[name] = self.whole(field, (*pointer, name))
        for name in _names(sides.live):
            field = sides.below(name)
            if not isinstance(field.written, Missing) or field.equal:
                continue
            if not isinstance(field.manifest, Missing):
                self._block(MISSING, (*pointer, name))
            elif not isinstance(field.live, Missing):
                result[name] = self._new(field.live)
        return result

    def _whole_list(self, sides: Sides, pointer: Pointer) -> list[Any]:
        written, manifest, applied, live = (_items(side) for side in sides)
        known, found = ([canonical_json(one) for one in items] for items in (applied, live))
        result: list[Any] = []
        for _, start, end, first, last in SequenceMatcher(None, known, found, autojunk=False).get_opcodes():
            for index in range(first, last):
                before = start + index - first
                if before < end:
                    element = Sides(written[before], manifest[before], applied[before], live[index])
                    result.append(self.whole(element, (*pointer, before)))
                else:
                    result.append(self._new(live[index]))
        return result

    def _new(self, value: Json) -> Json:
        return escaped(value) if self._escape else value

    def _block(self, written: Value, pointer: Pointer) -> Value:
        self.blocked.append(pointer)
        return written


def _field(side: Value, name: str) -> Value:
    return side.get(name, MISSING) if isinstance(side, dict) else MISSING


def _items(side: Value) -> list[Any]:
    return side if isinstance(side, list) else []


def _names(side: Value) -> tuple[str, ...]:
    return tuple(side) if isinstance(side, dict) else ()


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, Missing) or isinstance(other, Missing):
        return one is other
    return same(one, other)


class _Element(NamedTuple):
    """An element of a list: its step in FieldsV1, and its places as applied and as it is live (-1: gone)."""

    step: str
    applied: int
    live: int


def _elements(value: Json, applied: list[Any], live: list[Any], owned: JsonObject) -> Iterator[_Element]:
    """The elements that a manifest's `value` may stand for; the first one is meant."""
    for step in owned:
        form, _, text = step.partition(":")
        if form not in ("k", "v"):
            continue
        keys = json.loads(text)
        before, now = (
            next((index for index, one in enumerate(items) if _is(form, keys, one)), -1)
            for items in (applied, live)
        )
        if before >= 0 and _means(form, keys, value):
            yield _Element(step, before, now)


def _is(form: str, keys: Json, element: Json) -> bool:
    if form == "v" or not isinstance(keys, dict):
        return same(keys, element)
    return isinstance(element, dict) and all(same(element.get(name), keys[name]) for name in keys)


def _means(form: str, keys: Json, written: Json) -> bool:
    """Whether a manifest's element is this one; a key that it leaves to the server's default counts too."""
    if form == "v" or not isinstance(keys, dict):
        return same(keys, written)
    return isinstance(written, dict) and all(
        same(written[name], keys[name]) for name in keys if name in written
    )


def _ordered(kept: list[tuple[_Element | None, Json]]) -> list[Any]:
    """Texts in the order that their elements have live, where somebody changed it."""
    known = [(found, text) for found, text in kept if found is not None]
    by_live = sorted(known, key=lambda one: one[0].live)
    if by_live == sorted(known, key=lambda one: one[0].applied):
        return [text for _, text in kept]
    after = iter(by_live)
    return [text if found is None else next(after)[1] for found, text in kept]


def escaped(value: Json) -> Json:
    """Write text so that it stands for itself when variables are filled in."""
    if isinstance(value, dict):
        return {name: escaped(below) for name, below in value.items()}
    if isinstance(value, list):
        return [escaped(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
