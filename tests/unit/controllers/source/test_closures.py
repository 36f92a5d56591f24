"""Shared bases: who uses one is found, and after a commit only what it concerns is followed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.adapters.git import TreeView
from controllers.source.catalogs import CatalogReader
from controllers.source.closures import Closures
from controllers.source.renders import Renders
from gitops.errors import InvalidInput, Refused
from gitops.model.catalog import ApplicationSource, Catalog
from gitops.render.sources import Closure
from tests.unit.controllers.rollout.shop import Shop, config_map

USERS = ("one", "two", "three")
BASE = "bases/web"


def app(name: str, file: str = "kustomization.yaml") -> str:
    return f"environments/production/{name}/{file}"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two applications on one base, one on another, and two plain ones."""
    shop = Shop(tmp_path)
    shop.first = shop.commit(
        "Use kustomize",
        {
            f"{BASE}/kustomization.yaml": "resources: [config.yaml]\nnameSuffix: -base\n",
            f"{BASE}/config.yaml": config_map("base"),
            f"{BASE}/README.md": "read me\n",
            "bases/other/kustomization.yaml": "resources: [config.yaml]\n",
            "bases/other/config.yaml": config_map("other"),
            app("one"): f"resources: [../../../{BASE}]\nnamePrefix: one-\n",
            app("two"): f"resources: [../../../{BASE}]\nnamePrefix: two-\n",
            app("three"): "resources: [../../../bases/other]\nnamePrefix: three-\n",
        },
    )
    return shop


def digests(shop: Shop, revision: str) -> dict[str, str]:
    return {name: shop.digest(revision, name) for name in (*USERS, "web", "api")}


def changed(shop: Shop, revision: str) -> set[str]:
    before, after = digests(shop, shop.first), digests(shop, revision)
    return {name for name in before if before[name] != after[name]}


def test_a_change_to_a_base_concerns_exactly_its_users(shop: Shop) -> None:
    revision = shop.commit("Change the base", {f"{BASE}/config.yaml": config_map("base", "two")})
    assert changed(shop, revision) == {"one", "two"}


def test_what_nobody_refers_to_concerns_nobody(shop: Shop) -> None:
    revision = shop.commit("Write", {f"{BASE}/README.md": "again\n", app("one", "notes.yaml"): "a: b\n"})
    assert changed(shop, revision) == set()


def test_an_overlay_concerns_itself(shop: Shop) -> None:
    revision = shop.commit("Rename", {app("two"): f"resources: [../../../{BASE}]\nnamePrefix: zwei-\n"})
    assert changed(shop, revision) == {"two"}


def test_a_file_that_begins_to_be_referred_to_is_an_input(shop: Shop) -> None:
    shop.commit("Add", {f"{BASE}/more.yaml": config_map("more")})
    revision = shop.commit("Use", {f"{BASE}/kustomization.yaml": "resources: [config.yaml, more.yaml]\n"})
    assert changed(shop, revision) == {"one", "two"}
    later = shop.commit("Change", {f"{BASE}/more.yaml": config_map("more", "two")})
    assert digests(shop, later)["one"] != digests(shop, revision)["one"]
    assert digests(shop, later)["three"] == digests(shop, revision)["three"]


def test_what_is_missing_is_noticed_when_it_comes(shop: Shop) -> None:
    """Also where it comes through a symlink, and a second kustomization file."""
    broken = shop.commit("Break", {f"{BASE}/kustomization.yaml": "resources: [later.yaml, config.yaml]\n"})
    assert problems(shop, broken, "one") == [
        f"{BASE}/kustomization.yaml:1:13: there is no {BASE}/later.yaml in the repository"
    ]
    assert problems(shop, broken, "three") == []
    mended = shop.commit("Mend", {f"{BASE}/later.yaml": config_map("later")})
    assert problems(shop, mended, "one") == []
    twice = shop.commit("Twice", {f"{BASE}/Kustomization": "resources: [config.yaml]\n"})
    assert "two kustomization files" in problems(shop, twice, "two")[0]


def test_a_base_behind_a_symlink_is_followed_to_its_place(shop: Shop) -> None:
    (shop.people.path / "bases/current").symlink_to("web")
    linked = shop.commit("Link", {app("three"): "resources: [../../../bases/current]\n"})
    (shop.people.path / "bases/current").unlink()
    (shop.people.path / "bases/current").symlink_to("other")
    other = shop.commit("Link elsewhere", {})
    assert digests(shop, linked)["three"] != digests(shop, other)["three"]
    changed_base = shop.commit("Change", {"bases/other/config.yaml": config_map("other", "new")})
    assert digests(shop, other)["three"] != digests(shop, changed_base)["three"]


