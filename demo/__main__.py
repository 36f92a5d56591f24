"""`python -m demo [--once]`: play on simulated clusters, clean up. Exit 0 if all came out as told."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections import deque
from pathlib import Path
from types import FrameType

from rich.console import Console

from controllers.main import Fleet
from demo.closing import closing, go_on_by_hand
from demo.scenes import Play
from demo.screen import Screen
from demo.stage import CLUSTERS, NAMESPACE, Stage
from demo.unexpected import Unexpected
from demo.watching import Watching

_COLUMNS = tuple(
    ("staging" if name == "staging" else "production", f"{name}/{NAMESPACE}") for name in CLUSTERS
)
_LOG_TAIL = 20
_INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended


def main(arguments: list[str]) -> int:
    """Play, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the last scene instead of going on")
    return play(once=parser.parse_args(arguments).once)


def play(*, once: bool) -> int:
    """Play on the terminal, and return the exit code: 0 only if every scene came out as told."""
    console = Console()
    # A shell lets what it starts in the background ignore Ctrl-C; whoever sends it here means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    try:
        console.print("Five simulated Kubernetes clusters in this process; the controller is the real one.")
        stage = Stage()
        try:
            _run(stage, console, once=once)
        finally:
            stage.clear()
    except (OSError, Unexpected) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        console.print("Everything is ended and removed.")
        return _INTERRUPTED if once else 0
    return 0


def _run(stage: Stage, console: Console, *, once: bool) -> None:
    logging.basicConfig(
        filename=stage.log, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(_all(stage, console, once=once))
    except Exception:
        # The folder with the log is removed, so its end is shown with whatever went wrong.
        sys.stderr.write(f"The controller's log ends with:\n{_tail(stage.log)}")
        raise


async def _all(stage: Stage, console: Console, *, once: bool) -> None:
    async with stage:
        await _played(stage, console, once=once)


async def _played(stage: Stage, console: Console, *, once: bool) -> None:
    watching = Watching()
    addresses: list[str] = []
    with Screen(console, _COLUMNS) as screen:
        controller = asyncio.create_task(
            Fleet(stage.controller, (watching, screen)).run(ready=addresses.append), name="controller"
        )
        scenes = asyncio.create_task(_scenes(stage, screen, watching), name="scenes")
        try:
            # Whichever ends first: a controller that fails must not leave the scenes waiting.
            await asyncio.wait({controller, scenes}, return_when=asyncio.FIRST_COMPLETED)
            if not scenes.done():
                controller.result()
            await scenes
            if not once:
                go_on_by_hand(stage, screen, addresses[0])
                await controller
        finally:
            for task in (scenes, controller):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


async def _scenes(stage: Stage, screen: Screen, watching: Watching) -> None:
    play = Play(stage, screen, watching)
    await play.first_rollout()
    await play.crash()
    await play.fix()
    await play.edit()
    await closing(stage, screen)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that everything is cleared up."""
    del number, frame
    raise KeyboardInterrupt


def _tail(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return "".join(deque(lines, _LOG_TAIL))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
