"""Files that SOPS encrypted: how they are told, and what of them may be shown without a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gitops.dialect import Document
from gitops.errors import Problem

_CIPHERTEXT = "ENC["
_BLOCK = "sops"


def encrypted(documents: Iterable[Document]) -> Document | None:
    """Give the first document that SOPS has written; None where there is none."""
    return next((one for one in documents if _sealed(one)), None)


def concealed(documents: Iterable[Document]) -> tuple[Document, ...]:
    """Give what can be judged without a key: objects whose kind is not encrypted, values as they stand."""
    return tuple(
        replace(
            one,
            value={name: value for name, value in one.value.items() if name != _BLOCK},
            encrypted=True,
        )
        for one in documents
        if isinstance(one.value, dict) and not str(one.value.get("kind")).startswith(_CIPHERTEXT)
    )


def revealed(documents: Sequence[Document]) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Mark what came of a decryption, and refuse all but Secrets: other objects' values are shown."""
    marked = tuple(replace(one, encrypted=True) for one in documents)
    problems = tuple(
        Problem(one.locate(), "a file that is encrypted with SOPS may hold Secrets only: others are shown")
        for one in marked
        if not isinstance(one.value, dict)
        or (one.value.get("apiVersion"), one.value.get("kind")) != ("v1", "Secret")
    )
    return marked, problems


def _sealed(document: Document) -> bool:
    block = document.value.get(_BLOCK) if isinstance(document.value, dict) else None
    return isinstance(block, dict) and "mac" in block
