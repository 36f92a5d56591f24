"""Plain rendering: the cases of tests/cases/render, and what the digests promise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitops.dialect import parse
from gitops.errors import InvalidInput, Location
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.targets import Target, targets_of
from gitops.render import expand, inputs_digest, target_digest, target_variables
from gitops.render.drafts import Draft, drafts
from tests.plain import render

CASES = sorted((Path(__file__).parents[3] / "cases" / "render").iterdir())

Files = Mapping[str, bytes]
CatalogOf = Callable[[Files], Catalog]
FilesBelow = Callable[[Path], dict[str, bytes]]


def everywhere(catalog: Catalog) -> Iterator[tuple[EnvironmentSource, ApplicationSource, Target]]:
    for environment in catalog.environments.values():
        assert environment.spec is not None
        for application in environment.applications.values():
            for target in targets_of(environment.spec, catalog.clusters):
                yield environment, application, target


def rendered(catalog: Catalog, files: Files) -> dict[str, list[Any]]:
    assert not catalog.all_problems()
    return {
        f"{environment.name}/{application.name}@{target}": [
            {"source": str(manifest.source), "object": manifest.body}
            for manifest in render(environment, application, target, catalog.clusters[target.cluster], files)
        ]
        for environment, application, target in everywhere(catalog)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rendering(case: Path, catalog_of: CatalogOf, files_below: FilesBelow) -> None:
    """Types and order count; `expected.json` has the objects by application and target."""
    files = files_below(case / "repo")
    found = rendered(catalog_of(files), files)
    expected = (case / "expected.json").read_text()
    assert json.dumps(found, indent=1, ensure_ascii=False) + "\n" == expected


ENVIRONMENT = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: shop}
spec:
  targets:
    - clusterSelector: {}
      namespace: shop
  waves: [{name: rest}]
  variables: {a: x}
  overrides:
    - clusterSelector: {matchLabels: {region: eu}}
      variables: {b: x}
"""
APPLICATION = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  patches:
    - target: {kind: ConfigMap}
      operations: [{op: add, path: /data, value: {x: [1]}}, {op: add, path: /data/x/-, value: 2}]
