"""Commands that look: what they print, on which stream, with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest
import yaml

from tests.unit.controllers.cli.conftest import Gitops, Shop, config_map

WEB = "environments/production/web/web.yaml"
SECRET = "environments/production/web/secret.yaml"


def test_lint_counts_what_has_no_problem(gitops: Gitops) -> None:
    """A warning comes first, and is no problem."""
    *warned, last = gitops("lint").stdout.splitlines()
    assert last == "1 environment, 2 applications: no problems"
    assert [line.partition(" Secret ")[0] for line in warned] == [f"{SECRET}:4:1: warning:"]
    found = json.loads(gitops("lint", "-o", "json").stdout)
    assert found["problems"] == []
    assert [warning["path"] for warning in found["warnings"]] == [SECRET]


def test_lint_reads_files_that_are_not_committed(gitops: Gitops, shop: Shop) -> None:
    """Every problem with its place, and exit code 1; the commit before is still fine."""
    (shop.path / WEB).write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {nme: web}\n")
    (shop.path / "environments/production/api/api.yaml").write_text("a: 1\na: 2\n")
    lines = gitops("lint", code=1).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "environments/production/api/api.yaml:2:1",
        f"{WEB}:3:11",
        f"{SECRET}:4:1",
    ]
    assert "no problems" in gitops("lint", "--rev", "HEAD").stdout


def test_lint_reads_a_commit(gitops: Gitops, shop: Shop) -> None:
    shop.commit("Break the web", {WEB: "a: 1\na: 2\n"})
    shop.commit("Mend the web", {WEB: config_map("web", "two")})
    found = json.loads(gitops("lint", "--rev", "HEAD~1", "-o", "json", code=1).stdout)
    assert [problem["path"] for problem in found["problems"]] == [WEB]
    assert found["problems"][0]["line"] == 2


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../outside.yaml", "missing.yaml", "."])
def test_lint_follows_no_symlink_out_of_the_folder(gitops: Gitops, shop: Shop, target: str) -> None:
    (shop.path.parent / "outside.yaml").write_text(config_map("outside", "x"))
    (shop.path / "environments/production/web/link.yaml").symlink_to(target)
    assert "environments/production/web/link.yaml: " in gitops("lint", code=1).stdout


def test_lint_follows_a_symlink_inside_the_folder(gitops: Gitops, shop: Shop) -> None:
    (shop.path / "environments/production/web/link.txt").symlink_to("web.yaml")
    (shop.path / "shared.yaml").write_text(config_map("shared", "x"))
    (shop.path / "environments/production/web/shared.yaml").symlink_to("../../../shared.yaml")
    gitops("lint")


def test_lint_of_no_folder_says_what_to_give(gitops: Gitops) -> None:
    result = gitops("lint", "nowhere", code=1)
    assert result.stdout == ""
    assert result.stderr == (
        "error: nowhere is not a folder: give the one that holds environments/ and clusters/\n"
    )


def test_status_tells_the_recorded_state(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    lines = gitops("status").stdout.splitlines()
    assert lines[0].split()[:3] == ["ENVIRONMENT", "APPLICATION", "PHASE"]
    assert lines[2].split()[:6] == ["production", "web", "Idle", shop.head()[:12], "-", "2/2"]
    assert "Succeeded" in lines[2]


def test_status_as_json_and_yaml_is_the_same(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    form = json.loads(gitops("status", "production", "-o", "json").stdout)
    assert form == yaml.safe_load(gitops("status", "-o", "yaml").stdout)
    web = form["environments"][0]["applications"][1]
    assert (web["name"], web["targets"]) == ("web", {"healthy": 2, "total": 2})


def test_status_of_an_unknown_environment_names_the_nearest(gitops: Gitops) -> None:
    said = gitops("status", "prodution", code=1).stderr
    assert said == 'error: there is no environment "prodution": did you mean "production"?\n'


def test_explain_tells_from_git_alone_what_is_about_to_happen(gitops: Gitops, shop: Shop) -> None:
    assert "web is about to roll out" in gitops("explain", "production/web").stdout
    shop.roll_out()
    assert "web waits for nothing" in gitops("explain", "production/web").stdout
    shop.commit("Break it", {WEB: "kind: [\n"})
    assert "web cannot be rolled out as it is written" in gitops("explain", "production").stdout


def test_explain_one_target(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out(steps=1)
    said = gitops("explain", "production/web@us-1/shop").stdout.splitlines()
    assert len(said) == 1
    assert said[0].startswith("web@us-1/shop waits for its turn in wave rest")


def test_explain_a_target_at_rest_and_an_unknown_one(gitops: Gitops, shop: Shop) -> None:
    """Only a target that there is waits for nothing."""
    shop.roll_out()
    said = gitops("explain", "production/web@us-1/shop").stdout
    assert said == "production/web@us-1/shop waits for nothing\n"
    said = gitops("explain", "production/web@us-2/shop", code=1).stderr
    assert 'there is no target of web "us-2/shop": did you mean "us-1/shop"?' in said


def test_explain_an_unknown_application_fails(gitops: Gitops) -> None:
    assert 'no application "wbe": did you mean "web"?' in gitops("explain", "production/wbe", code=1).stderr


def test_history_is_newest_first_with_the_author_of_what_was_rolled_out(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    records = json.loads(gitops("history", "production", "-o", "json").stdout)["records"]
    times = [record["at"] for record in records]
    assert times == sorted(times, reverse=True)
    first = records[-1]
    assert first["events"][0]["type"] == "RolloutStarted"
    assert first["authors"] == [{"revision": shop.head(), "author": "Ada", "subject": "Open the shop"}]
    text = gitops("history", "production").stdout
    assert f'{shop.head()[:8]} is by Ada: "Open the shop"' in text
    assert text.startswith(records[0]["at"][:10])


def test_history_can_be_limited_and_narrowed(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    records = json.loads(gitops("history", "production", "web", "-n", "2", "-o", "json").stdout)["records"]
    assert len(records) == 2
    assert {event["application"] for record in records for event in record["events"]} == {"web"}


def test_history_of_an_unknown_application_fails(gitops: Gitops) -> None:
    """One that has no record yet is known all the same."""
    assert gitops("history", "production", "web").stdout == "nothing is recorded about web yet\n"
    assert 'did you mean "web"?' in gitops("history", "production", "wbe", code=1).stderr


def test_history_shows_no_control_characters(gitops: Gitops, shop: Shop) -> None:
    """A commit's subject is anybody's text, and must not steer the terminal."""
    shop.commit("Shine \x1b[31mred", {WEB: config_map("web", "two")})
    shop.roll_out()
    result = gitops("history", "production")
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred" in result.stdout


def test_an_intact_chain_is_counted(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    count = len(json.loads(gitops("history", "production", "-o", "json").stdout)["records"])
    assert gitops("audit", "verify").stdout == f"production: {count} records, chain intact\n"


def test_a_forged_record_is_found(gitops: Gitops, shop: Shop) -> None:
    """Somebody put a record on top whose snapshot its events do not explain."""
    shop.roll_out()
    ref = "refs/gitops/environments/production"
    tip = shop.git.references[ref].peel(pygit2.Commit)
    first = tip
    while first.parents:
        first = first.parents[0]
    who = pygit2.Signature("Mallory", "m@example.com", tip.commit_time + 10, 0)
    shop.git.create_commit(ref, who, who, "forged", first.tree_id, [tip.id])
    said = gitops("audit", "verify", "production", code=1).stdout
    assert "chain broken" in said


def test_nothing_recorded_is_said(gitops: Gitops) -> None:
    assert gitops("audit", "verify").stdout == "nothing is recorded yet\n"
    assert gitops("history", "production").stdout == "nothing is recorded about production yet\n"
    assert gitops("audit", "verify", "production").stdout == "production: 0 records, chain intact\n"
    assert 'did you mean "production"?' in gitops("history", "prodution", code=1).stderr


def test_outside_of_a_repository(gitops: Gitops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert "there is no Git repository in" in gitops("status", code=1).stderr


def test_in_a_clone_the_records_of_its_remote_are_read(
    gitops: Gitops, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone has no records of its own; what the controller follows is where its branch is pushed to."""
    shop.roll_out()
    pygit2.clone_repository(str(shop.path), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert "web" in gitops("status").stdout
    assert (
        gitops("status", "--repo", ".").stdout == gitops("status", "--repo", str(tmp_path / "clone")).stdout
    )


def test_a_configuration_names_repository_and_branch(gitops: Gitops, shop: Shop, tmp_path: Path) -> None:
    shop.roll_out()
    config = tmp_path / "controller.yaml"
    config.write_text(
        "apiVersion: gitops-waves.io/v1alpha1\nkind: Controller\nrepositories:\n"
        f"  - {{name: shop, url: {shop.path}}}\n  - {{name: other, url: /nowhere}}\n"
    )
    assert "web" in gitops("status", "--config", str(config), "--repo", "shop").stdout
    said = gitops("status", "--config", str(config), code=1).stderr
    assert "say which repository: --repo other or shop" in said
