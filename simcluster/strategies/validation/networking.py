"""networking.k8s.io: Ingresses, their classes, NetworkPolicies."""

from __future__ import annotations

from ipaddress import ip_network

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import prohibited, required, unsupported, wrong
from simcluster.values import JsonObject

_PATH_KINDS = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDINGS = ("/..", "/.")
_CLASS = "kubernetes.io/ingress.class"
_POLICY_KINDS = ("Ingress", "Egress")
_POLICY_PROTOCOLS = ("TCP", "UDP", "SCTP")


def ingress(obj: JsonObject) -> list[Cause]:
    """Check a new Ingress."""
    causes = _ingress_spec(obj["spec"])
    annotation = obj["metadata"].get("annotations", {}).get(_CLASS)
    chosen = obj["spec"].get("ingressClassName")
    if annotation is not None and chosen is not None and annotation != chosen:
        text = "must match `ingressClassName` when both are specified"
        causes.append(wrong(f"annotations.{_CLASS}", annotation, text))
    return causes


def ingress_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of an Ingress."""
    del old
    return _ingress_spec(new["spec"])


def _ingress_spec(spec: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    rules, default = spec.get("rules", ()), spec.get("defaultBackend")
    if not rules and default is None:
        causes.append(wrong("spec", None, "either `defaultBackend` or `rules` must be specified"))
    if default is not None:
        causes += _backend(default, "spec.defaultBackend")
    for number, rule in enumerate(rules):
        causes += _rule(rule, f"spec.rules[{number}]")
    for number, tls in enumerate(spec.get("tls", ())):
        at = f"spec.tls[{number}]"
        for index, host in enumerate(tls.get("hosts", ())):
            causes += _host(host, f"{at}.hosts[{index}]")
        name = tls.get("secretName", "")
        causes += values.faulty(name, formats.dns_subdomain(name), f"{at}.secretName") if name else []
    chosen = spec.get("ingressClassName")
    if chosen is not None:
        causes += values.faulty(chosen, formats.dns_subdomain(chosen), "spec.ingressClassName")
    return causes


def _host(host: str, at: str) -> list[Cause]:
    rule = formats.wildcard_subdomain if "*" in host else formats.dns_subdomain
    return values.faulty(host, rule(host), at)


def _rule(rule: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    host = rule.get("host", "")
    if host:
        if values.is_ip(host):
            causes.append(wrong(f"{at}.host", host, "must be a DNS name, not an IP address"))
        causes += _host(host, f"{at}.host")
    if "http" not in rule:
        return causes
    paths = rule["http"].get("paths") or ()
    if not paths:
        causes.append(required(f"{at}.http.paths"))
    for number, path in enumerate(paths):
        causes += _path(path, f"{at}.http.paths[{number}]")
    return causes


def _path(path: JsonObject, at: str) -> list[Cause]:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        return [required(f"{at}.pathType", "pathType must be specified")]
    causes: list[Cause] = []
    here = f"{at}.path"
    relative = not text.startswith("/") and (bool(text) or kind != "ImplementationSpecific")
    if kind not in _PATH_KINDS:
        causes.append(unsupported(f"{at}.pathType", kind, _PATH_KINDS))
    elif relative:
        causes.append(wrong(here, text, "must be an absolute path"))
    if kind in {"Exact", "Prefix"}:
        causes += [wrong(here, text, f"must not contain '{bad}'") for bad in _BAD_SEQUENCES if bad in text]
        causes += [
            wrong(here, text, f"cannot end with '{bad}'") for bad in _BAD_ENDINGS if text.endswith(bad)
        ]
    return causes + _backend(path["backend"], f"{at}.backend")


def _backend(backend: JsonObject, at: str) -> list[Cause]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [wrong(at, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _reference(resource, f"{at}.resource")
    if service is None:
        return [wrong(at, "", "resource or service backend is required")]
    name, port = service.get("name", ""), service.get("port", {})
    causes = values.name(name, formats.dns_label(name), f"{at}.service.name")
    if port.get("name") and port.get("number"):
        causes.append(wrong(at, "", "cannot set both port name & port number"))
    elif port.get("name"):
        causes += values.faulty(port["name"], formats.port_name(port["name"]), f"{at}.service.port.name")
    elif port.get("number"):
        causes += values.port(port["number"], f"{at}.service.port.number")
    else:
        causes.append(required(at, "port name or number is required"))
    return causes


def _reference(reference: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    group = reference.get("apiGroup")
    if group is not None:
        causes += values.faulty(group, formats.dns_subdomain(group), f"{at}.apiGroup")
    for field in ("kind", "name"):
        value = reference.get(field, "")
        causes += values.name(value, formats.path_segment(value), f"{at}.{field}")
    return causes


def ingress_class(obj: JsonObject) -> list[Cause]:
    """Check an IngressClass."""
    spec = obj["spec"]
    controller, at = spec.get("controller", ""), "spec.controller"
    host, slash, path = controller.partition("/")
    causes: list[Cause] = []
    if not controller:
        causes.append(required(at))
    elif not slash or not host or not path:
        text = 'must be a domain-prefixed path (such as "acme.io/foo")'
        causes.append(wrong(at, controller, text))
    else:
        causes += values.faulty(host, formats.dns_subdomain(host), at)
    parameters = spec.get("parameters")
    return causes if parameters is None else causes + _parameters(parameters, "spec.parameters")


def _parameters(parameters: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    late: list[Cause] = []
    for field in ("kind", "name"):
        value = parameters.get(field, "")
        (causes if value else late).extend(values.name(value, formats.path_segment(value), f"{at}.{field}"))
    scope, namespace = parameters["scope"], parameters.get("namespace")
    causes += values.choice(scope, ("Cluster", "Namespace"), f"{at}.scope")
    if scope == "Namespace" and namespace is None:
        causes.append(required(f"{at}.namespace", "`parameters.scope` is set to 'Namespace'"))
    if scope == "Cluster" and namespace is not None:
        causes.append(prohibited(f"{at}.namespace", "`parameters.scope` is set to 'Cluster'"))
    return causes + late


def ingress_class_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of an IngressClass: its controller stays."""
    causes = meta.immutable(new["spec"].get("controller"), old["spec"].get("controller"), "spec.controller")
    return causes + ingress_class(new)


