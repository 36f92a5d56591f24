"""Security contexts of Pods and containers."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, values
from simcluster.strategies.validation.causes import prohibited, required, unsupported, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_MOST_ID = 2**31 - 1
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_APP_ARMOR = ("Localhost", "RuntimeDefault", "Unconfined")


def _identity(value: int | None, at: str) -> list[Cause]:
    if value is None or 0 <= value <= _MOST_ID:
        return []
    return [wrong(at, value, formats.between(0, _MOST_ID))]


def of_pod(context: JsonObject, at: str) -> list[Cause]:
    """Check a Pod's security context."""
    causes: list[Cause] = []
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        causes += _identity(context.get(field), f"{at}.{field}")
    for number, group in enumerate(context.get("supplementalGroups", ())):
        causes += _identity(group, f"{at}.supplementalGroups[{number}]")
    for number, sysctl in enumerate(context.get("sysctls", ())):
        if not sysctl.get("name"):
            causes.append(required(f"{at}.sysctls[{number}].name"))
    causes += values.optional_choice(
        context.get("fsGroupChangePolicy"), ("Always", "OnRootMismatch"), f"{at}.fsGroupChangePolicy"
    )
    causes += _seccomp(context, at)
    causes += _app_armor(context, at)
    causes += values.optional_choice(
        context.get("supplementalGroupsPolicy"), ("Merge", "Strict"), f"{at}.supplementalGroupsPolicy"
    )
    return causes


def of_container(context: JsonObject, at: str) -> list[Cause]:
    """Check a container's security context; the rig's API server allows no privileged containers."""
    causes: list[Cause] = []
    if context.get("privileged"):
        causes.append(prohibited(f"{at}.privileged", "disallowed by cluster policy"))
    for field in ("runAsUser", "runAsGroup"):
        causes += _identity(context.get(field), f"{at}.{field}")
    causes += values.optional_choice(context.get("procMount"), ("Default", "Unmasked"), f"{at}.procMount")
    causes += _seccomp(context, at)
    if context.get("allowPrivilegeEscalation") is False:
        text = "cannot set `allowPrivilegeEscalation` to false and "
        if context.get("privileged"):
            causes.append(wrong(at, internal("SecurityContext", context), f"{text}`privileged` to true"))
        added = context.get("capabilities", {}).get("add", ())
        causes += [
            wrong(at, internal("SecurityContext", context), f"{text}`capabilities.Add` CAP_SYS_ADMIN")
            for each in added
            if each == "CAP_SYS_ADMIN"
        ]
    return causes + _app_armor(context, at)


def _seccomp(context: JsonObject, at: str) -> list[Cause]:
    profile = context.get("seccompProfile")
    if profile is None:
        return []
    here, kind = f"{at}.seccompProfile", profile.get("type", "")
    causes: list[Cause] = []
    if not kind:
        causes.append(required(f"{here}.type", "type is required when seccompProfile is set"))
    elif kind not in _PROFILES:
        causes.append(unsupported(f"{here}.type", kind, _PROFILES))
    path = profile.get("localhostProfile")
    if kind == "Localhost":
        if path is None:
            text = "must be set when seccomp type is Localhost"
            return [*causes, required(f"{here}.localhostProfile", text)]
        return causes + values.relative_path(path, f"{here}.localhostProfile")
    if path is not None:
        shown = internal("SeccompProfile", profile)
        causes.append(
            wrong(f"{here}.localhostProfile", shown, "can only be set when seccomp type is Localhost")
        )
    return causes


def _app_armor(context: JsonObject, at: str) -> list[Cause]:
    profile = context.get("appArmorProfile")
    if profile is None:
        return []
    here, kind = f"{at}.appArmorProfile", profile.get("type", "")
    if not kind:
        return [required(f"{here}.type", "type is required when appArmorProfile is set")]
    if kind not in _APP_ARMOR:
        return [unsupported(f"{here}.type", kind, _APP_ARMOR)]
    path = profile.get("localhostProfile")
    if kind == "Localhost" and not (path or "").strip():
        text = "must be set when AppArmor type is Localhost"
        return [required(f"{here}.localhostProfile", text)]
    if kind != "Localhost" and path is not None:
        return [wrong(f"{here}.localhostProfile", path, "can only be set when AppArmor type is Localhost")]
    return []
