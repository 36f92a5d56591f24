"""YAML as the server reads it (sigs.k8s.io/yaml): YAML 1.1 words, JSON's types, the first document only."""

from __future__ import annotations

import math
import re
from typing import Any, TypeAlias, cast

import yaml
from yaml.scanner import ScannerError

try:  # libyaml's parser, where PyYAML was built with it
    from yaml import CSafeLoader as _Composer
except ImportError:
    from yaml import SafeLoader as _Composer  # type: ignore[assignment]

Json: TypeAlias = Any

_WORDS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(0b[01]+|0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+)")
_TAG = "tag:yaml.org,2002:"
# What recursive code can walk without care; a real server goes to 10,000.
DEEPEST = 200
_MOST_NODES = 1_000_000
_STR = f"{_TAG}str"
_PLAIN = f"{_TAG}plain"


class WrongYaml(Exception):  # noqa: N818 - what the text is
    """A text that is no YAML or has no JSON form; the text is the server's, as far as it can be told."""


def load(text: str) -> tuple[Json, list[str]]:
    """Return the first document, None where there is none, and a text for each key given twice.

    Raises `WrongYaml`.
    """
    try:
        node = _first(text)
    except yaml.YAMLError as error:
        raise WrongYaml(_words(error)) from None
    if node is None:
        return None, []
    reader = _Reader()
    try:
        return reader.value(node), reader.duplicates
    except RecursionError:  # an alias of what it stands in
        raise WrongYaml("yaml: anchor value contains itself") from None


def _first(text: str) -> yaml.Node | None:
    _check_depth(text)
    loader = _Loader(text)
    try:
        if not loader.check_node():
            return None
        return cast("yaml.Node", loader.get_node())
    finally:
        loader.dispose()


def _check_depth(text: str) -> None:
    """Refuse what composing could not survive: libyaml's composer recurses on the C stack."""
    loader = _Loader(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.DocumentEndEvent):
                return
            if depth > DEEPEST:
                raise WrongYaml("yaml: exceeded max depth")
    finally:
        loader.dispose()


class _Loader(_Composer):
    """Only composes; scalars without a tag are resolved below, by this module's rules."""

    def resolve(self, kind: type[yaml.Node], value: Json, implicit: Json) -> Json:
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


class _Reader:
    """One document on its way to JSON values. Aliases are read anew each time, up to a limit."""

    __slots__ = ("duplicates", "visited")

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self.visited = 0

    def value(self, node: yaml.Node) -> Json:
        self.visited += 1
        if self.visited > _MOST_NODES:
            raise WrongYaml("yaml: document contains excessive aliasing")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each) for each in node.value]
        return _scalar(node)

    def mapping(self, node: yaml.MappingNode) -> dict[str, Json]:
        found: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                merged = self.merge(value_node) | merged
                continue
            key = self.key(key_node, value_node)
            if key in found:
                name = f'"{key}"' if isinstance(_scalar(key_node), str) else key
                self.duplicates.append(f"line {key_node.start_mark.line + 1}: key {name} already set in map")
            found[key] = self.value(value_node)
        return merged | found

    def merge(self, node: yaml.Node) -> dict[str, Json]:
        """What `<<` adds; of several maps the first one counts."""
        found: dict[str, Json] = {}
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            part = self.value(each)
            if not isinstance(part, dict):
                raise WrongYaml("yaml: map merge requires map or sequence of maps as the value")
            found = part | found
        return found

    def key(self, node: yaml.Node, value: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise WrongYaml("yaml: invalid map key")
        found = _scalar(node)
        if found is None:
            shown = self.value(value)
            text = f'"{shown}"' if isinstance(shown, str) else str(shown)
            raise WrongYaml(f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {text}")
        if isinstance(found, bool):
            return "true" if found else "false"
        return f"{found:g}" if isinstance(found, float) else str(found)


def _scalar(node: yaml.Node) -> Json:
    text: str = node.value
    if node.tag == _STR:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    return _number(text)


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    found = _INTEGER.fullmatch(plain)
    if found and text[0] != "_":
        sign, digits = found.groups()
        number = _whole(digits)
        if number is not None:
            return -number if sign == "-" else number
    if _FLOAT.fullmatch(plain) and text[0] != "_":
        value = float(plain)
        return value if math.isfinite(value) else text
    return text


def _whole(digits: str) -> int | None:
    if digits[:2] in ("0b", "0x", "0o"):
        return int(digits, 0)
    if digits[0] == "0" and len(digits) > 1:
        # As in C: a leading zero means octal; with an 8 or 9 it is read as a decimal fraction instead.
        return int(digits, 8) if re.fullmatch("[0-7]+", digits) else None
    return int(digits)


def _words(error: yaml.YAMLError) -> str:
    """Word an error as goyaml does, which is libyaml's wording with other line numbers."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"yaml: {error}"
    problem = error.problem or "invalid document"
    # The two parsers word this one differently.
    problem = problem.replace("not allowed here", "not allowed in this context")
    marks = (error.context_mark, error.problem_mark)
    line = next((mark.line for mark in marks if mark and mark.line), 0)
    if line and isinstance(error, ScannerError):
        line += 1
    return f"yaml: line {line}: {problem}" if line else f"yaml: {problem}"
