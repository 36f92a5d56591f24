"""How many processors this process may use: what it is pinned to, and what its control group is allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path, PurePosixPath

_GROUPS = "proc/self/cgroup"
_MOUNT = "sys/fs/cgroup"


def available(root: Path = Path("/")) -> int:
    """At least 1. A container with a limit of half a processor sees all those of its node, and has one.

    As cgroups(7) has it: `cpu.max` in version 2, `cpu.cfs_quota_us` by `cpu.cfs_period_us` in version 1, the
    least of a group and those above it. `root` is where the file system begins.
    """
    pinned = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([pinned, *(ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Give the processors that each group above this process allows; nothing for one without a limit."""
    for line in _text(root / _GROUPS).splitlines():
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            yield from _quotas_above(root / _MOUNT, group, ("cpu.max",))
        elif "cpu" in controllers.split(","):
            files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            yield from _quotas_above(root / _MOUNT / "cpu", group, files)


def _quotas_above(mount: Path, group: str, files: tuple[str, ...]) -> Iterator[float]:
    own = PurePosixPath(group.lstrip("/"))
    for folder in (own, *own.parents):  # a container may see its own group as the root
        words = " ".join(_text(mount / folder / name) for name in files).split()
        try:
            quota, period = map(int, words)
        except ValueError:  # "max", or nothing there
            continue
        if quota > 0 and period > 0:
            yield quota / period


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
