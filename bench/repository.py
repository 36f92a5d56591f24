"""A repository of many files: from nothing, from a restart, from a commit to a plan; and Git's part of it.

`python -m bench.repository` does small sizes in less than a minute; `--full` adds 100,000 files, in minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from bench.generated import BASE, Generated, Size, application_folder, base_config, config_map
from bench.measure import Cost, collections, measured
from controllers.adapters.git import Mirror, Remote, tree
from controllers.adapters.git.listing import raw_tree
from controllers.cache import DiskCache
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.wishes import Wishes
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.plan import TargetView, make
from gitops.rollout.desired import Wish
from gitops.rollout.state import ApplicationState, EnvironmentState, Good

SMALL = (Size(20, 25, users=1), Size(200, 25, users=1))
FULL = Size(2000, 25, users=20)
COMMITS = 30
BUILT_COMMITS = 5
# As many environments are read side by side as asyncio has worker threads on two processors.
THREADS = 6
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")


class Follower:
    """What a controller keeps of a repository: its mirror, and what every environment wants."""

    def __init__(self, folder: Path, generated: Generated) -> None:
        self.remote = Remote(url=str(generated.path), branch="main")
        self.folder = folder / "mirror.git"
        self.mirror = Mirror.open(self.folder, self.remote)
        self.names = [f"env-{number}" for number in range(generated.size.environments)]
        self.states: dict[str, EnvironmentState] = dict.fromkeys(self.names, EnvironmentState())
        self._forget()

    def restart(self) -> float:
        """Go on as another process, from the mirror and the records; how long it took to open the mirror."""
        self.mirror.close()
        started = time.perf_counter()
        self.mirror = Mirror.open(self.folder, self.remote)
        taken = time.perf_counter() - started
        self._forget()
        return taken

    def _forget(self) -> None:
        cache = DiskCache(self.folder.with_name("renders"), 256 << 20)
        self.revisions = Revisions(self.mirror, Renders(cache=cache))
        clusters, secrets = Clusters({}), KnownSecrets()
        self.errands = {name: Errands(name, self.revisions, clusters, secrets) for name in self.names}
        self.wishes = {name: Wishes(name, self.revisions, self.errands[name]) for name in self.names}

    def read(self) -> dict[str, Wish]:
        """Fetch, and read what every environment wants; what is new is rendered."""
        head = self.mirror.fetch().head
        with ThreadPoolExecutor(THREADS) as threads:
            found = threads.map(lambda name: self.wishes[name].read(head, self.states[name]), self.names)
            return dict(zip(self.names, found, strict=True))

    def settle(self, wishes: Mapping[str, Wish]) -> None:
        """Take everything that is wanted for rolled out."""
        for name, wanted in wishes.items():
            if wanted.problems:
                raise RuntimeError(str(wanted.problems))
            self.states[name] = EnvironmentState(
                observed=wanted.revision,
                applications={
                    application: ApplicationState(
                        good=Good(revision=wanted.revision, digest=desired.digest, at=_AT)
                    )
                    for application, desired in wanted.desired.items()
                },
            )


def run(*, full: bool = False) -> dict[str, Any]:
    """All figures of this module, and how a one-file commit grows from the size before to the largest."""
    sizes = (*SMALL, FULL) if full else SMALL
    figures = {f"{size.files}_files": _of_size(size) for size in sizes}
    small, large = list(figures.values())[-2:]
    growth = {
        "files": [size.files for size in sizes[-2:]],
        "to_plan": _ratio(small, large, "to_plan_milliseconds"),
        "cpu": _ratio(small, large, "cpu_milliseconds"),
    }
    return {**figures, "one_file_commit_growth": growth}


def _ratio(small: dict[str, Any], large: dict[str, Any], figure: str) -> float:
    before, after = (float(one["one_file_commit"][figure]["median"]) for one in (small, large))
    return round(after / before, 2)


def _of_size(size: Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gitops-waves-bench-") as folder:
        generated = Generated(Path(folder, "people.git"), size)
        follower = Follower(Path(folder), generated)
        git: dict[str, Any] = {"first_fetch_seconds": _seconds(follower.mirror.fetch)}
        with measured() as cold:
            wishes = follower.read()
        follower.settle(wishes)
        del wishes
        with measured() as warm:
            opening = follower.restart()
            follower.read()
        git["open_milliseconds"] = _milliseconds([opening])
        git["fetch_of_nothing_milliseconds"] = _milliseconds(
            [_seconds(follower.mirror.fetch) for _ in range(COMMITS)]
        )
        git |= _git(generated, follower)
        follower.settle(follower.read())
        return {
            "applications": size.applications * size.environments,
            "of_these_built_by_kustomize": size.users * size.environments,
            "git": git,
            "first_start_cold_and_everything_rendered": cold.as_json(),
            "first_start_warm": warm.as_json(),
            "one_file_commit": _one_file_commits(generated, follower),
            "one_file_commit_to_a_kustomization": _built_commits(generated, follower),
            "commit_to_a_shared_base": _base_commit(generated, follower),
        }


def _git(generated: Generated, follower: Follower) -> dict[str, Any]:
    """What Git takes of a one-file commit."""
    fetches, differences = [], []
    for number in range(COMMITS):
        before = generated.head
        _commit(generated, number, "git")
        fetches.append(_seconds(follower.mirror.fetch))
        differences.append(_seconds(partial(follower.mirror.changed_paths, before, generated.head)))
    return {
        "fetch_of_a_one_file_commit_milliseconds": _milliseconds(fetches),
        "changed_paths_milliseconds": _milliseconds(differences),
    }


def _one_file_commits(generated: Generated, follower: Follower) -> dict[str, Any]:
    """From a commit to the plans of all targets of the environment that it changes; then the others."""
    steps: dict[str, list[float]] = {}
    listed: list[int] = []
    totals: list[float] = []
    others: list[float] = []
    costs: list[Cost] = []
    with collections() as pauses:
        for number in range(COMMITS):
            environment, application = _commit(generated, number, "plan")
            with measured() as cost, patch(f"{tree.__name__}.raw_tree", wraps=raw_tree) as listings:
                totals.append(_to_plan(follower, steps, environment, application))
            listed.append(listings.call_count)
            costs.append(cost)
            others.append(_seconds(follower.read))
    return {
        "to_plan_milliseconds": _milliseconds(totals),
        "cpu_milliseconds": _milliseconds([cost.cpu_seconds for cost in costs]),
        "of_that_milliseconds": {step: _milliseconds(times) for step, times in steps.items()},
        "then_all_other_environments_milliseconds": _milliseconds(others),
        "trees_listed_for_the_catalog": max(listed),
        "longest_garbage_collection_milliseconds": round(1000 * max(pauses, default=0.0), 2),
        "peak_mib": round(max(cost.peak_mib for cost in costs), 1),
    }


def _to_plan(follower: Follower, steps: dict[str, list[float]], environment: int, application: str) -> float:
    """Go from a commit to the plans of all targets, note how long each step took, and give the sum."""
    name = f"env-{environment}"
    head = _step(steps, "fetch", follower.mirror.fetch).head
    _step(steps, "catalog", partial(follower.revisions.catalog, head))
    read = partial(follower.wishes[name].read, head, follower.states[name])
    wanted = _step(steps, "wish_and_render", read)
    plans = _plans(follower.errands[name], application, wanted)
    planned = _step(steps, "plans", partial(asyncio.run, plans))
    assert planned == len(wanted.targets)
    return sum(times[-1] for times in steps.values())


def _built_commits(generated: Generated, follower: Follower) -> dict[str, Any]:
    """As `_one_file_commits`, to applications that a tool builds."""
    totals: list[float] = []
    for number in range(BUILT_COMMITS):
        environment = number % generated.size.environments
        path = f"{application_folder(environment, 0)}/config.yaml"
        generated.commit({path: config_map(environment, 0, f"built-{number}")})
        totals.append(_to_plan(follower, {}, environment, "app-0000"))
    follower.read()
    return {"to_plan_milliseconds": _milliseconds(totals)}


def _base_commit(generated: Generated, follower: Follower) -> dict[str, Any]:
    """From a commit to all rendered that it changes; then again, in a process that has just started."""
    before = _digests(follower.read())
    generated.commit({f"{BASE}/config.yaml": base_config("2")})
    with measured() as first:
        wishes = follower.read()
    changed = sum(digest != before[place] for place, digest in _digests(wishes).items())
    assert changed == generated.size.users * generated.size.environments
    assert not any(wanted.problems for wanted in wishes.values())
    with measured() as again:
        follower.restart()
        follower.read()
    return {
        "applications_that_use_it": changed,
        "to_all_rendered": first.as_json(),
        "after_a_restart": again.as_json(),
    }


def _digests(wishes: Mapping[str, Wish]) -> dict[tuple[str, str], str]:
    return {
        (name, application): desired.digest
        for name, wanted in wishes.items()
        for application, desired in wanted.desired.items()
    }


async def _plans(errands: Errands, application: str, wanted: Wish) -> int:
    """Plan every target as it would look before anything is there; return how many."""
    done = 0
    for target in sorted(wanted.desired[application].targets):
        errand = await errands.prepare(application, target, wanted.revision)
        plan = make(errand.wanted, TargetView(lambda _version, _kind: True), errand.policy)
        assert not plan.refusals
        done += 1
    return done


def _commit(generated: Generated, number: int, purpose: str) -> tuple[int, str]:
    """Change one file of one application; say which."""
    environment = (7 * number) % generated.size.environments
    plain = generated.size.applications - generated.size.users
    application = generated.size.users + (11 * number) % plain
    path = f"{application_folder(environment, application)}/config.yaml"
    generated.commit({path: config_map(environment, application, f"{purpose}-{number}")})
    return environment, f"app-{application:04}"


def _step(steps: dict[str, list[float]], name: str, do: Callable[[], _T]) -> _T:
    started = time.perf_counter()
    done = do()
    steps.setdefault(name, []).append(time.perf_counter() - started)
    return done


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return round(time.perf_counter() - started, 6)


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(1000 * statistics.median(seconds), 2),
        "worst": round(1000 * max(seconds), 2),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100,000 files too")
    print(json.dumps(run(full=parser.parse_args().full), indent=2))


if __name__ == "__main__":
    main()
