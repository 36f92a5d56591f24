"""Where the tools are that some tests run: built once, kept, and missed only where Go is missing too."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from tests.cluster.rig import binaries


@cache
def folder() -> Path:
    """Give the folder of sops, age-keygen and helm; skip the test where they cannot be had, but in CI."""
    try:
        return binaries.tools()
    except binaries.RigUnavailable as unavailable:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(unavailable))


def put_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the controller find them."""
    monkeypatch.setenv("PATH", f"{folder()}{os.pathsep}{os.environ['PATH']}")
