"""Cluster IPs and node ports: which are taken, and a free one by chance."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address
from random import Random
from typing import TypeVar

from simcluster.values import JsonObject

Held = TypeVar("Held", str, int)

NODE_PORTS = range(30000, 32768)
HEADLESS = "None"


class Addresses:
    """What the stored Services of one cluster hold.

    It follows the store (`taken`, `released`) and is only asked for suggestions: an address that was
    suggested for a write that then fails or is dry needs no undoing.
    """

    __slots__ = ("_ips", "_network", "_ports")

    def __init__(self, network: str = "10.0.0.0/16") -> None:
        self._network = IPv4Network(network)
        self._ips: dict[str, int] = {}
        self._ports: dict[int, int] = {}

    @property
    def network(self) -> IPv4Network:
        """The range of cluster IPs."""
        return self._network

    def taken(self, service: JsonObject) -> None:
        """Remember what a Service that was stored holds."""
        spec = service.get("spec", {})
        for ip in cluster_ips(spec):
            self._ips[ip] = self._ips.get(ip, 0) + 1
        for port in node_ports(spec):
            self._ports[port] = self._ports.get(port, 0) + 1

    def released(self, service: JsonObject) -> None:
        """Forget what a Service that was deleted, or is replaced, held."""
        spec = service.get("spec", {})
        for ip in cluster_ips(spec):
            _drop(self._ips, ip)
        for port in node_ports(spec):
            _drop(self._ports, port)

    def has_ip(self, ip: str) -> bool:
        """Whether some Service has this cluster IP."""
        return ip in self._ips

    def has_port(self, port: int) -> bool:
        """Whether some Service has this node port, for whatever protocol."""
        return port in self._ports

    def free_ip(self, chance: Random) -> str | None:
        """Return a cluster IP nobody has, or None when all are taken. The first is the API server's own."""
        first, usable = int(self._network.network_address) + 2, self._network.num_addresses - 3
        if len(self._ips) >= usable:
            return None
        start = chance.randrange(0, usable)
        for step in range(usable):
            ip = str(ip_address(first + (start + step) % usable))
            if ip not in self._ips:
                return ip
        return None

    def free_port(self, chance: Random, besides: frozenset[int] = frozenset()) -> int | None:
        """Return a node port that no Service has, nor is in `besides`; None when all are taken."""
        start = chance.randrange(0, len(NODE_PORTS))
        for step in range(len(NODE_PORTS)):
            port = NODE_PORTS[(start + step) % len(NODE_PORTS)]
            if port not in self._ports and port not in besides:
                return port
        return None


def cluster_ips(spec: JsonObject) -> list[str]:
    """Return the addresses that a Service's spec holds."""
    if spec.get("type") == "ExternalName":
        return []
    return [ip for ip in spec.get("clusterIPs") or [spec.get("clusterIP", "")] if ip and ip != HEADLESS]


def node_ports(spec: JsonObject) -> set[int]:
    """Return the node ports that a Service's spec holds, the one for health checks included."""
    found = {port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        found.add(spec["healthCheckNodePort"])
    return found


def _drop(counts: dict[Held, int], key: Held) -> None:
    left = counts.get(key, 0) - 1
    if left > 0:
        counts[key] = left
    else:
        counts.pop(key, None)
