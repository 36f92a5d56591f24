"""`gitops plan` without clusters: what it says before it asks any, and about those that do not answer."""

from __future__ import annotations

import json

import pygit2

from tests.unit.controllers.cli.conftest import SECRET, Gitops, Shop, config_map

WEB = "environments/production/web/web.yaml"


def test_unchanged_inputs_ask_no_cluster(gitops: Gitops, shop: Shop) -> None:
    """There is not even a kubeconfig here."""
    first = shop.head()
    shop.roll_out()
    head = shop.commit("Write a note", {"README": "hello\n"})
    said = gitops("plan", "HEAD").stdout.splitlines()
    good = f"unchanged inputs: nothing to do (good since revision {first[:12]})"
    assert said == [f"revision {head[:12]}", f"production/api: {good}", f"production/web: {good}"]


def test_targets_that_cannot_be_asked_are_named(gitops: Gitops, shop: Shop) -> None:
    """In the order of waves; exit code 1, because nobody can say what would happen."""
    shop.roll_out()
    shop.commit("Change the web", {WEB: config_map("web", "two")})
    said = gitops("plan", "HEAD", code=1).stdout.splitlines()
    assert said[2:] == [
        "production/web: a rollout",
        "  wave canary",
        '    eu-1/shop: connection "eu-1" is not configured: add it to the controller\'s connections (none)',
        "  wave rest",
        '    us-1/shop: connection "us-1" is not configured: add it to the controller\'s connections (none)',
    ]


def test_an_api_server_that_does_not_answer_is_named(gitops: Gitops, shop: Shop) -> None:
    kubeconfig = shop.path.parent / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"token": SECRET}}],
                "contexts": [{"name": "eu-1", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    result = gitops(
        "plan",
        "HEAD",
        "--target",
        "eu-1/shop",
        "--kubeconfig",
        str(kubeconfig),
        "--timeout",
        "0.5",
        "-o",
        "json",
        code=1,
    )
    shown = json.loads(result.stdout)["applications"]
    assert [one["application"] for one in shown] == ["api", "web"]
    for one in shown:
        assert [target["target"] for target in one["targets"]] == ["eu-1/shop"]
        assert "127.0.0.1" in one["targets"][0]["unseen"] or "eu-1" in one["targets"][0]["unseen"]


def test_what_is_written_wrongly_is_shown_with_its_place(gitops: Gitops, shop: Shop) -> None:
    shop.commit("Break the web", {WEB: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '${nobody}'}\n"})
    said = gitops("plan", "HEAD", "--application", "web", code=1).stdout.splitlines()
    assert said[1] == "production/web: cannot be rolled out as it is written"
    assert said[2].startswith(f"  {WEB}:3:")
    assert "nobody" in said[2]


def test_a_commit_of_another_branch_can_be_planned_before_it_is_merged(gitops: Gitops, shop: Shop) -> None:
    """What the controller follows stays main; the commit is the person's own."""
    shop.roll_out()
    repository = shop.git
    repository.checkout(repository.branches.create("feature", repository.head.peel(pygit2.Commit)))
    shop.commit("Change the web", {WEB: config_map("web", "two")})
    said = gitops("plan", "feature", "--branch", "main", "--application", "web", code=1).stdout
    assert "production/web: a rollout" in said


def test_inputs_that_failed_before_are_shown_as_held(gitops: Gitops, shop: Shop) -> None:
    shop.roll_out()
    shop.commit("Break the web", {WEB: config_map("web", "broken")})
    shop.roll_out(failing="eu-1/shop")
    said = gitops("plan", "HEAD", "--application", "web", code=1).stdout
    assert "  held: the same inputs failed in web#2" in said
    assert "gitops retry production/web" in said


def test_unknown_names_are_errors(gitops: Gitops) -> None:
    assert 'no environment "prod"' in gitops("plan", "HEAD", "--environment", "prod", code=1).stderr
    assert 'did you mean "web"?' in gitops("plan", "HEAD", "--application", "wep", code=1).stderr
    assert 'no target "eu-2/shop"' in gitops("plan", "HEAD", "--target", "eu-2/shop", code=1).stderr
    assert 'there is no commit "v1"' in gitops("plan", "v1", code=1).stderr


def test_what_only_one_environment_has_is_chosen_without_naming_it(gitops: Gitops, shop: Shop) -> None:
    """The other environment has neither the application nor the target, which is no mistake."""
    production = shop.read("environments/production/environment.yaml")
    staging = production.replace("name: production", "name: staging").replace(
        "namespace: shop", "namespace: st"
    )
    shop.commit(
        "Add staging",
        {
            "environments/staging/environment.yaml": staging,
            "environments/staging/api/api.yaml": config_map("api", "one"),
        },
    )
    for chosen in (("--application", "web"), ("--target", "eu-1/shop")):
        said = gitops("plan", "HEAD", *chosen, code=1).stdout
        assert "production/web: " in said
        assert "staging/" not in said
    both = ("--application", "web", "--target", "eu-1/st")
    assert 'no target "eu-1/st"' in gitops("plan", "HEAD", *both, code=1).stderr


def test_an_unreadable_kubeconfig_is_an_error(gitops: Gitops) -> None:
    said = gitops("plan", "HEAD", "--kubeconfig", "nowhere", code=1).stderr
    assert said == "error: nowhere: cannot be read: No such file or directory\n"
