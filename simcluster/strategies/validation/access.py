"""rbac.authorization.k8s.io: roles and bindings."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import required, unsupported, wrong
from simcluster.values import JsonObject

GROUP = "rbac.authorization.k8s.io"


def role(obj: JsonObject) -> list[Cause]:
    """Check a Role or ClusterRole."""
    namespaced = obj["kind"] == "Role"
    causes: list[Cause] = []
    late: list[Cause] = []
    for number, rule in enumerate(obj.get("rules") or ()):
        at = f"rules[{number}]"
        if not rule.get("verbs"):
            late.append(required(f"{at}.verbs"))
        causes += _rule(rule, at, namespaced=namespaced)
    aggregation = obj.get("aggregationRule")
    if aggregation is not None:
        at = "aggregationRule.clusterRoleSelectors"
        chosen = aggregation.get("clusterRoleSelectors", ())
        if not chosen:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            causes.append(required(at, text))
        for number, selector in enumerate(chosen):
            causes += meta.label_selector(selector, f"{at}[{number}]")
    return causes + late


def _rule(rule: JsonObject, at: str, *, namespaced: bool) -> list[Cause]:
    urls = rule.get("nonResourceURLs")
    causes: list[Cause] = []
    if urls:
        here = f"{at}.nonResourceURLs"
        if namespaced:
            causes.append(wrong(here, urls, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            causes.append(wrong(here, urls, text))
        return causes
    if not rule.get("apiGroups"):
        causes.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        causes.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return causes


def role_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a role."""
    del old
    return role(new)


def binding(obj: JsonObject) -> list[Cause]:
    """Check a RoleBinding or ClusterRoleBinding."""
    namespaced = obj["kind"] == "RoleBinding"
    reference = obj["roleRef"]
    causes: list[Cause] = []
    late: list[Cause] = []
    if reference["apiGroup"] != GROUP:
        causes.append(unsupported("roleRef.apiGroup", reference["apiGroup"], (GROUP,)))
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    if reference.get("kind") not in kinds:
        causes.append(unsupported("roleRef.kind", reference.get("kind", ""), kinds))
    name = reference.get("name", "")
    if name:
        causes += values.faulty(name, formats.path_segment(name), "roleRef.name")
    for number, subject in enumerate(obj.get("subjects", ())):
        at = f"subjects[{number}]"
        if not subject.get("name"):
            late.append(required(f"{at}.name"))
        causes += _subject(subject, at, namespaced=namespaced)
    return causes + late + ([] if name else [required("roleRef.name")])


def _subject(subject: JsonObject, at: str, *, namespaced: bool) -> list[Cause]:
    kind, name, group = subject.get("kind", ""), subject.get("name", ""), subject.get("apiGroup", "")
    if kind == "ServiceAccount":
        causes = values.faulty(name, formats.dns_subdomain(name), f"{at}.name") if name else []
        if group:
            causes.append(unsupported(f"{at}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            causes.append(required(f"{at}.namespace"))
        return causes
    if kind in {"User", "Group"}:
        return [] if group == GROUP else [unsupported(f"{at}.apiGroup", group, (GROUP,))]
    return [unsupported(f"{at}.kind", kind, ("ServiceAccount", "User", "Group"))]


def binding_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a binding: the role stays."""
    causes = binding(new)
    if new["roleRef"] != old["roleRef"]:
        order = ("apiGroup", "kind", "name")
        shown = {key[0].upper() + key[1:]: new["roleRef"].get(key, "") for key in order}
        shown = {"APIGroup": shown["ApiGroup"], "Kind": shown["Kind"], "Name": shown["Name"]}
        causes.append(wrong("roleRef", shown, "field is immutable"))
    return causes
