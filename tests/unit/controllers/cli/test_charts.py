"""The command line and applications that are charts: what is on disk counts as what is committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from controllers.cli import worktree
from gitops.errors import InvalidInput
from tests import tools
from tests.unit.controllers.cli.conftest import CLUSTERS, Shop, config_map

Gitops = Callable[..., Result]
CHART = "charts/web"
TEMPLATE = f"{CHART}/templates/config.yaml"
APPLICATION = "environments/production/charted/application.yaml"
SECRET = "environments/production/web/secret.yaml"
SETTINGS = f"""\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {{name: charted}}
spec:
  helm:
    chart: ../../../{CHART}
    values: {{place: "${{cluster}}"}}
"""
VERSIONED = CLUSTERS.replace("}}\n", "}}\nspec: {kubernetesVersion: 1.37.2}\n")
CLEAN = "1 environment, 3 applications: no problems\n"


@pytest.fixture(scope="module")
def helm() -> Path:
    """Where helm is: looked up before a test gets a cache of its own, in which there is none."""
    return tools.folder()


@pytest.fixture
def charted(shop: Shop, helm: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A third application, on a chart."""
    monkeypatch.setattr("controllers.adapters.renderers.executables.search_path", lambda: str(helm))
    shop.commit(
        "Use Helm",
        {
            "clusters/all.yaml": VERSIONED,
            f"{CHART}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            TEMPLATE: config_map("charted", "{{ .Values.place }}"),
            APPLICATION: SETTINGS,
            SECRET: None,  # lint warns of it
        },
    )
    return shop


def both(gitops: Gitops, shop: Shop, message: str, files: dict[str, str | None]) -> str:
    """What lint says of a mistake: the same, committed or not."""
    for path, text in files.items():
        place = shop.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text or "")
    said: str = gitops("lint", code=1).stdout
    shop.commit(message, {})
    assert gitops("lint", "--rev", "HEAD", code=1).stdout == said
    assert "/tmp" not in said
    return said


def test_lint_renders_what_is_on_disk_and_what_is_committed(gitops: Gitops, charted: Shop) -> None:
    assert gitops("lint").stdout == CLEAN
    assert gitops("lint", "--rev", "HEAD").stdout == CLEAN
    said = both(gitops, charted, "Break", {TEMPLATE: "a: {{ .Values.place.deeper.still }}\n"})
    assert said.startswith(f"{TEMPLATE}:1:")
    assert said.endswith("(for environments/production/charted)\n")


def test_lint_judges_every_target(gitops: Gitops, charted: Shop) -> None:
    """What is wrong on one of them alone is found."""
    only = '{{ if eq .Values.place "us-1" }}{{ fail "not here" }}{{ end }}'
    said = both(gitops, charted, "Break", {f"{CHART}/templates/check.yaml": only})
    where = "(for environments/production/charted), on us-1/shop"
    assert said == f"{CHART}/templates/check.yaml:1:36: helm: not here {where}\n"


def test_lint_finds_what_a_chart_and_a_file_claim(gitops: Gitops, charted: Shop) -> None:
    said = both(
        gitops, charted, "Claim", {"environments/production/api/more.yaml": config_map("charted", "x")}
    )
    assert "ConfigMap shop/charted is claimed by application charted of environment production" in said
    assert f"(namespace shop, {TEMPLATE} (ConfigMap charted)) too, on eu-1, us-1" in said


def test_lint_names_clusters_without_a_version_and_overrides_for_nobody(
    gitops: Gitops, charted: Shop
) -> None:
    assert both(gitops, charted, "Unpin", {"clusters/all.yaml": CLUSTERS}).splitlines() == [
        f"clusters/all.yaml:{line}:18: environments/production/charted is a chart, which may ask for the "
        f"cluster's version: write spec.kubernetesVersion, such as 1.37.2, on {cluster}/shop"
        for line, cluster in ((3, "eu-1"), (7, "us-1"))
    ]
    override = "    overrides: [{clusterSelector: {matchLabels: {stage: nowhere}}}]\n"
    files: dict[str, str | None] = {"clusters/all.yaml": VERSIONED, APPLICATION: SETTINGS + override}
    assert f"{APPLICATION}:8:35: this override is for none of the targets" in both(
        gitops, charted, "Idle", files
    )


