"""Asks a server for the schemas of its kinds (OpenAPI v3), one group and version at a time, and its version.

Each document has an address with its own digest, so what was read once is good for ever, and for every
cluster that serves the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from controllers.adapters.kube.transport import Transport
from controllers.adapters.kube.wire import Call, Retry
from controllers.recent import Recent
from gitops.errors import GitopsError
from gitops.validation import NONE, Schemas, parse

_INDEX = "/openapi/v3"
_OK = 200
# A group and version takes about a megabyte, the largest (v1) less than two.
_SCHEMAS_KEPT = 48


_recent = Recent[str, Schemas](_SCHEMAS_KEPT)


class OpenAPI:
    """What one server says about the shape of its objects: an explanation. Where it fails, there is none."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def schemas(self, *api_versions: str) -> dict[str, Schemas]:
        """Give the schemas of each apiVersion; none for what the server does not describe."""
        if not api_versions:
            return {}
        index = await self._json(_INDEX)
        paths = index.get("paths") if isinstance(index, dict) else None
        addresses = {one: _address(paths, one) for one in api_versions}
        found = await asyncio.gather(*(self._one(address) for address in addresses.values()))
        return dict(zip(addresses, found, strict=True))

    async def minor(self) -> int:
        """Give the minor version of Kubernetes 1, as `/version` has it; 0 where that is not to be had."""
        answer = await self._json("/version")
        minor = str(answer.get("minor", "")).rstrip("+") if isinstance(answer, dict) else ""
        return int(minor) if minor.isascii() and minor.isdigit() else 0

    async def _one(self, address: str) -> Schemas:
        if not address:
            return NONE
        named = "?hash=" in address
        kept = _recent.get(address) if named else None
        if kept is None:
            document = await self._json(address)
            kept = await asyncio.to_thread(parse, document)
            if named and document is not None:
                _recent.keep(address, kept)
        return kept

    async def _json(self, path: str) -> Any:  # noqa: ANN401 - raw JSON of any shape
        headers = {"Accept": "application/json"}
        call = Call("get", "GET", path, "openapi", headers=headers, retry=Retry.NEVER)
        try:
            answer = await self._transport.send(call)
            return orjson.loads(answer.body) if answer.status == _OK else None
        except (GitopsError, orjson.JSONDecodeError):
            return None


def _address(paths: Any, api_version: str) -> str:  # noqa: ANN401 - as above
    """The document's path with its hash; empty where there is none, or it would lead elsewhere."""
    entry = (
        paths.get(f"apis/{api_version}" if "/" in api_version else f"api/{api_version}")
        if isinstance(paths, dict)
        else None
    )
    address = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
    return address if isinstance(address, str) and address.startswith(f"{_INDEX}/") else ""
