"""Label and field selectors: what a list or watch asks for, and LabelSelector objects.

The errors' texts are apimachinery's (pkg/labels, pkg/fields), as a real server answers them with 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from simcluster.errors import ApiError, bad_request
from simcluster.selectable import Described, selectable
from simcluster.values import JsonObject

Labels: TypeAlias = Mapping[str, str]
LabelTest: TypeAlias = Callable[[Labels], bool]
ObjectTest: TypeAlias = Callable[[JsonObject], bool]

_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^=!(),<>\s]+", re.ASCII)
_END = ""
_SYMBOLS = frozenset(("==", "!=", "=", "!", "(", ")", ",", "<", ">", _END))
_OPERATORS = frozenset(("in", "notin", "=", "==", "!=", ">", "<"))
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 1 << 63
_NAME_MAX = 63
_SUBDOMAIN_MAX = 253

_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_CHARACTERS = (
    "consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_NAME_SHAPE = (
    f"must {_CHARACTERS} "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_VALUE_SHAPE = (
    f"a valid label must be an empty string or {_CHARACTERS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_NAME})?')"
)
_PREFIX_SHAPE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character "
    f"(e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)


def label_key_problems(key: str) -> list[str]:
    """Say what is wrong with a label's or annotation's key; empty when nothing is."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        example = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_NAME_SHAPE} {example}"]
    found = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    if len(prefix.encode()) > _SUBDOMAIN_MAX:
        found.append(f"prefix part must be no more than {_SUBDOMAIN_MAX} bytes")
    if prefix and not re.fullmatch(_SUBDOMAIN, prefix):
        found.append(f"prefix part {_PREFIX_SHAPE}")
    if not name:
        found.append("name part must be non-empty")
    elif len(name.encode()) > _NAME_MAX:
        found.append(f"name part must be no more than {_NAME_MAX} bytes")
    if not re.fullmatch(_NAME, name):
        found.append(f"name part {_NAME_SHAPE}")
    return found


