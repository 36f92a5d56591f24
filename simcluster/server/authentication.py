"""Who sends a request: bearer tokens, and the headers by which one user acts as another."""

from __future__ import annotations

from collections.abc import KeysView, Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote

from simcluster.errors import bad_request, unauthorized
from simcluster.rbac.authorizer import Authorizer
from simcluster.rbac.rules import Attributes, Identity, service_account_groups
from simcluster.server.tokens import AUDIENCE, BadToken, ServiceAccountTokens

ANONYMOUS = Identity("system:anonymous", ("system:unauthenticated",))
AUTHENTICATED = "system:authenticated"
_AUTHENTICATION = "authentication.k8s.io"

_USER, _GROUP, _UID, _EXTRA = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "impersonate-extra-"
_ACCOUNT_PREFIX = "system:serviceaccount:"
_ACCOUNT_PARTS = 4


class Headers(Protocol):
    """What is asked of a request's headers; names are compared without case."""

    def getall(self, name: str, default: list[str], /) -> list[str]:
        """Return all values of a header."""

    def keys(self) -> KeysView[str]:
        """All names."""


class Authenticator:
    """Knows one cluster's tokens: those given to it, and those of its service accounts."""

    __slots__ = ("_accounts", "_tokens")

    def __init__(self, tokens: Mapping[str, Identity], accounts: ServiceAccountTokens) -> None:
        self._tokens = tokens
        self._accounts = accounts

    def identify(self, authorization: str | None) -> Identity:
        """Read an Authorization header; who sends none is anonymous. Raises `ApiError` 401."""
        if not authorization:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ANONYMOUS  # no credentials that we know of: apiserver sees none either
        try:
            return self.owner(token.strip())
        except BadToken:
            raise unauthorized() from None

    def owner(self, token: str, audiences: Sequence[str] = ()) -> Identity:
        """Return whose token this is. Raises BadToken."""
        known = self._tokens.get(token)
        if known is not None and (not audiences or AUDIENCE in audiences):
            return known
        return self._accounts.identify(token, audiences or (AUDIENCE,))


def impersonated(who: Identity, headers: Headers, authorizer: Authorizer, request: Attributes) -> Identity:
    """Return the user that `who` wants to act as in `request`; `who` where no header says so.

    It takes the right to impersonate, or the constrained one for this verb and resource (KEP-5284). Raises
    `ApiError` 400 for headers without a user, 403 where `who` may not.
    """
    name = next(iter(headers.getall(_USER, [])), "")
    groups = tuple(headers.getall(_GROUP, []))
    uid = next(iter(headers.getall(_UID, [])), "")
    extra = _extra(headers)
    if not name:
        if groups or uid or extra:
            raise bad_request(_without_user(groups, uid, extra))
        return who
    wanted = _wanted(name, groups, uid, extra)
    if not all(authorizer.decide(who, each).allowed for each in wanted):
        for each in _constrained(wanted, request):
            authorizer.check(who, each)
    return Identity(name, _all_groups(name, groups), uid, extra or None)


def _wanted(
    name: str, groups: Sequence[str], uid: str, extra: Mapping[str, tuple[str, ...]]
) -> list[Attributes]:
    account = _service_account(name)
    if account:
        wanted = [Attributes("impersonate", "", "serviceaccounts", "", *account)]
    else:
        wanted = [Attributes("impersonate", "", "users", name=name)]
    wanted += [Attributes("impersonate", "", "groups", name=group) for group in groups]
    for key, values in extra.items():
        wanted += [
            Attributes("impersonate", _AUTHENTICATION, "userextras", key, name=value) for value in values
        ]
    if uid:
        wanted.append(Attributes("impersonate", _AUTHENTICATION, "uids", name=uid))
    return wanted


def _constrained(wanted: Sequence[Attributes], request: Attributes) -> list[Attributes]:
    mode = "serviceaccount" if wanted[0].resource == "serviceaccounts" else "user-info"
    every = [each._replace(verb=f"impersonate:{mode}", group=_AUTHENTICATION) for each in wanted]
    return [request._replace(verb=f"impersonate-on:{mode}:{request.verb}"), *every]


def _service_account(name: str) -> tuple[str, str] | None:
    parts = name.split(":")
    if not name.startswith(_ACCOUNT_PREFIX) or len(parts) != _ACCOUNT_PARTS:
        return None
    return parts[2], parts[3]


def _all_groups(name: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    account = _service_account(name)
    if account and not groups:
        return service_account_groups(account[0])
    if name == ANONYMOUS.name:
        return groups if ANONYMOUS.groups[0] in groups else (*groups, *ANONYMOUS.groups)
    return groups if AUTHENTICATED in groups else (*groups, AUTHENTICATED)


def _extra(headers: Headers) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for header in headers.keys():  # noqa: SIM118 - a multidict
        if header.lower().startswith(_EXTRA):
            key = unquote(header[len(_EXTRA) :].lower())
            found[key] = tuple(headers.getall(header, []))
    return found


def _without_user(groups: Sequence[str], uid: str, extra: Mapping[str, tuple[str, ...]]) -> str:
    def quoted(values: Sequence[str]) -> str:
        return ", ".join(f'"{value}"' for value in values)

    listed = f"[]string{{{quoted(groups)}}}" if groups else "[]string(nil)"
    pairs = ", ".join(f'"{key}":[]string{{{quoted(values)}}}' for key, values in extra.items())
    mapped = f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"
    return (
        f'requested &user.DefaultInfo{{Name:"", UID:"{uid}", Groups:{listed}, Extra:{mapped}}} '
        "without impersonating a user name"
    )