"""


def cluster(name: str, region: str) -> str:
    kind = "apiVersion: gitops-waves.io/v1alpha1\nkind: Cluster\n"
    return f"{kind}metadata: {{name: {name}, labels: {{region: {region}}}}}\n"


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


BASE = {
    "clusters/eu.yaml": cluster("eu", "eu"),
    "clusters/us.yaml": cluster("us", "us"),
    "environments/shop/environment.yaml": ENVIRONMENT,
    "environments/shop/web/application.yaml": APPLICATION,
    "environments/shop/web/a.yaml": config_map("web"),
    "environments/shop/api/a.yaml": config_map("api"),
}
WEB_EU, WEB_US, API_EU, API_US = "web@eu", "web@us", "api@eu", "api@us"
EVERYWHERE = {WEB_EU, WEB_US, API_EU, API_US}


def encoded(changes: Mapping[str, str | None]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in {**BASE, **changes}.items() if text is not None}


def digests(catalog: Catalog) -> dict[str, str]:
    return {
        f"{application.name}@{target.cluster}": target_digest(
            environment, application, target, catalog.clusters[target.cluster]
        )
        for environment, application, target in everywhere(catalog)
    }


@pytest.mark.parametrize(
    ("changes", "affected"),
    [
        ({}, set()),
        ({"environments/shop/web/a.yaml": config_map("other")}, {WEB_EU, WEB_US}),
        ({"environments/shop/web/README.md": "text"}, set()),
        (
            {"gitops.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Repository\nmetadata: {name: r}\n"},
            set(),
        ),
        ({"environments/shop/environment.yaml": ENVIRONMENT.replace("{a: x}", "{a: other}")}, EVERYWHERE),
        (
            {"environments/shop/environment.yaml": ENVIRONMENT.replace("{b: x}", "{b: other}")},
            {WEB_EU, API_EU},
        ),
        (
            {
                "environments/shop/environment.yaml": ENVIRONMENT.replace(
                    "{name: rest}", "{name: rest, soak: 5m, gates: [{type: approval}]}"
                )
            },
            set(),
        ),
        (
            {"environments/shop/environment.yaml": ENVIRONMENT + "  drift: Correct\n  suspended: true\n"},
            set(),
        ),
        ({"environments/shop/environment.yaml": ENVIRONMENT + "  serviceAccountName: robot\n"}, EVERYWHERE),
        (
            {
                "environments/shop/environment.yaml": ENVIRONMENT.replace(
                    "namespace: shop", "namespace: shop\n      createNamespace: true"
                )
            },
            EVERYWHERE,
        ),
        ({"environments/shop/web/application.yaml": None}, {WEB_EU, WEB_US}),
        ({"environments/shop/web/application.yaml": APPLICATION + "  dependsOn: [api]\n"}, set()),
        (
            {"environments/shop/web/application.yaml": APPLICATION.replace("value: 2", "value: 3")},
            {WEB_EU, WEB_US},
        ),
        ({"clusters/us.yaml": cluster("us", "mars")}, {WEB_US, API_US}),
    ],
)
def test_a_digest_changes_with_what_the_render_reads_and_with_nothing_else(
    changes: Mapping[str, str | None], affected: set[str], catalog_of: CatalogOf
) -> None:
    before, after = digests(catalog_of(encoded({}))), digests(catalog_of(encoded(changes)))
    assert {name for name in before if before[name] != after[name]} == affected


def test_the_inputs_digest_covers_every_target(catalog_of: CatalogOf) -> None:
    catalog = catalog_of(encoded({}))
    shop = catalog.environments["shop"]
    targets = [Target("eu", "shop"), Target("us", "shop")]
    both = inputs_digest(shop, shop.applications["web"], targets, catalog.clusters)
    assert both == inputs_digest(shop, shop.applications["web"], targets[::-1], catalog.clusters)
    assert both != inputs_digest(shop, shop.applications["web"], targets[:1], catalog.clusters)
    assert both != inputs_digest(shop, shop.applications["api"], targets, catalog.clusters)


def test_renaming_a_file_changes_no_object(catalog_of: CatalogOf) -> None:
    moved = {
        "environments/shop/web/a.yaml": None,
        "environments/shop/web/deep/b.yml": BASE["environments/shop/web/a.yaml"],
    }
    objects = [
        [one["object"] for one in rendered(catalog_of(files), files)["shop/web@eu/shop"]]
        for files in (encoded({}), encoded(moved))
    ]
    assert objects[0] == objects[1]


def test_rendering_twice_gives_the_same(catalog_of: CatalogOf) -> None:
    """A patch that grows what an earlier operation put in must not grow the patch itself."""
    files = encoded({})
    catalog = catalog_of(files)
    assert rendered(catalog, files) == rendered(catalog, files)


def test_all_broken_files_are_reported_at_once(catalog_of: CatalogOf) -> None:
    files = encoded({"environments/shop/web/b.yaml": "a: [", "environments/shop/web/c.yaml": "a: 1\na: 2\n"})
    catalog = catalog_of(files)
    shop = catalog.environments["shop"]
    with pytest.raises(InvalidInput) as raised:
        render(shop, shop.applications["web"], Target("eu", "shop"), catalog.clusters["eu"], files)
    paths = {problem.location.path for problem in raised.value.problems}
    assert paths == {"environments/shop/web/b.yaml", "environments/shop/web/c.yaml"}


def test_a_target_has_its_variables(catalog_of: CatalogOf) -> None:
    catalog = catalog_of(encoded({}))
    shop = catalog.environments["shop"]
    found = target_variables(shop, shop.applications["web"], Target("eu", "shop"), catalog.clusters["eu"])
    assert found == {
        "a": "x",
        "application": "web",
        "b": "x",
        "cluster": "eu",
        "environment": "shop",
        "labels.region": "eu",
        "namespace": "shop",
    }


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${a}", "1"),
        ("${a}${b.c}", "12"),
        ("$${a}", "${a}"),
        ("$$${a}", "$${a}"),
        ("$a $ {a} $$", "$a $ {a} $$"),
        ("", ""),
        ("${injected}", "${a}"),
    ],
)
def test_expand(text: str, expanded: str) -> None:
    """Values are not expanded again."""
    assert expand(text, {"a": "1", "b.c": "2", "injected": "${a}"}) == expanded


@pytest.mark.parametrize("text", ["${}", "${a", "${ a }", "${a-b}", "${${a}}"])
def test_expand_refuses_what_is_not_a_variable(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        expand(text, {"a": "1"}, Location("f", 1, 2))
    assert str(raised.value).startswith("f:1:2: ")


def hostile(application: str, manifest: str, variables: str = "") -> dict[str, bytes]:
    head = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n"
    environment = ENVIRONMENT.replace("variables: {a: x}", f"variables: {{a: x{variables}}}")
    return {
        "clusters/a.yaml": cluster("a", "eu").encode(),
        "environments/shop/environment.yaml": environment.encode(),
        "environments/shop/web/application.yaml": (head + application).encode(),
        "environments/shop/web/a.yaml": manifest.encode(),
    }


def complaints(catalog_of: CatalogOf, files: Files) -> list[str]:
    catalog = catalog_of(files)
    (where,) = everywhere(catalog)
    assert not catalog.all_problems()
    with pytest.raises(InvalidInput) as raised:
        render(*where, catalog.clusters["a"], files)
    return [problem.message for problem in raised.value.problems]


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def test_a_patch_cannot_grow_an_object_without_end(catalog_of: CatalogOf) -> None:
    """Forty lines of `copy` would write 2⁴⁰ values."""
    copies = "".join(f"{{op: copy, from: /data, path: /data/c{number}}}, " for number in range(40))
    files = hostile(f"  patches: [{{target: {{}}, operations: [{copies}]}}]\n", CONFIG + "data: {a: b}\n")
    assert complaints(catalog_of, files) == [
        "the object becomes larger than 3 MiB, more than an API server takes"
    ]


def test_a_patch_cannot_nest_without_end(catalog_of: CatalogOf) -> None:
    """Too deep a value ends Python's own recursion wherever it goes next."""
    deep = "{x: " * 50 + "{}" + "}" * 50
    adds = "".join(
        f"{{op: add, path: {'/x' * 50 * number + '/x' if number else '/x'}, value: {deep}}}, "
        for number in range(30)
    )
    files = hostile(f"  patches: [{{target: {{}}, operations: [{adds}]}}]\n", CONFIG)
    assert complaints(catalog_of, files) == ["the object becomes nested deeper than 100 levels"]


