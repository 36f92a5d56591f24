"""Keeps what the controller recorded, and waits until it shows what a scene is about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from demo.unexpected import Unexpected
from gitops.rollout.events import Event
from gitops.rollout.observation import Work
from gitops.rollout.state import ApplicationState, EnvironmentState


class Watching:
    """An observer of the controller, on its event loop."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self._states: dict[str, EnvironmentState] = {}
        self._changed = asyncio.Event()

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Keep events in their order."""
        del before
        self.events += [(environment, event) for event in events]
        self.passed(environment, after, frozenset())

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Wake whoever waits."""
        del work
        self._states[environment] = state
        self._changed.set()

    def application(self, environment: str, name: str) -> ApplicationState:
        """What is known about an application now."""
        return self._states.get(environment, EnvironmentState()).application(name)

    async def until(self, reached: Callable[[], bool], what: str, timeout: float) -> None:  # noqa: ASYNC109 - part of the sentence
        """Return when `reached` says so; asked whenever something changed.

        Raises Unexpected after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Unexpected(f"waited {timeout:g} s in vain for {what}") from None
