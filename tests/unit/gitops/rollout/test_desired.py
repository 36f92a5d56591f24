"""What Git wants of applications: waves with their numbers, what is removed, what cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from gitops.model import catalog as catalogs
from gitops.model.catalog import Catalog
from gitops.rollout.desired import EVERYTHING, wish
from gitops.rollout.state import ApplicationState, EnvironmentState, Good, OnTarget

AV = {"apiVersion": "gitops-waves.io/v1alpha1"}
HTTP = {"type": "http", "name": "smoke", "url": "https://${cluster}.example"}
APPROVAL = {"type": "approval"}
WAVES: list[dict[str, Any]] = [
    {"name": "canary", "percentage": "20%", "gates": [HTTP, APPROVAL]},
    {"name": "rest", "maxConcurrent": "50%", "maxFailures": 1},
]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def repository(clusters: int = 5, **spec: Any) -> Catalog:
    """An environment over some clusters, with one application."""
    files = {
        f"clusters/c{index}.yaml": {**AV, "kind": "Cluster", "metadata": {"name": f"c{index}"}}
        for index in range(clusters)
    }
    targets = [{"clusterSelector": {}, "namespace": "shop"}]
    body = {"targets": targets, "waves": WAVES, **spec}
    files["environments/production/environment.yaml"] = {
        **AV,
        "kind": "Environment",
        "metadata": {"name": "production"},
        "spec": body,
    }
    contents = {path: yaml.safe_dump(content).encode() for path, content in files.items()}
    entries = dict.fromkeys([*contents, "environments/production/web/app.yaml"], "0" * 40)
    return catalogs.build(entries, contents)


def digest(**spec: Any) -> str:
    """The inputs digest of the application."""
    return wish(repository(**spec), "production", "r1", EnvironmentState()).desired["web"].digest


def state_of(*targets: str) -> EnvironmentState:
    """An application that Git no longer has, on some targets."""
    on = {target: OnTarget(revision="r0", digest="A", settled=True) for target in targets}
    gone = ApplicationState(good=Good(revision="r0", digest="A", at=AT), on=on)
    return EnvironmentState(applications={"gone": gone})


def test_waves_carry_numbers_instead_of_shares() -> None:
    found = wish(repository(), "production", "r1", EnvironmentState())
    assert [
        (wave.name, len(wave.targets), wave.max_concurrent, wave.max_failures)
        for wave in found.desired["web"].waves
    ] == [
        ("canary", 1, 1, 0),
        ("rest", 4, 2, 1),
    ]
    assert found.revision == "r1"


def test_soak_and_gates_are_no_inputs_and_variables_are() -> None:
    """Only what changes objects starts a rollout."""
    longer = [{**WAVES[0], "soak": "5m"}, WAVES[1]]
    assert digest() == digest(waves=longer)
    assert digest() != digest(variables={"colour": "blue"})


def test_what_left_git_leaves_wave_by_wave_without_asking_it_anything() -> None:
    """Approvals hold for a removal too; an http gate could never be answered again."""
    found = wish(repository(), "production", "r1", state_of("c0/shop", "c3/shop")).desired["gone"]
    assert found.removed
    assert [(wave.name, wave.targets) for wave in found.waves] == [
        ("canary", ("c0/shop",)),
        ("rest", ("c3/shop",)),
    ]
    assert [gate.type for wave in found.waves for gate in wave.gates] == ["approval"]


def test_what_left_git_and_is_nowhere_has_no_waves() -> None:
    assert wish(repository(), "production", "r1", state_of()).desired["gone"].waves == ()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"targets": [{"clusterSelector": {"matchLabels": {"a": "b"}}, "namespace": "shop"}]}, "no cluster"),
        ({"waves": [WAVES[0]]}, "no wave takes"),
        ({"soak": "5m"}, "soak"),
    ],
)
def test_an_environment_that_cannot_be_used_holds_all_its_applications(
    spec: dict[str, Any], words: str
) -> None:
    """Also those that only the state knows: nothing is taken for removed because a file is broken."""
    found = wish(repository(**spec), "production", "r1", state_of("c0/shop"))
    assert found.desired == {}
    assert set(found.problems) == {"gone", "web"}
    assert all(words in problem for problem in found.problems["gone"])


def test_an_environment_without_applications_tells_its_problem_all_the_same() -> None:
    catalog = repository(soak="5m")
    environment = catalog.environments["production"]
    empty = Catalog(
        catalog.repository,
        catalog.clusters,
        {"production": type(environment)("production", environment.path, None, {}, environment.problems)},
    )
    assert set(wish(empty, "production", "r1", EnvironmentState()).problems) == {EVERYTHING}


def test_an_environment_that_left_git_wants_nothing() -> None:
    """A lost folder is more often a mistake than a wish: its objects stay."""
    assert wish(repository(), "staging", "r1", state_of("c0/shop")).desired == {}
