"""The operator's configuration: read from `controller.yaml`, or made from flags and a kubeconfig."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from controllers.adapters.renderers.sops import KEY_FILE
from gitops.dialect import parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.controller import ClusterConnection, Controller, FollowedRepository, Sops
from gitops.model.schema import NAME
from gitops.model.sources import read_one

_API_VERSION = "gitops-waves.io/v1alpha1"
_LONGEST_NAME = 63
_LAST_PORT = 65535


def load(path: Path) -> Controller:
    """Read `controller.yaml`. Raises InvalidInput with every problem and its place."""
    model, _ = read_one(Controller, str(path), _bytes(path))
    return model


def made(url: str, branch: str, kubeconfig: Path | None) -> Controller:
    """Make the configuration of the simple case: one repository, and the contexts of a kubeconfig."""
    return Controller(
        api_version=_API_VERSION,
        kind="Controller",
        repositories=(FollowedRepository(name=_name(url), url=url, branch=branch),),
        connections=tuple(connections(kubeconfig)),
        sops=Sops(age_key_file=os.environ.get(KEY_FILE)),
    )


def overridden(config: Controller, state_dir: Path | None, listen: str | None) -> Controller:
    """Replace what flags say otherwise. Raises InvalidInput for an address that is none."""
    changes: dict[str, str] = {}
    if state_dir is not None:
        changes["state_directory"] = str(state_dir)
    if listen is not None:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > _LAST_PORT:
            message = f'"{listen}" is no host:port, such as 127.0.0.1:9464'
            raise InvalidInput(Problem(Location("--listen"), message))
        changes["listen"] = listen
    return config.model_copy(update=changes)


def connections(kubeconfig: Path | None) -> Iterator[ClusterConnection]:
    """Make a connection of every context whose name can be one; the first file that has a name counts.

    Raises InvalidInput for a kubeconfig that cannot be read.
    """
    seen: set[str] = set()
    for path in [kubeconfig] if kubeconfig else _usual():
        for context in _contexts(path):
            if context not in seen and re.fullmatch(NAME, context) and len(context) <= _LONGEST_NAME:
                seen.add(context)
                yield ClusterConnection(name=context, kubeconfig=str(path), context=context)


def _usual() -> list[Path]:
    named = os.environ.get("KUBECONFIG")
    paths = [Path(text) for text in named.split(os.pathsep) if text] if named else [Path("~/.kube/config")]
    return [path.expanduser() for path in paths if path.expanduser().is_file()]


def _contexts(path: Path) -> Iterator[str]:
    for document in parse(_bytes(path), str(path)):
        contexts = document.value.get("contexts") if isinstance(document.value, dict) else None
        if not isinstance(contexts, list):
            raise InvalidInput(Problem(Location(str(path)), "this is no kubeconfig: it has no contexts"))
        yield from (
            one["name"] for one in contexts if isinstance(one, dict) and isinstance(one.get("name"), str)
        )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = Problem(Location(str(path)), f"cannot be read: {error.strerror}")
        raise InvalidInput(problem) from None


def _name(url: str) -> str:
    """`https://host/team/Shop_Config.git` → `shop-config`; the mirror and the metrics are named so."""
    last = re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git").lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:_LONGEST_NAME].strip("-") or "repository"
