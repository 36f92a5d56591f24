"""Files that SOPS encrypted: how they are told, and what of them may be shown without a key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.objects import Json
from gitops.pointers import Pointer
from gitops.redact import secret_values

# In what SOPS writes: YAML, JSON, ini and dotenv.
_MAC = re.compile(rb"""^[ \t]*["']?(?:sops_)?mac["']?[ \t]*[:=][ \t]*["']?ENC\[""", re.MULTILINE)
_CIPHERTEXT = "ENC[AES256_GCM,"
_BLOCK = "sops"


def first_encrypted(documents: Iterable[Document]) -> Document | None:
    """Give the first document that SOPS has written; None where there is none."""
    return next((one for one in documents if _sealed(one)), None)


def unsigned(documents: Iterable[Document]) -> tuple[Document, ...]:
    """Give documents without what SOPS writes beside their content."""
    return tuple(
        replace(one, value={name: value for name, value in one.value.items() if name != _BLOCK})
        for one in documents
        if isinstance(one.value, dict)
    )


def sealed_values(written: Json, plain: Json, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Json]]:
    """Give what of `plain` is ciphertext as it is `written`, at the same places."""
    if isinstance(plain, dict) and isinstance(written, dict):
        for key, value in plain.items():
            yield from sealed_values(written.get(key), value, (*pointer, key))
    elif isinstance(plain, list) and isinstance(written, list):
        for index, (value, partner) in enumerate(zip(plain, written, strict=False)):
            yield from sealed_values(partner, value, (*pointer, index))
    elif _is_ciphertext(written):
        yield pointer, plain


def has_encrypted_values(documents: Iterable[Document]) -> bool:
    """Whether SOPS has written these values, also where somebody took away what it needs to read them."""
    return any(_sealed(one) or next(sealed_values(one.value, one.value), None) for one in documents)


def concealed(documents: Iterable[Document]) -> tuple[Document, ...]:
    """Give what can be judged without a key: objects whose kind is not encrypted, values as they stand."""
    return tuple(
        replace(
            one,
            value={name: value for name, value in one.value.items() if name != _BLOCK},
            encrypted=True,
            exposed=_exposed(one),
        )
        for one in documents
        if isinstance(one.value, dict) and not _is_ciphertext(one.value.get("kind"))
    )


def revealed(
    documents: Sequence[Document], written: Sequence[Document]
) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Mark what came of a decryption, and refuse all but Secrets: other objects' values are shown.

    `written` are the documents as they stand in the repository.
    """
    exposed = [_exposed(one) for one in written]
    if len(written) != len(documents):
        exposed = [any(exposed)] * len(documents)
    marked = tuple(
        replace(one, encrypted=True, exposed=open_) for one, open_ in zip(documents, exposed, strict=True)
    )
    problems = tuple(
        Problem(one.locate(), "a file that is encrypted with SOPS may hold Secrets only: others are shown")
        for one in marked
        if not isinstance(one.value, dict)
        or (one.value.get("apiVersion"), one.value.get("kind")) != ("v1", "Secret")
    )
    return marked, problems


RESOURCES_ONLY = (
    "encrypted with SOPS, and only whole Secrets are decrypted: encrypt one, and list it as a resource"
)
VALUES_ONLY = "encrypted with SOPS, and nothing in a chart is decrypted: name it in spec.helm.valuesFiles"


def unread(others: Mapping[str, bytes], message: str = RESOURCES_ONLY) -> tuple[Problem, ...]:
    """Refuse encrypted files, by path, that nobody decrypts: their ciphertext would become a value."""
    return tuple(
        Problem(Location(path), message) for path, data in sorted(others.items()) if _MAC.search(data)
    )


def carried(sealed: Iterable[Document], printed: Sequence[Document]) -> frozenset[int]:
    """Tell which of the documents that a renderer printed are Secrets with encrypted values alone.

    Raises InvalidInput where a value of a `sealed` Secret is in no Secret any more. Whoever shows what was
    printed knows by its Secrets what to hide; of a value that went elsewhere it would know nothing.
    """
    values = {one.index: _values(one) for one in printed}
    kept = frozenset(value for found in values.values() for value in found)
    decrypted = {one: _values(one) for one in sealed}
    message = (
        "not all values of this encrypted Secret are in a Secret any more once the kustomization is built"
    )
    lost = {one.path for one, found in decrypted.items() if not found <= kept}
    if lost:
        raise InvalidInput(*(Problem(Location(path), message) for path in sorted(lost)))
    every = frozenset(value for one, found in decrypted.items() if not one.exposed for value in found)
    return frozenset(index for index, found in values.items() if found and found <= every)


def _values(document: Document) -> frozenset[str]:
    body = document.value
    if not isinstance(body, dict) or body.get("kind") != "Secret":
        return frozenset()
    return frozenset(str(value) for _, value in secret_values(body))


def _sealed(document: Document) -> bool:
    """Whether SOPS wrote it; also where somebody took away what SOPS needs to read it again."""
    block = document.value.get(_BLOCK) if isinstance(document.value, dict) else None
    return (isinstance(block, dict) and "mac" in block) or any(map(_is_ciphertext, _written(document)))


def _exposed(document: Document) -> bool:
    """Whether there are values that SOPS was told to leave as they are."""
    return any(value not in (None, "") and not _is_ciphertext(value) for value in _written(document))


def _is_ciphertext(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(_CIPHERTEXT)


def _written(document: Document) -> Iterator[Json]:
    """The values of what is, or may be, a Secret."""
    body = document.value if isinstance(document.value, dict) else {}
    if body.get("kind") == "Secret" or _is_ciphertext(body.get("kind")):
        yield from (value for _, value in secret_values(body))
