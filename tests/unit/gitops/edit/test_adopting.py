"""Live values in the file they belong to; what is not written there is explained with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from gitops.edit import Edited, Seen, Source, adopt_into, changed_elsewhere
from gitops.errors import Refused
from gitops.fields import FIELD_MANAGER
from gitops.model.catalog import Catalog
from gitops.model.targets import Target, targets_of
from gitops.objects import Manifest
from gitops.render import identity, parse_file

CatalogOf = Callable[[dict[str, bytes]], Catalog]
HEAD = "apiVersion: gitops-waves.io/v1alpha1\n"
WEB = "environments/shop/web"
APP = f"{WEB}/app.yaml"
FILES = {
    "clusters/eu.yaml": f"{HEAD}kind: Cluster\nmetadata: {{name: eu, labels: {{region: eu}}}}\n",
    "clusters/us.yaml": f"{HEAD}kind: Cluster\nmetadata: {{name: us, labels: {{region: us}}}}\n",
    "environments/shop/environment.yaml": f"""\
{HEAD}kind: Environment
metadata: {{name: shop}}
spec:
  targets: [{{clusterSelector: {{}}, namespace: shop}}]
  waves: [{{name: all}}]
  variables: {{tone: low}}
""",
    f"{WEB}/application.yaml": f"""\
{HEAD}kind: Application
metadata: {{name: web}}
spec:
  overrides:
    - clusterSelector: {{matchLabels: {{region: us}}}}
      patches:
        - target: {{kind: Deployment}}
          operations: [{{op: replace, path: /spec/replicas, value: 9}}]
""",
    APP: """\
# The front.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2 # enough
  template:
    spec:
      containers:
        - name: main
          image: web:1
          args: ["--in=${cluster}", '--loud']
          env: [{name: TONE, value: "${tone}"}, {name: DB_PASSWORD, value: hunter2}]
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: one}
    data: {a: x}
  # the second
  - apiVersion: v1
    kind: ConfigMap
    metadata:
      name: two
      annotations: {gitops-waves.io/substitute: disabled}
    data:
      a: y
