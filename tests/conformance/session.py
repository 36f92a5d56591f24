"""Runs the steps of one case against one server and returns what is to be compared."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.conformance.answers import at, printed, settled, shown
from tests.conformance.case_files import body_of, filled, objects, path_of
from tests.conformance.client import Client, Reply, Server, Watch

_JSON = "application/json"
_PATCHES = {
    "APPLY": "application/apply-patch+yaml",
    "MERGE": "application/merge-patch+json",
    "STRATEGIC": "application/strategic-merge-patch+json",
    "JSON": "application/json-patch+json",
}
_PATIENCE = 30.0
_PAUSES = (0.002, 0.03)  # at first and at most; most of what is waited for is there almost at once
_SUCCESS = range(200, 300)
_WIDGETS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Session:
    """One case's namespace on one server. Leaving it asks for the namespace's deletion."""

    def __init__(self, server: Server, kubectl: Path | None = None, folder: Path | None = None) -> None:
        self._server = server
        self._kubectl = kubectl
        self._folder = folder
        self._client = Client(server.url, server.ca_file)
        self._objects = objects()
        self._watch: Watch | None = None
        self.namespace = f"case-{secrets.token_hex(4)}"
        self._variables = {"ns": self.namespace}

    def __enter__(self) -> Self:
        self._must("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        # Without it no Pod is admitted; a controller makes it.
        self._until(f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default", {}, 200)
        return self

    def __exit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.close()
        self._send("DELETE", f"/api/v1/namespaces/{self.namespace}", None, self._headers({}))
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def prepare(self, step: dict[str, Any]) -> None:
        """Take a step that only prepares; raises `AssertionError` when the server refuses it."""
        reply = self._reply(step)
        assert reply.code == 0 or reply.code in _SUCCESS, f"{step['do']}: {reply.code}: {reply.body}"
        self._save(step, reply)

    def take(self, step: dict[str, Any]) -> dict[str, Any]:
        """Take a step; return `expect`, `answer` and `warnings`, with what varies in brackets."""
        reply = self._reply(step)
        self._save(step, reply)
        outcome: dict[str, Any] = {"expect": reply.code}
        if step.get("show") != "nothing":
            refused = reply.code not in _SUCCESS and not step["do"].startswith("KUBECTL")
            answer = settled(shown(reply.body, step.get("refused" if refused else "show")), self.namespace)
            if refused and isinstance(answer, dict) and answer.get("code") == reply.code:
                del answer["code"]
            outcome["answer"] = _in_order(answer) if step.get("sort") else answer
        if reply.warnings:
            outcome["warnings"] = settled(list(reply.warnings), self.namespace)
        return outcome

    def _reply(self, step: dict[str, Any]) -> Reply:
        verb, _, rest = step["do"].partition(" ")
        path = path_of(rest, self._variables)
        if verb == "KUBECTL":
            return self._run(path, step)
        headers = self._headers(step)
        if verb == "UNTIL":
            return self._until(path, headers, filled(step["until"], self._variables))
        if verb == "READ":
            assert self._watch is not None, "READ without OPEN"
            return self._watch.read(step["events"])
        if verb == "OPEN":
            self._watch = self._client.watch(path, headers)
            return Reply(self._watch.code, None)
        if verb == "WATCH":
            with self._client.watch(path, headers) as watch:
                return watch.read(step["events"])
        content_type = step.get("type") or _PATCHES.get(verb) or _JSON
        body = self._body(step)
        if body is not None:
            headers = {"Content-Type": content_type} | headers
        return self._send("PATCH" if verb in _PATCHES else verb, path, body, headers)

    def _body(self, step: dict[str, Any]) -> bytes | None:
        if "text" in step:
            text: str = filled(step["text"], self._variables)
            return text.encode() * int(step.get("times", 1))
        if "body" in step:
            return json.dumps(filled(body_of(step["body"], self._objects), self._variables)).encode()
        return None

    def _headers(self, step: Mapping[str, Any]) -> dict[str, str]:
        tokens = {
            "admin": self._server.token,
            "limited": self._server.limited_token,
            "stranger": "nobody-knows-this",
        }
        headers = {"Accept": step.get("accept", _JSON), "User-Agent": "conformance"}
        if token := tokens.get(step.get("user", "admin")):
            headers["Authorization"] = f"Bearer {token}"
        extra: dict[str, str] = filled(step.get("headers", {}), self._variables)
        return headers | extra

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        return self._client.send(method, path, body, headers)

    def _must(self, method: str, path: str, body: Any) -> Reply:
        headers = self._headers({}) | {"Content-Type": _JSON}
        reply = self._send(method, path, json.dumps(body).encode(), headers)
        assert reply.code in _SUCCESS, f"{method} {path}: {reply.code}: {reply.body}"
        return reply

    def _until(self, path: str, headers: Mapping[str, str], wanted: dict[str, Any] | int) -> Reply:
        """Repeat a GET until it is as wanted; raises `AssertionError` with what was seen last."""
        headers = headers or self._headers({})
        deadline = time.monotonic() + _PATIENCE
        pause, longest = _PAUSES
        while True:
            reply = self._send("GET", path, None, headers)
            if isinstance(wanted, int):
                done = reply.code == wanted
            else:
                done = all(_is(at(reply.body, each), value) for each, value in wanted.items())
            if done:
                return reply
            assert time.monotonic() < deadline, f"GET {path} is not {wanted} but {reply.code}: {reply.body}"
            time.sleep(pause)
            pause = min(2 * pause, longest)

    def _run(self, arguments: str, step: dict[str, Any]) -> Reply:
        """Run kubectl; its exit code is the status, what it printed the body."""
        assert self._kubectl is not None, "this session has no kubectl"
        assert self._folder is not None
        config = self._server.write_kubeconfig(self._folder / f"{self.namespace}.kubeconfig")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "KUBECONFIG": str(config)}
        environment |= filled(step.get("environment", {}), self._variables)
        body = self._body(step)
        done = subprocess.run(
            [self._kubectl, "-n", self.namespace, *shlex.split(arguments)],
            input=body or b"",
            capture_output=True,
            env=environment,
            cwd=self._folder,
            timeout=2 * _PATIENCE,
            check=False,
        )
        text = (done.stdout + done.stderr).decode().rstrip("\n")
        return Reply(done.returncode, printed(text, self.namespace))

    def keep(self, **values: str) -> None:
        """Give names to values, as `save` does."""
        self._variables.update(values)

    def _save(self, step: dict[str, Any], reply: Reply) -> None:
        for name, path in step.get("save", {}).items():
            if (found := at(reply.body, path)) is not None:
                self._variables[name] = str(found)


def install(server: Server) -> None:
    """Give `server` what every case may use: the custom resource `widgets.conformance.example.com`."""
    session = Session(server)
    widget = objects()["widget-definition"]
    session._must("POST", _WIDGETS, widget)
    path = "/apis/conformance.example.com/v1/widgets"
    session._until(path, {}, 200)
    session.close()


def _is(found: Any, wanted: Any) -> bool:
    """Compare; `present` and `absent` ask only whether there is something."""
    if wanted == "present":
        return found is not None
    if wanted == "absent":
        return found is None
    return bool(found == wanted)


def _in_order(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_in_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {name: _in_order(item) for name, item in value.items()}
    return value