def problems(shop: Shop, revision: str, name: str) -> list[str]:
    found = shop.catalog(revision).environments["production"].applications[name]
    return [str(problem) for problem in found.problems]


def raw(shop: Shop, revision: str) -> Catalog:
    """A catalog before anything was followed."""
    return CatalogReader().read(shop.mirror.tree(revision))


class Counted(Renders):
    """Counts what is followed."""

    def __init__(self) -> None:
        super().__init__()
        self.followed: list[str] = []

    def closure(self, tree: object, application: ApplicationSource) -> Closure:
        """Count and follow."""
        self.followed.append(application.name)
        assert isinstance(tree, TreeView)
        return super().closure(tree, application)


def test_only_what_changed_is_followed_again(shop: Shop) -> None:
    renders = Counted()
    closures = Closures(shop.mirror, renders)

    def complete(revision: str) -> list[str]:
        renders.followed.clear()
        closures.complete(raw(shop, revision), shop.mirror.tree(revision))
        return sorted(renders.followed)

    assert complete(shop.first) == ["one", "three", "two"]
    assert complete(shop.first) == []
    plain = shop.commit("Change web", {"environments/production/web/web.yaml": config_map("web", "two")})
    assert complete(plain) == []
    base = shop.commit("Change the base", {f"{BASE}/config.yaml": config_map("base", "two")})
    assert complete(base) == ["one", "two"]
    assert complete(shop.first) == ["one", "two"]


def test_what_did_not_change_is_the_same_object_again(shop: Shop) -> None:
    """So that nothing is computed again from it."""
    first = shop.catalog(shop.first).environments["production"]
    elsewhere = shop.commit("Elsewhere", {"HANDBOOK": "read me\n"})
    assert shop.catalog(elsewhere).environments["production"] is first
    base = shop.commit("Change the base", {f"{BASE}/config.yaml": config_map("base", "two")})
    then = shop.catalog(base).environments["production"]
    same = {name for name in then.applications if then.applications[name] is first.applications[name]}
    assert same == {"three", "web", "api"}


def test_where_the_difference_cannot_be_told_everything_is_followed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    renders = Counted()
    closures = Closures(shop.mirror, renders)
    closures.complete(raw(shop, shop.first), shop.mirror.tree(shop.first))
    revision = shop.commit("Change", {f"{BASE}/config.yaml": config_map("base", "two")})

    def refuse(*_arguments: object) -> tuple[str, ...]:
        raise Refused("too many files differ")

    monkeypatch.setattr(shop.mirror, "changed_paths", refuse)
    renders.followed.clear()
    closures.complete(raw(shop, revision), shop.mirror.tree(revision))
    assert sorted(renders.followed) == ["one", "three", "two"]


def test_an_application_that_leaves_is_forgotten(shop: Shop) -> None:
    closures = Closures(shop.mirror, Renders())
    closures.complete(raw(shop, shop.first), shop.mirror.tree(shop.first))
    gone = shop.commit("Leave", {app("one"): None, app("two"): None, app("three"): None})
    closures.complete(raw(shop, gone), shop.mirror.tree(gone))
    assert (closures._known, dict(closures._users)) == ({}, {})


@pytest.fixture
def runs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders in the order in which kustomize was really run."""
    kustomize = shop.revisions._renders._kustomize
    found: list[str] = []
    build = kustomize.build

    def counted(folder: str, *rest: object) -> bytes:
        found.append(folder)
        return build(folder, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(kustomize, "build", counted)
    return found


def test_output_serves_all_targets_and_revisions_with_the_same_inputs(shop: Shop, runs: list[str]) -> None:
    """What no input changes is not rendered again."""
    later = shop.commit("Change", {"environments/production/web/web.yaml": config_map("web", "two")})
    for revision in (shop.first, shop.first, later):
        for name in ("one", "two"):
            source = shop.catalog(revision).environments["production"].applications[name]
            (document,) = shop.revisions.documents(revision, source)
            assert isinstance(document.value, dict)
            assert document.value["metadata"]["name"] == f"{name}-base-base"
    assert sorted(runs) == ["environments/production/one", "environments/production/two"]


def test_a_failure_serves_all_targets_too(shop: Shop, runs: list[str]) -> None:
    """What meets the limit on time must not meet it once for each target."""
    broken = shop.commit("Break", {app("one"): "images: wrong\n"})
    source = shop.catalog(broken).environments["production"].applications["one"]
    for _ in range(3):
        with pytest.raises(InvalidInput, match="kustomize: invalid Kustomization"):
            shop.revisions.documents(broken, source)
    assert runs == ["environments/production/one"]


EVERY_USE: dict[str, str] = {
    "kustomization.yaml": """