""",
}


@pytest.fixture
def files() -> dict[str, str]:
    return dict(FILES)


def source(catalog: Catalog, files: dict[str, str]) -> Source:
    assert not catalog.all_problems()
    environment = catalog.environments["shop"]
    return Source(environment, environment.applications["web"], parse_file(APP, files[APP].encode()))


def owned(value: Any) -> Any:
    """What an apply owns: names tell the elements of a list apart, where they have any."""
    if isinstance(value, dict):
        return {
            f"f:{name}": owned(below)
            for name, below in value.items()
            if name not in ("apiVersion", "kind", "name")
        }
    if isinstance(value, list) and value and all(isinstance(one, dict) and "name" in one for one in value):
        return {
            f"k:{json.dumps({'name': one['name']})}": {".": {}, "f:name": {}, **owned(one)} for one in value
        }
    return {}


def adopted(
    catalog_of: CatalogOf,
    files: dict[str, str],
    name: str,
    change: Callable[[Any], None],
    cluster: str = "eu",
) -> tuple[Edited, Source, Manifest]:
    """Adopt an object that somebody changed on a cluster."""
    catalog = catalog_of({path: text.encode() for path, text in files.items()})
    target = Target(cluster, "shop")
    here = source(catalog, files)
    manifest = next(
        one
        for one in here.rendered(target, catalog.clusters[cluster]).values()
        if one.metadata["name"] == name
    )
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned(manifest.body)}
    applied = copy.deepcopy(manifest.body)
    applied["metadata"] |= {"managedFields": [entry], "uid": "u"}
    live = copy.deepcopy(applied)
    change(live)
    seen = Seen(identity(manifest.body, "shop"), target, catalog.clusters[cluster], manifest, applied, live)
    return adopt_into(here, files[APP].encode(), seen), here, manifest


def main(body: Any) -> Any:
    return body["spec"]["template"]["spec"]["containers"][0]


def test_one_value_changes_one_word(catalog_of: CatalogOf, files: dict[str, str]) -> None:
    def change(live: Any) -> None:
        live["spec"]["replicas"] = 5
        main(live)["args"][1] = "--quiet"

    edited, _, _ = adopted(catalog_of, files, "web", change)
    assert edited.data.decode() == files[APP].replace("replicas: 2 #", "replicas: 5 #").replace(
        "--loud", "--quiet"
    )
    assert [str(one) for one in edited.changes] == [
        "~ /spec/replicas: 2 → 5",
        "~ /spec/template/spec/containers/0/args/1: --loud → --quiet",
    ]


def test_an_object_in_a_list_is_found_by_its_place(catalog_of: CatalogOf, files: dict[str, str]) -> None:
    """Text with `${` stands for itself: escaped, or as it is where no variable is filled in."""

    def change(live: Any) -> None:
        live["data"] = {"a": "${x}", "b": "new"}

    edited, _, _ = adopted(catalog_of, files, "two", change)
    assert edited.data.decode() == files[APP].replace("      a: y\n", '      a: "${x}"\n')
    edited, _, _ = adopted(catalog_of, files, "one", change)
    assert edited.data.decode() == files[APP].replace("data: {a: x}", 'data: {a: "$${x}"}')


def test_what_others_added_is_not_adopted(catalog_of: CatalogOf, files: dict[str, str]) -> None:
    def change(live: Any) -> None:
        live["spec"]["replicas"] = 3
        live["spec"]["paused"] = True
        live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar"})

    edited, _, _ = adopted(catalog_of, files, "web", change)
    assert edited.data.decode() == files[APP].replace("replicas: 2 #", "replicas: 3 #")


@pytest.mark.parametrize(
    ("change", "cluster", "reason"),
    [
        (
            lambda live: main(live)["env"][0].update(value="high"),
            "eu",
            rf"env/0/value is made of variables at {APP}:13:37: \$\{{tone\}} is defined at \S+yaml:7:21",
        ),
        (
            lambda live: main(live)["args"].__setitem__(0, "--in=here"),
            "eu",
            rf"args/0 is made of variables at {APP}:12:18: \$\{{cluster\}} is the target's own",
        ),
        (
            lambda live: live["spec"].update(replicas=5),
            "us",
            f"/spec/replicas is set by the patch at {WEB}/application.yaml:9:24: change that",
        ),
        (
            lambda live: main(live)["env"][1].update(value="swordfish"),
            "eu",
            "env/1/value holds what looks like a credential, which is never written",
        ),
    ],
)
def test_what_the_file_does_not_have_is_explained(
    catalog_of: CatalogOf, files: dict[str, str], change: Callable[[Any], None], cluster: str, reason: str
) -> None:
    """With the place to change instead, and without a secret."""
    with pytest.raises(Refused, match=reason) as refused:
        adopted(catalog_of, files, "web", change, cluster)
    assert "swordfish" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_the_other_targets_that_get_the_value_are_named(catalog_of: CatalogOf, files: dict[str, str]) -> None:
    """Those that patch it anyway are not."""
    catalog = catalog_of({path: text.encode() for path, text in files.items()})
    spec = catalog.environments["shop"].spec
    assert spec is not None
    others = {target: catalog.clusters[target.cluster] for target in targets_of(spec, catalog.clusters)}
    for change, expected in (
        (lambda live: live["spec"].update(replicas=5), [Target("eu", "shop")]),
        (lambda live: main(live).update(image="web:2"), [Target("eu", "shop"), Target("us", "shop")]),
    ):
        edited, here, manifest = adopted(catalog_of, files, "web", change)
        assert list(changed_elsewhere(here, edited, identity(manifest.body, "shop"), others)) == expected


def test_a_removed_element_that_a_patch_needs_is_refused(
    catalog_of: CatalogOf, files: dict[str, str]
) -> None:
    """An edit after which nothing could be rendered is none."""
    path = f"{WEB}/application.yaml"
    files[path] = files[path].replace(
        "/spec/replicas, value: 9", "/spec/template/spec/containers/0/env/0/name, value: T"
    )

    def change(live: Any) -> None:
        del main(live)["env"]

    edited, here, manifest = adopted(catalog_of, files, "web", change)
    catalog = catalog_of({path: text.encode() for path, text in files.items()})
    with pytest.raises(Refused, match="nothing could be rendered for us/shop any more"):
        changed_elsewhere(
            here, edited, identity(manifest.body, "shop"), {Target("us", "shop"): catalog.clusters["us"]}
        )
