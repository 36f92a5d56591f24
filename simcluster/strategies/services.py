"""What a Service is given when it is written: IP families, cluster IPs, node ports (registry/core/service).

Allocation comes before validation, so what cannot be had is refused alone.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from simcluster.errors import ApiError, Cause, invalid
from simcluster.strategies.addresses import HEADLESS, NODE_PORTS, node_ports
from simcluster.strategies.context import Context
from simcluster.strategies.validation.causes import shown
from simcluster.values import JsonObject

_NODE_PORT_KINDS = ("NodePort", "LoadBalancer")
_DUAL = ["IPv4", "IPv6"]
_MOST = 2
_IPS = ["clusterIP", "clusterIPs"]


def allocate(service: JsonObject, context: Context, *, dry_run: bool = False) -> None:
    """Give a new Service, in place, what it needs. Raises `ApiError` (422) for what cannot be had.

    As on the server, a dry-run does not notice that an address is taken or a port out of range.
    """
    spec = service["spec"]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    _settle_families(service, None)
    _allocate_ips(service, context, dry_run=dry_run)
    _allocate_ports(service, frozenset(), context, dry_run=dry_run)
    if _needs_health_check(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = context.addresses.free_port(context.random, frozenset(node_ports(spec)))


def reallocate(new: JsonObject, old: JsonObject, context: Context, *, dry_run: bool = False) -> None:
    """Keep what a Service had, give it what it newly needs, drop what no longer applies; `new` in place."""
    spec, before = new["spec"], old["spec"]
    _patch_allocated(spec, before)
    _keep_singular_and_plural_together(spec, before)
    _settle_families(new, before)
    if before["type"] == "ExternalName" != spec["type"]:
        _allocate_ips(new, context, dry_run=dry_run)
    _allocate_ports(new, frozenset(node_ports(before)), context, dry_run=dry_run)
    if _needs_health_check(spec) and not _needs_health_check(before) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = context.addresses.free_port(context.random, frozenset(node_ports(spec)))
    _drop_what_the_type_lacks(spec, before)


def _needs_ip(spec: JsonObject) -> bool:
    return bool(spec["type"] != "ExternalName")


def _needs_health_check(spec: JsonObject) -> bool:
    return spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _refuse(service: JsonObject, field: str, value: object, because: str) -> ApiError:
    cause = Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {because}")
    return invalid("Service", "", service["metadata"].get("name", ""), [cause])


def _settle_families(service: JsonObject, before: JsonObject | None) -> None:
    spec = service["spec"]
    if not _needs_ip(spec):
        return
    headless_without_selector = spec.get("clusterIP") == HEADLESS and not spec.get("selector")
    if "ipFamilyPolicy" not in spec:
        default = "RequireDualStack" if headless_without_selector else "SingleStack"
        spec["ipFamilyPolicy"] = (before or {}).get("ipFamilyPolicy", default)
    if before is not None and spec["ipFamilyPolicy"] == "SingleStack":
        for field in ("clusterIPs", "ipFamilies"):
            if spec.get(field) == before.get(field) and spec.get(field):
                spec[field] = spec[field][:1]
    if not headless_without_selector:
        _check_families(service)
    families = spec.get("ipFamilies") or ["IPv4"]
    if headless_without_selector and spec["ipFamilyPolicy"] != "SingleStack" and len(families) < _MOST:
        families = [*families, *(family for family in _DUAL if family not in families)]
    spec["ipFamilies"] = families


def _check_families(service: JsonObject) -> None:
    spec = service["spec"]
    policy = spec["ipFamilyPolicy"]
    if policy == "SingleStack" and len(spec.get("clusterIPs", ())) == _MOST:
        because = "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"
        raise _refuse(service, "spec.ipFamilyPolicy", policy, because)
    if policy == "SingleStack" and len(spec.get("ipFamilies", ())) == _MOST:
        because = "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"
        raise _refuse(service, "spec.ipFamilyPolicy", policy, because)
    if policy == "RequireDualStack":
        because = "this cluster is not configured for dual-stack services"
        raise _refuse(service, "spec.ipFamilyPolicy", policy, because)
    for number, family in enumerate(spec.get("ipFamilies", ())):
        if family != "IPv4":
            raise _refuse(service, f"spec.ipFamilies[{number}]", family, "not configured on this cluster")


def _allocate_ips(service: JsonObject, context: Context, *, dry_run: bool) -> None:
    spec = service["spec"]
    ips = spec.get("clusterIPs", [])
    if not _needs_ip(spec) or ips[:1] == [HEADLESS]:
        return
    wanted = ips[0] if ips else ""
    if not wanted:
        spec["clusterIP"] = context.addresses.free_ip(context.random)
        spec["clusterIPs"] = [spec["clusterIP"]]
        return
    because = _unavailable(wanted, context, dry_run=dry_run)
    if because:
        raise _refuse(service, "spec.clusterIPs", ips, f"failed to allocate IP {wanted}: {because}")


def _unavailable(ip: str, context: Context, *, dry_run: bool) -> str:
    try:
        address = ip_address(ip)
    except ValueError:
        return ""  # validation has better words
    network = context.addresses.network
    if address not in network or address in {network.network_address, network.broadcast_address}:
        if not dry_run:
            return "the provided network does not match the current range"
        return f"the provided IP ({ip}) is not in the valid range. The range of valid IPs is {network}"
    taken = context.addresses.has_ip(ip) and not dry_run
    return "provided IP is already allocated" if taken else ""


def _allocate_ports(service: JsonObject, own: frozenset[int], context: Context, *, dry_run: bool) -> None:
    spec = service["spec"]
    if spec["type"] not in _NODE_PORT_KINDS:
        return
    allocates = spec["type"] == "NodePort" or spec.get("allocateLoadBalancerNodePorts", True)
    given = {port["port"]: port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
    for number, port in enumerate(spec.get("ports", ())):
        wanted = port.get("nodePort")
        if wanted and wanted not in own:
            _check_port(service, number, context, dry_run=dry_run)
        elif wanted:
            continue
        elif allocates:
            taken = frozenset(node_ports(spec))
            same = given.get(port["port"]) if not own else None
            port["nodePort"] = same or context.addresses.free_port(context.random, taken | own)
            given[port["port"]] = port["nodePort"]


def _check_port(service: JsonObject, number: int, context: Context, *, dry_run: bool) -> None:
    field, wanted = f"spec.ports[{number}].nodePort", service["spec"]["ports"][number]["nodePort"]
    if wanted not in NODE_PORTS and not dry_run:
        span = f"{NODE_PORTS[0]}-{NODE_PORTS[-1]}"
        because = f"provided port is not in the valid range. The range of valid ports is {span}"
        raise _refuse(service, field, wanted, because)
    if context.addresses.has_port(wanted):
        raise _refuse(service, field, wanted, "provided port is already allocated")


def _patch_allocated(spec: JsonObject, before: JsonObject) -> None:
    if _needs_ip(before) and _needs_ip(spec):
        for field in ("clusterIP", "clusterIPs"):
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]
    if before["type"] in _NODE_PORT_KINDS and spec["type"] in _NODE_PORT_KINDS:
        _patch_node_ports(spec, before)
    if _needs_health_check(before) and _needs_health_check(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = before.get("healthCheckNodePort", 0)


def _patch_node_ports(spec: JsonObject, before: JsonObject) -> None:
    used = {port.get("nodePort", 0) for port in spec.get("ports", ())}
    named = {port.get("name", ""): port.get("nodePort", 0) for port in before.get("ports", ())}
    for port in spec.get("ports", ()):
        previous = named.get(port.get("name", ""), 0)
        if not port.get("nodePort") and previous and previous not in used:
            port["nodePort"] = previous


def _keep_singular_and_plural_together(spec: JsonObject, before: JsonObject) -> None:
    one, many = spec.get("clusterIP", ""), spec.get("clusterIPs", [])
    if one == before.get("clusterIP", "") or many != before.get("clusterIPs", []):
        return
    if one:
        spec["clusterIPs"] = [one]
    else:
        spec.pop("clusterIPs", None)


def _drop_what_the_type_lacks(spec: JsonObject, before: JsonObject) -> None:
    """Wipe what the old type was given by itself and the new one has no use for, where it is unchanged."""
    gone: list[str] = []
    if not _needs_ip(spec):
        spec.pop("internalTrafficPolicy", None)
    if _needs_ip(before) and not _needs_ip(spec):
        gone += ["ipFamilies", "ipFamilyPolicy"]
        gone += _IPS if all(spec.get(field) == before.get(field) for field in _IPS) else []
    if before["type"] in _NODE_PORT_KINDS and spec["type"] not in _NODE_PORT_KINDS:
        _drop_node_ports(spec, before)
    for applies, fields in _DEPENDENT:
        gone += fields if applies(before) and not applies(spec) else ()
    for field in gone:
        if spec.get(field) == before.get(field):
            spec.pop(field, None)


def _drop_node_ports(spec: JsonObject, before: JsonObject) -> None:
    had = {port.get("nodePort") for port in before.get("ports", ())}
    if all(not port.get("nodePort") or port["nodePort"] in had for port in spec.get("ports", ())):
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)


def _external(spec: JsonObject) -> bool:
    return spec["type"] in _NODE_PORT_KINDS or (spec["type"] == "ClusterIP" and bool(spec.get("externalIPs")))


def _balanced(spec: JsonObject) -> bool:
    return bool(spec["type"] == "LoadBalancer")


_DEPENDENT: tuple[tuple[Callable[[JsonObject], bool], tuple[str, ...]], ...] = (
    (_balanced, ("allocateLoadBalancerNodePorts", "loadBalancerClass")),
    (_needs_health_check, ("healthCheckNodePort",)),
    (_external, ("externalTrafficPolicy",)),
)
