"""Services and Endpoints."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import duplicate, prohibited, required, unsupported, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_KINDS = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_MOST_AFFINITY = 86400
_MOST_IPS = 2
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"


def create(service: JsonObject) -> list[Cause]:
    """Check a new Service."""
    return _service(service["spec"])


def update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Service: the address stays while there is one."""
    spec, before = new["spec"], old["spec"]
    causes = _same_address(spec, before)
    if before["type"] == spec["type"] == "LoadBalancer":
        after = spec.get("loadBalancerClass")
        if after != before.get("loadBalancerClass"):
            causes.append(wrong("spec.loadBalancerClass", after, "may not change once set"))
    causes += _class(spec)
    checked = _needs_health_check(before) and _needs_health_check(spec)
    if checked and spec.get("healthCheckNodePort") != before.get("healthCheckNodePort"):
        causes.append(prohibited("spec.healthCheckNodePort", "field is immutable"))
    return causes + _service(spec)


def _same_address(spec: JsonObject, before: JsonObject) -> list[Cause]:
    if "ExternalName" in {spec["type"], before["type"]}:
        return []
    after, had = spec.get("clusterIPs", []), before.get("clusterIPs", [])
    causes: list[Cause] = []
    if not after and had:
        causes.append(wrong("spec.clusterIPs[0]", after, "primary clusterIP can not be unset"))
    elif after and had and after[0] != had[0]:
        causes.append(wrong("spec.clusterIPs[0]", after, "may not change once set"))
    families, previous = spec.get("ipFamilies", []), before.get("ipFamilies", [])
    if families and previous and families[0] != previous[0]:
        causes.append(wrong("spec.ipFamilies[0]", families, "may not change once set"))
    return causes


def _service(spec: JsonObject) -> list[Cause]:
    kind, headless = spec["type"], spec.get("clusterIPs", [])[:1] == ["None"]
    causes: list[Cause] = []
    if not spec.get("ports") and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if headless and kind in {"LoadBalancer", "NodePort"}:
        text = f"may not be set to 'None' for {kind} services"
        causes.append(wrong("spec.clusterIPs[0]", "None", text))
    if kind == "ExternalName":
        causes += _external_name(spec)
    causes += _ports(spec.get("ports", []))
    causes += meta.check_labels(spec.get("selector"), "spec.selector")
    causes += _affinity(spec)
    causes += related_ips(spec)
    for number, ip in enumerate(spec.get("externalIPs", ())):
        at = f"spec.externalIPs[{number}]"
        causes += values.ip(ip, at) or values.endpoint_ip(ip, at)
    causes += values.choice(kind, _KINDS, "spec.type")
    causes += _port_clashes(spec)
    return causes + _balancing(spec) + _class(spec) + _traffic(spec)


def _external_name(spec: JsonObject) -> list[Cause]:
    causes = [
        prohibited(f"spec.{field}", "may not be set for ExternalName services")
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if spec.get(field)
    ]
    name = spec.get("externalName", "").removesuffix(".")
    return causes + values.name(name, formats.dns_subdomain(name), "spec.externalName")


def _ports(ports: list[JsonObject]) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for number, port in enumerate(ports):
        at, name = f"spec.ports[{number}]", port.get("name", "")
        if not name and len(ports) > 1:
            causes.append(required(f"{at}.name"))
        elif name:
            causes += values.faulty(name, formats.dns_label(name), f"{at}.name")
            if name in names:
                causes.append(duplicate(f"{at}.name", name))
            names.add(name)
        causes += values.port(port.get("port", 0), f"{at}.port")
        causes += values.choice(port.get("protocol"), values.PROTOCOLS, f"{at}.protocol")
        causes += values.port_or_name(port.get("targetPort", 0), f"{at}.targetPort")
        protocol = port.get("appProtocol")
        if protocol is not None:
            causes += values.faulty(protocol, formats.qualified_name(protocol), f"{at}.appProtocol")
    return causes


