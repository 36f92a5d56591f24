"""What a request asks for, and which policy rules allow it, as component-helpers' rbac/v1 compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simcluster.errors import qualified
from simcluster.values import JsonObject

ALL = "*"


class Attributes(NamedTuple):
    """What authorization knows of a request. Without `resource` it is about `path`."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """The resource with its subresource, as rules name it: `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request, as authentication found out."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] | None = None


def service_account(namespace: str, name: str) -> str:
    """Return the user name of a service account."""
    return f"system:serviceaccount:{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """Return the groups of every service account of a namespace."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


def allows(rule: JsonObject, wanted: Attributes) -> bool:
    """Tell whether one rule of a role covers the request."""
    if not _has(rule.get("verbs"), wanted.verb):
        return False
    if not wanted.resource:
        return any(_path_matches(pattern, wanted.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), wanted.group)
        and any(_resource_matches(each, wanted) for each in rule.get("resources") or ())
        and (not names or wanted.name in names)
    )


def subject_of(subjects: Iterable[JsonObject], who: Identity, namespace: str) -> str:
    """Describe the first subject that `who` is, "" where there is none. `namespace` is the binding's."""
    for subject in subjects:
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind == "User" and name == who.name:
            return f'User "{name}"'
        if kind == "Group" and name in who.groups:
            return f'Group "{name}"'
        if kind == "ServiceAccount":
            place = subject.get("namespace") or namespace
            if place and who.name == service_account(place, name):
                return f'ServiceAccount "{name}/{place}"'
    return ""


def refusal(who: Identity, wanted: Attributes) -> str:
    """Say what `who` may not do, in the words of a `forbidden` answer."""
    user = f'User "{who.name}" cannot {wanted.verb}'
    if not wanted.resource:
        return f'{user} path "{wanted.path}"'
    place = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return f'{user} resource "{wanted.combined}" in API group "{wanted.group}" {place}'


def subject_of_refusal(wanted: Attributes) -> str:
    """Name what the request is about, as a `forbidden` answer begins: `pods "x"`, or "" for a path."""
    if not wanted.resource:
        return ""
    resource = qualified(wanted.resource, wanted.group)
    return f'{resource} "{wanted.name}"' if wanted.name else resource


def _has(listed: Iterable[str] | None, wanted: str) -> bool:
    return bool(listed) and any(each in (ALL, wanted) for each in listed or ())


def _resource_matches(pattern: str, wanted: Attributes) -> bool:
    if pattern in (ALL, wanted.combined):
        return True
    return bool(wanted.subresource) and pattern == f"*/{wanted.subresource}"


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in (ALL, path) or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))
