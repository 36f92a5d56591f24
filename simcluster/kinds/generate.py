r"""Makes `builtin.json`, the table of built-in kinds, from a running API server.

    python -m simcluster.kinds.generate --server https://127.0.0.1:6443 --ca ca.crt --token-file token \
        --go-modules "$(go env GOMODCACHE)/k8s.io"

Takes discovery, the OpenAPI v3 documents without descriptions, and `/version`; and from the Go types of the
same version what OpenAPI does not tell (see `go_types`). One definition a line, sorted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from simcluster.kinds.go_types import Sources
from simcluster.values import JsonObject

Fetch: TypeAlias = Callable[[str], JsonObject]

TABLE = Path(__file__).parent / "builtin.json"
_REFERENCE = "#/components/schemas/"
_GVK = "x-kubernetes-group-version-kind"
_TIMEOUT = 30.0


def table(fetch: Fetch, go_modules: Path) -> JsonObject:
    """Gather the table from a server; `fetch` returns the JSON document at a path."""
    version = fetch("/version")
    sources = Sources(go_modules, version["gitVersion"].replace("v1.", "v0.", 1))
    groups: list[tuple[str, list[str]]] = [("", ["v1"])]
    groups += [
        (group["name"], [version["version"] for version in group["versions"]])
        for group in fetch("/apis")["groups"]
    ]
    resources = {}
    for group, versions in groups:
        for each in versions:
            name = f"{group}/{each}" if group else each
            path = f"/apis/{name}" if group else f"/api/{name}"
            resources[name] = fetch(path)["resources"]
    return {
        "version": version,
        "groups": groups,
        "resources": resources,
        "definitions": {
            name: each | sources.encoding(name, each.get("properties", {}))
            for name, each in sorted(_definitions(fetch))
        },
    }


def text(found: JsonObject) -> str:
    """Write the table: one resource or definition a line, so that a diff tells what changed."""
    lines = ["{", f'"version":{_line(found["version"])},', f'"groups":{_line(found["groups"])},']
    lines += ['"resources":{', ",\n".join(_resource_lists(found["resources"])), "},"]
    definitions = (f"{_line(name)}:{_line(each)}" for name, each in found["definitions"].items())
    lines += ['"definitions":{', ",\n".join(definitions), "}", "}"]
    return "\n".join(lines) + "\n"


def _resource_lists(found: JsonObject) -> Iterator[str]:
    for name, resources in found.items():
        yield f"{_line(name)}:[\n" + ",\n".join(map(_line, resources)) + "\n]"


def _line(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _definitions(fetch: Fetch) -> Iterator[tuple[str, JsonObject]]:
    seen = set()
    for path in sorted(fetch("/openapi/v3")["paths"].items()):
        document = fetch(path[1]["serverRelativeURL"])
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if name not in seen:
                seen.add(name)
                yield name, _definition(schema)


def _definition(schema: JsonObject) -> JsonObject:
    found = compact(schema)
    # WatchEvent and the options of requests belong to every group; only kinds of their own keep a name.
    names = schema.get(_GVK, ())
    found.pop(_GVK, None)
    if len(names) == 1:
        found["gvk"] = [names[0]["group"], names[0]["version"], names[0]["kind"]]
    elif names:
        found["everywhere"] = names[0]["kind"]
    return found


def compact(schema: JsonObject) -> JsonObject:
    """One schema without descriptions, with references as plain names; keys sorted."""
    found: JsonObject = {}
    for key, value in sorted(schema.items()):
        if key == "properties":
            found[key] = {name: compact(each) for name, each in sorted(value.items())}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = compact(value)
        elif key == "allOf":
            (reference,) = value
            found["$ref"] = reference["$ref"].removeprefix(_REFERENCE)
        elif key == "$ref":
            found[key] = value.removeprefix(_REFERENCE)
        elif key != "description":
            found[key] = value
    return found


def fetcher(server: str, ca: str, token: str) -> Fetch:
    """Read JSON documents from a server over HTTPS with a bearer token."""
    address = urllib.parse.urlsplit(server)
    connection = http.client.HTTPSConnection(
        address.netloc, timeout=_TIMEOUT, context=ssl.create_default_context(cafile=ca)
    )

    def fetch(path: str) -> JsonObject:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise SystemExit(f"GET {path}: {response.status} {body.decode(errors='replace')}")
        found: JsonObject = json.loads(body)
        return found

    return fetch


def main(arguments: list[str] | None = None) -> int:
    """Write the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--server", required=True, help="URL of an API server")
    parser.add_argument("--ca", required=True, help="file with the authority of its certificate")
    parser.add_argument("--token-file", required=True, type=Path, help="file with a bearer token")
    parser.add_argument("--go-modules", required=True, type=Path, help="folder with api@v0.37.2 and its like")
    parser.add_argument("--output", type=Path, default=TABLE)
    given = parser.parse_args(arguments)
    found = table(fetcher(given.server, given.ca, given.token_file.read_text().strip()), given.go_modules)
    given.output.write_text(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
