"""EndpointSlices."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, values
from simcluster.strategies.validation.causes import duplicate, required, wrong
from simcluster.values import JsonObject


def endpoint_slice(obj: JsonObject) -> list[Cause]:
    """Check an EndpointSlice."""
    kind = obj.get("addressType", "")
    late: list[Cause] = []
    if kind not in {"IPv4", "IPv6", "FQDN"}:
        late += values.choice(kind, ("FQDN", "IPv4", "IPv6"), "addressType")
    endpoints = obj.get("endpoints") or ()
    late += [
        required(f"endpoints[{number}].addresses")
        for number, endpoint in enumerate(endpoints)
        if not endpoint.get("addresses")
    ]
    return _slice_ports(obj.get("ports") or []) + _slice_endpoints(obj) + late


def _slice_endpoints(obj: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    for number, endpoint in enumerate(obj.get("endpoints") or ()):
        at = f"endpoints[{number}]"
        for index, address in enumerate(endpoint.get("addresses") or ()):
            causes += _slice_address(address, obj.get("addressType", ""), f"{at}.addresses", index)
        host = endpoint.get("hostname")
        if host is not None:
            causes += values.faulty(host, formats.dns_label(host), f"{at}.hostname")
    return causes


def _slice_address(address: str, kind: str, at: str, index: int) -> list[Cause]:
    here = f"{at}[{index}]"
    if kind not in {"IPv4", "IPv6"}:
        return []
    causes = values.ip(address, here)
    if causes:
        return causes
    if values.family(address) != kind:
        causes.append(wrong(at, address, f"must be an {kind} address"))
    return causes + values.endpoint_ip(address, here)


def _slice_ports(ports: list[JsonObject]) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for number, port in enumerate(ports):
        at, name = f"ports[{number}]", port.get("name", "")
        causes += values.faulty(name, formats.dns_label(name), f"{at}.name") if name else []
        if name in names:
            causes.append(duplicate(f"{at}.name", name))
        names.add(name)
        causes += values.choice(port.get("protocol"), values.PROTOCOLS, f"{at}.protocol")
    return causes


def endpoint_slice_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of an EndpointSlice: its type stays; endpoints that stay are not looked at again."""
    same = new.get("endpoints") == old.get("endpoints")
    causes = endpoint_slice({**new, "endpoints": []} if same else new)
    if new.get("addressType") != old.get("addressType"):
        causes.append(wrong("addressType", None, "field is immutable"))
    return causes
