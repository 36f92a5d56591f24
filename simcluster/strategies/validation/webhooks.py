"""admissionregistration.k8s.io: webhook configurations."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import duplicate, required, wrong
from simcluster.values import JsonObject

_REVIEWS = ("v1", "v1beta1")
_SEGMENTS = 3
_MOST_SECONDS = 30


def configuration(obj: JsonObject) -> list[Cause]:
    """Check a Validating- or MutatingWebhookConfiguration."""
    causes: list[Cause] = []
    names: set[str] = set()
    for number, hook in enumerate(obj.get("webhooks", ())):
        at, name = f"webhooks[{number}]", hook.get("name", "")
        causes += _webhook(hook, at) + _reviews(hook.get("admissionReviewVersions") or [], at)
        if name and name in names:
            causes.append(duplicate(f"{at}.name", name))
        names.add(name)
    return causes


def configuration_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a webhook configuration."""
    del old
    return configuration(new)


def _webhook(hook: JsonObject, at: str) -> list[Cause]:
    causes = _qualified(hook.get("name", ""), f"{at}.name")
    for number, rule in enumerate(hook.get("rules", ())):
        causes += _rule(rule, f"{at}.rules[{number}]")
    causes += values.optional_choice(hook["failurePolicy"], ("Fail", "Ignore"), f"{at}.failurePolicy")
    causes += values.optional_choice(hook["matchPolicy"], ("Equivalent", "Exact"), f"{at}.matchPolicy")
    effects = hook.get("sideEffects")
    if effects is None:
        causes.append(required(f"{at}.sideEffects", "must specify one of None, NoneOnDryRun"))
    causes += values.optional_choice(effects, ("None", "NoneOnDryRun"), f"{at}.sideEffects")
    seconds = hook["timeoutSeconds"]
    if not 1 <= seconds <= _MOST_SECONDS:
        text = "the timeout value must be between 1 and 30 seconds"
        causes.append(wrong(f"{at}.timeoutSeconds", seconds, text))
    for field in ("namespaceSelector", "objectSelector"):
        causes += meta.label_selector(hook[field], f"{at}.{field}")
    client = hook.get("clientConfig", {})
    if ("url" in client) == ("service" in client):
        causes.append(required(f"{at}.clientConfig", "exactly one of url or service is required"))
    elif "service" in client:
        for field in ("name", "namespace"):
            if not client["service"].get(field):
                causes.append(required(f"{at}.clientConfig.service.{field}", f"service {field} is required"))
    return causes


def _qualified(name: str, at: str) -> list[Cause]:
    if not name:
        return [required(at)]
    faults = formats.dns_subdomain(name)
    if faults:
        return [wrong(at, name, ",".join(faults))]
    if len(name.split(".")) < _SEGMENTS:
        return [wrong(at, name, "should be a domain with at least three segments separated by dots")]
    return []


def _rule(rule: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    operations = rule.get("operations") or []
    if not operations:
        causes.append(required(f"{at}.operations"))
    allowed = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
    for number, operation in enumerate(operations):
        causes += values.choice(operation, allowed, f"{at}.operations[{number}]")
    for field in ("apiGroups", "apiVersions", "resources"):
        if not rule.get(field):
            causes.append(required(f"{at}.{field}"))
    scopes = ("*", "Cluster", "Namespaced")
    return causes + values.optional_choice(rule.get("scope"), scopes, f"{at}.scope")


def _reviews(versions: list[str], at: str) -> list[Cause]:
    here = f"{at}.admissionReviewVersions"
    if not versions:
        return [required(here, f"must specify one of {', '.join(_REVIEWS)}")]
    causes: list[Cause] = []
    for number, version in enumerate(versions):
        if version in versions[:number]:
            causes.append(wrong(f"{here}[{number}]", version, "duplicate version"))
        else:
            causes += values.faulty(version, formats.dns_1035_label(version), f"{here}[{number}]")
    if not set(versions) & set(_REVIEWS):
        causes.append(wrong(here, versions, f"must include at least one of {', '.join(_REVIEWS)}"))
    return causes
