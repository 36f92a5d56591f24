"""Kubeconfig files for simulated clusters."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from simcluster.values import JsonObject

_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Entry:
    """One cluster and one way into it. `certificate` is the PEM to trust, "" for plain HTTP."""

    name: str
    server: str
    token: str = field(repr=False)
    certificate: str = ""


def kubeconfig(entries: Iterable[Entry]) -> JsonObject:
    """Make a kubeconfig with a context for each entry, named as its cluster; the first one is current."""
    listed = list(entries)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": each.name, "cluster": _cluster(each)} for each in listed],
        "users": [{"name": each.name, "user": {"token": each.token}} for each in listed],
        "contexts": [
            {"name": each.name, "context": {"cluster": each.name, "user": each.name}} for each in listed
        ],
        "current-context": listed[0].name if listed else "",
    }


def write(path: Path, entries: Iterable[Entry]) -> Path:
    """Write a kubeconfig that only its owner may read; return `path`."""
    text = json.dumps(kubeconfig(entries), indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, _PRIVATE)
        file.write(text)
    return path


def _cluster(entry: Entry) -> JsonObject:
    found = {"server": entry.server}
    if entry.certificate:
        found["certificate-authority-data"] = base64.b64encode(entry.certificate.encode()).decode()
    return found