def test_lint_without_helm_says_once_what_to_install(
    gitops: Gitops, charted: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each of five hundred charts would hide everything else that is wrong."""
    other = {
        "charts/more/Chart.yaml": "apiVersion: v2\nname: more\nversion: 1.0.0\n",
        APPLICATION.replace("charted", "more"): SETTINGS.replace("charted", "more").replace(
            CHART, "charts/more"
        ),
    }
    charted.commit("Another chart", {**other, "environments/production/broken/broken.yaml": "a: ["})
    monkeypatch.setattr("controllers.adapters.renderers.executables.search_path", lambda: "/nonexistent")
    for options in ((), ("--rev", "HEAD")):
        lines = gitops("lint", *options, code=1).stdout.splitlines()
        (line,) = (line for line in lines if "helm" in line)
        assert line.startswith("charts/more/Chart.yaml: helm is not on the PATH where the controller runs")
        assert line.endswith("(1 more need it)")
        assert any("broken/broken.yaml" in line for line in lines)


def test_a_chart_beside_the_environment_makes_one_application(gitops: Gitops, charted: Shop) -> None:
    """What configures us is no part of the chart: it would differ where the environment's waves do."""
    environment = charted.read("environments/production/environment.yaml").replace(
        "production}\nspec", "solo}\nspec"
    )
    application = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: solo}\n"
    template = config_map("solo", '{{ .Files.Glob "*.yaml" | len }} {{ .Release.Name }}')
    charted.commit(
        "Solo",
        {
            "environments/solo/environment.yaml": environment,
            "environments/solo/application.yaml": application,
            "environments/solo/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
            "environments/solo/templates/config.yaml": template,
        },
    )
    assert gitops("lint").stdout == "2 environments, 4 applications: no problems\n"
    rendered = gitops("render", "solo", "--target", "eu-1/shop").stdout
    assert "value: 0 solo" in rendered
    assert "# environments/solo/templates/config.yaml (ConfigMap solo)" in rendered


def test_a_revert_leaves_the_shared_chart_and_names_it(gitops: Gitops, charted: Shop) -> None:
    first = charted.head()
    changes: dict[str, str | None] = {
        TEMPLATE: config_map("charted", "two"),
        APPLICATION: SETTINGS.replace("values: {", "values: {more: x, "),
    }
    charted.commit("Change both", changes)
    done = gitops("revert", "production/charted", "--to", first)
    assert f"charted also reads {TEMPLATE}, which {first[:12]} has otherwise" in done.stderr
    assert "more" not in charted.read(APPLICATION)
    assert "two" in charted.read(TEMPLATE)


def test_a_folder_is_listed_as_a_commit_is(charted: Shop) -> None:
    """What Git ignores is in no commit, symlinks are not entered, hidden files count."""
    files: dict[str, str | None] = {
        ".gitignore": "*.tgz\nbuilt/\n",
        f"{CHART}/charts/db-1.0.0.tgz": "ignored",
        f"{CHART}/built/x.yaml": "ignored",
        f"{CHART}/.helmignore": "x\n",
        f"{CHART}/templates/deep/er/x.txt": "x\n",
    }
    (charted.path / CHART / "linked").symlink_to("templates")
    (charted.path / CHART / "link.yaml").symlink_to("Chart.yaml")
    revision = charted.commit("List", files)
    charted.mirror.fetch()
    tree = worktree.FolderTree(charted.path, worktree.Snapshot({}, ()))
    on_disk = [(leaf.path.removeprefix(f"{CHART}/"), leaf.strange) for leaf in tree.leaves(CHART)]
    committed = charted.mirror.tree(revision).leaves(CHART)
    assert on_disk == [(leaf.path.removeprefix(f"{CHART}/"), leaf.strange) for leaf in committed]
    assert on_disk == [
        (".helmignore", ""),
        ("Chart.yaml", ""),
        ("link.yaml", "a symlink"),
        ("linked", "a symlink"),
        ("templates/config.yaml", ""),
        ("templates/deep/er/x.txt", ""),
    ]


def test_a_bad_name_in_a_folder_is_told(charted: Shop) -> None:
    (charted.path / CHART / "a\nb").write_text("x")
    tree = worktree.FolderTree(charted.path, worktree.Snapshot({}, ()))
    with pytest.raises(InvalidInput, match=r"charts/web/a\\nb: file names must be"):
        tree.leaves(CHART)
