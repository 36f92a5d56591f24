"""Each case in tests/cases/dialect: the input, and what the real kubectl read in it or why we refuse it.

`stricter-` cases are those that kubectl would read, losing something without a word.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gitops.dialect import parse
from gitops.errors import InvalidInput
from tests.cluster.rig import binaries

CASES = sorted((Path(__file__).parents[3] / "cases" / "dialect").iterdir())
FALLS_BACK_TO_YAML = {"json-style-in-yaml", "json-then-yaml"}  # kubectl before 1.33 stops at JSON's error


def source(case: Path) -> Path:
    return next(case.glob("input.*"))


def integer(text: str) -> int | float:
    """Kubernetes reads an integer beyond 64 bits as a float; kubectl prints it in full."""
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else float(value)


def kubernetes_json(text: str) -> list[Any]:
    decoder = json.JSONDecoder(parse_int=integer)
    values: list[Any] = []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_what_kubectl_read(case: Path) -> None:
    """Types count: 1, 1.0 and true are told apart."""
    path = source(case)
    refused = case / "expected.txt"
    if refused.exists():
        with pytest.raises(InvalidInput) as raised:
            parse(path.read_bytes(), path.name)
        assert str(raised.value) == refused.read_text().rstrip("\n")
    else:
        (expected,) = kubernetes_json((case / "expected.json").read_text())
        values = [document.value for document in parse(path.read_bytes(), path.name)]
        assert repr(_sorted(values)) == repr(_sorted(expected))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def kubectl() -> str:
    """The rig's, which CI has always built by now; where it is not built, whichever is on the PATH."""
    folder = binaries.built()
    if folder is not None:
        return str(folder / "kubectl")
    assert os.environ.get("CI") != "true", "CI builds kubectl before it runs the tests"
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl: neither the rig's is built nor is one on the PATH")
    return found


@pytest.fixture(scope="module")
def minor(kubectl: str) -> int:
    shown = subprocess.run(
        [kubectl, "version", "--client", "-o", "json"], capture_output=True, text=True, timeout=60, check=True
    )
    return int(json.loads(shown.stdout)["clientVersion"]["minor"].rstrip("+"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kubectl_still_reads_it_so(case: Path, kubectl: str, minor: int) -> None:
    """The expectations are kubectl's own: it reads the same, or refuses too."""
    if case.name in FALLS_BACK_TO_YAML and minor < 33:
        pytest.skip("this kubectl is too old for this case")
    arguments = ["patch", "--local", "-f", str(source(case)), "--type=json", "-p", "[]", "-o", "json"]
    ran = subprocess.run([kubectl, *arguments], capture_output=True, text=True, timeout=60, check=False)
    if (case / "expected.txt").exists():
        assert (ran.returncode == 0) == case.name.startswith("stricter-"), ran.stderr
    else:
        assert ran.returncode == 0, ran.stderr
        (expected,) = kubernetes_json((case / "expected.json").read_text())
        assert repr(_sorted(kubernetes_json(ran.stdout))) == repr(_sorted(expected))