resources: [resource.yaml, folder]
components: [component]
crds: [crd.json]
configurations: [configuration.yaml]
openapi: {path: schema.json}
generators: [generator.yaml]
transformers: [transformer.yaml]
validators: [validator.yaml]
configMapGenerator:
- {name: one, files: [file.txt, key=keyed.txt], envs: [variables.env]}
- {name: two, env: older.env}
secretGenerator: [{name: three, files: [secret.txt]}]
patches: [{path: patch.yaml}]
patchesStrategicMerge: [merge.yaml]
patchesJson6902: [{target: {version: v1, kind: ConfigMap, name: one}, path: operations.json}]
replacements: [{path: replacement.yaml}]
""",
    "resource.yaml": config_map("one"),
    "folder/kustomization.yml": "resources: [deep.yaml]",
    "folder/deep.yaml": config_map("deep"),
    "component/Kustomization": "kind: Component\npatches: [{path: inner.yaml}]",
    "component/inner.yaml": config_map("one"),
    "crd.json": "{}",
    "configuration.yaml": "a: b",
    "schema.json": "{}",
    "generator.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [generated.txt]",
    "generated.txt": "",
    "transformer.yaml": "kind: List\nitems: [{apiVersion: builtin, kind: PatchTransformer, path: late.yaml}]",
    "late.yaml": config_map("one"),
    "validator.yaml": "apiVersion: builtin\nkind: PrefixTransformer",
    "file.txt": "",
    "keyed.txt": "",
    "variables.env": "A=1",
    "older.env": "B=1",
    "secret.txt": "",
    "patch.yaml": config_map("one"),
    "merge.yaml": config_map("one"),
    "operations.json": "[]",
    "replacement.yaml": "a: b",
}


def test_every_file_that_kustomize_reads_is_an_input(shop: Shop) -> None:
    """Whatever field names it; a change to any of them concerns this application, and no other."""
    files: dict[str, str | bytes | None] = {app("one", name): text for name, text in EVERY_USE.items()}
    before = shop.commit("Use everything", {**files, app("one", "unused.txt"): ""})
    assert problems(shop, before, "one") == []
    shop.first = before
    for name, text in EVERY_USE.items():
        revision = shop.commit("Change", {app("one", name): f"{text}\n" if name != "older.env" else "B=2"})
        assert changed(shop, revision) == {"one"}, name
        shop.first = revision
    assert changed(shop, shop.commit("Change", {app("one", "unused.txt"): "x"})) == set()


def test_an_environment_that_is_one_application_follows_its_base_too(shop: Shop) -> None:
    """Its folder is the environment's own, so nothing in the environment changed."""
    solo = "environments/solo"
    settings = (shop.people.path / "environments/production/environment.yaml").read_text()
    first = shop.commit(
        "Add an environment",
        {
            f"{solo}/environment.yaml": settings.replace("name: production", "name: solo"),
            f"{solo}/kustomization.yaml": f"resources: [../../{BASE}]\nnamePrefix: solo-\n",
        },
    )
    before = shop.catalog(first).environments["solo"].applications["solo"]
    assert not before.problems
    second = shop.commit("Change the base", {f"{BASE}/config.yaml": config_map("base", "two")})
    after = shop.catalog(second).environments["solo"].applications["solo"]
    assert [file.path for file in after.files] == [file.path for file in before.files]
    assert after.files != before.files


def test_a_look_that_fails_leaves_nothing_half_done(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one finds what a commit changed, though the one before had noticed it already."""
    shop.catalog(shop.first)
    revision = shop.commit("Change the base", {f"{BASE}/config.yaml": config_map("base", "two")})

    def fails(*_arguments: object) -> Closure:
        raise OSError("the disk is out of order")

    with monkeypatch.context() as patched:
        patched.setattr(Renders, "closure", fails)
        with pytest.raises(OSError, match="out of order"):
            shop.catalog(revision)
    assert changed(shop, revision) == {"one", "two"}
