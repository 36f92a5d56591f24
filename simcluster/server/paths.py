"""What a request is about, read from its method and target as apiserver's RequestInfo is. Knows no kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from simcluster.errors import ApiError, bad_request

Query: TypeAlias = Mapping[str, str]

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_CORE, _GROUPS = "api", "apis"
_HEX = frozenset("0123456789abcdefABCDEF")


class BadTarget(ValueError):  # noqa: N818 - reads as what it is
    """A target that is no URL path: answered before the API sees it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A request's path, decoded, and its query; of keys that come several times the first one counts."""

    path: str
    query: Query

    @classmethod
    def parse(cls, raw: str) -> Target:
        """Read the second word of a request line. Raises BadTarget."""
        if raw.startswith("/"):
            path, _, query = raw.partition("?")
        else:  # absolute form, as for a proxy
            split = urlsplit(raw)
            path, query = split.path or "/", split.query
        if "%" in path:
            path = _decoded(path)
        if not query:
            return cls(path, {})
        found: dict[str, str] = {}
        for key, value in parse_qsl(query, keep_blank_values=True):
            found.setdefault(key, value)
        return cls(path, found)


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Which verb on what. `resource` is empty for paths that are no resources (`/version`, `/api/v1`)."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    rest: tuple[str, ...] = ()  # what follows the subresource: a path to proxy to


def request_info(method: str, target: Target) -> RequestInfo:
    """Read a request as authorization and routing see it."""
    parts = target.path.strip("/").split("/")
    found = _group_version(parts)
    if found is None:
        return RequestInfo(method.lower(), target.path)
    group, version, parts = found
    verb = _VERBS.get(method, "")
    if parts[0] == "watch" and len(parts) > 1:
        verb, parts = "watch", parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        # A namespace's own subresources are not resources inside it.
        if len(parts) > 2 and parts[2] not in ("status", "finalize"):  # noqa: PLR2004 - name and one more
            parts = parts[2:]
    resource, name, subresource, *rest = (*parts, "", "", "")[: max(3, len(parts))]
    if not name:
        verb, name = _of_collection(verb, target.query)
    return RequestInfo(verb, target.path, group, version, resource, subresource, namespace, name, tuple(rest))


def truth(value: str | None) -> bool:
    """Read a boolean of a query: only absence, `false` and `0` are false."""
    return value is not None and value.lower() not in ("false", "0")


def check_name(name: str) -> None:
    """Raise `ApiError` 400 for a name that would change the path's meaning."""
    problem = ""
    if name in (".", ".."):
        problem = f"may not be '{name}'"
    else:
        for character in "/%":
            if character in name:
                problem = f"may not contain '{character}'"
    if problem:
        raise _invalid_name(name, problem)


def _invalid_name(name: str, problem: str) -> ApiError:
    return bad_request(f'Name parameter invalid: "{name}": {problem}')


def _group_version(parts: list[str]) -> tuple[str, str, list[str]] | None:
    root = parts[0]
    if root == _CORE and len(parts) > 2:  # noqa: PLR2004 - root and version
        return "", parts[1], parts[2:]
    if root == _GROUPS and len(parts) > 3:  # noqa: PLR2004 - root, group and version
        return parts[1], parts[2], parts[3:]
    return None


def _of_collection(verb: str, query: Query) -> tuple[str, str]:
    """The verb on a whole collection, and the one name that a field selector narrows it to."""
    if verb == "delete":
        return "deletecollection", ""
    if verb not in ("get", "watch"):
        return verb, ""
    name = ""
    for term in query.get("fieldSelector", "").split(","):
        field, _, value = term.partition("=")
        if field.strip() == "metadata.name":
            name = value.removeprefix("=").strip()
    if verb == "watch" or truth(query.get("watch")):
        return "watch", name
    return "list", name


def _decoded(path: str) -> str:
    for piece in path.split("%")[1:]:
        if len(piece) < 2 or not _HEX.issuperset(piece[:2]):  # noqa: PLR2004 - two hex digits
            raise BadTarget(path)
    return unquote(path, errors="replace")
