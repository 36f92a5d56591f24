"""Targets and waves: the cases of tests/cases/waves, and what holds for every fleet."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput
from gitops.model.gates import ApprovalGate, HealthGate, HttpGate
from gitops.model.kinds import ApplicationSpec, Cluster, Environment, Wave
from gitops.model.sources import read_all, read_one
from gitops.model.targets import Target, creates_namespace, targets_of
from gitops.waves import AssignedWave, assign, effective_gates

CASES = sorted((Path(__file__).parents[2] / "cases" / "waves").iterdir())


def described(case: Path) -> str:
    environment, document = read_one(
        Environment, "environment.yaml", (case / "environment.yaml").read_bytes()
    )
    found = read_all(Cluster, "clusters.yaml", (case / "clusters.yaml").read_bytes())
    clusters = {cluster.name: cluster for cluster, _ in found}
    try:
        targets = targets_of(environment.spec, clusters, document.locate)
        waves = assign(environment.spec.waves, targets, clusters, document.locate)
    except InvalidInput as error:
        return f"{error}\n"
    return "".join(f"{wave.name}: {', '.join(map(str, wave.targets))}\n" for wave in waves)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_assignment(case: Path) -> None:
    """`expected.txt` lists the waves with their targets, or the problems."""
    assert described(case) == (case / "expected.txt").read_text()


def cluster(name: str, **labels: str) -> Cluster:
    return Cluster.model_validate(
        {
            "apiVersion": "gitops-waves.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name, "labels": labels},
        }
    )


def wave(**fields: object) -> Wave:
    return Wave.model_validate({"name": "w", **fields})


CHOICES = st.one_of(
    st.integers(1, 100).map(lambda percent: wave(percentage=f"{percent}%")),
    st.sampled_from("xyz").map(lambda ring: wave(clusterSelector={"matchLabels": {"ring": ring}})),
)


def assigned(
    waves: list[Wave], targets: list[Target], clusters: dict[str, Cluster]
) -> tuple[AssignedWave, ...] | str:
    """The waves, or the problems as text."""
    try:
        return assign(waves, targets, clusters)
    except InvalidInput as error:
        return str(error)


@given(
    st.lists(CHOICES, max_size=5),
    st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.sampled_from("xyz"), min_size=1),
    st.randoms(),
)
def test_every_target_is_in_exactly_one_wave_or_it_is_an_error(
    waves: list[Wave], rings: dict[str, str], random: object
) -> None:
    """And neither depends on the order in which the targets come."""
    clusters = {name: cluster(name, ring=ring) for name, ring in rings.items()}
    targets = [Target(name, "shop") for name in rings]
    shuffled = list(targets)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    outcome = assigned([*waves, wave()], targets, clusters)
    assert assigned([*waves, wave()], shuffled, clusters) == outcome
    if not isinstance(outcome, str):
        assert sorted(target for one in outcome for target in one.targets) == sorted(targets)
        assert all(one.targets == tuple(sorted(one.targets)) for one in outcome)
        assert all(one.targets for one in outcome)


def test_a_namespace_is_created_only_where_the_environment_says_so() -> None:
    clusters = {"a": cluster("a", ring="x"), "b": cluster("b", ring="y")}
    spec = Environment.model_validate(
        {
            "apiVersion": "gitops-waves.io/v1alpha1",
            "kind": "Environment",
            "metadata": {"name": "e"},
            "spec": {
                "waves": [{"name": "all"}],
                "targets": [
                    {"clusterSelector": {}, "namespace": "shop"},
                    {
                        "clusterSelector": {"matchLabels": {"ring": "x"}},
                        "namespace": "shop",
                        "createNamespace": True,
                    },
                ],
            },
        }
    ).spec
    targets = targets_of(spec, clusters)
    assert targets == (Target("a", "shop"), Target("b", "shop"))
    created = [creates_namespace(spec, target, clusters[target.cluster]) for target in targets]
    assert created == [True, False]


HTTP = HttpGate(type="http", name="smoke", url="http://shop/")


def test_health_is_always_asked() -> None:
    assert effective_gates(wave(), ApplicationSpec()) == (HealthGate(type="health"),)


def test_a_named_health_gate_is_not_asked_twice() -> None:
    named = HealthGate(type="health", name="soaked")
    assert effective_gates(wave(gates=[named]), ApplicationSpec()) == (named,)


def test_the_wave_and_the_application_both_ask() -> None:
    approval = ApprovalGate(type="approval")
    gates = effective_gates(wave(gates=[approval]), ApplicationSpec(gates=(HTTP, approval)))
    assert gates == (HealthGate(type="health"), approval, HTTP)


def test_an_application_cannot_replace_the_waves_gate() -> None:
    weaker = HTTP.model_copy(update={"url": "http://always-fine/"})
    assert HTTP in effective_gates(wave(gates=[HTTP]), ApplicationSpec(gates=(weaker,)))
