"""Canary values of Secrets appear nowhere but in the cluster and in the commits that people made."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers import logs
from controllers.main import Fleet
from gitops.rollout import events as e
from tests.cluster.world import World, config_map, deployment

AUDIT = "refs/gitops/environments/production"


@dataclass(slots=True)
class Canaries:
    """Values that nobody else has, by what they were used for."""

    values: dict[str, str] = field(default_factory=dict)

    def text(self, use: str) -> str:
        """A new value for `use`."""
        return self.values.setdefault(use, f"canary-{secrets.token_hex(12)}")

    def number(self, use: str) -> int:
        """A new value for `use`, of 17 digits."""
        return int(self.values.setdefault(use, str(10**16 + secrets.randbelow(9 * 10**16))))

    def found_in(self, text: str) -> list[str]:
        """The uses whose value stands in `text`, as it is or in base64."""
        return [use for use, value in self.values.items() if any(form in text for form in _forms(value))]


def _forms(value: str) -> tuple[str, ...]:
    encoded = base64.b64encode(value.encode()).decode()
    return value, encoded, encoded.rstrip("="), base64.b64encode(encoded.encode()).decode()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at DEBUG; pytest's own handlers come back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@contextlib.asynccontextmanager
async def running(world: World, log: io.StringIO) -> AsyncIterator[str]:
    """The controller as `gitops run` starts it; gives its address."""
    known = logs.configure("text", "DEBUG", stream=log)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    world.fleet = Fleet(world.config(), [world.seen], known)
    task = asyncio.create_task(world.fleet.run(ready=address.set_result))
    try:
        yield await address
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def secret(name: str, **fields: Any) -> str:
    """A Secret as YAML."""
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields})


def with_password(image: str, value: Any) -> str:
    """A Deployment with a password in a variable of its container's environment."""
    body = yaml.safe_load(deployment("web", image))
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": value}]
    return yaml.safe_dump(body)


def command(world: World, *arguments: str) -> str:
    """Run `gitops` as a person does, and return everything that it printed."""
    kubeconfig = world.planes[0].write_kubeconfig(world.folder / "cli.kubeconfig")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("gitops")), *arguments, "--repo", str(world.people.remote)]
        + (["--kubeconfig", str(kubeconfig)] if arguments[0] in ("diff", "plan") else []),
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def recorded(world: World) -> str:
    """Everything that is reachable from our refs and not from the branch: commits, trees, blobs."""
    git = world.people.git
    listed = git("rev-list", "--objects", AUDIT, "--not", "main", at=world.people.remote)
    found = [line.split()[0] for line in listed.splitlines()]
    return "\n".join(git("cat-file", "-p", oid, at=world.people.remote) for oid in found)


def fetched(address: str, path: str) -> str:
    """What the web server answers."""
    with urllib.request.urlopen(f"{address}{path}") as answer:
        return str(answer.read().decode())


async def served(address: str) -> dict[str, str]:
    """Every page of the web server."""
    paths = (
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/v1/environments",
        "/api/v1/environments/production/waits",
    )
    return {path: await asyncio.to_thread(fetched, address, path) for path in paths}


def kept(world: World) -> dict[str, str]:
    """What the controller keeps: inventories, and its state folder but for Git's objects."""
    path = f"/api/v1/namespaces/{world.namespace}/configmaps"
    state = world.folder / "state"
    files = [one for one in sorted(state.rglob("*")) if one.is_file() and "objects" not in one.parts]
    stored = world.planes[0].api.get(path)["items"]
    return {
        "inventory": json.dumps([body for body in stored if body["metadata"]["name"] != "other"]),
        **{str(file): file.read_bytes().decode(errors="replace") for file in files},
    }


def said(world: World) -> dict[str, str]:
    """Events, states, sentences and errors, as text and as repr."""
    fleet = world.fleet
    assert fleet is not None
    waits = fleet.waits("production") or ()
    return {
        "events": "\n".join(f"{event.model_dump_json()} {event!r}" for event in world.seen.events),
        "state": "\n".join(f"{state.model_dump_json()} {state!r}" for state in world.seen.state.values()),
        "waits": "\n".join(f"{wait} {wait!r}" for wait in waits),
        "errors": " ".join(one.error for one in fleet.repositories),
        "reprs": f"{fleet.secrets!r} {[one.loops for one in fleet.repositories]!r}",
    }


