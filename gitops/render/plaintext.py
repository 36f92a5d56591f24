"""Secrets that everybody who may read the repository can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import PlaintextSecrets
from gitops.objects import Json, split_api_version
from gitops.redact import SECRET_FIELDS
from gitops.render.drafts import Draft, drafts
from gitops.render.patches import PlacedPatch, every_patch, matches


def plaintext(documents: Iterable[Document], patches: Sequence[PlacedPatch] = ()) -> tuple[Problem, ...]:
    """Give every Secret that is written with values, at the first of them. Base64 hides nothing.

    A variable counts as a value: where it comes from is written in the repository too. So does what one of
    `patches` writes, also into a Secret that is encrypted, and what SOPS was told to leave as it is.
    """
    found: set[Problem] = set()
    for document in documents:
        for draft in drafts(document):
            if not isinstance(draft, Draft) or not _is_secret(draft):
                continue
            if not document.encrypted or document.exposed:
                places = [
                    draft.at(field, key=True) for field in SECRET_FIELDS if _filled(draft.body.get(field))
                ]
                found.update(_problem(draft, place) for place in places[:1])
            for placed in patches:
                if matches(placed.patch.target, draft):
                    found.update(_problem(draft, place) for place in _patched(placed))
    return tuple(sorted(found))


def plaintext_of(
    environment: EnvironmentSource, application: ApplicationSource, documents: Iterable[Document]
) -> tuple[Problem, ...]:
    """Give every Secret of an application that stands in the repository in plain text."""
    return plaintext(documents, every_patch(environment, application))


def refuse_plaintext(
    environment: EnvironmentSource, application: ApplicationSource, documents: Iterable[Document]
) -> None:
    """Raise InvalidInput for Secrets in plain text where the environment, or the repository, refuses them."""
    spec = environment.spec
    if spec is None or spec.plaintext_secrets is not PlaintextSecrets.REFUSE:
        return
    if problems := plaintext_of(environment, application, documents):
        raise InvalidInput(*problems)


def _patched(placed: PlacedPatch) -> Iterator[Location]:
    """Where a patch writes values into `data` or `stringData`."""
    for number, operation in enumerate(placed.patch.operations):
        if operation.op not in ("add", "replace"):
            continue
        field, _, name = operation.path.removeprefix("/").partition("/")
        value = operation.value
        if not field and isinstance(value, dict):
            written = any(_filled(value.get(one)) for one in SECRET_FIELDS)
        else:
            written = field in SECRET_FIELDS and _filled({name: value} if name else value)
        if written:
            yield placed.place("operations", number).at("value")


def _is_secret(draft: Draft) -> bool:
    group, _ = split_api_version(str(draft.body.get("apiVersion")))
    return draft.secret and not group


def _filled(values: Json) -> bool:
    return isinstance(values, dict) and any(value not in (None, "") for value in values.values())


def _problem(draft: Draft, place: Location) -> Problem:
    name = draft.metadata.get("name")
    message = (
        f"Secret {name if isinstance(name, str) else ''} has its values in plain text, for everybody who may "
        "read the repository: encrypt the file with SOPS, or let an operator fetch them"
    )
    return Problem(place, message)