def network_policy(obj: JsonObject) -> list[Cause]:
    """Check a NetworkPolicy."""
    spec = obj["spec"]
    causes = meta.label_selector(spec["podSelector"], "spec.podSelector")
    for field, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(field, ())):
            at = f"spec.{field}[{number}]"
            for index, port in enumerate(rule.get("ports", ())):
                causes += _policy_port(port, f"{at}.ports[{index}]")
            for index, peer in enumerate(rule.get(peers, ())):
                causes += _peer(peer, f"{at}.{peers}[{index}]")
    kinds = spec.get("policyTypes", [])
    if len(kinds) > len(_POLICY_KINDS):
        return [*causes, wrong("spec.policyTypes", kinds, "may not specify more than two policyTypes")]
    for number, kind in enumerate(kinds):
        if kind not in _POLICY_KINDS:
            causes.append(unsupported(f"spec.policyTypes[{number}]", kind, _POLICY_KINDS))
    return causes


def network_policy_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a NetworkPolicy."""
    del old
    return network_policy(new)


def _policy_port(given: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    if given["protocol"] not in _POLICY_PROTOCOLS:
        causes.append(unsupported(f"{at}.protocol", given["protocol"], _POLICY_PROTOCOLS))
    port, end = given.get("port"), given.get("endPort")
    if port is None:
        if end is not None:
            text = "may not be specified when `port` is not specified"
            causes.append(wrong(f"{at}.endPort", end, text))
        return causes
    if isinstance(port, str):
        if end is not None:
            text = "may not be specified when `port` is non-numeric"
            causes.append(wrong(f"{at}.endPort", end, text))
        return causes + values.port_or_name(port, f"{at}.port")
    causes += values.port(port, f"{at}.port")
    if end is not None:
        if end < port:
            causes.append(wrong(f"{at}.endPort", end, "must be greater than or equal to `port`"))
        causes += values.port(end, f"{at}.endPort")
    return causes


def _peer(peer: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("podSelector", "namespaceSelector"):
        causes += meta.label_selector(peer.get(field), f"{at}.{field}")
    if "ipBlock" in peer:
        causes += _ip_block(peer["ipBlock"], f"{at}.ipBlock")
    if not peer:
        causes.append(required(at, "must specify a peer"))
    elif len(peer) > 1 and "ipBlock" in peer:
        causes.append(prohibited(at, "may not specify both ipBlock and another peer"))
    return causes


def _ip_block(block: JsonObject, at: str) -> list[Cause]:
    whole = block.get("cidr", "")
    if not whole:
        return [required(f"{at}.cidr")]
    causes = values.cidr(whole, f"{at}.cidr")
    if causes:
        return causes
    for number, part in enumerate(block.get("except", ())):
        here = f"{at}.except[{number}]"
        found = values.cidr(part, here)
        causes += found
        if not found and not _strictly_inside(part, whole):
            causes.append(wrong(here, part, "must be a strict subset of `cidr`"))
    return causes


def _strictly_inside(part: str, whole: str) -> bool:
    inner, outer = ip_network(part, strict=False), ip_network(whole, strict=False)
    return (
        inner.version == outer.version
        and inner.prefixlen > outer.prefixlen
        and inner.network_address in outer
    )
