"""What the records in Git tell, read with git alone."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any


def events(remote: Path, environment: str) -> list[dict[str, Any]]:
    """All recorded events of an environment, oldest first."""
    ref = f"refs/gitops/environments/{environment}"
    commits = _git(remote, "rev-list", "--reverse", ref).split()
    asked = "".join(f"{commit}:events.json\n" for commit in commits).encode()
    answer = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=remote, input=asked, capture_output=True, check=True
    ).stdout
    found: list[dict[str, Any]] = []
    while answer:
        header, _, rest = answer.partition(b"\n")
        size = int(header.split()[2])
        found += json.loads(rest[:size])
        answer = rest[size + 1 :]
    return found


def counted(found: list[dict[str, Any]]) -> Counter[str]:
    """How many there are of each type."""
    return Counter(str(event["type"]) for event in found)


def _git(remote: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=remote, capture_output=True, check=True, text=True)
    return done.stdout
