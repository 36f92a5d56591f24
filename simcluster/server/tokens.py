"""Tokens of service accounts: made on request, bound to the account's uid, good until they expire.

They look like a real cluster's (JWT, RFC 7519), and are signed with a key that the cluster alone knows (HS256
where a real one has ES256): they hold everything that is needed to accept them, so none is remembered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from simcluster.clock import Clock
from simcluster.rbac.rules import Identity, service_account, service_account_groups
from simcluster.store.records import Stored
from simcluster.store.store import Store
from simcluster.values import JsonObject

AUDIENCE = "https://kubernetes.default.svc"
_STORAGE = "serviceaccounts"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_HEADER = {"alg": "HS256", "kid": "simcluster"}
_PARTS = 3


class Issued(NamedTuple):
    """A new token and when it ends."""

    token: str
    expires: datetime


class BadToken(Exception):  # noqa: N818 - reads as what it is
    """A token that is none of ours, or no longer one; the text is apiserver's and quotes nothing of it."""


class ServiceAccountTokens:
    """One cluster's issuer and authenticator."""

    __slots__ = ("_clock", "_key", "_store")

    def __init__(self, store: Store, clock: Clock, key: bytes) -> None:
        self._store = store
        self._clock = clock
        self._key = key

    def issue(self, account: Stored, audiences: Sequence[str], seconds: int) -> Issued:
        """Make a token for a service account, good for `seconds`."""
        now = self._clock.now()
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": list(audiences),
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": account.namespace,
                "serviceaccount": {"name": account.name, "uid": account.uid},
            },
            "nbf": int(now.timestamp()),
            "sub": service_account(account.namespace, account.name),
        }
        signed = f"{_encoded(orjson.dumps(_HEADER))}.{_encoded(orjson.dumps(claims))}"
        return Issued(f"{signed}.{self._signature(signed)}", expires)

    def identify(self, token: str, audiences: Sequence[str] = (AUDIENCE,)) -> Identity:
        """Return whose token this is. Raises BadToken, also when the account is gone or was made anew."""
        claims = self._claims(token)
        if not set(claims["aud"]) & set(audiences):
            told = orjson.dumps(claims["aud"]).decode()
            wanted = orjson.dumps(list(audiences)).decode()
            raise BadToken(f"token audiences {told} is invalid for the target audiences {wanted}")
        if claims["exp"] <= self._clock.now().timestamp():
            raise BadToken("service account token has expired")
        bound = claims["kubernetes.io"]
        namespace, account = bound["namespace"], bound["serviceaccount"]
        record = self._store.get(_STORAGE, namespace, account["name"])
        if record is None or record.uid != account["uid"]:
            raise BadToken("service account token has been invalidated")
        return Identity(
            claims["sub"],
            service_account_groups(namespace),
            record.uid,
            {_CREDENTIAL: (f"JTI={claims['jti']}",)},
        )

    def _claims(self, token: str) -> JsonObject:
        parts = token.split(".")
        if len(parts) != _PARTS:
            raise BadToken("invalid bearer token")
        signed = f"{parts[0]}.{parts[1]}"
        if not token.isascii() or not hmac.compare_digest(self._signature(signed), parts[2]):
            raise BadToken("invalid bearer token")
        try:
            claims: JsonObject = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (binascii.Error, orjson.JSONDecodeError):
            raise BadToken("invalid bearer token") from None
        return claims

    def _signature(self, signed: str) -> str:
        return _encoded(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
