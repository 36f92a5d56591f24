"""Commands that ask for something: one commit on the branch, with the trailers that a controller reads."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest

from controllers.adapters.git import Mirror
from controllers.adapters.git.history import trailers
from gitops import revert
from gitops.errors import Conflict
from gitops.rollout.events import CommandKind
from gitops.rollout.trailers import Authored, commands_of
from tests.unit.controllers.cli.conftest import ENVIRONMENT, SECRET, Gitops, Shop, config_map, secret

ENVIRONMENT_FILE = "environments/production/environment.yaml"
WEB = "environments/production/web/web.yaml"
API = "environments/production/api/api.yaml"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("approve", CommandKind.APPROVE),
        ("retry", CommandKind.RETRY),
        ("allow-prune", CommandKind.ALLOW_PRUNE),
    ],
)
def test_a_command_is_an_empty_commit_that_a_controller_hears(
    gitops: Gitops, shop: Shop, command: str, kind: CommandKind
) -> None:
    before = shop.git.head.peel(pygit2.Commit)
    reason = "as agreed\n\nGitops-Retry: staging"
    said = gitops(command, "production/web", "-m", reason, "--author", "Bo <bo@example.com>")
    after = shop.git.head.peel(pygit2.Commit)
    assert said.stdout == f"{after.id}\n"
    assert after.parents[0].id == before.id
    assert after.tree_id == before.tree_id
    assert (after.author.name, after.author.email) == ("Bo", "bo@example.com")
    assert "as agreed" in after.message
    found = trailers(str(after.message))
    heard = commands_of([Authored(str(after.id), "Bo", found)], "production")
    assert [(one.kind, one.application) for one in heard] == [(kind, "web")]
    assert commands_of([Authored(str(after.id), "Bo", found)], "staging") == ()


def test_a_whole_environment_can_be_retried(gitops: Gitops, shop: Shop) -> None:
    gitops("retry", "production")
    assert ("Gitops-Retry", "production") in trailers(shop.message())


def test_approving_needs_an_application(gitops: Gitops, shop: Shop) -> None:
    before = shop.head()
    assert "production/APPLICATION" in gitops("approve", "production", code=2).stderr
    assert shop.head() == before


def test_a_misspelt_name_writes_nothing(gitops: Gitops, shop: Shop) -> None:
    before = shop.head()
    assert 'did you mean "web"?' in gitops("approve", "production/wep", code=1).stderr
    assert 'did you mean "production"?' in gitops("pause", "productoin", code=1).stderr
    assert shop.head() == before


def test_pause_and_resume_change_one_line(gitops: Gitops, shop: Shop) -> None:
    gitops("pause", "production", "-m", "Black Friday")
    assert shop.read(ENVIRONMENT_FILE) == ENVIRONMENT.replace("spec:\n", "spec:\n  suspended: true\n")
    assert (shop.path / ENVIRONMENT_FILE).read_text() == shop.read(ENVIRONMENT_FILE), "the work tree follows"
    assert shop.message().startswith("Pause production\n\nBlack Friday\n\nGitops-Environment: production")
    assert "the environment is suspended" in gitops("explain", "production/web").stdout
    gitops("resume", "production")
    assert shop.read(ENVIRONMENT_FILE) == ENVIRONMENT.replace("spec:\n", "spec:\n  suspended: false\n")


def test_pausing_twice_writes_once(gitops: Gitops, shop: Shop) -> None:
    gitops("pause", "production")
    before = shop.head()
    result = gitops("pause", "production")
    assert (result.stdout, result.stderr) == ("", "production is suspended already\n")
    assert shop.head() == before


def test_a_dry_run_shows_the_change_and_pushes_nothing(gitops: Gitops, shop: Shop) -> None:
    before = shop.head()
    said = gitops("pause", "production", "--dry-run").stdout
    assert said.startswith("Pause production\n")
    assert "+  suspended: true" in said
    assert shop.head() == before


def test_nobody_named_is_asked_to_say_who(gitops: Gitops, shop: Shop) -> None:
    shop.git.config["user.email"] = ""
    assert "--author 'Name <name@example.com>'" in gitops("retry", "production", code=1).stderr


def test_a_branch_that_moves_meanwhile_is_read_again(
    gitops: Gitops, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit goes on top of the other one; neither is lost."""
    push = Mirror.push_branch
    others: list[str] = []

    def slow(mirror: Mirror, commit: str, *, expected_head: str) -> None:
        if not others:
            others.append(shop.commit("Be faster", {API: config_map("api", "two")}))
        push(mirror, commit, expected_head=expected_head)

    monkeypatch.setattr(Mirror, "push_branch", slow)
    gitops("pause", "production")
    assert str(shop.git.head.peel(pygit2.Commit).parents[0].id) == others[0]
    assert "two" in shop.read(API)
    assert "suspended: true" in shop.read(ENVIRONMENT_FILE)


