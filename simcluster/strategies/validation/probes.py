"""Probes and lifecycle hooks of containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, values
from simcluster.strategies.validation.causes import prohibited, required, wrong
from simcluster.values import JsonObject

Handler: TypeAlias = Callable[[JsonObject, str], list[Cause]]

_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def probe(container: JsonObject, field: str, at: str) -> list[Cause]:
    """Check one of a container's probes."""
    given = container.get(field)
    if given is None:
        return []
    here = f"{at}.{field}"
    causes = _handler(given, _PROBE_HANDLERS, here)
    for number in _NUMBERS:
        if given.get(number, 0) < 0:
            causes += values.non_negative(given[number], f"{here}.{number}")
    grace = given.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        causes.append(wrong(f"{here}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    if field == "readinessProbe":
        if grace is not None:
            text = "must not be set for readinessProbes"
            causes.append(wrong(f"{here}.terminationGracePeriodSeconds", grace, text))
    elif given.get("successThreshold") != 1:
        causes.append(wrong(f"{here}.successThreshold", given.get("successThreshold", 0), "must be 1"))
    return causes


def lifecycle(container: JsonObject, grace: int | None, os: JsonObject | None, at: str) -> list[Cause]:
    """Check a container's hooks."""
    given = container.get("lifecycle")
    if given is None:
        return []
    causes: list[Cause] = []
    for hook in ("postStart", "preStop"):
        if hook in given:
            here = f"{at}.lifecycle.{hook}"
            causes += _handler(given[hook], _HOOK_HANDLERS, here)
            seconds = given[hook].get("sleep", {}).get("seconds")
            if seconds is not None and grace is not None and not 0 <= seconds <= grace:
                text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                causes.append(wrong(f"{here}.sleep", seconds, text))
    if "stopSignal" in given and os is None:
        text = "may not be set for containers with empty `spec.os.name`"
        causes.append(prohibited(f"{at}.lifecycle.stopSignal", text))
    return causes


def _handler(given: JsonObject, handlers: Mapping[str, Handler], at: str) -> list[Cause]:
    causes: list[Cause] = []
    found = False
    for field, check in handlers.items():
        if field not in given:
            continue
        if found:
            causes.append(prohibited(f"{at}.{field}", "may not specify more than 1 handler type"))
        else:
            causes += check(given[field], f"{at}.{field}")
            found = True
    return causes if found else [*causes, required(at, "must specify a handler type")]


def _exec(action: JsonObject, at: str) -> list[Cause]:
    return [] if action.get("command") else [required(f"{at}.command")]


def _http(action: JsonObject, at: str) -> list[Cause]:
    causes = values.port_or_name(action.get("port", 0), f"{at}.port")
    scheme = action.get("scheme", "")
    if scheme not in {"HTTP", "HTTPS"}:
        causes += values.choice(scheme, ("HTTP", "HTTPS"), f"{at}.scheme")
    for header in action.get("httpHeaders", ()):
        name = header.get("name", "")
        causes += values.faulty(name, formats.http_header(name), f"{at}.httpHeaders")
    return causes


def _tcp(action: JsonObject, at: str) -> list[Cause]:
    return values.port_or_name(action.get("port", 0), f"{at}.port")


def _grpc(action: JsonObject, at: str) -> list[Cause]:
    return values.port(action.get("port", 0), f"{at}.port")


def _sleep(action: JsonObject, at: str) -> list[Cause]:
    del action, at  # needs the Pod's grace period: see lifecycle
    return []


_PROBE_HANDLERS: Mapping[str, Handler] = {"exec": _exec, "httpGet": _http, "tcpSocket": _tcp, "grpc": _grpc}
_HOOK_HANDLERS: Mapping[str, Handler] = {"exec": _exec, "httpGet": _http, "tcpSocket": _tcp, "sleep": _sleep}
