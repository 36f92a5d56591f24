"""Requests as commits: whether an environment is suspended, and the messages with their trailers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem, Refused
from gitops.rollout.events import CommandKind

_BOM = "\ufeff"
_SCALAR = re.compile(r"[A-Za-z]+")
_SUBJECTS = {
    CommandKind.APPROVE: "Approve {}",
    CommandKind.RETRY: "Retry {}",
    CommandKind.ALLOW_PRUNE: "Allow pruning of {}",
}
_SHORT = 12
_NAMED = 3


def set_suspended(path: str, data: bytes, *, suspended: bool) -> bytes:
    """Write `spec.suspended` into an `environment.yaml` and leave every other byte as it is.

    Returns `data` itself where it says so already. Raises InvalidInput for a file that cannot be read,
    Refused where it is written in a way that no small edit can change.
    """
    document = _only(path, data)
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("spec"), dict):
        raise InvalidInput(Problem(document.locate("spec"), "an Environment has a spec"))
    spec: dict[str, Any] = value["spec"]
    if spec.get("suspended", False) == suspended:
        return data
    text = data.decode()
    lines = text.removeprefix(_BOM).split("\n")
    _write(lines, document, "true" if suspended else "false", present="suspended" in spec)
    edited = (_BOM if text.startswith(_BOM) else "") + "\n".join(lines)
    wanted = {**value, "spec": {**spec, "suspended": suspended}}
    if not _says(path, edited.encode(), wanted):
        place = document.locate("spec", "suspended")
        raise Refused(f"{place}: write suspended: {str(suspended).lower()} by hand and commit it")
    return edited.encode()


def _only(path: str, data: bytes) -> Document:
    documents = parse(data, path)
    if len(documents) != 1:
        raise InvalidInput(Problem(Location(path), "this file holds one Environment"))
    return documents[0]


def _write(lines: list[str], document: Document, word: str, *, present: bool) -> None:
    """Change `lines` in place; whether the result says what it should is checked by the caller."""
    if present:
        line, column = document.at("spec", "suspended")
        before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        lines[line - 1] = before + _SCALAR.sub(word, after, count=1)
        return
    line, column = document.at("spec")
    if lines[line - 1][column - 1 :].startswith("{"):
        lines[line - 1] = f'{lines[line - 1][:column]}"suspended": {word}, {lines[line - 1][column:]}'
        return
    key_line, _ = document.key_at("spec")
    ending = "\r" if lines[key_line - 1].endswith("\r") else ""
    lines.insert(key_line, f"{' ' * (column - 1)}suspended: {word}{ending}")


def _says(path: str, data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return _only(path, data).value == wanted
    except InvalidInput:
        return False


def command_message(kind: CommandKind, environment: str, application: str, reason: str = "") -> str:
    """Write the message of an empty commit that asks for something; `application` "" means all of them."""
    named = f"{environment}/{application}" if application else environment
    subject = _SUBJECTS[kind].format(f"{application} in {environment}" if application else environment)
    return _message(subject, reason, ((f"Gitops-{kind.value}", named),))


def suspended_message(environment: str, *, suspended: bool, reason: str = "") -> str:
    """Write the message of the commit that pauses or resumes an environment."""
    subject = f"{'Pause' if suspended else 'Resume'} {environment}"
    return _message(subject, reason, (("Gitops-Environment", environment),))


def restored_message(environment: str, revisions: Iterable[tuple[str, str]], reason: str = "") -> str:
    """Write the message of a commit in which a person restores applications, each as of a revision.

    It carries none of the trailers of a revert by the controller: when this commit fails, it is reverted
    like any other.
    """
    restored = tuple(sorted(revisions))
    names = [name for name, _ in restored]
    applications = ", ".join(names) if len(names) <= _NAMED else f"{len(names)} applications"
    places = sorted({revision for _, revision in restored})
    to = places[0][:_SHORT] if len(places) == 1 else "earlier revisions"
    trailers = [("Gitops-Environment", environment)]
    for name, revision in restored:
        trailers += [("Gitops-Application", name), ("Gitops-Restores", revision)]
    return _message(f"Restore {applications} in {environment} to {to}", reason, trailers)


def adopted_message(
    place: tuple[str, str], name: str, target: str, changes: Iterable[str], reason: str = ""
) -> str:
    """Write the message of a commit that makes what is live on `target` the manifest of object `name`.

    `place` is the environment and the application; `changes` are lines without secrets, shown indented so
    that no line of them can be a trailer.
    """
    environment, application = place
    body = "\n".join(f"    {line}" for change in changes for line in change.splitlines())
    trailers = (("Gitops-Environment", environment), ("Gitops-Application", application))
    paragraphs = "\n\n".join(part for part in (reason.strip(), f"As it is on {target}:", body) if part)
    return _message(f"Adopt {name} in {environment}", paragraphs, trailers)


def _message(subject: str, reason: str, trailers: Iterable[tuple[str, str]]) -> str:
    # Trailers are the last paragraph alone, so nothing in the reason can pass for one.
    paragraphs = [subject, reason.strip(), "\n".join(f"{key}: {value}" for key, value in trailers)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
