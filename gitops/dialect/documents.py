"""Files → documents, cut where kubectl cuts them: at lines that begin with `---`, after each JSON value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from gitops.dialect.nodes import Composer, Limits, Malformed, Node, Place, Spent
from gitops.errors import InvalidInput, Location, Problem
from gitops.objects import Json

_BOM = "\ufeff"
_NOT_TEXT = re.compile(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TWO_RETURNS = "\r\r\n"
_SPACE = " \t\r\n"
_BLANKS = re.compile(f"[{_SPACE}]*")
_END_MARK = re.compile(r"[\r\n]\.\.\.")
# Line breaks to YAML, text to JSON: written as YAML's escapes.
_BREAKS = str.maketrans({"\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P"})
_MOST_PROBLEMS = 100
_LONGEST_PLACE = 1000  # characters of the names of an object and of the way to a field
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document that is not empty. Treat `value` as frozen: aliases share their parts.

    `index` counts the file's documents from 0, `line` is where the value begins. `text` is what the file
    has from `first_line` on; one of several JSON values on a line is padded to its column. Of a `rendered`
    one, which a tool printed, `path` is the file that asked for it; its lines are shown to nobody.
    `encrypted`: so it stands in the repository; `exposed`: but for some of its values.
    """

    value: Json
    index: int
    line: int
    path: str
    text: str = field(repr=False)
    first_line: int = field(repr=False)
    rendered: bool = False
    encrypted: bool = False
    exposed: bool = False

    def at(self, *pointer: str | int) -> Place:
        """Line and column, from 1, of the value at `pointer`; of its nearest parent where it is missing."""
        node = self._root()
        for step in pointer:
            child = _child(node, step)
            if child is None:
                break
            node = child
        return node.place

    def key_at(self, *pointer: str | int) -> Place:
        """As `at`, but the place of the key where the last step names one."""
        node = self._root()
        for step in pointer[:-1]:
            child = _child(node, step)
            if child is None:
                return node.place
            node = child
        found = node.keys.get(pointer[-1]) if pointer and isinstance(pointer[-1], str) else None
        return found or self.at(*pointer)

    def locate(self, *pointer: str | int) -> Location:
        """`at` as a Location in this document's file."""
        return self._within(pointer) if self.rendered else Location(self.path, *self.at(*pointer))

    def locate_key(self, *pointer: str | int) -> Location:
        """`key_at` as a Location in this document's file."""
        return self._within(pointer) if self.rendered else Location(self.path, *self.key_at(*pointer))

    def _within(self, pointer: tuple[str | int, ...]) -> Location:
        """Name the object and the field."""
        metadata = self.value.get("metadata") if isinstance(self.value, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        kind = self.value.get("kind") if isinstance(self.value, dict) else None
        words = [str(word) for word in (kind, name) if isinstance(word, str)] or [
            f"document {self.index + 1}"
        ]
        place = f", /{'/'.join(map(str, pointer))}" if pointer else ""
        return Location(self.path, inside=_one_line(" ".join(words) + place))

    def _root(self) -> Node:
        return _compose_again(self.text, self.first_line)


def _one_line(text: str) -> str:
    """Nothing of what a template wrote for a name begins a line of its own, or fills the page."""
    kept = text if len(text) <= _LONGEST_PLACE else f"{text[:_LONGEST_PLACE]}…"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in kept)


# Places are needed for errors only, so values are kept and places are found by reading once more.
@lru_cache(maxsize=8)
def _compose_again(text: str, first_line: int) -> Node:
    unlimited = Limits(depth=1 << 30, aliases=1 << 62, nodes=1 << 62, repeated=1 << 62)
    root = Composer(text, first_line, unlimited, Spent()).compose()
    assert root is not None, "a Document is made from text that composes"  # noqa: S101 - states an invariant
    return root


def _child(node: Node, step: str | int) -> Node | None:
    children = node.children
    if isinstance(children, dict):
        return children.get(step) if isinstance(step, str) else None
    if isinstance(children, list) and isinstance(step, int) and 0 <= step < len(children):
        return children[step]
    return None


def parse(
    data: bytes,
    path: str,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    *,
    rendered: bool = False,
) -> tuple[Document, ...]:
    """Read a YAML or JSON file as kubectl does; empty documents are left out.

    Stricter than kubectl where it would lose something without a word: duplicate keys, unknown tags and
    text after `...` are refused. Raises InvalidInput with every problem that could be found; no message
    quotes a value, because it may be a Secret's.
    """
    text = _decode(data, path, limits)
    reader = _Reader(path, limits)
    for chunk in reader.chunks(text):
        reader.read(chunk)
        if len(reader.problems) >= _MOST_PROBLEMS:
            break  # nobody reads on, and a hostile file could hold a million
    if reader.problems:
        raise InvalidInput(*reader.problems)
    return (
        tuple(replace(one, rendered=True) for one in reader.documents)
        if rendered
        else tuple(reader.documents)
    )


