"""`gitops run`: the controller as a process, from its configuration to an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from controllers import logs
from controllers.cli import arenas, open_files, output
from controllers.main import Fleet
from controllers.rollout.tools import Observer
from gitops import audit
from gitops.errors import TerminalError
from gitops.model.controller import Controller
from gitops.objects import JsonObject
from gitops.rollout.events import Event, RevertPushed, RevertRefused, RolloutFailed, RolloutHalted
from gitops.rollout.observation import Work
from gitops.rollout.state import EnvironmentState
from gitops.rollout.wait import Wait
from gitops.views import waits as waits_view

NOT_AS_WANTED = 3
# Python's own choice is the processors and four: too few where builds wait, and Git and records with them.
_THREADS = 32
_SETBACKS = (RolloutFailed, RolloutHalted, RevertPushed, RevertRefused)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Manner:
    """How to run. `level` empty: warnings beside a live picture, else everything that people follow."""

    once: bool = False
    progress: bool = False
    log_format: logs.LogFormat = "text"
    level: str = ""
    form: output.Form = output.Form.TEXT


def run(config: Controller, manner: Manner) -> int:
    """Run until told to end, or with `once` until nothing is due; gives the exit code."""
    level = (manner.level or ("WARNING" if manner.progress else "INFO")).upper()
    if level not in _LEVELS:
        raise TerminalError(f'"{manner.level}" is no log level: use {", ".join(_LEVELS).lower()}')
    open_files.allow_many()
    arenas.share()
    setbacks = Setbacks()
    observers: list[Observer] = [setbacks]
    with ExitStack() as stack:
        if manner.progress:
            from controllers.cli.live import LiveView  # noqa: PLC0415 - only terminals wait for rich

            observers.append(stack.enter_context(LiveView()))
        secrets = logs.configure(manner.log_format, level)  # after the picture, which takes stderr over
        fleet = Fleet(config, observers, secrets)
        outcome = asyncio.run(_run(fleet, once=manner.once))
    if not manner.once:
        return 0
    _report(fleet, setbacks, manner.form)
    if outcome is None:
        output.note("stopped before everything was done; start it again to go on")
    return 0 if outcome and not setbacks.told else NOT_AS_WANTED


class Setbacks:
    """An Observer that keeps what failed and was taken back: Git may say so already, people shall hear it."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Keep the sentences of failures and of what became of them."""
        del before, after
        sentences = [audit.narrate(event) for event in events if isinstance(event, _SETBACKS)]
        if sentences:
            self.told.setdefault(environment, []).extend(sentences)

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """A pass alone is no setback."""


async def _run(fleet: Fleet, *, once: bool) -> bool | None:
    """Run the fleet; None when a signal ended it."""
    task = asyncio.create_task(fleet.run(once=once, ready=_listening))
    told = False

    def end(number: signal.Signals) -> None:
        nonlocal told
        told = True
        loop.remove_signal_handler(number)  # a second one ends the process at once
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="worker"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if told:
            return None
        raise


def _listening(address: str) -> None:
    output.note(f"status and metrics at {address}")


def _report(fleet: Fleet, setbacks: Setbacks, form: output.Form) -> None:
    """Say what failed, what does not rest, and which repository could not be followed."""
    waits = {
        name: tuple(wait for wait in loop.waits if not _rests(wait))
        for one in fleet.repositories
        for name, loop in sorted(one.loops.items())
    }
    errors = {one.name: one.error for one in fleet.repositories if one.error}
    value: JsonObject = {
        "errors": errors,
        "setbacks": setbacks.told,
        "environments": [waits_view.waits_form(name, found) for name, found in waits.items()],
    }
    lines = [f"{name}: {error}" for name, error in errors.items()]
    lines += [f"{name}: {told}" for name, found in setbacks.told.items() for told in found]
    lines += [f"{name}: {wait}" for name, found in waits.items() for wait in found]
    output.show(form, value, "\n".join(lines) or _all_well(waits))


def _all_well(waits: Mapping[str, Sequence[Wait]]) -> str:
    return f"{', '.join(sorted(waits))}: everything is as Git says" if waits else "there is no environment"


def _rests(wait: Wait) -> bool:
    return wait.waits_for.startswith("waits for nothing")
