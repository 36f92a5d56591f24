"""What the pages show can be read by the controller, and no field is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from controllers.metrics import Metrics
from gitops.dialect import parse
from gitops.model.controller import Controller
from gitops.model.gates import HttpGate
from gitops.model.kinds import (
    Application,
    ApplicationSpec,
    Cluster,
    ClusterSpec,
    Environment,
    EnvironmentSpec,
    Repository,
    RepositorySpec,
    TargetSet,
    Wave,
)
from gitops.model.reading import read
from gitops.model.schema import API_VERSION, Schema

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/repository.md", "docs/operating.md")
KINDS: dict[str, type[Schema]] = {
    "Application": Application,
    "Cluster": Cluster,
    "Controller": Controller,
    "Environment": Environment,
    "Repository": Repository,
}
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks() -> list[tuple[str, str]]:
    """Give every block of YAML with its page."""
    return [(page, block) for page in PAGES for block in _BLOCK.findall((ROOT / page).read_text())]


@pytest.mark.parametrize(("page", "block"), blocks())
def test_every_block_of_ours_can_be_read(page: str, block: str) -> None:
    for document in parse(block.encode(), page):
        assert isinstance(document.value, dict)
        if document.value.get("apiVersion") == API_VERSION:
            assert read(KINDS[document.value["kind"]], document)


def test_an_environment_and_a_controller_are_shown() -> None:
    shown = {(yaml.safe_load(block) or {}).get("kind") for _, block in blocks()}
    assert {"Environment", "Controller", "ClusterRole"} <= shown


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("docs/repository.md", RepositorySpec),
        ("docs/repository.md", ClusterSpec),
        ("docs/repository.md", EnvironmentSpec),
        ("docs/repository.md", TargetSet),
        ("docs/repository.md", Wave),
        ("docs/repository.md", HttpGate),
        ("docs/repository.md", ApplicationSpec),
        ("docs/operating.md", Controller),
    ],
)
def test_every_field_is_explained(page: str, model: type[Schema]) -> None:
    text = (ROOT / page).read_text()
    fields = [field.alias or name for name, field in model.model_fields.items()]
    assert [name for name in fields if not re.search(rf"\b{name}\b", text)] == []


def test_every_metric_is_explained_with_its_labels() -> None:
    """As Prometheus names it, in the table; ours all begin with `gitops_waves_`."""
    text = (ROOT / "docs/operating.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (`[^|]*` )?\|", text, re.MULTILINE))
    shown = {name: set(re.findall(r"\w+", labels)) for name, labels in rows.items()}
    registry = Metrics("0").registry
    made = [one for one in registry._collector_to_names if isinstance(one, MetricWrapperBase)]
    there = {}
    for one in made:
        [family] = one.describe()
        name = family.name.removeprefix("gitops_waves_")
        there[f"{name}_total" if family.type == "counter" else name] = set(one._labelnames)
    assert len(made) > 30
    assert {name: shown.get(name) for name in there} == there


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = _LINK.findall((ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
