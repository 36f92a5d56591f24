"""The command line and applications that kustomize builds: what is on disk counts as what is committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from controllers.adapters.git import TreeView
from controllers.adapters.renderers import Kustomize
from controllers.cli import worktree
from gitops.errors import InvalidInput
from tests.unit.controllers.cli.conftest import Shop, config_map

Gitops = Callable[..., Result]
BASE = "bases/web"
SECRET = "environments/production/web/secret.yaml"
OVERLAY = "environments/production/overlay/kustomization.yaml"


@pytest.fixture
def kustomized(shop: Shop) -> Shop:
    """A third application, on a base."""
    shop.commit(
        "Use kustomize",
        {
            f"{BASE}/kustomization.yaml": "resources: [config.yaml]\nnamePrefix: over-\n",
            f"{BASE}/config.yaml": config_map("web", "${cluster}"),
            OVERLAY: f"resources: [../../../{BASE}]\n",
            SECRET: None,  # lint warns of it
        },
    )
    return shop


def test_lint_builds_what_is_on_disk_and_what_is_committed(gitops: Gitops, kustomized: Shop) -> None:
    assert gitops("lint").stdout == "1 environment, 3 applications: no problems\n"
    assert gitops("lint", "--rev", "HEAD").stdout == "1 environment, 3 applications: no problems\n"
    (kustomized.path / BASE / "kustomization.yaml").write_text("resources: [nowhere.yaml]\n")
    line = f"{BASE}/kustomization.yaml:1:13: there is no {BASE}/nowhere.yaml in the repository\n"
    assert gitops("lint", code=1).stdout == line
    assert "no problems" in gitops("lint", "--rev", "HEAD").stdout
    kustomized.commit("Break", {})
    assert gitops("lint", "--rev", "HEAD", code=1).stdout == line


def test_lint_names_the_object_and_field_of_what_was_built(gitops: Gitops, kustomized: Shop) -> None:
    """There is no line that anybody wrote."""
    kustomized.commit("Misspell", {f"{BASE}/config.yaml": config_map("web", "${clustre}")})
    said = gitops("lint", code=1).stdout
    assert said.startswith(
        f'{OVERLAY} (ConfigMap over-web, /data/value): undefined variable "clustre": did you'
    )
    assert gitops("lint", "--rev", "HEAD", code=1).stdout == said
    (problem,) = json.loads(gitops("lint", "-o", "json", code=1).stdout)["problems"]
    assert (problem["path"], problem["line"]) == (OVERLAY, 0)
    assert problem["inside"] == "ConfigMap over-web, /data/value"


def test_lint_tells_what_kustomize_says(gitops: Gitops, kustomized: Shop) -> None:
    kustomized.commit("Patch", {OVERLAY: f"resources: [../../../{BASE}]\nimages: wrong\n"})
    said = gitops("lint", code=1).stdout
    assert said.startswith(f"{OVERLAY}: kustomize: invalid Kustomization: json: cannot unmarshal")
    assert "/tmp" not in said


def test_lint_finds_an_object_that_two_applications_claim(gitops: Gitops, kustomized: Shop) -> None:
    kustomized.commit("Claim", {"environments/production/api/more.yaml": config_map("over-web", "x")})
    said = gitops("lint", code=1).stdout
    assert "ConfigMap shop/over-web is claimed by application api of environment production" in said
    assert said.startswith(f"{OVERLAY} (ConfigMap over-web)")


def test_lint_without_a_tool_says_what_to_install(
    gitops: Gitops, kustomized: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, at the kustomization; the rest is judged all the same."""
    kustomized.commit("Break", {"environments/production/api/api.yaml": "a: b\n"})
    monkeypatch.setattr("controllers.adapters.renderers.executables.search_path", lambda: "/nonexistent")
    lines = gitops("lint", code=1).stdout.splitlines()
    assert [line for line in lines if "gitops-waves[kustomize]" in line] == [lines[-1]]
    assert lines[-1].startswith(f"{OVERLAY}: neither kustomize nor kubectl is installed")
    assert len(lines) > 1


