"""Nobody gives away what they do not have: the check on Roles and bindings that are written (registry/rbac).

The verbs `escalate` and `bind` are the way round it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from simcluster.errors import forbidden
from simcluster.rbac.authorizer import MASTERS, Authorizer
from simcluster.rbac.rules import ALL, Attributes, Identity
from simcluster.values import JsonObject

GROUP = "rbac.authorization.k8s.io"
KINDS = frozenset({"roles", "clusterroles", "rolebindings", "clusterrolebindings"})
_ROLES = frozenset({"roles", "clusterroles"})
_EVERYTHING = (
    {"verbs": [ALL], "apiGroups": [ALL], "resources": [ALL]},
    {"verbs": [ALL], "nonResourceURLs": [ALL]},
)
_SHOWN = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("ResourceNames", "resourceNames"),
    ("Verbs", "verbs"),
)


def applies(group: str, plural: str, who: Identity) -> bool:
    """Tell whether a write to this resource by `who` has to be checked."""
    return group == GROUP and plural in KINDS and MASTERS not in who.groups


def check(
    authorizer: Authorizer, who: Identity, plural: str, new: JsonObject, old: JsonObject | None
) -> None:
    """Raise `ApiError` 403 when the object as it is about to be written gives more than `who` has.

    `old` is the object before, None for a new one: rules that do not change are not looked at again.
    """
    metadata = new["metadata"]
    namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
    if plural in _ROLES:
        if old is not None and _granted(old) == _granted(new):
            return
        if authorizer.decide(who, Attributes("escalate", GROUP, plural, "", namespace, name)).allowed:
            return
        wanted = [*(new.get("rules") or ()), *(_EVERYTHING if new.get("aggregationRule") else ())]
    else:
        reference = new["roleRef"]
        role = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
        place = Attributes("bind", GROUP, role, "", namespace, reference["name"])
        if authorizer.decide(who, place).allowed:
            return
        wanted = authorizer.role_rules(reference, namespace)
    _confirm(authorizer, who, (plural, namespace, name), wanted)


def missing(held: Sequence[JsonObject], wanted: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the parts of `wanted` that no rule of `held` covers, each for one verb and resource."""
    return [part for rule in wanted for part in _parts(rule) if not any(_covers(each, part) for each in held)]


def _confirm(
    authorizer: Authorizer, who: Identity, place: tuple[str, str, str], wanted: Iterable[JsonObject]
) -> None:
    plural, namespace, name = place
    problems: list[str] = []
    lacking = missing(authorizer.rules(who, namespace, problems), wanted)
    if not lacking:
        return
    listed = "\n".join(sorted({_text(rule) for rule in _compact(lacking)}))
    groups = " ".join(json.dumps(group) for group in who.groups)
    message = (
        f'user "{who.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
        f"{listed}"
    )
    if problems:
        message += f"; resolution errors: [{', '.join(dict.fromkeys(problems))}]"
    raise forbidden(plural, GROUP, name, message)


def _granted(role: Mapping[str, Any]) -> tuple[Any, Any]:
    return role.get("rules") or [], role.get("aggregationRule")


def _parts(rule: JsonObject) -> Iterator[JsonObject]:
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                yield from ({**part, "resourceNames": [name]} for name in names)
                if not names:
                    yield part
    for path in rule.get("nonResourceURLs") or ():
        for verb in rule.get("verbs") or ():
            yield {"nonResourceURLs": [path], "verbs": [verb]}


def _covers(rule: JsonObject, part: JsonObject) -> bool:
    """Tell whether a rule gives what `part`, for one verb and one resource or path, asks for."""
    if not _holds(rule.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        return any(
            _path_covers(each, part["nonResourceURLs"][0]) for each in rule.get("nonResourceURLs") or ()
        )
    names = rule.get("resourceNames")
    return (
        _holds(rule.get("apiGroups"), part["apiGroups"][0])
        and _resource_held(rule.get("resources") or (), part["resources"][0])
        and (not names or ("resourceNames" in part and part["resourceNames"][0] in names))
    )


def _holds(listed: Sequence[str] | None, wanted: str) -> bool:
    return bool(listed) and (ALL in (listed or ()) or wanted in (listed or ()))


def _resource_held(listed: Sequence[str], wanted: str) -> bool:
    _, slash, subresource = wanted.partition("/")
    return _holds(listed, wanted) or bool(slash and f"*/{subresource}" in listed)


def _path_covers(pattern: str, wanted: str) -> bool:
    return pattern in (ALL, wanted) or (pattern.endswith(ALL) and wanted.startswith(pattern[:-1]))


def _compact(rules: Iterable[JsonObject]) -> list[JsonObject]:
    """Join the parts for one resource to one rule with all its verbs."""
    found: dict[str, JsonObject] = {}
    for rule in rules:
        if "nonResourceURLs" in rule:
            found[json.dumps(rule, sort_keys=True)] = rule
            continue
        key = json.dumps({**rule, "verbs": []}, sort_keys=True)
        known = found.setdefault(key, {**rule, "verbs": []})
        known["verbs"] = [*known["verbs"], *rule["verbs"]]
    return list(found.values())


def _text(rule: JsonObject) -> str:
    parts = [
        f"{shown}:[{' '.join(json.dumps(each) for each in rule[key])}]"
        for shown, key in _SHOWN
        if rule.get(key)
    ]
    return f"{{{', '.join(parts)}}}"
