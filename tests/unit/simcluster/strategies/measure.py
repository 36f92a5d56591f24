"""Ask a real API server what it makes of the cases, and keep its answers: `cases/<family>.json`.

    python -m tests.unit.simcluster.strategies.measure [family…]

A case in `cases/<family>.yaml` has an `object`, which is created (dry-run), or is created for good and then
gets each of its `changes`, merge patches sent with dryRun, `status` ones to that subresource. Only etcd and
the API server run: no controller changes anything meanwhile.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import sys
import urllib.parse
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import yaml

from tests.cluster.rig import binaries
from tests.cluster.rig.control_plane import ControlPlane

CASES = Path(__file__).parent / "cases"
JsonObject = dict[str, Any]
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
_SERVERS_OWN = ("resourceVersion", "creationTimestamp", "managedFields", "uid", "selfLink")
_ACCESS = re.compile(r"kube-api-access-[a-z0-9]{5}")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOWEST_NODE_PORT = 30000
_CHOSEN = "chosen by the server"
NAMESPACE = "default"


def load(family: str) -> list[JsonObject]:
    """Return the cases of a family as they are written, with defaults filled in."""
    loaded: list[JsonObject] = yaml.safe_load((CASES / f"{family}.yaml").read_text())
    return loaded


def families() -> list[str]:
    """Return the names of all families."""
    return sorted(path.stem for path in CASES.glob("*.yaml"))


def _plain(text: str) -> str:
    return _ACCESS.sub("kube-api-access-<suffix>", _UID.sub("a-uid", text))


def normal(answer: JsonObject, given: JsonObject) -> JsonObject:
    """Return an answer without what is different each time."""
    read: JsonObject = json.loads(_plain(json.dumps(answer)))
    for field in _SERVERS_OWN:
        read.get("metadata", {}).pop(field, None)
    if read.get("kind") == "Service":
        _normal_addresses(read["spec"], given.get("spec", {}))
    return read


def _normal_addresses(spec: JsonObject, given: JsonObject) -> None:
    """Hide addresses that nobody asked for."""
    if spec.get("clusterIP", "").startswith("10.") and not given.get("clusterIP"):
        spec["clusterIP"] = _CHOSEN
        spec["clusterIPs"] = [_CHOSEN]
    asked = {port.get("nodePort") for port in given.get("ports", ())}
    for port in spec.get("ports", ()):
        if port.get("nodePort", 0) >= _LOWEST_NODE_PORT and port["nodePort"] not in asked:
            port["nodePort"] = _CHOSEN
    if spec.get("healthCheckNodePort") and "healthCheckNodePort" not in given:
        spec["healthCheckNodePort"] = _CHOSEN


def summary(code: int, body: JsonObject, warnings: list[str], given: JsonObject) -> JsonObject:
    """Return what is kept of an answer."""
    kept: JsonObject = {"code": code}
    if code < http.client.BAD_REQUEST:
        kept["object"] = normal(body, given)
    else:
        kept["message"] = _plain(body["message"])
        kept["causes"] = [
            [cause.get("field", ""), cause.get("reason", ""), _plain(cause["message"])]
            for cause in body.get("details", {}).get("causes", ())
        ]
    if warnings:
        kept["warnings"] = warnings
    return kept


class Server:
    """A real API server, for as long as the block runs."""

    def __init__(self) -> None:
        self._plane = ControlPlane("measure", binaries.ensure())
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def __enter__(self) -> Self:
        """Start etcd and the API server."""
        try:
            self._plane.start_store()
            self._plane.wait_apiserver()
            for _ in range(50):
                code, _body, _ = self.send("GET", f"/api/v1/namespaces/{NAMESPACE}")
                if code == http.client.OK:
                    break
            account = {"metadata": {"name": "default"}}
            self.send("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)
        except BaseException:
            self._plane.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self._plane.stop()

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, JsonObject, list[str]]:
        """Return the code, the body and the warnings of an answer."""
        address = urllib.parse.urlsplit(self._plane.url)
        context = ssl.create_default_context(cafile=str(self._plane.ca_file))
        connection = http.client.HTTPSConnection(address.netloc, timeout=20, context=context)
        headers = {"Authorization": f"Bearer {self._plane.token}", "Content-Type": content_type}
        with closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
            warnings = [
                each.replace('\\"', '"')
                for each in _WARNING.findall(", ".join(response.headers.get_all("Warning", [])))
            ]
        try:
            return response.status, json.loads(text), warnings
        except json.JSONDecodeError:
            return response.status, {"message": text}, warnings

    def path(self, obj: JsonObject) -> tuple[str, bool]:
        """Return the collection of an object's kind and whether it is namespaced."""
        version, kind = obj["apiVersion"], obj["kind"]
        if (version, kind) not in self._paths:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in self.send("GET", root)[1]["resources"]:
                if "/" not in resource["name"]:
                    namespace = f"/namespaces/{NAMESPACE}" if resource["namespaced"] else ""
                    found = (f"{root}{namespace}/{resource['name']}", resource["namespaced"])
                    self._paths[version, resource["kind"]] = found
        return self._paths[version, kind]

    def measure(self, case: JsonObject) -> JsonObject:
        """Return what the server answers to a case."""
        obj = case["object"]
        path, _ = self.path(obj)
        for other in case.get("before", ()):
            self.send("POST", self.path(other)[0], other)
        stored = bool(case.get("changes") or case.get("stored"))
        dry = "" if stored else "?dryRun=All"
        answered = summary(*self.send("POST", path + dry, obj), obj)
        if case.get("changes") and "object" in answered:
            own = f"{path}/{answered['object']['metadata']['name']}"
            answered["changes"] = [self._change(own, change) for change in case["changes"]]
        if stored and "object" in answered:
            own = f"{path}/{answered['object']['metadata']['name']}"
            self.send("DELETE", own, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
        for other in case.get("before", ()):
            self.send("DELETE", f"{self.path(other)[0]}/{other['metadata']['name']}")
        return answered

    def _change(self, own: str, change: JsonObject) -> JsonObject:
        subresource = "/status" if "status" in change and change.get("subresource") else ""
        patch = {key: value for key, value in change.items() if key != "subresource"}
        path = f"{own}{subresource}?dryRun=All"
        kind = "application/merge-patch+json"
        return summary(*self.send("PATCH", path, patch, kind), patch)


def main(chosen: list[str]) -> None:
    """Measure the chosen families, or all."""
    with Server() as server:
        for family in chosen or families():
            answers = {case["name"]: server.measure(case) for case in load(family)}
            lines = (
                f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in answers.items()
            )
            text = ",\n".join(lines)
            (CASES / f"{family}.json").write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
