"""Renders in processes of their own: the same outcome, and nothing left running."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout import trials as module
from controllers.rollout.errands import Errands
from controllers.rollout.trials import Trials
from controllers.rollout.wishes import Stopped, Wishes
from gitops.render.trial import Trial, succeeds
from gitops.rollout.desired import Wish
from gitops.rollout.state import EnvironmentState
from tests.unit.controllers.rollout.shop import Shop, config_map


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Many applications; some cannot be rendered, on some targets or on all."""
    shop = Shop(tmp_path)
    files: dict[str, str | bytes | None] = {}
    for number in range(40):
        value = {0: "${nothing}", 1: "${labels.ring}", 2: "y: [", 3: "fine"}[number % 4]
        text = config_map(f"app-{number}", value)
        files[f"environments/production/app-{number}/it.yaml"] = text
    files["environments/production/app-3/it.yaml"] = "a: {"
    shop.first = shop.commit("Add many", files)
    return shop


def errands(shop: Shop) -> Errands:
    return Errands("production", shop.revisions, Clusters({}), KnownSecrets())


def wishes(shop: Shop, trials: Trials) -> Wishes:
    return Wishes("production", shop.revisions, errands(shop), trials)


def in_one_process(shop: Shop) -> Wish:
    return wishes(shop, Trials(workers=1)).read(shop.first, EnvironmentState())


def trials_of(shop: Shop) -> list[Trial]:
    source = shop.catalog(shop.first).environments["production"]
    targets = tuple(sorted(in_one_process(shop).targets))
    found = [errands(shop).trial(name, shop.first, targets) for name in sorted(source.applications)]
    return [one for one in found if one is not None]


class Counted(Trials):
    """What was tried, and what came of it."""

    def __init__(self) -> None:
        super().__init__(workers=2, worth=10)
        self.outcomes: list[bool] = []

    def run(self, trials: Sequence[Trial], stopped: Callable[[], bool] = lambda: False) -> list[bool]:
        """Try, and take note."""
        self.outcomes = super().run(trials, stopped)
        return self.outcomes


def test_the_wish_is_the_same_with_processes_and_without(shop: Shop) -> None:
    """Problems too: their place and their words."""
    counted = Counted()
    found = wishes(shop, counted).read(shop.first, EnvironmentState())
    assert found == in_one_process(shop)
    assert found.problems
    assert {True, False} == set(counted.outcomes)
    assert multiprocessing.active_children() == []


def test_what_is_new_next_time_is_little_and_starts_no_process(shop: Shop) -> None:
    counted = Counted()
    read = wishes(shop, counted)
    read.read(shop.first, EnvironmentState())
    counted.outcomes = []
    second = shop.commit("Change", {"environments/production/app-1/it.yaml": config_map("app-1", "two")})
    assert "app-1" in read.read(second, EnvironmentState()).desired
    assert counted.outcomes == []


def test_a_trial_leaves_what_is_doubtful_to_the_controller(shop: Shop) -> None:
    """What it cannot tell from values alone, such as a file that it did not get, is no success."""
    good = next(trial for trial in trials_of(shop) if succeeds(trial))
    assert not succeeds(replace(good, contents={}))
    sealed = b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsops: {mac: x, version: y}\n"
    assert not succeeds(replace(good, contents=dict.fromkeys(good.contents, sealed)))


def test_processes_that_die_cost_nothing_but_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they did not answer is rendered here."""
    monkeypatch.setattr(module, "_tried", _die)
    counted = Counted()
    assert wishes(shop, counted).read(shop.first, EnvironmentState()) == in_one_process(shop)
    assert set(counted.outcomes) == {False}
    assert multiprocessing.active_children() == []


def _die(trials: Sequence[Trial]) -> list[bool]:
    del trials
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_stop_ends_the_processes_and_the_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what they have begun is waited for, not all that was asked."""
    monkeypatch.setattr(module, "_tried", _slow)
    monkeypatch.setattr(module, "_CHUNK", 1)
    read = wishes(shop, Trials(workers=2, worth=10))
    threading.Timer(0.5, read.stop).start()
    with pytest.raises(Stopped):
        read.read(shop.first, EnvironmentState())
    assert multiprocessing.active_children() == []


def _slow(trials: Sequence[Trial]) -> list[bool]:
    time.sleep(1)
    return [True] * len(trials)


_PARENT = """
import os, signal, sys, threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from controllers.rollout.trials import _end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, get_context("spawn"), _end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_does_not_outlive_a_controller_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    worker = int(done.stdout)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{worker}/cmdline").exists() and _running(worker):
        assert time.monotonic() < deadline, "the worker still runs"
        time.sleep(0.05)


def _running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