def test_a_command_takes_what_the_controller_built_before(
    gitops: Gitops, kustomized: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the operator's configuration says that it is kept on disk, and where; without one, nothing is."""
    config = tmp_path / "controller.yaml"
    config.write_text(
        "apiVersion: gitops-waves.io/v1alpha1\nkind: Controller\n"
        f"repositories: [{{name: shop, url: {kustomized.path}}}]\nstateDirectory: {tmp_path}/state\n"
    )
    told = gitops("render", "production").stdout
    assert "over-web" in told
    assert not (tmp_path / "state").exists()
    configured = ("render", "production", "--config", str(config))
    assert gitops(*configured).stdout == told

    def nothing_is_built(*_arguments: object) -> bytes:
        raise AssertionError("it was built before")

    monkeypatch.setattr(Kustomize, "build", nothing_is_built)
    assert gitops(*configured).stdout == told


def test_a_kustomization_beside_the_environment_makes_one_application(gitops: Gitops, shop: Shop) -> None:
    folder = "environments/solo"
    settings = shop.read("environments/production/environment.yaml").replace(
        "production}\nspec", "solo}\nspec"
    )
    shop.commit(
        "Solo",
        {
            f"{folder}/environment.yaml": settings,
            f"{folder}/kustomization.yaml": "resources: [parts/a.yaml]\nnamePrefix: solo-\n",
            f"{folder}/parts/a.yaml": config_map("a", "one"),
            SECRET: None,
        },
    )
    assert gitops("lint").stdout == "2 environments, 3 applications: no problems\n"
    assert gitops("lint", "--rev", "HEAD").stdout == "2 environments, 3 applications: no problems\n"


def test_a_revert_leaves_shared_files_and_names_them(gitops: Gitops, kustomized: Shop) -> None:
    first = kustomized.head()
    kustomized.commit(
        "Change both",
        {
            f"{BASE}/config.yaml": config_map("web", "two"),
            OVERLAY: f"resources: [../../../{BASE}]\nnameSuffix: -x\n",
        },
    )
    done = gitops("revert", "production/overlay", "--to", first)
    assert f"overlay also reads {BASE}/config.yaml, which {first[:12]} has otherwise" in done.stderr
    assert "nameSuffix" not in kustomized.read(OVERLAY)
    assert "two" in kustomized.read(f"{BASE}/config.yaml")
    again = gitops("revert", "production/overlay", "--to", first, code=1)
    assert f"overlay also reads {BASE}/config.yaml" in again.stderr
    assert "nothing" in again.stderr


LINKS = {
    "links/file": "../bases/web/config.yaml",
    "links/folder": "../bases",
    "links/chain": "folder/web",
    "links/self": "self",
    "links/a": "b",
    "links/b": "a",
    "links/absolute": "/etc",
    "links/out": "../../..",
    "links/dangling": "nowhere",
    "links/dot": ".",
}


@pytest.mark.parametrize(
    "path",
    [
        *("", "bases", "bases/web/config.yaml", "nowhere", "bases/web/config.yaml/below", "bases/nowhere/x"),
        *LINKS,
        *(
            "links/folder/web/config.yaml",
            "links/chain/config.yaml",
            "links/out/etc/passwd",
            "links/dot/dot/file",
        ),
    ],
)
def test_a_folder_is_followed_as_a_commit_is(path: str, kustomized: Shop) -> None:
    """What lint says of files that are not committed yet holds for the commit."""
    for name, target in LINKS.items():
        place = kustomized.path / name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(target)
    revision = kustomized.commit("Link", {})
    kustomized.mirror.fetch()
    assert outcome(worktree.FolderTree(kustomized.path, worktree.Snapshot({}, ())), path) == outcome(
        kustomized.mirror.tree(revision), path
    )


def outcome(tree: TreeView | worktree.FolderTree, path: str) -> object:
    """Where a path leads and by which links; that it is refused."""
    try:
        found = tree.find(path)
    except InvalidInput:
        return "refused"
    return None if found is None else (found.path, found.folder, found.links)


def test_files_outside_the_environments_are_read_from_disk(kustomized: Shop) -> None:
    tree = worktree.FolderTree(kustomized.path, worktree.Snapshot({"known": b"as it was read"}, ()))
    assert tree.read("known") == b"as it was read"
    assert tree.read(f"{BASE}/kustomization.yaml").startswith(b"resources")
    with pytest.raises(InvalidInput, match="this is not a file"):
        tree.read(BASE)


def test_a_folder_is_followed_where_it_is_itself_a_symlink(kustomized: Shop, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(kustomized.path)
    found = worktree.FolderTree(link, worktree.Snapshot({}, ())).find(BASE)
    assert found is not None
    assert (found.path, found.folder, found.links) == (BASE, True, ())
