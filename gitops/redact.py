"""The one redactor for every exit: objects, texts, and pairs of objects that are compared.

What counts as secret: `data` and `stringData` values of kind Secret (of any group), the literal value of an
environment variable whose name ends like a credential's (`DB_PASSWORD`, `API_TOKEN`), the value of a field
that can hold nothing but a credential (`password`, `adminPassword`, `apiToken`, `clientSecret`, as custom
resources have them), and kubectl's last-applied annotation, which repeats an object's earlier values. A
ConfigMap's values are not: what is in a ConfigMap is readable by everybody who may read the plan.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gitops.objects import Json, JsonObject

REDACTED = "(redacted)"
REDACTED_CHANGED = "(redacted, changed)"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

SECRET_FIELDS = ("data", "stringData")
"""Where a Secret holds its values."""
_CREDENTIAL_NAME = re.compile(
    r"(^|[_.-])(PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|TOKEN|SECRET|KEY|CREDENTIALS?)$", re.IGNORECASE
)
# Narrower than the names of environment variables: fields such as `key` and `secret` name other objects.
_CREDENTIAL_FIELD = re.compile(
    r"(^|[a-z0-9_.-])([Pp]assword|[Pp]asswd|[Pp]assphrase|PASSWORD)$"
    r"|(^|[_.-])(token|api[_-]?[kK]ey|private[_-]?[kK]ey|client[_-]?[sS]ecret)$"
    r"|[a-z0-9](Token|ApiKey|PrivateKey|ClientSecret)$"
)
# Shorter values (`a`, `on`, `443`) would scrub ordinary words out of every message.
_SHORTEST = 4
_SHORTEST_PART = 8
_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_ORDINARY = frozenset(
    {"true", "false", "null", "none", "admin", "root", "default", "password", "secret", "token"}
)


def redact_pair(
    before: JsonObject | None, after: JsonObject | None
) -> tuple[JsonObject | None, JsonObject | None]:
    """Redact two states of one object so that a changed secret still differs: `(redacted, changed)`.

    The mark appears on the `after` side only, and says no more than equal or not.
    """
    old = None if before is None else _object(before, None)
    new = None if after is None else _object(after, before)
    return old, new


def _secret_values(values: Json, other: Json) -> Json:
    if not isinstance(values, dict):
        return _mark(values, other)
    return {key: _mark(value, _get(other, key)) for key, value in values.items()}


def _mark(value: Json, other: Json) -> str:
    return REDACTED if other is None or value == other else REDACTED_CHANGED


def _get(holder: Json, key: str) -> Any:  # noqa: ANN401 - whatever the object holds there
    return holder.get(key) if isinstance(holder, dict) else None


def _walk(value: Json, other: Json) -> Json:
    if isinstance(value, list):
        theirs = other if isinstance(other, list) else []
        return [_walk(item, _partner(item, index, theirs)) for index, item in enumerate(value)]
    return _object(value, other) if isinstance(value, dict) else value


def _object(value: JsonObject, other: Json) -> JsonObject:
    copy = {key: _walk(below, _get(other, key)) for key, below in value.items()}
    if LAST_APPLIED in copy:
        copy[LAST_APPLIED] = _mark(value[LAST_APPLIED], _get(other, LAST_APPLIED))
    if _is_credential(value):
        copy["value"] = _mark(value["value"], _get(other, "value"))
    for field in _credential_fields(value):
        copy[field] = _mark(value[field], _get(other, field))
    if value.get("kind") == "ConfigMap" and "data" in value:
        copy["data"] = value["data"]
    if value.get("kind") == "Secret":
        for field in SECRET_FIELDS:
            if value.get(field):
                copy[field] = _secret_values(value[field], _get(other, field))
    return copy


def _partner(item: Json, index: int, theirs: list[Any]) -> Json:
    """The element of the other list that stands for the same thing: by `name`, else by place."""
    name = _get(item, "name")
    if name is not None:
        return next((candidate for candidate in theirs if _get(candidate, "name") == name), None)
    return theirs[index] if index < len(theirs) else None


def _is_credential(value: JsonObject) -> bool:
    """An element of `env`: a name like a credential's beside a literal value."""
    name = value.get("name")
    return isinstance(name, str) and _literal(value.get("value")) and bool(_CREDENTIAL_NAME.search(name))


def _credential_fields(value: JsonObject) -> list[str]:
    return [key for key, below in value.items() if _literal(below) and _CREDENTIAL_FIELD.search(key)]


