"""Values that stand encrypted in the repository: in what a chart makes they are in Secrets, or refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitops.dialect import Document
from gitops.errors import InvalidInput, Problem
from gitops.objects import Json, canonical_json
from gitops.redact import Redactor, secrets_of

_FIELDS = ("data", "stringData")


def settled(documents: Sequence[Document], sealed: frozenset[str]) -> tuple[Document, ...]:
    """Mark the Secrets that hold encrypted values alone as encrypted.

    Raises InvalidInput for every object that holds one and is no Secret, as it is or in base64: whoever shows
    objects knows by Secrets what to hide.
    """
    if not sealed:
        return tuple(documents)
    texts = {str(number): text for number, text in enumerate(sorted(sealed))}
    known = Redactor(secrets_of([{"kind": "Secret", "stringData": texts}]))
    message = (
        "a value that is encrypted with SOPS stands here, and only Secrets are hidden where objects are shown"
    )
    open_ = [Problem(one.locate(), message) for one in documents if _shown(one, known)]
    if open_:
        raise InvalidInput(*open_)
    return tuple(replace(one, encrypted=True) if _is_covered(one, sealed) else one for one in documents)


def _shown(document: Document, known: Redactor) -> bool:
    value = document.value
    if isinstance(value, dict) and value.get("kind") == "Secret":
        value = {key: part for key, part in value.items() if key not in _FIELDS}
    text = canonical_json(value).decode()
    return known.text(text) != text


def _is_covered(document: Document, sealed: frozenset[str]) -> bool:
    found = list(_values(document.value))
    return bool(found) and sealed.issuperset(found)


def _values(value: Json) -> Iterator[str]:
    """The values of a Secret, decoded."""
    if not isinstance(value, dict) or value.get("kind") != "Secret":
        return
    for field in _FIELDS:
        values = value.get(field)
        for text in values.values() if isinstance(values, dict) else ():
            yield _decoded(str(text)) if field == "data" else str(text)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
