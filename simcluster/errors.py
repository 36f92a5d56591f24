"""The API's errors: a `Status` with the code, reason and message that apimachinery's api/errors makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from simcluster.gotext import quoted
from simcluster.values import JsonObject


class Cause(NamedTuple):
    """One entry of `details.causes`."""

    field: str
    reason: str  # FieldValueRequired, FieldValueInvalid, FieldManagerConflict, …
    message: str


class ApiError(Exception):
    """A request that the API refuses; `status` is the body of the answer, `headers` go with it."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.reason = reason
        self.headers = dict(headers or {})
        self.status: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": details} if details is not None else {}),
            "code": code,
        }
        super().__init__(message)


def qualified(plural: str, group: str) -> str:
    """Name a resource as messages do: `deployments.apps`, `pods`."""
    return f"{plural}.{group}" if group else plural


def _details(name: str, group: str, kind: str) -> JsonObject:
    found = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in found.items() if value}


def not_found(plural: str, group: str, name: str) -> ApiError:
    """No object of that name."""
    message = f"{qualified(plural, group)} {quoted(name)} not found"
    return ApiError(404, "NotFound", message, _details(name, group, plural))


def no_such_path() -> ApiError:
    """A resource or version that is not served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """A create of what is there."""
    message = f"{qualified(plural, group)} {quoted(name)} already exists"
    return ApiError(409, "AlreadyExists", message, _details(name, group, plural))


def conflict(plural: str, group: str, name: str, because: str) -> ApiError:
    """An update of what was changed meanwhile, or another precondition that does not hold."""
    message = f"Operation cannot be fulfilled on {qualified(plural, group)} {quoted(name)}: {because}"
    return ApiError(409, "Conflict", message, _details(name, group, plural))


def invalid(kind: str, group: str, name: str, causes: Iterable[Cause]) -> ApiError:
    """An object that validation refuses; the message joins the causes as field.ErrorList does."""
    listed = list(causes)
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in listed))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified_kind = f"{kind}.{group}" if group else kind
    details = _details(name, group, kind)
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in listed
    ]
    message = f"{qualified_kind} {quoted(name)} is invalid: {joined}"
    return ApiError(422, "Invalid", message, details)


def bad_request(message: str) -> ApiError:
    """A request that cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, because: str) -> ApiError:
    """A request that admission or authorization refuses."""
    message = f"{qualified(plural, group)} {quoted(name)} is forbidden: {because}"
    return ApiError(403, "Forbidden", message, _details(name, group, plural))


def unauthorized() -> ApiError:
    """Credentials that nobody knows."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiError:
    """A verb that the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def not_supported(plural: str, group: str, verb: str) -> ApiError:
    """A verb that a subresource of a custom resource does not have."""
    message = f'{verb} is not supported on resources of kind "{qualified(plural, group)}"'
    return ApiError(405, "MethodNotAllowed", message, _details("", group, plural))


def expired(message: str) -> ApiError:
    """A resource version or continue token from before the last compaction."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(message: str) -> ApiError:
    """A body of a type that is not understood."""
    return ApiError(415, "UnsupportedMediaType", message)


def not_acceptable(message: str) -> ApiError:
    """An Accept header that cannot be served."""
    return ApiError(406, "NotAcceptable", message)


def too_large(message: str) -> ApiError:
    """A body over the limit of 3 MiB."""
    return ApiError(413, "RequestEntityTooLarge", message)
