"""Each case in tests/cases/kustomize: the same output as kustomize's own, from exactly the files it needs."""

from __future__ import annotations

import pytest

from controllers.adapters.git import TreeView
from controllers.adapters.renderers import Files, Sandbox
from controllers.adapters.renderers.sandbox import ToolFailed
from controllers.source.renders import Renders
from gitops.render import parse_output
from tests.unit.controllers.source.kustomizations import (
    CASES,
    KUBECTL,
    NAMES,
    Kustomizations,
    kustomized,
    real_tool,
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> TreeView:
    """The corpus as a commit."""
    return Kustomizations(tmp_path_factory.mktemp("corpus")).take_cases()


@pytest.mark.parametrize("case", NAMES)
def test_the_output_is_that_of_the_real_tool_in_the_folder(case: str, tree: TreeView) -> None:
    path = f"cases/{case}/app"
    found = Renders().documents(tree, kustomized(path))
    expected = parse_output("", real_tool(CASES / case / "app"))
    assert [document.value for document in found] == [document.value for document in expected]
    assert found


@pytest.mark.parametrize("case", NAMES)
def test_every_input_is_needed(case: str, tree: TreeView) -> None:
    """Without any one of the files, kustomize does not give the same: none is an input for nothing."""
    path = f"cases/{case}/app"
    closure = Renders().closure(tree, kustomized(path))
    assert closure.problems == ()
    contents = {file.path: tree.read(file.path) for file in closure.files}
    links = {link.path: link.target for link in closure.links}
    whole = built(path, contents, links)
    assert whole == real_tool(CASES / case / "app")
    for missing in contents:
        rest = {name: data for name, data in contents.items() if name != missing}
        assert built(path, rest, links) != whole, missing


def built(folder: str, contents: dict[str, bytes], links: dict[str, str]) -> bytes | None:
    """Run kustomize on these files alone; None where it fails."""
    try:
        return Sandbox().run(KUBECTL, ["kustomize", f"./{folder}"], Files(contents, links))
    except ToolFailed:
        return None