def label_value_problems(value: str) -> list[str]:
    """Say what is wrong with a label's value; empty when nothing is."""
    found = []
    if len(value.encode()) > _NAME_MAX:
        found.append(f"must be no more than {_NAME_MAX} bytes")
    if value and not re.fullmatch(_NAME, value):
        found.append(_VALUE_SHAPE)
    return found


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector. `operator` is spelled as in queries, `exists` and `!` included."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Labels) -> bool:
        """Tell whether an object with these labels is meant."""
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "notin" | "!=":
                return value is None or value not in self.values
            case ">" | "<":
                return self._compares(value)
            case _:
                return value is not None and value in self.values

    def _compares(self, value: str | None) -> bool:
        number = None if value is None else _int64(value)
        bound = _int64(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if self.operator == ">" else number < bound


def parse_labels(text: str) -> LabelTest:
    """Read the `labelSelector` of a query (`a=b,c in (d,e),!f`). Raises `ApiError` 400."""
    requirements = parse_label_requirements(text)
    if not requirements:
        return lambda _labels: True
    return lambda labels: all(each.holds(labels) for each in requirements)


def parse_label_requirements(text: str) -> tuple[Requirement, ...]:
    """Read the `labelSelector` of a query as its terms. Raises `ApiError` 400."""
    return tuple(_Parser(text).requirements())


def matches(selector: JsonObject | None, labels: Labels) -> bool:
    """Apply a LabelSelector object: an empty one selects everything, an absent one nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(each).holds(labels) for each in selector.get("matchExpressions") or [])


def parse_fields(text: str, kind: Described) -> ObjectTest:
    """Read the `fieldSelector` of a query (`metadata.name=a,type!=b`). Raises `ApiError` 400."""
    known = selectable(kind)
    terms = [_field_term(text, term) for term in sorted(_terms(text)) if term]
    tests = [(known.reader(name), wanted, value) for name, wanted, value in terms if name or value]
    return lambda obj: all((read(obj) == value) is wanted for read, wanted, value in tests)


class _Parser:
    """Reads one label selector: a token is looked at before it is taken, as apimachinery's parser does."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), _END]
        self._at = 0

    def requirements(self) -> Iterator[Requirement]:
        while self._next != _END:
            if self._next in _SYMBOLS and self._next != "!":
                raise bad_request(f"found '{self._next}', expected: !, identifier, or 'end of string'")
            try:
                requirement = self._requirement()
            except _Unreadable as error:
                raise bad_request(f"unable to parse requirement: {error}") from None
            yield requirement
            separator = self._take()
            if separator == _END:
                return
            if separator != ",":
                raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
            if self._next in _SYMBOLS and self._next != "!":
                raise bad_request(f"found '{self._next}', expected: identifier after ','")

    @property
    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _requirement(self) -> Requirement:
        key = self._take()
        absent = key == "!"
        if absent:
            key = self._take()
        if key in _SYMBOLS:
            raise _Unreadable(f"found '{key}', expected: identifier")
        problems = label_key_problems(key)
        if problems:
            raise _Unreadable(_invalid("<nil>", key, problems))
        if absent or self._next in (_END, ","):
            return Requirement(key, "!" if absent else "exists")
        operator = self._take()
        if operator not in _OPERATORS:
            raise _Unreadable(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if operator in ("in", "notin") else {self._value()}
        return _checked(Requirement(key, operator, tuple(sorted(values))))

    def _value(self) -> str:
        if self._next in (_END, ","):
            return ""
        value = self._take()
        if value in _SYMBOLS:
            raise _Unreadable(f"found '{value}', expected: identifier")
        return value

    def _values(self) -> set[str]:
        opening = self._take()
        if opening != "(":
            raise _Unreadable(f"found '{opening}' expected: '('")
        if self._next == ")":
            self._take()
            return {""}
        if self._next in _SYMBOLS and self._next != ",":
            raise _Unreadable(f"found '{self._next}', expected: ',', ')' or identifier")
        values = self._identifiers()
        self._take()
        return values

    def _identifiers(self) -> set[str]:
        """Read up to the closing parenthesis, which stays; nothing between two commas is an empty value."""
        values: set[str] = set()
        while True:
            word = self._take()
            if word == ",":
                if not values or self._next in (",", ")"):
                    values.add("")
                if self._next == ")":
                    return values
            elif word in _SYMBOLS:
                raise _Unreadable(f"found '{word}', expected: ',', or identifier")
            else:
                values.add(word)
                if self._next == ")":
                    return values
                if self._next != ",":
                    raise _Unreadable(f"found '{self._next}', expected: ',' or ')'")


class _Unreadable(Exception):  # noqa: N818 - what it says of the text
    """A requirement that cannot be understood; the text is the server's."""


def _checked(requirement: Requirement) -> Requirement:
    problems = [
        _invalid(f"values[{index}]", value, ["for 'Gt', 'Lt' operators, the value must be an integer"])
        for index, value in enumerate(requirement.values)
        if requirement.operator in ("<", ">") and _int64(value) is None
    ]
    for index, value in enumerate(requirement.values):
        wrong = label_value_problems(value)
        if wrong:
            problems.append(_invalid(f"values[{index}][{requirement.key}]", value, wrong))
    if problems:
        raise _Unreadable(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
    return requirement


def _invalid(path: str, value: str, problems: list[str]) -> str:
    return f"{path}: Invalid value: {json.dumps(value, ensure_ascii=False)}: {'; '.join(problems)}"


def _int64(text: str) -> int | None:
    if not _INTEGER.fullmatch(text) or len(text) > len(str(_INT64)) + 1:
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None


_EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def _expression(found: Mapping[str, Any]) -> Requirement:
    return Requirement(found["key"], _EXPRESSIONS[found["operator"]], tuple(found.get("values") or ()))


def _terms(text: str) -> list[str]:
    r"""Split at commas that no backslash precedes; the backslashes stay."""
    return [found[1] for found in re.finditer(r"((?:[^\\,]|\\.|\\$)*)(?:,|$)", text, re.DOTALL)]


def _field_term(text: str, term: str) -> tuple[str, bool, str]:
    found = re.search(r"!=|==|=", term)
    if not found:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    return term[: found.start()], found[0] != "!=", _unescaped(term[found.end() :])


def _unescaped(value: str) -> str:
    def one(found: re.Match[str]) -> str:
        token = found.group()
        if token in (",", "="):
            raise _field_error(f"unescaped character in value: {ord(token)}")
        if token[1:] not in ("\\", ",", "="):
            raise _field_error(f"invalid escape sequence: {token}")
        return token[1:]

    return re.sub(r"\\.|[\\,=]", one, value, flags=re.DOTALL)


def _field_error(text: str) -> ApiError:
    return bad_request(f"invalid field selector: {text}")
