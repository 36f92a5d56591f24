"""The command line as a process: streams, exit codes, signals, and how long `--help` takes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controllers.cli import open_files
from tests.unit.controllers.cli.conftest import Shop, config_map

# Who runs the tests in the background ignores SIGINT, and so would what they start.
_HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_GITOPS = [sys.executable, "-c", f"{_HEED}; from controllers.cli.app import main; main()"]
_ROOT = Path(__file__).parents[4]
_HEAVY = ("pygit2", "kubernetes", "aiohttp", "pydantic", "rich", "jinja2", "yaml", "prometheus_client")


def run(*arguments: str, cwd: Path = _ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.run(
        [*_GITOPS, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_imports_nothing_heavy(record_property: Callable[[str, object], None]) -> None:
    """That is what makes it quick; the time is told, not asserted, because machines differ."""
    code = (
        "import sys; from controllers.cli.app import app\n"
        "try: app(['--help'])\n"
        f"finally: print([name for name in {_HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    record_property("seconds", round(time.perf_counter() - start, 3))
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "allow-prune" in done.stdout


def test_usage_is_exit_code_2() -> None:
    done = run("plan")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing argument 'REV'" in done.stderr


def test_a_mistake_is_a_sentence_on_stderr(shop: Shop) -> None:
    done = run("approve", "production/wep", cwd=shop.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'error: there is no application "wep": did you mean "web"?\n'


def test_a_defect_shows_its_traceback_only_when_asked(shop: Shop) -> None:
    code = (
        "from controllers.cli import lint, app\n"
        "lint.run = lambda *_: {}['c4nary-of-secrets']\n"
        "import sys; app.app(sys.argv[1:])"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=shop.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    plain = call("lint")
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr == (
        "error: this is a defect in gitops: KeyError; the same command after `gitops --debug` shows where\n"
    )
    assert "Traceback" in call("--debug", "lint").stderr


def test_once_ends_with_3_and_says_why(shop: Shop, tmp_path: Path) -> None:
    """What cannot be rendered waits for a person; nothing else is due."""
    shop.commit(
        "Break everything",
        {
            "environments/production/web/web.yaml": "kind: [\n",
            "environments/production/api/api.yaml": "kind: [\n",
        },
    )
    done = run("run", "--once", "--state-dir", str(tmp_path / "state"), cwd=shop.path)
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "production: api cannot be rolled out as it is written",
        "production: web cannot be rolled out as it is written",
    ]
    assert "Traceback" not in done.stderr


def listening(folder: Path) -> tuple[str, ...]:
    """Make arguments for a controller that goes on, at any free port."""
    return ("run", "--state-dir", str(folder / "state"), "--listen", "127.0.0.1:0", "--log-format", "json")


@contextmanager
def started(*command: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the controller, and wait until it listens. It ends with the context at the latest."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = iter(process.stderr.readline, "")
            assert any("status and metrics at http://127.0.0.1:" in line for line in told)
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_the_controller_may_open_more_files_than_a_login_allows(shop: Shop, tmp_path: Path) -> None:
    """The shell's soft limit would not hold a wave of some hundred targets."""
    with started(
        "sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", *_GITOPS, *listening(tmp_path), cwd=shop.path
    ) as process:
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    assert soft == (open_files.ENOUGH if hard == resource.RLIM_INFINITY else min(hard, open_files.ENOUGH))
    assert soft > 256


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_controller_in_an_orderly_way(
    shop: Shop, tmp_path: Path, number: signal.Signals
) -> None:
    with started(*_GITOPS, *listening(tmp_path), cwd=shop.path) as process:
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in rest


def endless(shop: Shop) -> None:
    """Add an application that kustomize builds until its time is up: every level has the next one twice."""
    files: dict[str, str | None] = {
        f"bases/{level}{side}/kustomization.yaml": (
            f"resources: [../{level + 1}a, ../{level + 1}b]\nnamePrefix: {side}\n"
        )
        for level in range(20)
        for side in "ab"
    }
    for side in "ab":
        files[f"bases/20{side}/kustomization.yaml"] = f"resources: [c.yaml]\nnamePrefix: {side}\n"
        files[f"bases/20{side}/c.yaml"] = config_map("c", "d")
    overlay = "resources: [../../../bases/0a]\n"
    shop.commit("Never end", {**files, "environments/production/endless/kustomization.yaml": overlay})


@pytest.mark.parametrize("command", ["run", "lint"])
def test_a_signal_ends_a_build_that_runs(shop: Shop, tmp_path: Path, command: str) -> None:
    """Nobody waits until its time is up, and nothing of it stays: neither the process nor its files."""
    endless(shop)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = listening(tmp_path) if command == "run" else (command,)
    with subprocess.Popen(
        [*_GITOPS, *arguments],
        cwd=shop.path,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + 50
            while not list(temporary.glob("*/tree/bases/20b")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM if command == "run" else signal.SIGINT)
            _, told = process.communicate(timeout=50)
        finally:
            process.kill()
    assert time.monotonic() - asked < 25  # of the 60 s that the build has
    assert process.returncode == (0 if command == "run" else 130)
    assert "Traceback" not in told
    assert list(temporary.iterdir()) == []


def test_a_configuration_with_problems_is_refused_with_their_places(tmp_path: Path) -> None:
    config = tmp_path / "controller.yaml"
    config.write_text("apiVersion: gitops-waves.io/v1alpha1\nkind: Controller\nrepositorys: []\n")
    done = run("run", "--config", str(config))
    assert done.returncode == 1
    assert f"{config}:3:1: " in done.stderr
    assert 'did you mean "repositories"?' in done.stderr


def test_flags_that_contradict_each_other_are_usage(tmp_path: Path) -> None:
    done = run("run", "--config", str(tmp_path / "c.yaml"), "--repo", "x")
    assert done.returncode == 2
    assert "--repo: that is what --config says already" in done.stderr


def test_an_address_to_listen_on_that_is_none(shop: Shop) -> None:
    done = run("run", "--listen", "everywhere", cwd=shop.path)
    assert done.returncode == 1
    assert "is no host:port" in done.stderr
