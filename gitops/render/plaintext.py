"""Secrets that everybody who may read the repository can read."""

from __future__ import annotations

from collections.abc import Iterable

from gitops.dialect import Document
from gitops.errors import InvalidInput, Problem
from gitops.model.kinds import EnvironmentSpec, PlaintextSecrets
from gitops.objects import split_api_version
from gitops.render.drafts import Draft, drafts

_FIELDS = ("data", "stringData")


def plaintext(documents: Iterable[Document]) -> tuple[Problem, ...]:
    """Give every Secret that is written with values, at the first of them. Base64 hides nothing.

    A variable counts as a value: where it comes from is written in the repository too.
    """
    found = []
    for document in documents:
        if document.encrypted:
            continue
        for draft in drafts(document):
            if isinstance(draft, Draft) and _is_secret(draft):
                found += [_problem(draft, field) for field in _FIELDS if _written(draft, field)][:1]
    return tuple(sorted(found))


def refuse_plaintext(spec: EnvironmentSpec, documents: Iterable[Document]) -> None:
    """Raise InvalidInput for Secrets in plain text where the environment, or the repository, refuses them."""
    if spec.plaintext_secrets is PlaintextSecrets.REFUSE and (problems := plaintext(documents)):
        raise InvalidInput(*problems)


def _is_secret(draft: Draft) -> bool:
    group, _ = split_api_version(str(draft.body.get("apiVersion")))
    return draft.secret and not group


def _written(draft: Draft, field: str) -> bool:
    values = draft.body.get(field)
    return isinstance(values, dict) and any(value not in (None, "") for value in values.values())


def _problem(draft: Draft, field: str) -> Problem:
    name = draft.metadata.get("name")
    message = (
        f"Secret {name if isinstance(name, str) else ''} has its values in plain text, for everybody who may "
        "read the repository: encrypt the file with SOPS, or let an operator fetch them"
    )
    return Problem(draft.at(field, key=True), message)
