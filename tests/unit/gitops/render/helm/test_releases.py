"""Helm's output: each object at its template, hooks refused or skipped, `keep` translated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gitops.dialect import Document
from gitops.errors import InvalidInput
from gitops.model.helm import HelmHooks
from gitops.render.helm.releases import applicable, parse_release, relocated

PRINTED = b"""\
---
# Source: web/crds/a.yaml
kind: A
---
kind: B
---
# Source: web/templates/x.yaml
kind: C

---
# Source: web/templates/y.yaml
# Source: web/templates/pretended.yaml
kind: D
data: |
  # Source: web/templates/quoted.yaml
"""


def located() -> bytes:
    return relocated(PRINTED, lambda name: name.replace("web/", "charts/w/"))


def test_each_document_knows_its_template() -> None:
    """What a template prints itself is none of Helm's lines; one line serves a whole file of CRDs."""
    documents = parse_release("Chart.yaml", located())
    found = {one.value["kind"]: one.path for one in documents if isinstance(one.value, dict)}
    assert found == {
        "A": "charts/w/crds/a.yaml",
        "B": "charts/w/crds/a.yaml",
        "C": "charts/w/templates/x.yaml",
        "D": "charts/w/templates/y.yaml",
    }
    assert b"  # Source: web/templates/quoted.yaml" in located()


def test_a_file_of_definitions_that_begins_with_a_separator_is_known() -> None:
    """As controller-gen writes them."""
    printed = PRINTED.replace(b"crds/a.yaml\n", b"crds/a.yaml\n---\n").replace(
        b"x.yaml\n", b"x.yaml\n\n# x\n"
    )
    documents = parse_release("Chart.yaml", relocated(printed, lambda name: name))
    assert [one.path.removeprefix("web/") for one in documents] == [
        "crds/a.yaml",
        "crds/a.yaml",
        "templates/x.yaml",
        "templates/y.yaml",
    ]
    assert parse_release("Chart.yaml", b"kind: A\n")[0].path == "Chart.yaml"


def test_what_cannot_be_read_is_told_at_its_template() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_release("Chart.yaml", located() + b"kind: E\n")
    assert str(raised.value).startswith("charts/w/templates/y.yaml: its output cannot be applied: duplicate")


def documents(**annotations: str) -> tuple[Document, ...]:
    lines = "".join(f'    {key.replace("_", "/")}: "{value}"\n' for key, value in annotations.items())
    text = f"kind: Job\nmetadata:\n  name: a\n  annotations:\n{lines}---\nkind: Other\n"
    return parse_release("Chart.yaml", text.encode())


def kinds(found: tuple[Document, ...]) -> Iterator[Any]:
    return (one.value["kind"] for one in found if isinstance(one.value, dict))


def test_hooks_are_refused_or_left_out() -> None:
    hooked = documents(**{"helm.sh_hook": "pre-install,pre-upgrade"})
    with pytest.raises(InvalidInput, match=r"Chart.yaml \(Job a\): a hook \(pre-install,pre-upgrade\)"):
        applicable(hooked, HelmHooks.REFUSE)
    assert list(kinds(applicable(hooked, HelmHooks.SKIP))) == ["Other"]


def test_only_what_is_nothing_but_a_test_is_left_out() -> None:
    """A test that is another hook too is refused, or applied, as that is."""
    for hook in ("test", "test-success", " Test , test-success"):
        assert list(kinds(documents(**{"helm.sh_hook": hook}))) == ["Other"]
    with pytest.raises(InvalidInput, match=r"a hook \(post-install,test\)"):
        applicable(documents(**{"helm.sh_hook": "post-install,test"}), HelmHooks.REFUSE)


def test_a_hook_that_says_its_order_in_our_words_is_an_object() -> None:
    ordered = documents(**{"helm.sh_hook": "pre-install", "gitops-waves.io_depends-on": "ConfigMap/x"})
    for hooks in HelmHooks:
        assert list(kinds(applicable(ordered, hooks))) == ["Job", "Other"]


@pytest.mark.parametrize(
    ("annotations", "prune"),
    [
        ({"helm.sh_resource-policy": "keep"}, "disabled"),
        ({"helm.sh_resource-policy": "keep", "gitops-waves.io_prune": "enabled"}, "enabled"),
        ({"helm.sh_resource-policy": "delete"}, None),
    ],
)
def test_keep_becomes_our_own_annotation(annotations: dict[str, str], prune: str | None) -> None:
    """Unless ours says otherwise. What was printed is not changed: others share it."""
    printed = documents(**annotations)
    found = applicable(printed, HelmHooks.REFUSE)[0].value
    assert isinstance(found, dict)
    assert found["metadata"]["annotations"].get("gitops-waves.io/prune") == prune
    before = printed[0].value
    assert isinstance(before, dict)
    assert len(before["metadata"]["annotations"]) == len(annotations)
