"""Makes `columns.json`, the columns of the built-in kinds' Tables, from a running API server.

    python -m simcluster.printing.generate --server https://127.0.0.1:6443 --ca ca.crt --token-file token

One kind a line, sorted; descriptions, of which many are shared, once and by number.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from simcluster.values import JsonObject

Fetch: TypeAlias = Callable[[str, str], JsonObject]  # (path, media type) → document

_TARGET = Path(__file__).parent / "columns.json"
_JSON = "application/json"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_TIMEOUT = 30.0


def columns(fetch: Fetch) -> dict[str, list[JsonObject]]:
    """Gather the columns of every kind that can be listed, as `group/Kind`; those without their own once."""
    found = {f"{group}/{kind}": each for group, kind, each in _columns(fetch)}
    default = next(each for each in found.values() if [one["name"] for one in each] == ["Name", "Created At"])
    kept = {kind: each for kind, each in sorted(found.items()) if each != default}
    return {"default": default, **kept}


def text(found: dict[str, list[JsonObject]]) -> str:
    """Write the table: one description or kind a line, so that a diff tells what changed."""
    texts = sorted({column["description"] for each in found.values() for column in each})
    lines = [f"{_line(kind)}:{_line([_column(each, texts) for each in own])}" for kind, own in found.items()]
    described, kinds = ",\n".join(map(_line, texts)), ",\n".join(lines)
    return f'{{"descriptions":[\n{described}\n],\n"kinds":{{\n{kinds}\n}}}}\n'


def _column(column: JsonObject, texts: list[str]) -> list[Any]:
    at = texts.index(column["description"])
    return [column["name"], column["type"], column["format"], at, column["priority"]]


def _line(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _columns(fetch: Fetch) -> Iterator[tuple[str, str, list[JsonObject]]]:
    groups = fetch("/apis", _JSON)["groups"]
    paths = ["/api/v1", *(f"/apis/{each['groupVersion']}" for group in groups for each in group["versions"])]
    for path in paths:
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        for resource in fetch(path, _JSON)["resources"]:
            if "/" not in resource["name"] and "list" in resource["verbs"]:
                shown = fetch(f"{path}/{resource['name']}?limit=1", _TABLE)
                yield group, resource["kind"], shown["columnDefinitions"]


def _fetcher(server: str, ca: Path, token: str) -> Fetch:
    context = ssl.create_default_context(cafile=str(ca))

    def fetch(path: str, accept: str) -> JsonObject:
        address = urllib.parse.urlsplit(server).netloc
        with closing(http.client.HTTPSConnection(address, timeout=_TIMEOUT, context=context)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept": accept})
            response = connection.getresponse()
            body = response.read()
        if response.status != http.client.OK:
            raise SystemExit(f"{path}: {response.status}")
        found: JsonObject = json.loads(body)
        return found

    return fetch


def main() -> int:
    """Write the file and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca", required=True, type=Path)
    parser.add_argument("--token-file", required=True, type=Path)
    given = parser.parse_args()
    fetch = _fetcher(given.server, given.ca, given.token_file.read_text().strip())
    _TARGET.write_text(text(columns(fetch)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
