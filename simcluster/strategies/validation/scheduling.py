"""Where a Pod may run: tolerations, affinity, spread constraints, selectors of nodes."""

from __future__ import annotations

from collections.abc import Sequence

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import duplicate, prohibited, required, unsupported, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MOST_WEIGHT = 100
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_NODE_POLICIES = ("Honor", "Ignore")


def tolerations(given: Sequence[JsonObject], at: str) -> list[Cause]:
    """Check `tolerations`."""
    causes: list[Cause] = []
    for number, each in enumerate(given):
        causes += _toleration(each, f"{at}[{number}]")
    return causes


def _toleration(each: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    key, operator, effect = each.get("key", ""), each.get("operator", ""), each.get("effect", "")
    value = each.get("value", "")
    if key:
        causes += values.faulty(key, formats.qualified_name(key), f"{at}.key")
    elif operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        causes.append(wrong(f"{at}.operator", operator, text))
    if "tolerationSeconds" in each and effect != "NoExecute":
        text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        causes.append(wrong(f"{at}.effect", effect, text))
    if operator in {"Equal", ""}:
        faults = formats.label_value(value)
        if faults:
            causes.append(wrong(f"{at}.operator", value, ";".join(faults)))
    elif operator == "Exists":
        if value:
            causes.append(wrong(f"{at}.operator", value, "value must be empty when `operator` is 'Exists'"))
    else:
        allowed = ("Equal", "Exists", "Lt", "Gt") if operator in {"Lt", "Gt"} else ("Equal", "Exists")
        causes.append(unsupported(f"{at}.operator", operator, allowed))
    if effect and effect not in _EFFECTS:
        causes.append(unsupported(f"{at}.effect", effect, _EFFECTS))
    return causes


def affinity(given: JsonObject, at: str) -> list[Cause]:
    """Check `affinity`."""
    causes: list[Cause] = []
    if "nodeAffinity" in given:
        causes += _node_affinity(given["nodeAffinity"], f"{at}.nodeAffinity")
    for field in ("podAffinity", "podAntiAffinity"):
        if field in given:
            causes += _pod_affinity(given[field], f"{at}.{field}")
    return causes


def _node_affinity(given: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    if _REQUIRED in given:
        causes += node_selector(given[_REQUIRED], f"{at}.{_REQUIRED}")
    for number, term in enumerate(given.get(_PREFERRED, ())):
        here = f"{at}.{_PREFERRED}[{number}]"
        causes += _weight(term, here)
        causes += _node_term(term.get("preference", {}), f"{here}.preference", lenient=True)
    return causes


def _weight(term: JsonObject, at: str) -> list[Cause]:
    weight = term.get("weight", 0)
    return [] if 0 < weight <= _MOST_WEIGHT else [wrong(f"{at}.weight", weight, "must be in the range 1-100")]


def node_selector(given: JsonObject, at: str) -> list[Cause]:
    """Check a NodeSelector."""
    terms = given.get("nodeSelectorTerms") or ()
    if not terms:
        return [required(f"{at}.nodeSelectorTerms", "must have at least one node selector term")]
    causes: list[Cause] = []
    for number, term in enumerate(terms):
        causes += _node_term(term, f"{at}.nodeSelectorTerms[{number}]", lenient=False)
    return causes


def _node_term(term: JsonObject, at: str, *, lenient: bool) -> list[Cause]:
    causes: list[Cause] = []
    for number, each in enumerate(term.get("matchExpressions", ())):
        causes += _node_requirement(each, f"{at}.matchExpressions[{number}]", lenient=lenient)
    for number, each in enumerate(term.get("matchFields", ())):
        causes += _node_field(each, f"{at}.matchFields[{number}]")
    return causes


def _node_requirement(each: JsonObject, at: str, *, lenient: bool) -> list[Cause]:
    causes: list[Cause] = []
    operator, wanted = each.get("operator", ""), each.get("values", ())
    if operator in {"In", "NotIn"}:
        if not wanted:
            causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in {"Exists", "DoesNotExist"}:
        if wanted:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(prohibited(f"{at}.values", text))
    elif operator in {"Gt", "Lt"}:
        if len(wanted) != 1:
            text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            causes.append(required(f"{at}.values", text))
    else:
        causes.append(wrong(f"{at}.operator", operator, "not a valid selector operator"))
    key = each.get("key", "")
    causes += values.faulty(key, formats.qualified_name(key), f"{at}.key")
    if not lenient:
        for number, value in enumerate(wanted):
            causes += values.faulty(value, formats.label_value(value), f"{at}.values[{number}]")
    return causes


def _node_field(each: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    wanted = each.get("values", ())
    if each.get("operator") not in {"In", "NotIn"}:
        causes.append(wrong(f"{at}.operator", each.get("operator", ""), "not a valid selector operator"))
    elif len(wanted) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        causes.append(required(f"{at}.values", text))
    if each.get("key") != "metadata.name":
        return [*causes, wrong(f"{at}.key", each.get("key", ""), "not a valid field selector key")]
    for number, value in enumerate(wanted):
        causes += values.faulty(value, formats.dns_subdomain(value), f"{at}.values[{number}]")
    return causes


def _pod_affinity(given: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, term in enumerate(given.get(_REQUIRED, ())):
        causes += _pod_term(term, f"{at}.{_REQUIRED}[{number}]")
    for number, weighted in enumerate(given.get(_PREFERRED, ())):
        here = f"{at}.{_PREFERRED}[{number}]"
        causes += _weight(weighted, here)
        causes += _pod_term(weighted.get("podAffinityTerm", {}), f"{here}.podAffinityTerm")
    return causes


def _pod_term(term: JsonObject, at: str) -> list[Cause]:
    causes = meta.label_selector(term.get("labelSelector"), f"{at}.labelSelector")
    causes += meta.label_selector(term.get("namespaceSelector"), f"{at}.namespaceSelector")
    for namespace in term.get("namespaces", ()):
        causes += values.faulty(namespace, formats.dns_label(namespace), f"{at}.namespace")
    causes += _label_keys(term, at)
    key = term.get("topologyKey", "")
    if not key:
        causes.append(required(f"{at}.topologyKey", "can not be empty"))
    return causes + values.faulty(key, formats.qualified_name(key), f"{at}.topologyKey")


def _label_keys(holder: JsonObject, at: str) -> list[Cause]:
    """Check `matchLabelKeys` and `mismatchLabelKeys` against the selector that they are merged into."""
    causes: list[Cause] = []
    selector = holder.get("labelSelector")
    matched, mismatched = holder.get("matchLabelKeys", []), holder.get("mismatchLabelKeys", [])
    for field, keys in (("matchLabelKeys", matched), ("mismatchLabelKeys", mismatched)):
        if keys and selector is None:
            causes.append(prohibited(f"{at}.{field}", "must not be specified when labelSelector is not set"))
            continue
        for number, key in enumerate(keys):
            causes += values.faulty(key, formats.qualified_name(key), f"{at}.{field}[{number}]")
    seen = set((selector or {}).get("matchLabels", ()))
    for expression in (selector or {}).get("matchExpressions", ()) if matched else ():
        key = expression.get("key", "")
        if key in matched and key in seen:
            text = "exists in both matchLabelKeys and labelSelector"
            causes.append(wrong(f"{at}[{matched.index(key)}]", key, text))
        seen.add(key)
    text = "exists in both matchLabelKeys and mismatchLabelKeys"
    return causes + [
        wrong(f"{at}.matchLabelKeys[{number}]", key, text)
        for number, key in enumerate(matched)
        if key in mismatched
    ]


def spread_constraints(given: Sequence[JsonObject], at: str) -> list[Cause]:
    """Check `topologySpreadConstraints`."""
    causes: list[Cause] = []
    for number, each in enumerate(given):
        causes += _spread_constraint(each, given[number + 1 :], f"{at}[{number}]")
    return causes


def _spread_constraint(each: JsonObject, others: Sequence[JsonObject], at: str) -> list[Cause]:
    key, action = each.get("topologyKey", ""), each.get("whenUnsatisfiable", "")
    causes = values.positive(each.get("maxSkew", 0), f"{at}.maxSkew")
    if not key:
        causes.append(required(f"{at}.topologyKey", "can not be empty"))
    if action not in _UNSATISFIABLE:
        causes.append(unsupported(f"{at}.whenUnsatisfiable", action, _UNSATISFIABLE))
    same = [o for o in others if (o.get("topologyKey"), o.get("whenUnsatisfiable")) == (key, action)]
    if same:
        causes.append(duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
    domains = each.get("minDomains")
    if domains is not None:
        causes += values.positive(domains, f"{at}.minDomains")
        if action != "DoNotSchedule":
            text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
            causes.append(wrong(f"{at}.minDomains", domains, text))
    for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        causes += values.optional_choice(each.get(field), _NODE_POLICIES, f"{at}.{field}")
    causes += _label_keys(each, at)
    return causes + meta.label_selector(each.get("labelSelector"), f"{at}.labelSelector")


def taints(given: Sequence[JsonObject], at: str) -> list[Cause]:
    """Check a Node's taints."""
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for number, each in enumerate(given):
        here = f"{at}[{number}]"
        key, value, effect = (each.get(field, "") for field in ("key", "value", "effect"))
        causes += values.faulty(key, formats.qualified_name(key), f"{here}.key")
        faults = formats.label_value(value)
        if faults:
            causes.append(wrong(f"{here}.value", value, ";".join(faults)))
        causes += values.choice(effect, _EFFECTS, f"{here}.effect")
        if (key, effect) in seen:
            shown = duplicate(here, internal("Taint", each)).message
            text = f"{shown}: taints must be unique by key and effect pair"
            causes.append(Cause(here, "FieldValueDuplicate", text))
        seen.add((key, effect))
    return causes
