"""What is in Git: applications in which each way to change an object has an object of its own."""

from __future__ import annotations

import base64
import random
from typing import Any

import yaml

from tests.cluster.test_drift_verdicts import CASES
from tests.cluster.world import World

ENVIRONMENTS = "environments"
CRASHING = "registry.example/web:6.6.6-crash-loop"
_WAVES: list[dict[str, Any]] = [
    {"name": "canary", "clusterSelector": {"matchLabels": {"ring": "canary"}}, "soak": "2s"},
    {"name": "rest"},
]


class Shop:
    """The repository's files. Files are written by one hand only: `commit` after `commit`."""

    def __init__(self, world: World, applications: int) -> None:
        self._world = world
        self.applications = tuple(f"app-{index}" for index in range(applications))

    def open(self) -> str:
        """Push everything for the first time; return the commit."""
        waves: list[dict[str, Any]] = [{**wave, "progressDeadline": "10m"} for wave in _WAVES]
        files: dict[str, str | None] = {
            **self._world.clusters(),
            **self._world.environment_file(drift="Correct", waves=waves),
        }
        for application in self.applications:
            for case in CASES:
                files |= self._file(application, case, "0")
        return self._world.people.push("Open the shop", files)

    def release(self, application: str, number: str, dice: random.Random) -> str:
        """Change a few objects, add one and remove the last one that was added."""
        _catch_up(self._world)
        changed = dice.sample(sorted(CASES), 3)
        files: dict[str, str | None] = {}
        for case in changed:
            files |= self._file(application, case, number)
        folder = self._world.people.work / ENVIRONMENTS / self._world.environment / application
        files |= {self._path(application, old.name): None for old in folder.glob("extra-*.yaml")}
        extra = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{application}-extra-{number}"},
        }
        files[self._path(application, f"extra-{number}.yaml")] = yaml.safe_dump(
            {**extra, "data": {"number": number}}
        )
        return self._world.people.push(f"Release {number} of {application}", files)

    def crash(self, application: str, number: str, dice: random.Random) -> str:
        """Give a Deployment an image that crashes."""
        case = dice.choice(
            [name for name in sorted(CASES) if CASES[name].manifest("x")["kind"] == "Deployment"]
        )
        body = self._body(application, case, number)
        body["spec"]["template"]["spec"]["containers"][0]["image"] = CRASHING
        path = self._path(application, f"{case}.yaml")
        return self._world.people.push(f"Break {application}", {path: yaml.safe_dump(body)})

    def misspell(self, application: str) -> str:
        """Add a file that is no YAML."""
        files: dict[str, str | None] = {self._path(application, "slip.yaml"): "kind: [\n"}
        return self._world.people.push(f"Slip in {application}", files)

    def correct_spelling(self, application: str) -> str:
        """Remove it again, where no revert has done so."""
        _catch_up(self._world)
        slip = self._path(application, "slip.yaml")
        there = (self._world.people.work / slip).exists()
        return self._world.people.push(f"Mend {application}", {slip: None} if there else {})

    def _file(self, application: str, case: str, number: str) -> dict[str, str | None]:
        body = self._body(application, case, number)
        return {self._path(application, f"{case}.yaml"): yaml.safe_dump(body)}

    def _path(self, application: str, file: str) -> str:
        return self._world.path(application, file)

    @staticmethod
    def _body(application: str, case: str, number: str) -> dict[str, Any]:
        body = CASES[case].manifest(f"{application}-{case}")
        body["metadata"].setdefault("annotations", {})["release"] = number
        if body["kind"] == "ConfigMap":
            body["data"]["release"] = number
        if body["kind"] == "Deployment":
            body["spec"]["template"]["metadata"]["annotations"] = {"release": number}
        return body


def wanted(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    """What the branch's head says should be on every cluster, by kind and name; read by our own means."""
    _catch_up(world)
    found = {}
    for file in sorted((world.people.work / ENVIRONMENTS / world.environment).glob("*/*.yaml")):
        for body in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            texts = body.pop("stringData", None)
            if texts:
                body["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
            found[body["kind"], body["metadata"]["name"]] = body
    return found


def _catch_up(world: World) -> None:
    """Have the branch's head in the work tree, and nothing else."""
    people = world.people
    people.git("fetch", "--quiet", "origin", "main")
    people.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    people.git("clean", "--quiet", "--force", "-d")
