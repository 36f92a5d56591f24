"""The rows of networking, storage, permissions, scheduling and what extends the API."""

from __future__ import annotations

from datetime import datetime, timedelta

from simcluster.printing.cells import (
    NONE,
    UNSET,
    Cell,
    Row,
    age,
    at,
    condition,
    cut_short,
    elements,
    human_duration,
    is_true,
    labels_text,
    name,
    number,
    selector_text,
    since,
    text,
)
from simcluster.printing.core import balancers
from simcluster.values import JsonObject

_SHOWN_HOSTS = 3
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


def ingress(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an Ingress."""
    return [
        name(obj),
        text(obj, "spec.ingressClassName", NONE),
        _hosts(elements(obj, "spec.rules")),
        ",".join(balancers(obj)),
        "80, 443" if elements(obj, "spec.tls") else "80",
        age(obj, now),
    ]


def _hosts(rules: list[JsonObject]) -> str:
    """Show three hosts; once there are three, every further rule counts, and so do those without a host."""
    shown: list[str] = []
    more = False
    for rule in rules:
        more = more or len(shown) == _SHOWN_HOSTS
        if rule.get("host") and not more:
            shown.append(rule["host"])
    joined = ",".join(shown) or "*"
    return f"{joined} + {len(rules) - _SHOWN_HOSTS} more..." if more else joined


def ingress_class(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an IngressClass."""
    default = (at(obj, "metadata.annotations") or {}).get(_DEFAULT_INGRESS) == "true"
    found = at(obj, "spec.parameters")
    parameters = NONE
    if found:
        group = f".{found['apiGroup']}" if found.get("apiGroup") is not None else ""
        parameters = f"{found.get('kind')}{group}/{found.get('name')}"
    shown = f"{name(obj)} (default)" if default else name(obj)
    return [shown, text(obj, "spec.controller"), parameters, age(obj, now)]


def network_policy(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a NetworkPolicy."""
    return [name(obj), selector_text(at(obj, "spec.podSelector")), age(obj, now)]


def endpoint_slice(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an EndpointSlice."""
    ports = [_slice_port(each) for each in elements(obj, "ports")]
    addresses = [address for each in elements(obj, "endpoints") for address in each.get("addresses") or []]
    return [name(obj), text(obj, "addressType"), cut_short(ports), cut_short(addresses), age(obj, now)]


def _slice_port(port: JsonObject) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    return str(port["name"]) if port.get("name") is not None else "*"


def service_cidr(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ServiceCIDR."""
    return [name(obj), ",".join(elements(obj, "spec.cidrs")), age(obj, now)]


def ip_address(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an IPAddress, one more than it has columns, as the server does."""
    parent = at(obj, "spec.parentRef")
    shown = NONE
    if parent:
        group = f".{parent['group']}" if parent.get("group") else ""
        place = f"/{parent['namespace']}" if parent.get("namespace") else ""
        shown = f"{parent.get('resource', '').lower()}{group}{place}/{parent.get('name')}"
    return [name(obj), shown, age(obj, now)]


def role_binding(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a RoleBinding or ClusterRoleBinding."""
    subjects = obj.get("subjects") or []
    users, groups = (
        [each["name"] for each in subjects if each["kind"] == kind] for kind in ("User", "Group")
    )
    accounts = [
        f"{each.get('namespace', '')}/{each['name']}" for each in subjects if each["kind"] == "ServiceAccount"
    ]
    role = f"{text(obj, 'roleRef.kind')}/{text(obj, 'roleRef.name')}"
    return [name(obj), role, age(obj, now), ", ".join(users), ", ".join(groups), ", ".join(accounts)]


def priority_class(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a PriorityClass."""
    default = bool(obj.get("globalDefault"))
    return [name(obj), number(obj, "value"), default, age(obj, now), text(obj, "preemptionPolicy")]


def runtime_class(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a RuntimeClass."""
    return [name(obj), text(obj, "handler"), age(obj, now)]


def flow_schema(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a FlowSchema."""
    dangling = condition(elements(obj, "status.conditions"), "Dangling") or {}
    return [
        name(obj),
        text(obj, "spec.priorityLevelConfiguration.name"),
        number(obj, "spec.matchingPrecedence"),
        text(obj, "spec.distinguisherMethod.type", NONE),
        age(obj, now),
        dangling.get("status", "?"),
    ]


def priority_level(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a PriorityLevelConfiguration."""
    limited = at(obj, "spec.limited") or {}
    queuing = at(limited, "limitResponse.queuing") or {}
    shares: Cell = limited.get("nominalConcurrencyShares", NONE)
    queues: Row = [queuing.get(field, NONE) for field in ("queues", "handSize", "queueLengthLimit")]
    return [name(obj), text(obj, "spec.type"), shares, *queues, age(obj, now)]


def webhook_configuration(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Mutating- or ValidatingWebhookConfiguration."""
    return [name(obj), len(obj.get("webhooks") or []), age(obj, now)]


def admission_policy(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Validating- or MutatingAdmissionPolicy."""
    rules = elements(obj, "spec.validations") or elements(obj, "spec.mutations")
    found = at(obj, "spec.paramKind")
    shown = f"{found.get('apiVersion', '')}/{found.get('kind', '')}" if found else UNSET
    return [name(obj), len(rules), shown, age(obj, now)]


def admission_policy_binding(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a binding of an admission policy."""
    found = at(obj, "spec.paramRef") or {}
    shown = f"{found.get('namespace') or '*'}/{found['name']}" if found.get("name") else UNSET
    return [name(obj), text(obj, "spec.policyName"), shown, age(obj, now)]


def signing_request(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a CertificateSigningRequest."""
    kinds = {each.get("type") for each in elements(obj, "status.conditions")}
    state = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    state += ",Failed" if "Failed" in kinds else ""
    state += ",Issued" if at(obj, "status.certificate") else ""
    seconds = at(obj, "spec.expirationSeconds")
    duration = NONE if seconds is None else human_duration(timedelta(seconds=seconds))
    signer = text(obj, "spec.signerName", NONE)
    return [name(obj), age(obj, now), signer, text(obj, "spec.username"), duration, state]


def trust_bundle(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a ClusterTrustBundle."""
    return [name(obj), text(obj, "spec.signerName", NONE)]


def pod_certificate_request(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a PodCertificateRequest."""
    states = ("Issued", "Denied", "Failed")
    found = [each["type"] for each in elements(obj, "status.conditions") if each.get("type") in states]
    fields = ("podName", "serviceAccountName", "nodeName", "signerName")
    extra = labels_text(at(obj, "spec.unverifiedUserAnnotations"))
    return [name(obj), *(text(obj, f"spec.{field}") for field in fields), [*found, "Pending"][0], extra]


def resource_claim(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ResourceClaim."""
    deleted, allocated = at(obj, "metadata.deletionTimestamp"), at(obj, "status.allocation") is not None
    states = ["deleted"] if deleted else [] if allocated else ["pending"]
    states += ["allocated"] if allocated else []
    states += ["reserved"] if allocated and elements(obj, "status.reservedFor") else []
    return [name(obj), ",".join(states), age(obj, now)]


def resource_slice(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ResourceSlice."""
    fields = ("nodeName", "driver", "pool.name")
    return [name(obj), *(text(obj, f"spec.{field}") for field in fields), age(obj, now)]


def device_taint(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a DeviceTaintRule."""
    added = at(obj, "spec.taint.timeAdded")
    taint = [text(obj, f"spec.taint.{field}") for field in ("key", "value", "effect")]
    return [name(obj), *taint, since(added, now) if added else "", age(obj, now)]


def version_migration(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a StorageVersionMigration."""
    group, resource = text(obj, "spec.resource.group"), text(obj, "spec.resource.resource")
    conditions = elements(obj, "status.conditions")
    running = [each["type"] for each in conditions if is_true([each], each.get("type", ""))]
    states = [each for each in running if each in ("Running", "Failed", "Succeeded")]
    return [name(obj), f"{resource}.{group}" if group else resource, states[-1] if states else "Unknown"]


def custom_resource_definition(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a CustomResourceDefinition."""
    versions = [each for each in elements(obj, "spec.versions") if each.get("served")]
    shown = sorted(f"{each['name']}(storage)" if each.get("storage") else each["name"] for each in versions)
    return [
        name(obj),
        text(obj, "spec.scope"),
        ",".join(shown),
        text(obj, "metadata.creationTimestamp"),
        text(obj, "spec.group"),
        text(obj, "spec.names.kind"),
        ",".join(elements(obj, "spec.names.shortNames")),
        is_true(elements(obj, "status.conditions"), "Established"),
    ]


def api_service(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an APIService."""
    found = at(obj, "spec.service")
    service = f"{found.get('namespace')}/{found.get('name')}" if found else "Local"
    available = condition(elements(obj, "status.conditions"), "Available")
    state = "Unknown"
    if available:
        state = available.get("status", "")
        if state != "True" and available.get("reason"):
            state = f"{state} ({available['reason']})"
    return [name(obj), service, state, age(obj, now)]
