"""`gitops run`: the controller as a process, from its configuration to an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from controllers import logs
from controllers.cli import output
from controllers.main import Fleet
from controllers.rollout.tools import Observer
from gitops.errors import TerminalError
from gitops.model.controller import Controller
from gitops.objects import JsonObject
from gitops.rollout.wait import Wait
from gitops.views import waits as waits_view

NOT_AS_WANTED = 3
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
    observers: list[Observer] = []
    with ExitStack() as stack:
        if manner.progress:
            from controllers.cli.live import LiveView  # noqa: PLC0415 - only terminals wait for rich

            observers.append(stack.enter_context(LiveView()))
        logs.configure(manner.log_format, level)  # after the picture, which takes stderr over
        fleet = Fleet(config, observers)
        outcome = asyncio.run(_run(fleet, once=manner.once))
    if not manner.once:
        return 0
    _report(fleet, manner.form)
    if outcome is None:
        output.note("stopped before everything was done; start it again to go on")
    return 0 if outcome else NOT_AS_WANTED


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


def _report(fleet: Fleet, form: output.Form) -> None:
    """Say what does not rest: every wait, and every repository that could not be followed."""
    waits = {
        name: tuple(wait for wait in loop.waits if not _rests(wait))
        for one in fleet.repositories
        for name, loop in sorted(one.loops.items())
    }
    errors = {one.name: one.error for one in fleet.repositories if one.error}
    value: JsonObject = {
        "errors": errors,
        "environments": [waits_view.waits_form(name, found) for name, found in waits.items()],
    }
    lines = [f"{name}: {error}" for name, error in errors.items()]
    lines += [f"{name}: {wait}" for name, found in waits.items() for wait in found]
    output.show(form, value, "\n".join(lines) or _all_well(waits))


def _all_well(waits: Mapping[str, Sequence[Wait]]) -> str:
    return f"{', '.join(sorted(waits))}: everything is as Git says" if waits else "there is no environment"


def _rests(wait: Wait) -> bool:
    return wait.waits_for.startswith("waits for nothing")
