"""Apply order: cases in tests/cases/ordering, and what holds for every order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput, Location
from gitops.objects import Manifest, ObjectKey
from gitops.ordering import DEPENDS_ON, Layer, Stage, layers, stage_of, stages

CASES = Path(__file__).parents[2] / "cases" / "ordering"


def read_manifests(path: Path) -> list[Manifest]:
    text = path.read_text()
    lines = [node.start_mark.line + 1 for node in yaml.compose_all(text, yaml.SafeLoader)]
    bodies = yaml.safe_load_all(text)
    return [Manifest(body, Location(path.name, line)) for body, line in zip(bodies, lines, strict=True)]


def written(ordered: tuple[Layer, ...]) -> str:
    lines = []
    for layer in ordered:
        waits = f" after {', '.join(map(str, sorted(layer.waits_for)))}" if layer.waits_for else ""
        lines.append(f"{layer.stage.name.lower()}{waits}")
        lines.extend(f"  {manifest.key}" for manifest in layer.manifests)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    """The layers, or the problems, of manifests.yaml are those of expected.txt."""
    folder = CASES / case
    try:
        found = written(layers(read_manifests(folder / "manifests.yaml")))
    except InvalidInput as error:
        found = f"{error}\n"
    assert found == (folder / "expected.txt").read_text()


@pytest.mark.parametrize(
    ("key", "stage"),
    [
        (ObjectKey("", "Namespace", "", "a"), Stage.NAMESPACES),
        (ObjectKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "a"), Stage.DEFINITIONS),
        (ObjectKey("rbac.authorization.k8s.io", "ClusterRole", "", "a"), Stage.CLUSTER),
        (ObjectKey("example.com", "Region", "", "a"), Stage.CLUSTER),
        (ObjectKey("", "Service", "n", "a"), Stage.CONFIG),
        (ObjectKey("rbac.authorization.k8s.io", "RoleBinding", "n", "a"), Stage.CONFIG),
        (ObjectKey("policy", "PodDisruptionBudget", "n", "a"), Stage.CONFIG),
        (ObjectKey("batch", "Job", "n", "a"), Stage.WORKLOADS),
        (ObjectKey("autoscaling", "HorizontalPodAutoscaler", "n", "a"), Stage.REST),
        (ObjectKey("example.com", "Service", "n", "a"), Stage.REST),
        (ObjectKey("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "a"), Stage.REST),
    ],
)
def test_stage_of_kinds(key: ObjectKey, stage: Stage) -> None:
    """A kind's stage follows from its group, kind and scope."""
    assert stage_of(key) is stage


def manifest(name: str, depends_on: str = "", kind: str = "Deployment") -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": "n"}
    if depends_on:
        metadata["annotations"] = {DEPENDS_ON: depends_on}
    return Manifest({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata}, Location("f.yaml"))


@st.composite
def graphs(draw: st.DrawFn) -> list[Manifest]:
    """Objects that depend only on ones with a lower number, in any order."""
    count = draw(st.integers(1, 12))
    made = []
    for number in range(count):
        below = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        made.append(manifest(f"d{number}", ",".join(f"Deployment/d{other}" for other in sorted(below))))
    return draw(st.permutations(made))


@given(graphs())
def test_every_object_comes_once_and_after_what_it_needs(manifests: list[Manifest]) -> None:
    """No object is lost or doubled, and a layer waits for what its objects name."""
    ordered = layers(manifests)
    place = {item.key: index for index, layer in enumerate(ordered) for item in layer.manifests}
    assert sorted(place) == sorted(item.key for item in manifests)
    for item in manifests:
        for reference in item.annotations.get(DEPENDS_ON, "").split(","):
            if reference:
                needed = ObjectKey("apps", "Deployment", "n", reference.partition("/")[2])
                assert place[needed] < place[item.key]
                assert needed in ordered[place[item.key]].waits_for


@given(graphs())
def test_order_does_not_depend_on_the_order_of_files(manifests: list[Manifest]) -> None:
    assert layers(manifests) == layers(list(reversed(manifests)))


def test_a_long_chain_does_not_exhaust_the_stack() -> None:
    chain = [manifest(f"d{i}", f"Deployment/d{i + 1}" if i < 1499 else "") for i in range(1500)]
    assert len(layers(chain)) == 1500
    with pytest.raises(InvalidInput, match="goes in a circle"):
        layers([*chain[:-1], manifest("d1499", "Deployment/d0")])


def test_stages_ignore_dependencies() -> None:
    """Where dependencies are broken, the stages are still known."""
    circle = [manifest("a", "Deployment/b"), manifest("b", "Deployment/a")]
    assert [[item.key.name for item in layer.manifests] for layer in stages(circle)] == [["a", "b"]]