def _affinity(spec: JsonObject) -> list[Cause]:
    causes = values.choice(spec["sessionAffinity"], ("ClientIP", "None"), "spec.sessionAffinity")
    if spec["sessionAffinity"] == "ClientIP":
        seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"]
        if not 0 < seconds <= _MOST_AFFINITY:
            text = f"must be greater than 0 and less than {_MOST_AFFINITY}"
            causes.append(wrong("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, text))
    return causes


def related_ips(spec: JsonObject) -> list[Cause]:
    """Check cluster IPs and IP families against one another."""
    if spec["type"] == "ExternalName":
        return []
    one, many = spec.get("clusterIP", ""), spec.get("clusterIPs", [])
    causes: list[Cause] = []
    if one and many and many[0] != one:
        causes.append(wrong("spec.clusterIPs", many, "first value must match `clusterIP`"))
    elif not one and many:
        causes.append(wrong("spec.clusterIPs", many, "must be empty when `clusterIP` is not specified"))
    families = spec.get("ipFamilies", [])
    for number, family in enumerate(families):
        at = f"spec.ipFamilies[{number}]"
        causes += values.choice(family, ("IPv4", "IPv6"), at)
        if family in families[:number]:
            causes.append(duplicate(at, family))
    allowed = ("PreferDualStack", "RequireDualStack", "SingleStack")
    causes += values.optional_choice(spec.get("ipFamilyPolicy"), allowed, "spec.ipFamilyPolicy")
    return causes + _addresses(many, families)


def _addresses(many: list[str], families: list[str]) -> list[Cause]:
    if many[:1] == ["None"]:
        text = "'None' must be the first and only value"
        return [wrong("spec.clusterIPs", many, text)] if len(many) > 1 else []
    causes: list[Cause] = []
    for number, ip in enumerate(many):
        causes += values.ip(ip, f"spec.clusterIPs[{number}]")
    if len(many) > _MOST_IPS:
        causes.append(wrong("spec.clusterIPs", many, "may only hold up to 2 values"))
    if causes:
        return causes
    if len(many) == _MOST_IPS and len({values.family(ip) for ip in many}) == 1:
        text = "may specify no more than one IP for each IP family"
        causes.append(wrong("spec.clusterIPs", many, text))
    for number, (ip, family) in enumerate(zip(many, families, strict=False)):
        if values.family(ip) != family:
            text = f"expected an {family} value as indicated by `ipFamilies[{number}]`"
            causes.append(wrong(f"spec.clusterIPs[{number}]", ip, text))
    return causes


def _port_clashes(spec: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    ports = spec.get("ports", ())
    if spec["type"] == "ClusterIP":
        causes += [
            prohibited(f"spec.ports[{number}].nodePort", "may not be used when `type` is 'ClusterIP'")
            for number, port in enumerate(ports)
            if port.get("nodePort")
        ]
    nodes: set[tuple[str, int]] = set()
    for number, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("nodePort", 0))
        if key[1] and key in nodes:
            causes.append(duplicate(f"spec.ports[{number}].nodePort", key[1]))
        nodes.add(key)
    own: set[tuple[str, int]] = set()
    for number, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in own:
            shown = internal("ServicePort", {"protocol": key[0], "port": key[1]})
            causes.append(duplicate(f"spec.ports[{number}]", shown))
        own.add(key)
    return causes


def _balancing(spec: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    ranges = spec.get("loadBalancerSourceRanges", ())
    if ranges and spec["type"] != "LoadBalancer":
        causes.append(prohibited("spec.LoadBalancerSourceRanges", _ONLY_BALANCED))
    for number, block in enumerate(ranges):
        causes += values.cidr(block.strip(), f"spec.LoadBalancerSourceRanges[{number}]")
    if "allocateLoadBalancerNodePorts" in spec and spec["type"] != "LoadBalancer":
        causes.append(prohibited("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCED))
    return causes


def _class(spec: JsonObject) -> list[Cause]:
    given = spec.get("loadBalancerClass")
    if given is None:
        return []
    if spec["type"] != "LoadBalancer":
        return [prohibited("spec.loadBalancerClass", _ONLY_BALANCED)]
    return values.faulty(given, formats.qualified_name(given), "spec.loadBalancerClass")


def _needs_health_check(spec: JsonObject) -> bool:
    return spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _traffic(spec: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    kind, policy = spec["type"], spec.get("externalTrafficPolicy", "")
    external = kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    if external:
        causes += values.choice(policy, _POLICIES, "spec.externalTrafficPolicy")
    elif policy:
        text = "may only be set for externally-accessible services"
        causes.append(wrong("spec.externalTrafficPolicy", policy, text))
    check = spec.get("healthCheckNodePort", 0)
    if _needs_health_check(spec):
        causes += values.port(check, "spec.healthCheckNodePort")
    elif check:
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        causes.append(wrong("spec.healthCheckNodePort", check, text))
    inner = spec.get("internalTrafficPolicy")
    causes += values.optional_choice(inner, _POLICIES, "spec.internalTrafficPolicy")
    distribution = spec.get("trafficDistribution")
    return causes + values.optional_choice(distribution, _DISTRIBUTIONS, "spec.trafficDistribution")


def status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Service's status."""
    del old
    ingresses = new["status"].get("loadBalancer", {}).get("ingress", ())
    causes: list[Cause] = []
    if ingresses and new["spec"]["type"] != "LoadBalancer":
        causes.append(
            prohibited("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")
        )
        return causes
    for number, ingress in enumerate(ingresses):
        at = f"status.loadBalancer.ingress[{number}]"
        if ingress.get("ip"):
            causes += values.ip(ingress["ip"], f"{at}.ip")
        host = ingress.get("hostname", "")
        if host:
            causes += values.faulty(host, formats.dns_subdomain(host), f"{at}.hostname")
    return causes


def endpoints(obj: JsonObject) -> list[Cause]:
    """Check Endpoints."""
    causes: list[Cause] = []
    for number, subset in enumerate(obj.get("subsets", ())):
        at = f"subsets[{number}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            causes.append(required(at, "must specify `addresses` or `notReadyAddresses`"))
        for field in ("addresses", "notReadyAddresses"):
            for index, address in enumerate(subset.get(field, ())):
                here = f"{at}.{field}[{index}]"
                causes += values.ip(address.get("ip", ""), f"{here}.ip")
                causes += values.endpoint_ip(address.get("ip", ""), f"{here}.ip")
        ports = subset.get("ports", ())
        for index, port in enumerate(ports):
            causes += _endpoint_port(port, f"{at}.ports[{index}]", named=len(ports) > 1)
    return causes


def _endpoint_port(port: JsonObject, at: str, *, named: bool) -> list[Cause]:
    name = port.get("name", "")
    causes = [required(f"{at}.name")] if named and not name else []
    causes += values.faulty(name, formats.dns_label(name), f"{at}.name") if name else []
    causes += values.port(port.get("port", 0), f"{at}.port")
    protocol = port.get("protocol", "")
    if protocol not in values.PROTOCOLS:
        causes.append(unsupported(f"{at}.protocol", protocol, values.PROTOCOLS))
    return causes


def endpoints_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of Endpoints; what was there already is not looked at again."""
    return [] if new.get("subsets") == old.get("subsets") else endpoints(new)
