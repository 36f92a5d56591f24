"""What is left to look at after the play: the branch, the records, and how to go on by hand."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from demo.screen import Screen
from demo.stage import Stage
from demo.unexpected import Unexpected

_RECORDS = "refs/gitops/environments"
_PUSHED_WITHIN = 30.0
_LOOK_EVERY = 0.1


async def closing(stage: Stage, screen: Screen) -> None:
    """Show the branch and the records, and check the records' chain. Raises Unexpected."""
    await _records_pushed(stage)
    screen.scene(
        "What Git tells now",
        "The branch is the only memory of what should run, the records of what happened.",
    )
    screen.command("git log --oneline")
    screen.show(stage.shop.git("log", "--oneline"))
    for arguments in (("history", "production", "web", "--limit", "16"), ("audit", "verify")):
        screen.command(f"gitops {' '.join(arguments)}")
        screen.show(await _gitops(stage, *arguments))


def go_on_by_hand(stage: Stage, screen: Screen, address: str) -> None:
    """Say where everything is."""
    shop = stage.shop.folder
    screen.scene(
        "Go on by hand",
        f"cd {shop}",
        "    edit, git commit: the controller sees the commit at once. Image tags ending in -crash-loop,",
        "    -never-ready or -image-pull-error play what they say.",
        f"{_cli()} status --repo {shop}",
        f"{_cli()} explain production --repo {shop}",
        f"kubectl --kubeconfig {stage.kubeconfig('canary')} -n shop get pods",
        f"curl {address}/metrics",
        f"tail -f {stage.log}",
        "Ctrl-C ends everything and removes it.",
    )


async def _records_pushed(stage: Stage) -> None:
    """Wait until the repository has every record: they are pushed off the controller's hot path."""
    try:
        async with asyncio.timeout(_PUSHED_WITHIN):
            while _records(stage) != _records(stage, "--git-dir", str(stage.mirror)):  # noqa: ASYNC110 - Git's files
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise Unexpected(f"the records were not pushed within {_PUSHED_WITHIN:g} s") from None


def _records(stage: Stage, *where: str) -> str:
    return stage.shop.git(*where, "for-each-ref", "--format=%(refname) %(objectname)", _RECORDS)


def _cli() -> Path:
    return Path(sys.executable).parent / "gitops"


async def _gitops(stage: Stage, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        _cli(),
        *arguments,
        "--repo",
        stage.shop.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    if process.returncode:
        raise Unexpected(
            f"gitops {' '.join(arguments)} ended with {process.returncode}: {complained.decode()}"
        )
    return said.decode().rstrip()
