"""Which applications an object of a cluster may have moved from."""

from __future__ import annotations

from typing import Any

import yaml

from gitops.inventory import INVENTORY_OF, parent_name
from gitops.inventory.storage import APPLICATION
from gitops.model import catalog as catalogs
from gitops.model.catalog import Catalog
from gitops.model.targets import Target
from gitops.objects import JsonObject
from gitops.plan import Scope
from gitops.plan.neighbours import let_go, scopes_on, unusable

AV = {"apiVersion": "gitops-waves.io/v1alpha1"}


def chosen(**expression: str) -> JsonObject:
    """Select clusters by name: `In="eu"` or `NotIn="eu"`."""
    ((operator, name),) = expression.items()
    return {"matchExpressions": [{"key": "name", "operator": operator, "values": [name]}]}


def repository(*namespaces: str, **more: bytes) -> Catalog:
    """Production with web and api in some namespaces of `eu` and `us`; `alias` leads to `eu` too."""
    clusters = {
        f"clusters/{name}.yaml": {
            **AV,
            "kind": "Cluster",
            "metadata": {"name": name, "labels": {"name": name}},
            "spec": spec,
        }
        for name, spec in {"eu": {}, "alias": {"connection": "eu"}, "us": {}}.items()
    }
    spec = {
        "targets": [{"clusterSelector": chosen(NotIn="alias"), "namespace": name} for name in namespaces],
        "waves": [{"name": "all"}],
    }
    environment = {**AV, "kind": "Environment", "metadata": {"name": "production"}, "spec": spec}
    bodies: dict[str, Any] = {**clusters, "environments/production/environment.yaml": environment}
    contents = {path: yaml.safe_dump(body).encode() for path, body in bodies.items()}
    contents |= {f"environments/{name}/environment.yaml": text for name, text in more.items()}
    manifests = [f"environments/production/{name}/app.yaml" for name in ("web", "api")]
    manifests += [f"environments/{name}/db/app.yaml" for name in more]
    return catalogs.build(dict.fromkeys([*contents, *manifests], "0" * 40), contents)


def parent(environment: str, application: str, namespace: str = "shop", **changes: Any) -> JsonObject:
    labels = {INVENTORY_OF: environment, APPLICATION: application}
    name = parent_name(environment, application)
    return {"name": name, "namespace": namespace, "labels": labels, **changes}


def freed(catalog: Catalog, *parents: JsonObject, recorded: tuple[str, ...] = ()) -> frozenset[str]:
    return let_go(parents, catalog, recorded, scopes_on(catalog, "eu"))


def applyset(environment: str, application: str, namespace: str = "shop") -> str:
    return Scope(environment, application, Target("eu", namespace)).applyset


def test_scopes_are_those_of_the_connection_under_all_its_names() -> None:
    """Two environments may choose one place by different names: their inventories differ."""
    spec = {
        "targets": [{"clusterSelector": chosen(In="alias"), "namespace": "shop"}],
        "waves": [{"name": "all"}],
    }
    staging = {**AV, "kind": "Environment", "metadata": {"name": "staging"}, "spec": spec}
    text = yaml.safe_dump(staging).encode()
    catalog = repository("shop", "other", staging=text)
    found = {(scope.name, str(scope.target)) for scope in scopes_on(catalog, "eu").values()}
    production = {
        (f"production/{name}", f"eu/{place}") for name in ("web", "api") for place in ("shop", "other")
    }
    assert found == production | {("staging/db", "alias/shop")}


def test_what_git_has_no_more_is_let_go() -> None:
    """An application, a target and an environment that left; only where they were this repository's."""
    catalog = repository("shop")
    assert freed(catalog, parent("production", "gone")) == {applyset("production", "gone")}
    assert freed(catalog, parent("production", "web", "left")) == {applyset("production", "web", "left")}
    assert freed(catalog, parent("renamed", "web")) == frozenset()
    assert freed(catalog, parent("renamed", "web"), recorded=("renamed",)) == {applyset("renamed", "web")}


def test_what_git_has_is_not_let_go() -> None:
    assert freed(repository("shop"), parent("production", "web")) == frozenset()


def test_nothing_is_let_go_by_an_environment_that_nobody_can_read() -> None:
    catalog = repository("shop", broken=b"kind: Nonsense")
    assert [one.name for one in unusable(catalog)] == ["broken"]
    assert freed(catalog, parent("broken", "web"), recorded=("broken",)) == frozenset()


def test_a_parent_that_is_not_what_its_labels_say_proves_nothing() -> None:
    assert freed(repository("shop"), parent("production", "gone", name="else")) == frozenset()
