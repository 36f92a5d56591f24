"""The controller as a process that kills itself, many times over: `python -m tests.cluster.killed`.

Each line on stdin, `CONFIG N OUTPUT` with tabs between them, runs it once, in a process that shares nothing
with other runs but the modules that were imported before any; the answer is a line with its exit code,
negative for a signal. It does what is due and ends, like `gitops run --once`, unless it gets to its N-th
action before: then it sends itself SIGKILL right after that. An action is whatever changes the world outside
the process: a write to a cluster, a record, a push. Each is named in the file OUTPUT, and so is every object
that a deletion found. N of 0 never kills.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import yaml

import controllers.adapters.kube.authentication  # noqa: F401 - imported late: once, and not by each process
from controllers.adapters.git import Mirror
from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.wire import RequestSeen
from controllers.main import Fleet
from controllers.rollout.recorder import Recorder
from gitops.model.controller import Controller

WRITES = ("apply", "create", "update", "delete")


class Fuse:
    """Counts actions, and ends the process at the chosen one."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._count = 0

    def acted(self, what: str) -> None:
        """Count one."""
        self._count += 1
        sys.stdout.write(f"{self._count} {what}\n")
        sys.stdout.flush()
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the controller for each line."""
    for line in sys.stdin:
        config, at, output = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            _end_as(config, int(at), output)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _end_as(config: str, at: int, output: str) -> None:
    code = 1
    try:
        with Path(output).open("wb") as file:
            os.dup2(file.fileno(), sys.stdout.fileno())
            os.dup2(file.fileno(), sys.stderr.fileno())
        code = run(config, at)
    except BaseException:  # noqa: BLE001 - the test shows the output
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(path: str, at: int) -> int:
    """Run once; 0 when everything is as Git says."""
    fuse = Fuse(at)
    _after(Mirror, "push_branch", fuse)
    _after(Mirror, "push_audit", fuse)
    append = Recorder.append

    @wraps(append)
    async def counted(self: Recorder, environment: str, events: Any, *rest: Any) -> str:
        commit = await append(self, environment, events, *rest)
        fuse.acted("record " + " ".join(event.type for event in events))
        return commit

    setattr(Recorder, "append", counted)  # noqa: B010 - a method for all instances, unknown to the type
    _name_deletions()
    fleet = Fleet(Controller.model_validate(yaml.safe_load(Path(path).read_text())))
    told: Callable[[str, RequestSeen], None] = fleet.clusters._on_request

    def seen(cluster: str, request: RequestSeen) -> None:
        told(cluster, request)
        if request.verb in WRITES and not request.dry_run:
            fuse.acted(f"{request.verb} {request.resource} {request.code}")

    fleet.clusters._on_request = seen
    return 0 if asyncio.run(fleet.run(once=True)) else 3


def _name_deletions() -> None:
    delete = KubeClient.delete

    @wraps(delete)
    async def named(self: KubeClient, resource: Any, name: str, *place: str, **options: Any) -> bool:
        done = await delete(self, resource, name, *place, **options)
        if done and not options.get("dry_run"):
            sys.stdout.write(f"deleted {self.name} {resource.kind}/{name}\n")
        return done

    setattr(KubeClient, "delete", named)  # noqa: B010 - a method for all instances, unknown to the type


def _after(owner: type[Any], name: str, fuse: Fuse) -> None:
    method = getattr(owner, name)

    @wraps(method)
    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        result = method(self, *arguments, **options)
        fuse.acted(name)
        return result

    setattr(owner, name, counted)


if __name__ == "__main__":
    main()
