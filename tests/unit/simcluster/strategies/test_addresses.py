"""Addresses: suggestions are free, and what is released can be suggested again."""

from __future__ import annotations

import random

from simcluster.strategies import Addresses
from simcluster.strategies.addresses import NODE_PORTS


def service(ip: str, *ports: int) -> dict[str, object]:
    return {"spec": {"clusterIP": ip, "clusterIPs": [ip], "ports": [{"nodePort": port} for port in ports]}}


def test_every_address_of_a_small_range_is_handed_out_once() -> None:
    """A /29 has the network's address, the API server's, and the broadcast address taken."""
    addresses, chance = Addresses("10.0.0.0/29"), random.Random(1)
    given = []
    while (ip := addresses.free_ip(chance)) is not None:
        given.append(ip)
        addresses.taken(service(ip))
    assert sorted(given) == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]


def test_a_suggestion_takes_nothing() -> None:
    addresses = Addresses()
    ip = addresses.free_ip(random.Random(1))
    assert ip is not None
    assert not addresses.has_ip(ip)
    assert addresses.free_ip(random.Random(1)) == ip


def test_node_ports_are_not_suggested_while_held() -> None:
    addresses, chance = Addresses(), random.Random(1)
    kept = 30100
    addresses.taken(service("10.0.0.9", *(port for port in NODE_PORTS if port != kept)))
    assert addresses.free_port(chance) == kept
    assert addresses.free_port(chance, frozenset({kept})) is None


def test_a_replaced_service_keeps_what_its_new_form_still_holds() -> None:
    """The store tells of the new form and of the old one in whatever order."""
    addresses = Addresses()
    addresses.taken(service("10.0.0.9", 30100, 30101))
    addresses.taken(service("10.0.0.9", 30100))
    addresses.released(service("10.0.0.9", 30100, 30101))
    assert addresses.has_ip("10.0.0.9")
    assert addresses.has_port(30100)
    assert not addresses.has_port(30101)


def test_headless_services_and_external_names_hold_no_cluster_ip() -> None:
    addresses = Addresses()
    addresses.taken(service("None"))
    addresses.taken({"spec": {"type": "ExternalName", "clusterIPs": ["10.0.0.9"]}})
    assert not addresses.has_ip("None")
    assert not addresses.has_ip("10.0.0.9")
