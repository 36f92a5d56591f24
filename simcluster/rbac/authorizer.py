"""Decides for one cluster who may do what. The policy is parsed when first needed and after changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simcluster.errors import ApiError, not_found
from simcluster.rbac.rules import Attributes, Identity, allows, refusal, subject_of, subject_of_refusal
from simcluster.selectors import matches
from simcluster.store.records import Change
from simcluster.store.store import Store
from simcluster.values import JsonObject

MASTERS = "system:masters"
_GROUP = "rbac.authorization.k8s.io"


class Decision(NamedTuple):
    """Allowed or not; `reason` names the binding that allowed, or what could not be looked at."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Policy:
    """Everything that RBAC decides by, parsed."""

    cluster_roles: dict[str, JsonObject]
    roles: dict[tuple[str, str], JsonObject]
    cluster_bindings: list[JsonObject]
    bindings: dict[str, list[JsonObject]]


class Authorizer:
    """RBAC over one store, with `system:masters` before it."""

    __slots__ = ("_policy", "_store", "_watching")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policy: _Policy | None = None
        self._watching = False

    def decide(self, who: Identity, wanted: Attributes) -> Decision:
        """Answer one question."""
        if MASTERS in who.groups:
            return Decision(allowed=True)
        problems: list[str] = []
        for description, rules in self._bound(who, wanted.namespace, problems):
            if any(allows(rule, wanted) for rule in rules):
                return Decision(allowed=True, reason=f"RBAC: allowed by {description}")
        return Decision(allowed=False, reason=f"RBAC: {_joined(problems)}" if problems else "")

    def check(self, who: Identity, wanted: Attributes) -> None:
        """Raise the `forbidden` answer unless `who` may do this."""
        decision = self.decide(who, wanted)
        if not decision.allowed:
            raise forbidden(who, wanted, decision.reason)

    def rules(self, who: Identity, namespace: str, problems: list[str] | None = None) -> list[JsonObject]:
        """Return all rules that hold for `who` in a namespace; `problems` gets the roles that are missing."""
        found: list[JsonObject] = []
        absent: list[str] = []
        for _, rules in self._bound(who, namespace, absent):
            found += rules
        if problems is not None:
            problems += [f"roles.{_GROUP} {each.rpartition(f'{_GROUP} ')[2]}" for each in absent]
        return found

    def role_rules(self, reference: JsonObject, namespace: str) -> list[JsonObject]:
        """Return the rules of the role that a binding in `namespace` refers to. Raises `ApiError` 404."""
        problems: list[str] = []
        _, rules = _resolve(self._current(), {"roleRef": reference}, namespace, problems)
        if problems:
            raise not_found(f"{reference['kind'].lower()}s", _GROUP, reference["name"])
        return rules

    def _bound(
        self, who: Identity, namespace: str, problems: list[str]
    ) -> Iterator[tuple[str, list[JsonObject]]]:
        """Describe each binding of `who` that holds in `namespace`, with the rules of its role."""
        policy = self._current()
        for binding in policy.cluster_bindings:
            subject = subject_of(binding.get("subjects") or (), who, "")
            if subject:
                role, rules = _resolve(policy, binding, "", problems)
                name = binding["metadata"]["name"]
                yield f'ClusterRoleBinding "{name}" of {role} to {subject}', rules
        for binding in policy.bindings.get(namespace, ()) if namespace else ():
            subject = subject_of(binding.get("subjects") or (), who, namespace)
            if subject:
                role, rules = _resolve(policy, binding, namespace, problems)
                name = binding["metadata"]["name"]
                yield f'RoleBinding "{name}/{namespace}" of {role} to {subject}', rules

    def _current(self) -> _Policy:
        if not self._watching:
            self._watching = True
            self._store.on_change(self._changed)
        if self._policy is None:
            self._policy = self._read()
        return self._policy

    def _changed(self, change: Change) -> None:
        if change.now.storage.startswith(f"{_GROUP}/"):
            self._policy = None

    def _read(self) -> _Policy:
        bindings: dict[str, list[JsonObject]] = {}
        for record in self._store.items(f"{_GROUP}/rolebindings"):
            bindings.setdefault(record.namespace, []).append(record.object())
        return _Policy(
            {record.name: record.object() for record in self._store.items(f"{_GROUP}/clusterroles")},
            {
                (record.namespace, record.name): record.object()
                for record in self._store.items(f"{_GROUP}/roles")
            },
            [record.object() for record in self._store.items(f"{_GROUP}/clusterrolebindings")],
            bindings,
        )


def forbidden(who: Identity, wanted: Attributes, reason: str = "") -> ApiError:
    """Make the answer to who may not do this; the words are apiserver's responsewriters'."""
    message = refusal(who, wanted)
    if reason:
        message += f": {reason}" if not reason.startswith("RBAC") else f": rbac: {reason}"
    subject = subject_of_refusal(wanted)
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return ApiError(
        403,
        "Forbidden",
        f"{subject} is forbidden: {message}" if subject else f"forbidden: {message}",
        {key: value for key, value in details.items() if value},
        {"X-Content-Type-Options": "nosniff"},
    )


def _resolve(
    policy: _Policy, binding: JsonObject, namespace: str, problems: list[str]
) -> tuple[str, list[JsonObject]]:
    """Describe the role that a binding names, with its rules; none where it does not exist."""
    reference = binding.get("roleRef") or {}
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if kind == "ClusterRole":
        role, described = policy.cluster_roles.get(name), f'ClusterRole "{name}"'
    else:
        role, described = policy.roles.get((namespace, name)), f'Role "{name}/{namespace}"'
    if role is None:
        problems.append(f'{kind.lower()}.{_GROUP} "{name}" not found')
        return described, []
    return described, _rules(policy, role)


def _rules(policy: _Policy, role: JsonObject) -> list[JsonObject]:
    """Return the rules of a role, those of the ClusterRoles that it aggregates included."""
    found = list(role.get("rules") or ())
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        for other in policy.cluster_roles.values():
            if other is not role and matches(selector, other["metadata"].get("labels") or {}):
                found += [rule for rule in other.get("rules") or () if rule not in found]
    return found


def _joined(problems: list[str]) -> str:
    unique = list(dict.fromkeys(problems))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
