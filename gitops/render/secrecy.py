"""What of a renderer's input and output nobody may see: texts, and whole outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Problem
from gitops.objects import Json
from gitops.redact import secrets_of
from gitops.render.drafts import drafts


def secret_texts(documents: Iterable[Document], others: Mapping[str, bytes]) -> frozenset[str]:
    """Give what could be a Secret's value, for a Redactor.

    `documents` are manifests, patches and kustomizations, `others` the files that generators read. What of
    these becomes a ConfigMap is taken too: an error message loses little by it.
    """
    texts = {f"{path}:{number}": text for path, data in others.items() for number, text in _lines(data)}
    loose = [text for document in documents for text in _loose(document.value)]
    bodies = [document.value for document in documents if isinstance(document.value, dict)]
    generated = {**texts, **{str(number): text for number, text in enumerate(loose)}}
    return secrets_of([*bodies, {"kind": "Secret", "stringData": generated}])


def holds_secrets(documents: Iterable[Document]) -> bool:
    """Whether any object is a Secret, holds a credential, or cannot be told to be no Secret."""
    found = [draft for document in documents for draft in drafts(document)]
    return any(isinstance(one, Problem) or one.secret or secrets_of([one.body]) for one in found)


def _lines(data: bytes) -> Iterator[tuple[str, str]]:
    text = data.decode(errors="replace")
    yield "", text
    for number, line in enumerate(text.splitlines()):
        yield str(number), line
        yield f"{number}=", line.partition("=")[2]


def _loose(value: Json) -> Iterator[str]:
    """Texts of JSON patches, and of what kustomizations hold inline: literals and patches."""
    if isinstance(value, list):
        for operation in value:
            if isinstance(operation, dict):
                yield from _texts(operation.get("value"))
    elif isinstance(value, dict):
        for key, found in value.items():
            field = key.casefold()
            if field in ("configmapgenerator", "secretgenerator"):
                yield from (part for text in _texts(found) for part in (text, text.partition("=")[2]))
            elif field.startswith("patches"):
                for text in _texts(found):
                    yield from _inline(text)


def _inline(text: str) -> Iterator[str]:
    try:
        documents = parse(text.encode(), "")
    except InvalidInput:
        yield text
        return
    for document in documents:
        if isinstance(document.value, dict):
            yield from _texts([document.value.get("data"), document.value.get("stringData")])
        yield from _loose(document.value)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - raw JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
