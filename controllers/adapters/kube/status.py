"""Turns an HTTP answer of the API server into our error tree, in the server's own words.

The shape is `metav1.Status`; anything else (a proxy's HTML, say) is shortened and quoted as it is.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from controllers.adapters.kube.errors import Cause, Expired, Forbidden, NotFound, Rejected
from controllers.adapters.kube.redaction import redact_env, redact_secret
from controllers.adapters.kube.wire import Answer, Call, json_object
from gitops.errors import Conflict, Denied, GitopsError, Unreachable
from gitops.objects import JsonObject

_SHOWN_CHARACTERS = 2000
# A namespace on its way out answers 403 with this cause (apimachinery's NamespaceTerminatingCause). It is no
# matter of permissions and passes by itself.
_TERMINATING = "NamespaceTerminating"
_SCHEMA_FAULTS = ("failed to create typed patch object", "failed to convert new object")
_FIELD_FAULT = re.compile(r"(?:^\s*|\): )\.(\S+): (.+)$", re.MULTILINE)
_BY_CODE: dict[int, type[Conflict | Expired | Forbidden | NotFound]] = {
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Expired,
}


def error_for(call: Call, answer: Answer, *, cluster: str) -> GitopsError:
    """Make the error that an answer with a code of 400 or more stands for; nothing is raised here."""
    status = parse_status(answer.body)
    text = f"{cluster}: {message_of(call, answer)}"
    code = answer.status
    if is_rejection(answer):
        return Rejected(text, code=code, reason="Invalid", causes=_schema_causes(call, status))
    if code == HTTPStatus.UNAUTHORIZED:
        return Denied(f"{text}: renew the token or client certificate of this connection")
    if code == HTTPStatus.FORBIDDEN and _TERMINATING in _cause_reasons(status):
        return Conflict(text)
    if code == HTTPStatus.TOO_MANY_REQUESTS or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(text, retry_after=retry_after(answer))
    if code in _BY_CODE:
        return _BY_CODE[code](text)
    return Rejected(text, code=code, reason=str(status.get("reason") or ""), causes=_causes(call, status))


def is_rejection(answer: Answer) -> bool:
    """Tell whether a 500 is about the object: Server-Side Apply answers so to what its schema does not allow.

    Such an answer has no reason word, unlike an internal error (errors of structured-merge-diff reach us
    unwrapped, as of 1.37), and comes again however often one asks.
    """
    if answer.status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    status = parse_status(answer.body)
    return not status.get("reason") and str(status.get("message")).startswith(_SCHEMA_FAULTS)


def parse_status(body: bytes) -> JsonObject:
    """Read a `metav1.Status`; an empty object for anything else."""
    status = json_object(body)
    return status if status is not None and status.get("kind") == "Status" else {}


def message_of(call: Call, answer: Answer) -> str:
    """Say what the server said, fit for a log: one line, short, without values of a Secret."""
    said = parse_status(answer.body).get("message") or answer.body.decode(errors="replace")
    said = " ".join(_safe(call, str(said)).split())
    return said[:_SHOWN_CHARACTERS] if said else f"HTTP {answer.status}"


def retry_after(answer: Answer) -> float | None:
    """Read the server's wish in seconds. HTTP dates are ignored: API servers send seconds."""
    wish = answer.headers.get("Retry-After", "")
    return float(wish) if wish.isascii() and wish.isdigit() else None


def _details(status: JsonObject) -> list[dict[str, Any]]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause for cause in causes or [] if isinstance(cause, dict)]


def _cause_reasons(status: JsonObject) -> set[str]:
    return {str(cause.get("reason")) for cause in _details(status)}


def _causes(call: Call, status: JsonObject) -> tuple[Cause, ...]:
    return tuple(
        Cause(str(cause.get("field") or ""), _safe(call, str(cause.get("message") or "")))
        for cause in _details(status)
    )


def _schema_causes(call: Call, status: JsonObject) -> tuple[Cause, ...]:
    """Find the fields in a text such as `failed to … (shop/web; apps/v1, Kind=…): .spec.x: not declared`."""
    said = _safe(call, str(status.get("message")))
    return tuple(Cause(found[1], found[2].strip()) for found in _FIELD_FAULT.finditer(said))


def _safe(call: Call, text: str) -> str:
    return redact_secret(text, call.body) if call.kind == "Secret" else redact_env(text)
