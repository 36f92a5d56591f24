"""What Helm is told: values in their order with variables filled in, names, versions; what is wrong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput, Location
from gitops.model.catalog import ApplicationSource, Catalog, ChartSource, SourceFile
from gitops.model.targets import Target
from gitops.objects import Json, JsonObject
from gitops.render.encrypted import sealed_values
from gitops.render.helm.values import Destination, Release, merged, parse_values, release

CatalogOf = Callable[[Mapping[str, bytes]], Catalog]
APPLICATION = "environments/shop/web/application.yaml"
ENVIRONMENT = b"""\
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: shop}
spec:
  targets: [{clusterSelector: {}, namespace: shop}]
  waves: [{name: rest}]
  variables: {colour: green}
"""
SPEC = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  helm:
"""
FILES = {
    "first": b"from: first ${colour}\n",
    "second": b"from: second\n",
    "canary": b"from: canary\n",
    "empty": b"# nothing\n",
    "list": b"- a\n",
    "two": b"a: 1\n---\nb: 2\n",
    "calls": b"a:\n  - b: '{{ lookup \"v1\" }}'\n",
}


def told(
    catalog_of: CatalogOf,
    helm: str,
    *files: str,
    version: str = "1.37.2",
    name: str = "web",
    canary: str = "",
) -> Release:
    cluster = (
        "apiVersion: gitops-waves.io/v1alpha1\nkind: Cluster\nmetadata: {name: eu, labels: {ring: canary}}\n"
        f"spec: {{kubernetesVersion: '{version}', apiVersions: [b.example/v1, a.example/v1, b.example/v1]}}\n"
    )
    catalog = catalog_of(
        {
            "clusters/eu.yaml": cluster.encode(),
            "environments/shop/environment.yaml": ENVIRONMENT,
            APPLICATION.replace("web", name): SPEC.replace("web", name).encode() + helm.encode(),
        }
    )
    assert catalog.all_problems() == ()
    environment = catalog.environments["shop"]
    application: ApplicationSource = environment.applications[name]
    overrides = ((SourceFile(canary, "1"),) if canary else (), ())
    count = len(application.spec.helm.overrides) if application.spec.helm else 0
    chart = ChartSource("charts/web", (), tuple(SourceFile(one, "1") for one in files), overrides[:count])
    destination = Destination(
        environment, Target("eu", "shop"), catalog.clusters["eu"], Location("clusters/eu.yaml")
    )
    return release(application, chart, destination, lambda file: parse_values(file.path, FILES[file.path]))


def values(catalog_of: CatalogOf, helm: str, *files: str, canary: str = "") -> list[JsonObject]:
    return list(told(catalog_of, helm, *files, canary=canary).values)


def test_a_later_layer_comes_later(catalog_of: CatalogOf) -> None:
    """Files, then values, then those overrides that match; what is empty is left out."""
    helm = """\
    values: {from: "inline ${cluster} $${kept}"}
    overrides:
      - clusterSelector: {matchLabels: {ring: canary}}
        values: {from: override}
      - clusterSelector: {matchLabels: {ring: other}}
        values: {from: nobody}
"""
    found = values(catalog_of, helm, "first", "empty", "second", canary="canary")
    assert [one["from"] for one in found] == [
        "first green",
        "second",
        "inline eu ${kept}",
        "canary",
        "override",
    ]


def test_names_and_versions_are_told_in_one_form(catalog_of: CatalogOf) -> None:
    """So that equal ones share a run."""
    one = told(catalog_of, "    releaseName: front\n", version="v1.37")
    assert (one.name, one.namespace, one.kubernetes_version) == ("front", "shop", "1.37.0")
    assert one.api_versions == ("a.example/v1", "b.example/v1")
    assert told(catalog_of, "    chart: .\n").name == "web"


@pytest.mark.parametrize(
    ("helm", "files", "expected"),
    [
        ("    values: {a: [{b: '${c}'}]}\n", (), f'{APPLICATION}:6:22: undefined variable "c"'),
        ("    chart: .\n", ("list",), "list:1:1: values are a mapping of names to values"),
        ("    chart: .\n", ("two",), "two:3:1: a file of values is one document"),
        ("    chart: .\n", ("calls",), "calls:2:8: text that calls lookup is refused"),
        ("    values: {a: '{{ tpl `{{ getHostByName }}` . }}'}\n", (), f"{APPLICATION}:6:17: text that"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_values_is_told_at_its_line(
    helm: str, files: tuple[str, ...], expected: str, catalog_of: CatalogOf
) -> None:
    with pytest.raises(InvalidInput) as raised:
        values(catalog_of, helm, *files)
    assert str(raised.value).startswith(expected)


def test_every_problem_is_told_at_once(catalog_of: CatalogOf) -> None:
    with pytest.raises(InvalidInput) as raised:
        values(catalog_of, "    values: {a: '${c}', b: '${d}'}\n", "list", "calls")
    assert len(raised.value.problems) == 4


def test_a_name_that_helm_would_refuse_is_told_before(catalog_of: CatalogOf) -> None:
    with pytest.raises(InvalidInput, match=r"6:5: Helm takes 53 characters.*: write spec.helm.releaseName"):
        told(catalog_of, "    chart: .\n", name="a" * 54)


def test_values_are_no_part_of_what_is_printed_of_them(catalog_of: CatalogOf) -> None:
    assert "canary-1" not in repr(told(catalog_of, "    values: {a: canary-1}\n"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON)
def test_what_was_not_ciphertext_is_no_secret(written: object, plain: object) -> None:
    assert list(sealed_values(written, plain)) == []  # type: ignore[arg-type]


def test_what_was_ciphertext_is_secret_at_its_place() -> None:
    sealed = "ENC[AES256_GCM,data:x]"
    written: JsonObject = {"a": {"b": [sealed, "open"], "c": sealed, "d": sealed}, "e": "open"}
    plain: JsonObject = {"a": {"b": ["one", "open"], "c": 12, "d": ""}, "e": "open"}
    assert list(sealed_values(written, plain)) == [(("a", "b", 0), "one"), (("a", "c"), 12), (("a", "d"), "")]


KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
VALUES: st.SearchStrategy[JsonObject] = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6),
    max_size=3,
)


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    first: JsonObject = {"a": {"x": 1, "y": [1, 2]}, "b": {"x": 1}, "c": 1, "d": {"x": 1}}
    second: JsonObject = {"a": {"y": [3]}, "b": None, "c": {"x": 2}, "e": None}
    assert merged([first, second]) == {
        "a": {"x": 1, "y": [3]},
        "b": None,
        "c": {"x": 2},
        "d": {"x": 1},
        "e": None,
    }


@given(st.lists(VALUES, max_size=4))
def test_the_last_file_that_says_something_has_its_way(files: list[JsonObject]) -> None:
    """Seen from each place: what the last one says, unless that and what was before are mappings."""

    def looked_up(before: Json, now: Json) -> Json:
        if isinstance(before, dict) and isinstance(now, dict):
            keys = [*before, *(key for key in now if key not in before)]
            return {key: looked_up(before.get(key), now[key]) if key in now else before[key] for key in keys}
        return now

    expected: Json = {}
    for file in files:
        expected = looked_up(expected, file)
    assert merged(files) == expected


@given(VALUES, VALUES)
def test_merging_changes_neither(first: JsonObject, second: JsonObject) -> None:
    before = repr((first, second))
    merged([first, second])
    assert repr((first, second)) == before


@given(VALUES)
def test_nothing_and_the_same_again_change_nothing(values: JsonObject) -> None:
    assert merged([{}, values]) == merged([values, {}]) == merged([values, values]) == values
