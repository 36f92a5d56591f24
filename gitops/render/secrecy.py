"""What of a renderer's input and output nobody may see: texts, and whole outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Problem
from gitops.objects import Json
from gitops.redact import SECRET_FIELDS, Redactor, recognisable, secrets_of
from gitops.render.drafts import drafts

MOST_LOOKED_AT = 1 << 20
"""Bytes of input in which secrets are looked for when a tool fails: beyond, nothing that it says is shown."""
_LONGEST_TEXT = 1500
_DESCRIPTIONS = ("Chart.yaml", "Chart.lock", ".helmignore", "README.md", "values.schema.json")


def secret_texts(documents: Iterable[Document], others: Mapping[str, bytes]) -> frozenset[str]:
    """Give what could be a Secret's value, for a Redactor.

    `documents` are manifests, patches and kustomizations, `others` the files that generators read. What of
    these becomes a ConfigMap is taken too: an error message loses little by it.
    """
    bodies: list[Json] = [document.value for document in documents]
    texts = [text for data in others.values() for text in _lines(data)]
    texts += [text for body in bodies for text in _loose(body)]
    return secrets_of(body for body in bodies if isinstance(body, dict)) | recognisable(texts)


def chart_texts(files: Mapping[str, bytes], values: Iterable[Json]) -> frozenset[str] | None:
    """Give what could be a Secret's value in a chart and the values that it gets, for a Redactor.

    None where more than MOST_LOOKED_AT would have to be. Templates count where they may make a Secret; then
    what stands behind a colon.
    """
    told = {path: data for path, data in files.items() if not _harmless(path, data)}
    if sum(map(len, told.values())) > MOST_LOOKED_AT:
        return None
    texts = [text for value in values for text in _texts(value)]
    for path, data in told.items():
        if path.rpartition("/")[2] == "values.yaml":
            texts += _values(path, data)
        elif "templates" in path.split("/")[:-1]:
            texts += _written_out(data)
        else:
            texts += _lines(data)
    return recognisable(texts)


def shown(said: str, redactor: Redactor | None) -> str:
    """Give what a tool said when it failed without what nobody may see; nothing of it without a redactor."""
    if redactor is None:
        return (
            "it failed; what it said is not shown, because so large an input may have Secrets in it anywhere"
        )
    text = redactor.text(said)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _harmless(path: str, data: bytes) -> bool:
    """Whether a chart's file holds nothing of anybody's: descriptions, and templates of other things."""
    name, folders = path.rpartition("/")[2], path.split("/")[:-1]
    if name in _DESCRIPTIONS or folders[-1:] == ["crds"]:
        return True
    return "templates" in folders and b"Secret" not in data


def _written_out(template: bytes) -> Iterator[str]:
    """What a template that may make a Secret says itself: what stands behind colons, and lines of blocks."""
    for line in template.decode(errors="replace").splitlines():
        if "{{" not in line and not line.rstrip().endswith(":"):
            yield (line.partition(": ")[2] or line).strip()


def _values(path: str, data: bytes) -> Iterator[str]:
    try:
        documents = parse(data, path)
    except InvalidInput:
        documents = ()
        yield from _lines(data)
    for document in documents:
        yield from _texts(document.value)


def holds_secrets(documents: Iterable[Document]) -> bool:
    """Whether any object is a Secret, holds a credential, or cannot be told to be no Secret."""
    found = [draft for document in documents for draft in drafts(document)]
    return any(isinstance(one, Problem) or one.secret or secrets_of([one.body]) for one in found)


def _lines(data: bytes) -> Iterator[str]:
    """A text, its lines, and what stands behind their equals signs."""
    text = data.decode(errors="replace")
    yield text
    for line in text.splitlines():
        yield line
        yield line.partition("=")[2]


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
            yield from _texts([document.value.get(field) for field in SECRET_FIELDS])
        yield from _loose(document.value)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - raw JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