def _decode(data: bytes, path: str, limits: Limits) -> str:
    if len(data) > limits.bytes:
        message = f"the file has {len(data)} bytes, more than the {limits.bytes} that are read"
        raise InvalidInput(Problem(Location(path), message))
    try:
        text = data.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        place = _place_of(data[: error.start].decode())
        raise InvalidInput(Problem(Location(path, *place), "not UTF-8 text")) from None
    if (strange := _NOT_TEXT.search(text)) is not None:
        place = _place_of(text[: strange.start()])
        raise InvalidInput(
            Problem(Location(path, *place), f"the character U+{ord(strange[0]):04X} is not allowed in YAML")
        )
    return text


def _place_of(before: str) -> Place:
    """Where the character after `before` stands."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class Chunk(NamedTuple):
    """The text of one document, the line of the file on which it begins, and whether it is JSON."""

    text: str
    first_line: int
    json: bool = False


class _Reader:
    """Collects documents and problems of one file."""

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._spent = Spent()
        self.documents: list[Document] = []
        self.problems: list[Problem] = []

    def read(self, chunk: Chunk) -> None:
        """Add the document of `chunk`."""
        text, first_line, json_value = chunk
        if not json_value and (found := text.find(_TWO_RETURNS)) >= 0:
            line, column = _place_of(text[:found])
            self._fault(
                (first_line + line - 1, column), "two carriage returns end this line: kubectl drops one"
            )
            return
        composer = Composer(text, first_line, self._limits, self._spent, json=json_value)
        try:
            root = composer.compose()
        except Malformed as error:
            self._fault(error.place, error.message)
            return
        finally:
            for place, message in composer.faults:
                self._fault(place, message)
        if root is None or root.value is None or composer.faults:
            return
        if len(self.documents) == self._limits.documents:
            self._fault(root.place, f"more than {self._limits.documents} documents in one file")
        if len(self.documents) < self._limits.documents:
            index = len(self.documents)
            self.documents.append(Document(root.value, index, root.place[0], self._path, text, first_line))

    def chunks(self, text: str) -> Iterator[Chunk]:
        """Cut `text` into single documents.

        As kubectl does it: a file that begins with a JSON value may hold more of them, with nothing between
        them; once a line begins with `---`, there is one document after each, and that is YAML.
        """
        lines = text.removesuffix("\n").split("\n")
        cuts = [number for number, line in enumerate(lines) if line.startswith("---")]
        start = 0
        for number in (*cuts, len(lines)):
            chunk = Chunk(_joined(lines[start:number]), start + 1)
            yield from (chunk,) if start else self._json_values(chunk, most=1 if cuts else len(text))
            start = number + 1
            rest = lines[number][3:].strip(_SPACE) if number < len(lines) else ""
            if rest and not rest.startswith("#"):
                message = "only a comment may follow --- on its line, as kubectl has it"
                column = len(lines[number]) - len(lines[number][3:].lstrip(_SPACE)) + 1
                self._fault((number + 1, column), message)

    def _json_values(self, chunk: Chunk, most: int) -> Iterator[Chunk]:
        """Cut a chunk that is nothing but JSON values, up to `most`, into these; leave any other alone."""
        text = chunk.text
        values: list[tuple[int, int]] = []
        decoder = json.JSONDecoder()
        start = _after_blanks(text, 0)
        while start < len(text) and (values or text[start] == "{"):
            try:
                _, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):  # not JSON: read it as YAML, whose limits then decide
                comment = text[start] == "#" and values and start > values[-1][1]
                if values and (not comment or _END_MARK.search(text, start)):
                    line, column = _place_of(text[:start])
                    self._fault((line + chunk.first_line - 1, column), "this cannot follow a JSON value")
                break
            values.append((start, end))
            start = _after_blanks(text, end)
        if start < len(text) or not 0 < len(values) <= most:
            yield chunk
            return
        line, counted = chunk.first_line, 0
        for start, end in values:  # lazily: each value is padded to its column, which adds up
            line += text.count("\n", counted, start)
            counted = start
            column = start - text.rfind("\n", 0, start)
            value = _join_surrogates(text[start:end]).translate(_BREAKS)
            yield Chunk(" " * (column - 1) + value, line, json=True)

    def _fault(self, place: Place, message: str) -> None:
        self.problems.append(Problem(Location(self._path, *place), message))


def _joined(lines: list[str]) -> str:
    """Every line ends, the last one too: text in a block (`|`) keeps its last line feed by it."""
    return "".join(f"{line}\n" for line in lines)


def _after_blanks(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _join_surrogates(text: str) -> str:
    """Write JSON's escaped surrogate pairs as YAML's escapes, since YAML has no surrogates."""

    def joined(match: re.Match[str]) -> str:
        high, low = int(match[2], 16), int(match[3], 16)
        return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"

    return _SURROGATES.sub(joined, text)
