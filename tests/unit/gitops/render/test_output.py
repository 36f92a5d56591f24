"""What a renderer printed goes the way of plain manifests; problems name the object and the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gitops.edit.adopting import Source, _draft
from gitops.errors import InvalidInput, Location, Refused
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource, SourceFile, SourceLink
from gitops.model.folders import RendererName
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.render import parse_output, render_documents, target_digest

MARK = "environments/shop/web/kustomization.yaml"
ENVIRONMENT = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: shop}
spec:
  targets: [{clusterSelector: {}, namespace: shop}]
  waves: [{name: rest}]
  variables: {colour: green}
  patches:
    - target: {kind: ConfigMap, name: x-b}
      operations: [{op: test, path: /data/colour, value: green}, {op: add, path: /data/size, value: big}]
"""
OUTPUT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: x-b}
data: {colour: "${colour}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: x-a}
"""
CatalogOf = Callable[[Mapping[str, bytes]], Catalog]


@pytest.fixture
def catalog(catalog_of: CatalogOf) -> Catalog:
    """One application that kustomize builds."""
    cluster = b"apiVersion: gitops-waves.io/v1alpha1\nkind: Cluster\nmetadata: {name: eu}\n"
    files = {"clusters/eu.yaml": cluster, "environments/shop/environment.yaml": ENVIRONMENT.encode()}
    return catalog_of({**files, MARK: b"resources: []\n"})


def shop(catalog: Catalog) -> tuple[EnvironmentSource, ApplicationSource]:
    environment = catalog.environments["shop"]
    return environment, environment.applications["web"]


def rendered(catalog: Catalog, output: str) -> tuple[Manifest, ...]:
    documents = parse_output(MARK, output.encode())
    environment, application = shop(catalog)
    target = Target("eu", "shop")
    return render_documents(environment, application, target, catalog.clusters["eu"], documents).manifests


def problems(catalog: Catalog, output: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        rendered(catalog, output)
    return [str(problem) for problem in caught.value.problems]


def test_a_kustomization_makes_the_folder_kustomize_s(catalog: Catalog) -> None:
    assert catalog.all_problems() == ()
    assert shop(catalog)[1].renderer is RendererName.KUSTOMIZE


def test_variables_are_filled_in_what_was_built_and_then_patches_run(catalog: Catalog) -> None:
    """In the order of the output."""
    found = rendered(catalog, OUTPUT)
    assert [manifest.body["metadata"]["name"] for manifest in found] == ["x-b", "x-a"]
    assert found[0].body["data"] == {"colour": "green", "size": "big"}


def test_an_object_comes_from_its_kustomization(catalog: Catalog) -> None:
    assert [str(manifest.source) for manifest in rendered(catalog, OUTPUT)] == [
        f"{MARK} (ConfigMap x-b)",
        f"{MARK} (ConfigMap x-a)",
    ]


def test_a_name_makes_no_line_of_its_own(catalog: Catalog) -> None:
    """Whatever a template wrote there, each problem stays one line of its length."""
    output = 'apiVersion: v1\nkind: "A\\nforged.yaml:1: fine\\e[31m"\nmetadata: {name: %s}\n'
    for name in ("a", "x" * 100_000):
        for problem in problems(catalog, output % name):
            assert problem.isprintable()
            assert len(problem) < 2000


def test_problems_name_object_and_field(catalog: Catalog) -> None:
    (undefined,) = problems(catalog, OUTPUT.replace("${colour}", "${color}"))
    assert undefined.startswith(f'{MARK} (ConfigMap x-b, /data/colour): undefined variable "color": did you')
    assert problems(catalog, "kind: ConfigMap\nmetadata: {name: a}\n") == [
        f"{MARK} (ConfigMap a, /apiVersion): the object has no apiVersion"
    ]
    assert problems(catalog, OUTPUT + "---\n" + OUTPUT.partition("---")[0]) == [
        f"{MARK} (ConfigMap x-b): ConfigMap shop/x-b is already written at {MARK} (ConfigMap x-b)"
    ]
    assert problems(catalog, "[1]\n")[0].startswith(f"{MARK} (document 1): not an object")


def test_a_patch_that_does_not_fit_names_the_object_and_its_kustomization(catalog: Catalog) -> None:
    (said,) = problems(catalog, OUTPUT.replace("${colour}", "red"))
    assert said.endswith(
        f"test /data/colour on ConfigMap x-b ({MARK}): the test failed, the value is another"
    )


def test_output_that_cannot_be_read_has_no_line(catalog: Catalog) -> None:
    assert problems(catalog, "a: [\n")[0].startswith(f"{MARK}: its output cannot be applied: not valid YAML")


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location("a"), "a"),
        (Location("a", 1), "a:1"),
        (Location("a", 1, 2), "a:1:2"),
        (Location("a", inside="X y, /z"), "a (X y, /z)"),
    ],
)
def test_places_are_written_as_people_look_them_up(location: Location, text: str) -> None:
    assert str(location) == text


def test_links_and_the_renderer_belong_to_the_inputs(catalog: Catalog) -> None:
    """Files elsewhere count by their whole path, those in the folder from there."""
    environment, application = shop(catalog)
    base = replace(
        application,
        files=(SourceFile(MARK, "1"), SourceFile("bases/web/a.yaml", "2")),
        links=(SourceLink("bases/link", "web"),),
    )
    others = [
        replace(base, renderer=RendererName.PLAIN),
        replace(base, links=(SourceLink("bases/link", "other"),)),
        replace(base, files=(SourceFile(MARK, "1"), SourceFile("bases/web/a.yaml", "3"))),
        replace(base, files=(SourceFile(MARK, "1"), SourceFile("bases/b.yaml", "2"))),
        replace(
            base, files=(SourceFile(MARK, "1"), SourceFile("environments/shop/web/bases/web/a.yaml", "2"))
        ),
    ]
    found = {
        target_digest(environment, one, Target("eu", "shop"), catalog.clusters["eu"])
        for one in [base, *others]
    }
    assert len(found) == len(others) + 1


def test_what_was_built_has_no_file_that_could_be_edited(catalog: Catalog) -> None:
    """Adopting a live value says so; nothing is written into a kustomization."""
    environment, application = shop(catalog)
    source = Source(environment, application, parse_output(MARK, OUTPUT.encode()))
    with pytest.raises(Refused, match="change what it is generated from"):
        _draft(source, rendered(catalog, OUTPUT)[1])
