"""Questions about access, and service accounts' tokens: what is created, answered and never stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from simcluster.clock import timestamp
from simcluster.errors import Cause, bad_request, invalid, not_found
from simcluster.kinds.kind import Kind
from simcluster.rbac.rules import Attributes, Identity
from simcluster.server.call import Call
from simcluster.server.tokens import AUDIENCE, BadToken
from simcluster.values import JsonObject

_AUTHORIZATION = "authorization.k8s.io"
_LEAST_SECONDS, _MOST_SECONDS, _DEFAULT_SECONDS = 600, 1 << 32, 3600
_ACCOUNTS = "serviceaccounts"


def find(kind: Kind) -> Callable[[Call, JsonObject], JsonObject] | None:
    """Return what answers a create of this kind, None for kinds that are stored."""
    return _ANSWERS.get((kind.group, kind.plural))


def token(call: Call, body: JsonObject) -> JsonObject:
    """Answer a TokenRequest for the service account of the path. Raises `ApiError` 404 or 422."""
    namespace, name = call.info.namespace, call.info.name
    account = call.site.cluster.store.get(_ACCOUNTS, namespace, name)
    if account is None:
        raise not_found(_ACCOUNTS, "", name)
    metadata: JsonObject = body.get("metadata") or {}
    if metadata.get("name") not in (None, "", name):
        message = f'Invalid value: "{metadata["name"]}": must match the service account name if specified'
        raise _invalid_token(name, Cause("metadata.name", "FieldValueInvalid", message))
    spec: JsonObject = body.get("spec") or {}
    seconds = _seconds(spec.get("expirationSeconds"))
    bound = spec.get("boundObjectRef")
    if bound is not None:
        _check_bound(call, bound)
    audiences = spec.get("audiences") or [AUDIENCE]
    issued = call.site.accounts.issue(account, audiences, seconds)
    return {
        **body,
        "metadata": {
            **metadata,
            "name": name,
            "namespace": namespace,
            "uid": account.uid,
            "creationTimestamp": timestamp(call.now),
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound},
        "status": {"token": issued.token, "expirationTimestamp": timestamp(issued.expires)},
    }


def _own_access(call: Call, body: JsonObject) -> JsonObject:
    spec = body.get("spec") or {}
    return _decided(call, body, call.who, spec)


def _access(call: Call, body: JsonObject) -> JsonObject:
    spec = body.get("spec") or {}
    user, groups = spec.get("user") or "", tuple(spec.get("groups") or ())
    if not user and not groups:
        message = 'Invalid value: "": at least one of user or group must be specified'
        raise _invalid_review(Cause("spec.user", "FieldValueInvalid", message))
    return _decided(call, body, Identity(user, groups, spec.get("uid") or ""), spec)


def _local_access(call: Call, body: JsonObject) -> JsonObject:
    namespace = call.info.namespace
    asked = ((body.get("spec") or {}).get("resourceAttributes") or {}).get("namespace", "")
    if asked != namespace:
        message = f'Invalid value: "{asked}": must match metadata.namespace'
        raise _invalid_review(Cause("spec.resourceAttributes.namespace", "FieldValueInvalid", message))
    answered = _access(call, body)
    answered["metadata"] = {**answered["metadata"], "namespace": namespace}
    return answered


def _decided(call: Call, body: JsonObject, who: Identity, spec: JsonObject) -> JsonObject:
    decision = call.site.authorizer.decide(who, _attributes(spec))
    status: JsonObject = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    return _answered(body, spec, status)


def _attributes(spec: JsonObject) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        shown = "null"
        if path is not None:
            shown = orjson.dumps({key.capitalize(): value for key, value in path.items()}).decode()
        one = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        message = f"Invalid value: {shown}: {one}"
        raise _invalid_review(Cause("spec", "FieldValueInvalid", message))
    if path is not None:
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    resource = resource or {}
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(*(resource.get(name) or "" for name in names))


def _own_rules(call: Call, body: JsonObject) -> JsonObject:
    namespace = (body.get("spec") or {}).get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    rules = call.site.authorizer.rules(call.who, namespace)
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    shown = [{key: rule[key] for key in fields if rule.get(key)} for rule in rules]
    status = {
        "resourceRules": [rule for rule in shown if "resources" in rule],
        "nonResourceRules": [rule for rule in shown if "nonResourceURLs" in rule],
        "incomplete": False,
    }
    return _answered(body, {}, status)


def _self(call: Call, body: JsonObject) -> JsonObject:
    status = {"userInfo": _user(call.who)}
    answered = {**_answered(body, {}, status), "metadata": {"creationTimestamp": timestamp(call.now)}}
    del answered["spec"]
    return answered


def _token_review(call: Call, body: JsonObject) -> JsonObject:
    spec: JsonObject = body.get("spec") or {}
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    try:
        owner = call.site.authenticator.owner(spec["token"], spec.get("audiences") or ())
    except BadToken as error:
        text = str(error) if str(error) == "invalid bearer token" else f"[invalid bearer token, {error}]"
        return _answered(body, spec, {"user": {}, "error": text})
    audiences = spec.get("audiences") or [AUDIENCE]
    status = {"authenticated": True, "user": _user(owner), "audiences": audiences}
    return _answered(body, spec, status)


def _user(who: Identity) -> JsonObject:
    found: JsonObject = {"username": who.name, "uid": who.uid, "groups": list(who.groups)}
    if who.extra:
        found["extra"] = {key: list(values) for key, values in who.extra.items()}
    return {key: value for key, value in found.items() if value}


def _answered(body: JsonObject, spec: JsonObject, status: JsonObject) -> JsonObject:
    return {**body, "metadata": body.get("metadata") or {}, "spec": spec, "status": status}


def _seconds(asked: int | None) -> int:
    if asked is None:
        return _DEFAULT_SECONDS
    problem = ""
    if asked < _LEAST_SECONDS:
        problem = "may not specify a duration less than 10 minutes"
    elif asked > _MOST_SECONDS:
        problem = "may not specify a duration larger than 2^32 seconds"
    if problem:
        message = f"Invalid value: {asked}: {problem}"
        raise _invalid_token("", Cause("spec.expirationSeconds", "FieldValueInvalid", message))
    return asked


def _check_bound(call: Call, bound: JsonObject) -> None:
    """Raise `ApiError` 404 unless the object to which a token is to be bound exists."""
    plural = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}.get(bound.get("kind", ""), "")
    namespace = "" if plural == "nodes" else call.info.namespace
    name = bound.get("name", "")
    if plural and call.site.cluster.store.get(plural, namespace, name) is None:
        raise not_found(plural, "", name)


def _invalid_review(cause: Cause) -> Exception:
    return invalid("", _AUTHORIZATION, "", [cause])


def _invalid_token(name: str, cause: Cause) -> Exception:
    return invalid("TokenRequest", "authentication.k8s.io", name, [cause])


_ANSWERS: Mapping[tuple[str, str], Callable[[Call, JsonObject], JsonObject]] = {
    (_AUTHORIZATION, "selfsubjectaccessreviews"): _own_access,
    (_AUTHORIZATION, "subjectaccessreviews"): _access,
    (_AUTHORIZATION, "localsubjectaccessreviews"): _local_access,
    (_AUTHORIZATION, "selfsubjectrulesreviews"): _own_rules,
    ("authentication.k8s.io", "selfsubjectreviews"): _self,
    ("authentication.k8s.io", "tokenreviews"): _token_review,
}