def _literal(value: Json) -> bool:
    """A text that is not empty, or a number: `automountServiceAccountToken: true` is no credential."""
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def scrubbed(value: Any, redact: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON, or none of it
    """Pass every string inside a value through `redact`; names of fields stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [scrubbed(item, redact) for item in value]
    if isinstance(value, dict):
        return {key: scrubbed(item, redact) for key, item in value.items()}
    return value


class Redactor:
    """Takes known secret strings out of any text. Its repr shows how many it knows, never which.

    Forms are looked up by their beginning, not by one long pattern: a certificate bundle alone has thousands
    of lines, and each of them would be tried at each character. For any thread; `learn` from one at a time.
    """

    __slots__ = ("_forms", "_index")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        # How many characters a beginning has; for each beginning, the lengths of forms, longest first.
        self._index: tuple[int, dict[str, tuple[int, ...]]] = (_SHORTEST, {})
        self.learn(secrets)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def learn(self, secrets: Iterable[str]) -> None:
        """Know these too. The cost follows what is new."""
        new = {form for secret in secrets for form in _forms(secret)} - self._forms
        if not new:
            return
        start, index = self._index
        shortest = min(map(len, new))
        if shortest < start:
            start, index, new = shortest, {}, new | self._forms
        self._forms |= new
        found: dict[str, set[int]] = {}
        for form in new:
            found.setdefault(form[:start], set()).add(len(form))
        for beginning, lengths in found.items():
            index[beginning] = tuple(sorted(lengths.union(index.get(beginning, ())), reverse=True))
        self._index = (start, index)

    def text(self, text: str) -> str:
        """Replace every known secret, raw, base64 or JSON-escaped, with `(redacted)`."""
        start, index = self._index
        if not index:
            return text
        parts: list[str] = []
        kept = at = 0
        while at + start <= len(text):
            length = self._found(text, at, index.get(text[at : at + start], ()))
            if length:
                parts += (text[kept:at], REDACTED)
                kept = at + length
            at += length or 1
        return "".join((*parts, text[kept:])) if parts else text

    def _found(self, text: str, at: int, lengths: tuple[int, ...]) -> int:
        """The longest form that begins here, so that a secret that contains another goes as a whole."""
        return next((length for length in lengths if text[at : at + length] in self._forms), 0)


def secrets_of(bodies: Iterable[JsonObject]) -> frozenset[str]:
    """Collect the secret strings of objects, decoded: what `Redactor` takes.

    Values under four characters and a few ordinary words are left out: they protect nothing and would
    scrub every message. A value with several lines, or that is a JSON document, gives its longer parts too.
    """
    found: set[str] = set()
    for body in bodies:
        if body.get("kind") == "Secret":
            found.update(_values_of_secret(body))
        else:
            found.update(_credentials(body))
    return recognisable(found)


def recognisable(texts: Iterable[str]) -> frozenset[str]:
    """Give what of secret texts can be told from ordinary words, as `secrets_of` does: for a Redactor."""
    return frozenset(part for text in texts for part in _parts(text) if part.lower() not in _ORDINARY)


def secret_values(body: JsonObject) -> Iterator[tuple[str, Json]]:
    """Give the values of a Secret, each with the one of SECRET_FIELDS that it is in."""
    for field in SECRET_FIELDS:
        values = body.get(field)
        if isinstance(values, dict):
            yield from ((field, value) for value in values.values())


def _values_of_secret(body: JsonObject) -> Iterator[str]:
    for field, value in secret_values(body):
        if not isinstance(value, str):
            yield from _leaves(value)  # refused by the server, whose message may quote it
            continue
        yield value
        if field == "data":
            try:
                yield base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError, ValueError):
                continue  # not text: only its base64 form can appear in a message


def _credentials(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _credentials(item)
    elif isinstance(value, dict):
        if _is_credential(value):
            yield str(value["value"])
        yield from (str(value[field]) for field in _credential_fields(value))
        for key, below in value.items():
            if not (key == "data" and value.get("kind") == "ConfigMap"):
                yield from _credentials(below)


def _parts(value: str) -> Iterator[str]:
    if len(value) >= _SHORTEST:
        yield value
    for part in (*value.splitlines(), *_leaves_of_document(value)):
        if len(part.strip()) >= _SHORTEST_PART:
            yield part.strip()


def _leaves_of_document(value: str) -> Iterator[str]:
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return
    yield from _leaves(document, numbers=False)


def _leaves(document: Json, *, numbers: bool = True) -> Iterator[str]:
    todo = [document]
    while todo:
        found = todo.pop()
        if isinstance(found, str) or (numbers and _literal(found)):
            yield str(found)
        elif isinstance(found, dict):
            todo.extend(found.values())
        elif isinstance(found, list):
            todo.extend(found)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which one secret is written in messages: as it is, base64 (also unpadded), JSON-escaped.

    Go's JSON, and with it Helm's `toJson`, escapes what HTML would take for its own.
    """
    if not secret:
        return
    yield secret
    encoded = base64.b64encode(secret.encode()).decode()
    yield encoded
    if len(encoded.rstrip("=")) >= _SHORTEST_PART:
        yield encoded.rstrip("=")
    yield json.dumps(secret)[1:-1]
    escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
    yield escaped
    yield escaped.translate(_HTML)