def test_a_branch_that_always_moves_is_given_up(
    gitops: Gitops, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_mirror: Mirror, _commit: str, *, expected_head: str) -> None:
        raise Conflict(f"the branch is not at {expected_head}")

    monkeypatch.setattr(Mirror, "push_branch", refused)
    before = shop.head()
    assert "error: the branch is not at" in gitops("retry", "production", code=1).stderr
    assert shop.head() == before


def test_revert_goes_back_to_the_good_revision_before_the_running_one(gitops: Gitops, shop: Shop) -> None:
    first = shop.head()
    shop.roll_out()
    shop.commit("Change both", {WEB: config_map("web", "two"), API: config_map("api", "two")})
    shop.roll_out()
    gitops("revert", "production/web")
    assert "one" in shop.read(WEB)
    assert "two" in shop.read(API), "the other application is left alone"
    assert ("Gitops-Restores", first) in trailers(shop.message())


def test_revert_of_what_failed_goes_back_to_the_last_good_revision(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    shop.commit("Break the web", {WEB: config_map("web", "broken")})
    shop.roll_out(failing="eu-1/shop")
    gitops("revert", "production/web")
    assert "one" in shop.read(WEB)


def test_a_revert_is_not_taken_for_one_by_the_controller(gitops: Gitops, shop: Shop) -> None:
    """When a person's revert fails, it is reverted like any other commit."""
    shop.roll_out()
    shop.commit("Change", {WEB: config_map("web", "two")})
    gitops("revert", "production/web")
    found = trailers(shop.message())
    assert not revert.is_revert(found)
    assert "Gitops-Rollout" not in dict(found)


def test_revert_of_an_environment_restores_each_application(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    shop.commit(
        "Change much",
        {
            WEB: config_map("web", "two"),
            API: None,
            "environments/production/api/other.yaml": config_map("other", "x"),
            ENVIRONMENT_FILE: ENVIRONMENT.replace("# where", "# elsewhere"),
        },
    )
    gitops("revert", "production")
    assert "one" in shop.read(WEB)
    assert "one" in shop.read(API)
    assert not (shop.path / "environments/production/api/other.yaml").exists()
    assert "# elsewhere" in shop.read(ENVIRONMENT_FILE), "the environment itself is not an application's"


def test_revert_to_a_named_revision(gitops: Gitops, shop: Shop) -> None:
    first = shop.head()
    shop.commit("Two", {WEB: config_map("web", "two")})
    shop.commit("Three", {WEB: config_map("web", "three")})
    gitops("revert", "production/web", "--to", "HEAD~1")
    assert "two" in shop.read(WEB)
    gitops("revert", "production/web", "--to", first)
    assert "one" in shop.read(WEB)


def test_a_revert_with_nothing_to_go_back_to_says_so(gitops: Gitops, shop: Shop) -> None:
    before = shop.head()
    said = gitops("revert", "production/web", code=1).stderr
    assert said == (
        "error: there is nothing to revert production/web to: no record of another revision that was good; "
        "name one with --to REV\n"
    )
    said = gitops("revert", "production/web", "--to", "HEAD", code=1).stderr
    assert said.endswith("to revert production/web to: nothing that HEAD has of it is different now\n")
    assert (
        f'there is no commit "v9" in {shop.path} (branch main)'
        in gitops("revert", "production/web", "--to", "v9", code=1).stderr
    )
    assert shop.head() == before


def test_what_a_revert_would_change_is_shown_without_secrets(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    other = f"{SECRET}-too"
    shop.commit(
        "Change",
        {
            WEB: config_map("web", "two"),
            "environments/production/web/secret.yaml": secret("web", other),
        },
    )
    form = json.loads(gitops("revert", "production/web", "--dry-run", "-o", "json").stdout)
    assert form["diff"].splitlines() == [
        "M environments/production/web/secret.yaml",
        "    Secret web",
        "      ~ stringData.token: (redacted) → (redacted, changed)",
        f"M {WEB}",
        "    ConfigMap web",
        "      ~ data.value: two → one",
    ]


def test_a_single_application_beside_its_environment_keeps_the_environment(
    gitops: Gitops, shop: Shop
) -> None:
    """An environment whose own folder is its application: only the manifests go back."""
    folder = "environments/solo"
    settings = ENVIRONMENT.replace("production}\nspec", "solo}\nspec")
    shop.commit("One", {f"{folder}/environment.yaml": settings, f"{folder}/a.yaml": config_map("a", "one")})
    first = shop.head()
    shop.commit(
        "Two",
        {
            f"{folder}/environment.yaml": settings + "  drift: Report\n",
            f"{folder}/a.yaml": config_map("a", "two"),
            f"{folder}/b.yaml": config_map("b", "new"),
        },
    )
    gitops("revert", "solo", "--to", first)
    assert "one" in shop.read(f"{folder}/a.yaml")
    assert "drift: Report" in shop.read(f"{folder}/environment.yaml")
    assert not Path(shop.path, folder, "b.yaml").exists()