async def test_no_secret_leaves_the_cluster(world: World, log: io.StringIO) -> None:
    """Neither when all goes well, nor when the API server, a renderer or a crash has something to say."""
    canary = Canaries()
    first = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(onFailure={"push": "Commit"}, drift="Report"),
            world.path("web", "plain.yaml"): secret(
                "plain", stringData={"password": canary.text("stringData")}, immutable=True
            ),
            world.path("web", "encoded.yaml"): secret(
                "encoded", data={"password": base64.b64encode(canary.text("data").encode()).decode()}
            ),
            world.path("web", "web.yaml"): with_password("registry.example/web:1.0", canary.text("env")),
            world.path("other", "map.yaml"): config_map("other", address="postgres://h"),
        },
    )
    seen: dict[str, str] = {}
    async with running(world, log) as address:
        await world.succeeded(first, "web")
        live = json.dumps(world.planes[0].api.get(f"/api/v1/namespaces/{world.namespace}/secrets"))
        assert sorted(canary.found_in(live)) == ["data", "stringData"]

        await world.succeeded(first, "other")
        repeated = {"data": {"address": f"postgres://u:{canary.text('stringData')}@h"}}
        world.planes[0].api.patch(f"/api/v1/namespaces/{world.namespace}/configmaps/other", repeated)
        await world.until(lambda: world.seen.of(e.DriftFound), "what somebody wrote")
        seen["diff"] = await asyncio.to_thread(command, world, "diff", "production", "-o", "json")

        rejected = world.people.push("Everything that an API server may quote", _rejected(world, canary))
        seen["plan"] = await asyncio.to_thread(command, world, "plan", rejected, "-o", "json")
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the API server's refusals")
        refusals = world.seen.of(e.RolloutFailed)[0].evidence
        by_the_server = [refusal for refusal in refusals if "cluster-1: " in refusal]
        assert len(by_the_server) == 5, refusals
        seen["revert of refusals"] = world.people.message(world.people.head())
        assert f"Gitops-Reverts: {rejected}" in seen["revert of refusals"]

        crashing = with_password("registry.example/web:2.0-crash-loop", canary.text("env of a crash"))
        crashed = world.people.push(
            "Crash",
            {
                world.path("web", "web.yaml"): crashing,
                world.path("web", "encoded.yaml"): secret(
                    "encoded", stringData={"password": canary.text("of a crash")}
                ),
            },
        )
        seen["plan with differences"] = await asyncio.to_thread(command, world, "plan", crashed)
        await world.until(lambda: len(world.seen.of(e.RolloutReverted)) == 2, "the crash's revert")
        seen["revert of a crash"] = world.people.message(world.people.head())

        for number, (file, text) in enumerate(_unreadable(world, canary)):
            world.people.push(f"Unreadable {number}", {file: text})
            await world.told("web cannot be rolled out as it is written")
            seen[f"sentence {number}"] = said(world)["waits"]
            mended = world.people.push("Mend it", {file: None})
            await world.looked_at(mended)

        seen |= said(world) | await served(address)
    commands = (["history", "production"], ["status"], ["explain", "production"], ["audit", "verify"])
    printed = await asyncio.gather(*(asyncio.to_thread(command, world, *words) for words in commands))
    seen |= {" ".join(words): text for words, text in zip(commands, printed, strict=True)}
    seen |= kept(world) | {"records": recorded(world), "log": log.getvalue()}
    assert "(redacted" in seen["plan with differences"]
    assert "postgres://u:(redacted)@h" in seen["diff"]
    assert "postgres://u:(redacted)@h" in seen["records"]
    assert "reverted" in seen["records"].lower()
    assert "Crash" in seen["revert of a crash"]
    assert len(seen["log"]) > 1000
    leaks = {place: canary.found_in(text) for place, text in seen.items()}
    quotes = {
        (place, use): _around(seen[place], canary.values[use])
        for place, uses in leaks.items()
        for use in uses
    }
    assert quotes == {}
    branch = world.people.git("log", "--patch", "main", at=world.people.remote)
    assert set(canary.found_in(branch)) == set(canary.values)


def _around(text: str, value: str) -> str:
    form = next(form for form in _forms(value) if form in text)
    at = text.index(form)
    return text[max(0, at - 150) : at + 60]


def _rejected(world: World, canary: Canaries) -> dict[str, str]:
    """Five objects that the API server refuses, quoting what is wrong where it likes."""
    return {
        world.path("web", "plain.yaml"): secret(
            "plain", stringData={"password": canary.text("immutable")}, immutable=True
        ),
        world.path("web", "encoded.yaml"): secret(
            "encoded", data={"password": f"!{canary.text('no base64')}"}
        ),
        world.path("web", "number.yaml"): secret("number", stringData={"pin": canary.number("number")}),
        world.path("web", "nested.yaml"): secret(
            "nested", stringData={"list": [canary.text("nested")]}, stringdata={"a": canary.text("typo")}
        ),
        world.path("web", "web.yaml"): with_password("registry.example/web:1.1", canary.number("env number")),
    }


def _unreadable(world: World, canary: Canaries) -> list[tuple[str, str]]:
    """Files that cannot be rendered, each for a reason of its own."""
    application = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web"},
    }
    patch = {
        "target": {"kind": "Secret", "name": "encoded"},
        "operations": [{"op": "test", "path": "/data/password", "value": canary.text("patch")}],
    }
    settings = world.path("web", "application.yaml")
    return [
        (
            world.path("web", "open.yaml"),
            f'kind: Secret\nstringData: {{password: "{canary.text("unclosed")}',
        ),
        (
            world.path("web", "twice.yaml"),
            secret("twice", stringData={"a": canary.text("twice")})
            + f"stringData: {{a: {canary.text('again')}}}\n",
        ),
        (world.path("web", "colon.yaml"), f"stringData:\n  a: b: {canary.text('colon')}\n"),
        (world.path("web", "tag.yaml"), f"stringData:\n  a: !vault {canary.text('tag')}\n"),
        (world.path("web", "alias.yaml"), f"stringData:\n  a: *{canary.text('alias')}\n"),
        (
            world.path("web", "variable.yaml"),
            secret("variable", stringData={"a": "${nothing}", "b": canary.text("variable")}),
        ),
        (
            settings,
            yaml.safe_dump({**application, "spec": {"variables": {"a": [canary.text("wrong type")]}}}),
        ),
        (settings, yaml.safe_dump({**application, "spec": {"patches": [patch]}})),
    ]