@pytest.mark.parametrize(
    ("objects", "references", "complaint"),
    [
        (1, 200, "larger than 3 MiB"),
        (1, 150_000, "too large on one target"),
        (40, 50, "too large on one target"),
    ],
)
def test_variables_cannot_fill_the_memory(
    catalog_of: CatalogOf, objects: int, references: int, complaint: str
) -> None:
    manifest = "---\n".join(
        CONFIG.replace("name: a", f"name: a{number}") + f"data: {{a: '{'${long}' * references}'}}\n"
        for number in range(objects)
    )
    files = hostile("  variables: {}\n", manifest, f", long: {'x' * 20_000}")
    assert complaint in complaints(catalog_of, files)[0]


def test_a_thousand_undefined_variables_are_told_a_hundred_times(catalog_of: CatalogOf) -> None:
    files = hostile(
        "  variables: {}\n", CONFIG + f"data: {{a: '{''.join(f'${{u{n}}}' for n in range(1000))}'}}\n"
    )
    assert len(complaints(catalog_of, files)) == 100


def test_places_are_those_of_the_patch_that_wrote_a_value(catalog_of: CatalogOf) -> None:
    """And behind what a patch put into a list, or took from it, still those of the manifest."""
    patch = """\
    - target: {kind: ConfigMap}
      operations:
        - {op: remove, path: /list/0}
        - {op: add, path: /list/0, value: {name: "${a}", port: [80]}}
"""
    manifest = config_map("web") + "list:\n  - one\n  - two\n  - three\nother: x\n"
    application = APPLICATION.partition("    -")[0] + patch
    files = encoded(
        {"environments/shop/web/application.yaml": application, "environments/shop/web/a.yaml": manifest}
    )
    catalog = catalog_of(files)
    environment = catalog.environments["shop"]
    (found,) = render(
        environment,
        environment.applications["web"],
        Target("eu", "shop"),
        catalog.clusters["eu"],
        files,
    )
    assert found.body["list"] == [{"name": "x", "port": [80]}, "two", "three"]
    web = "environments/shop/web"
    assert str(found.at("list", 0, "port", 0)) == f"{web}/application.yaml:9:65"
    assert str(found.at("list", 0, "port", key=True)) == f"{web}/application.yaml:9:58"
    assert str(found.at("list", 1)) == f"{web}/a.yaml:6:5"
    assert str(found.at("other", key=True)) == f"{web}/a.yaml:8:1"
    assert str(found.source) == f"{web}/a.yaml:1"


@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("ConfigMapList", "{metadata: {name: a}}", ""),
        ("ConfigMapList", "{kind: '', metadata: {name: a}}", ""),
        ("ConfigMapList", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", ""),
        ("ConfigMapList", "{apiVersion: v1, metadata: {name: a}}", "a.yaml:3:9: a ConfigMapList holds"),
        ("ConfigMapList", "{kind: ConfigMap, metadata: {name: a}}", "a.yaml:3:9: a ConfigMapList holds"),
        ("ConfigMList", "{apiVersion: v1, kind: ConfigMap}", "a.yaml:3:9: a ConfigMList holds ConfigM of"),
        ("List", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", ""),
    ],
)
def test_an_item_says_its_version_and_kind_or_inherits_both(kind: str, item: str, said: str) -> None:
    """As kubectl has it; and what no cluster could know is refused."""
    (document,) = parse(f"apiVersion: v1\nkind: {kind}\nitems: [{item}]\n".encode(), "a.yaml")
    (found,) = drafts(document)
    if said:
        assert str(found).startswith(said)
    else:
        assert isinstance(found, Draft)
        assert (found.body["apiVersion"], found.body["kind"]) == ("v1", "ConfigMap")


def test_what_has_items_and_is_no_list_is_refused_at_its_items() -> None:
    """To kubectl, of whatever kind it is, its items are what to apply."""
    (document,) = parse(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nitems: []\n", "a.yaml")
    (problem,) = drafts(document)
    assert str(problem).startswith("a.yaml:4:1: whatever has items is a List to kubectl")


def test_what_is_without_fault_is_parsed_once(catalog_of: CatalogOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something is written costs another reading: of the thousands that are right, nobody asks."""
    labelled = (
        "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: web, labels: {app: web}, annotations: {who: '${a}'}}\n"
    )
    files = encoded(
        {"environments/shop/api/a.yaml": labelled, "environments/shop/web/application.yaml": None}
    )
    catalog = catalog_of(files)

    def nobody_asks(*_arguments: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("gitops.dialect.documents._compose_again", nobody_asks)
    assert "api@eu/shop" in {name.partition("/")[2] for name in rendered(catalog, files)}
