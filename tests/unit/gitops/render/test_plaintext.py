"""Which Secrets count as plain text, and what the environment says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from gitops.dialect import Document, parse
from gitops.lint import lint, warnings
from gitops.model.catalog import ApplicationSource, Catalog
from gitops.render.encrypted import concealed
from gitops.render.helm.values import Destination
from gitops.render.plaintext import plaintext
from tests.plain import plain_documents

HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f"{HEAD}data: {{a: aHVudGVyMg==}}\n", ["f.yaml:4:1"]),
        (f"{HEAD}stringData:\n  a: hunter2\n", ["f.yaml:4:1"]),
        (f"{HEAD}data: {{b: ''}}\nstringData: {{a: hunter2}}\n", ["f.yaml:5:1"]),
        (f"{HEAD}stringData: {{a: '${{password}}'}}\n", ["f.yaml:4:1"]),
        (f"{HEAD}data: {{a: 7}}\n", ["f.yaml:4:1"]),
        (
            "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  apiVersion: v1\n  data: {a: b}\n",
            ["f.yaml:6:3"],
        ),
        (f"{HEAD}data: {{a: b}}\n---\n{HEAD}data: {{a: b}}\n", ["f.yaml:4:1", "f.yaml:9:1"]),
        (HEAD, []),
        (f"{HEAD}type: kubernetes.io/service-account-token\n", []),
        (f"{HEAD}data: {{}}\nstringData:\n", []),
        (f"{HEAD}data: {{a: '', b: ~}}\n", []),
        (f"{HEAD.replace('Secret', 'ConfigMap')}data: {{a: b}}\n", []),
        (f"{HEAD.replace('v1', 'example.org/v1')}data: {{a: b}}\n", []),
        ("- just\n- a list\n", []),
    ],
)
def test_values_are_what_counts(text: str, places: list[str]) -> None:
    found = plaintext(parse(text.encode(), "f.yaml"))
    assert [str(one.location) for one in found] == places
    assert "hunter2" not in str(found)


def test_old_versions_are_warned_of_without_a_cluster(
    catalog_of: Callable[[Mapping[str, bytes]], Catalog],
) -> None:
    files = {path: text.encode() for path, text in FILES.items() if "secret" not in path}
    old = b"kind: Ingress\napiVersion: extensions/v1beta1\nmetadata: {name: a}\n---\nkind: [a]\n"
    files["environments/shop/web/old.yaml"] = old
    found = warnings(catalog_of(files), plain_documents(files))
    assert [str(one).partition(": ")[0] for one in found] == ["environments/shop/web/old.yaml:2:13"]
    assert found[0].message.endswith("write Ingress of networking.k8s.io/v1")


KINDS = "apiVersion: gitops-waves.io/v1alpha1\nkind: "
FILES = {
    "clusters/a.yaml": f"{KINDS}Cluster\nmetadata: {{name: a}}\n",
    "environments/shop/environment.yaml": (
        f"{KINDS}Environment\nmetadata: {{name: shop}}\nspec:\n"
        "  targets: [{clusterSelector: {}, namespace: shop}]\n  waves: [{name: all}]\n"
    ),
    "environments/shop/web/secret.yaml": f"{HEAD}data: {{a: aGk=}}\n",
}


@pytest.mark.parametrize(
    ("repository", "environment", "refused", "warned"),
    [
        (None, None, 0, 1),
        ("Warn", None, 0, 1),
        ("Refuse", None, 1, 0),
        ("Allow", None, 0, 0),
        ("Refuse", "Allow", 0, 0),
        ("Allow", "Refuse", 1, 0),
    ],
)
def test_the_environment_says_what_they_are_and_the_repository_where_it_does_not(
    repository: str | None,
    environment: str | None,
    refused: int,
    warned: int,
    catalog_of: Callable[[Mapping[str, bytes]], Catalog],
) -> None:
    files = dict(FILES)
    if repository:
        files["gitops.yaml"] = (
            f"{KINDS}Repository\nmetadata: {{name: r}}\nspec: {{plaintextSecrets: {repository}}}\n"
        )
    if environment:
        files["environments/shop/environment.yaml"] += f"  plaintextSecrets: {environment}\n"
    contents = {path: text.encode() for path, text in files.items()}
    catalog = catalog_of(contents)
    assert len(lint(catalog, plain_documents(contents))) == refused
    assert len(warnings(catalog, plain_documents(contents))) == warned


@pytest.mark.parametrize(
    ("operation", "warned"),
    [
        ("{op: add, path: /stringData/a, value: hunter2}", True),
        ("{op: replace, path: /data, value: {a: aGk=}}", True),
        ("{op: add, path: /stringData/a, value: '${b}'}", True),
        (
            "{op: add, path: '', value: {apiVersion: v1, kind: Secret, metadata: {name: web}, data: {a: b}}}",
            True,
        ),
        ("{op: add, path: /stringData, value: {a: ''}}", False),
        ("{op: add, path: /stringData/a, value: ''}", False),
        ("{op: add, path: /metadata/labels, value: {a: b}}", False),
        ("{op: test, path: /stringData/a, value: hunter2}", False),
    ],
)
def test_what_a_patch_writes_into_a_secret_counts_too(
    operation: str, *, warned: bool, catalog_of: Callable[[Mapping[str, bytes]], Catalog]
) -> None:
    """At the patch, whichever clusters it is for, and though the Secret's own file is encrypted."""
    patch = f"{{target: {{kind: Secret}}, operations: [{operation}]}}"
    files = {path: text.encode() for path, text in FILES.items()}
    sealed = f"{HEAD}stringData: {{z: 'ENC[AES256_GCM,data:x]'}}\nsops: {{mac: 'ENC[x]'}}\n"
    files["environments/shop/web/secret.yaml"] = sealed.encode()
    files["environments/shop/environment.yaml"] += (
        f"  overrides: [{{clusterSelector: {{matchLabels: {{no: where}}}}, patches: [{patch}]}}]\n"
    ).encode()
    written = plain_documents(files)

    def documents(application: ApplicationSource, place: Destination | None = None) -> Sequence[Document]:
        return concealed(written(application, place))

    found = warnings(catalog_of(files), documents)
    column = 109 + operation.index("value: ") + 7
    places = [f"environments/shop/environment.yaml:7:{column}"] if warned else []
    assert [str(one.location) for one in found] == places
    assert "hunter2" not in str(found)
