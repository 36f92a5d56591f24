"""What a kustomization refers to is followed exactly; whatever leads elsewhere is refused at its line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import SourceFile, SourceLink
from gitops.render import sources
from gitops.render.kustomization import read
from gitops.render.references import Reading, Use
from gitops.render.sources import Closure, follow
from gitops.render.trees import Found

APP = "environments/shop/web"


class Tree:
    """Files and symlinks in memory; a symlink's target counts from the root here."""

    def __init__(self, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> None:
        self.files = dict(files)
        self.links = dict(links or {})

    def find(self, path: str) -> Found | None:
        """Follow one symlink at the most."""
        for name, target in self.links.items():
            if path == name or path.startswith(f"{name}/"):
                if target.startswith("/"):
                    raise InvalidInput(Problem(Location(path), "the symlink is absolute"))
                found = self.find(target + path.removeprefix(name))
                return found and Found(found.path, found.folder, found.oid, (SourceLink(name, target),))
        if path in self.files:
            return Found(path, folder=False, oid=f"oid of {path}")
        return Found(path, folder=True) if any(name.startswith(f"{path}/") for name in self.files) else None

    def read(self, use: Use, file: SourceFile) -> Reading:
        """Read references."""
        return read(use, file.path, self.files[file.path].encode())


def followed(files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Closure:
    tree = Tree({f"{APP}/{name}" if "/" not in name else name: text for name, text in files.items()}, links)
    return follow(APP, tree, tree.read)


def paths(closure: Closure) -> list[str]:
    assert closure.problems == ()
    return [file.path.removeprefix(f"{APP}/") for file in closure.files]


def problem(kustomization: str, **more: str) -> str:
    closure = followed({"kustomization.yaml": kustomization, "a.yaml": "", **more})
    (found,) = closure.problems
    return str(found).removeprefix(f"{APP}/")


def test_only_what_is_referred_to_is_an_input() -> None:
    closure = followed(
        {
            "kustomization.yaml": "resources: [a.yaml, ../../../bases/web]\npatches: [{path: p.yaml}]\n",
            "a.yaml": "",
            "p.yaml": "",
            "other.yaml": "",
            "bases/web/kustomization.yml": "configMapGenerator: [{files: [key=f.txt], env: e.env}]\n",
            "bases/web/f.txt": "",
            "bases/web/e.env": "A=1\n",
            "bases/web/g.txt": "",
        }
    )
    assert paths(closure) == [
        "bases/web/e.env",
        "bases/web/f.txt",
        "bases/web/kustomization.yml",
        "a.yaml",
        "kustomization.yaml",
        "p.yaml",
    ]
    assert closure.manifests == {
        "bases/web/kustomization.yml",
        *(f"{APP}/{name}" for name in ("a.yaml", "kustomization.yaml", "p.yaml")),
    }


def test_symlinks_on_the_way_are_inputs() -> None:
    closure = followed(
        {"kustomization.yaml": "resources: [../link]\n", "real/kustomization.yaml": "resources: [a.yaml]\n"}
        | {"real/a.yaml": ""},
        {"environments/shop/link": "real"},
    )
    assert paths(closure) == ["kustomization.yaml", "real/a.yaml", "real/kustomization.yaml"]
    assert closure.links == (SourceLink("environments/shop/link", "real"),)
    assert "environments/shop/link" in closure.looked


def test_what_was_missing_is_known_too() -> None:
    """A file that appears there makes another closure."""
    closure = followed({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": ""})
    assert {f"{APP}/kustomization.yml", f"{APP}/Kustomization"} <= closure.looked


@pytest.mark.parametrize(
    "field",
    [
        "resources: [%s]",
        "bases: [%s]",
        "components: [%s]",
        "crds: [%s]",
        "configurations: [%s]",
        "openapi: {path: %s}",
        "patches: [{path: %s}]",
        "patchesStrategicMerge: [%s]",
        "patchesJson6902: [{path: %s}]",
        "replacements: [{path: %s}]",
        "generators: [%s]",
        "transformers: [%s]",
        "validators: [%s]",
        "configMapGenerator: [{name: x, files: [%s]}]",
        "configMapGenerator: [{name: x, files: ['key=%s']}]",
        "secretGenerator: [{name: x, envs: [%s]}]",
        "secretGenerator: [{name: x, env: %s}]",
        "SecretGenerator: [{NAME: x, ENVS: [%s]}]",
        "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, path: \"%s\"}']",
    ],
)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/passwd", "an absolute path is refused"),
        ("../../../../etc/passwd", "leads out of the repository"),
        ("https://example.org/a.yaml", "only paths of this repository are read"),
        ("http://127.0.0.1:8080/a.yaml", "only paths of this repository are read"),
        ("github.com/org/repository//deploy?timeout", "only paths of this repository are read"),
        ("GitHub.com/org/repository", "only paths of this repository are read"),
        ("git@example.org:org/repository.git", "only paths of this repository are read"),
        ("ssh://git@example.org/x", "only paths of this repository are read"),
        ("git::https://example.org/x", "only paths of this repository are read"),
        ("file:///etc", "only paths of this repository are read"),
        ("gh:org/repository", "only paths of this repository are read"),
        ("a.yaml?main", "only paths of this repository are read"),
        ("nowhere.yaml", "there is no environments/shop/web/nowhere.yaml"),
        ("a/b/c", "there is no environments/shop/web/a/b/c"),
    ],
)
def test_no_field_leads_out_of_the_repository(field: str, path: str, words: str) -> None:
    found = problem("namePrefix: x-\n" + field % f'"{path}"' if "'" not in field else "\n" + field % path)
    assert found.startswith("kustomization.yaml:2:")
    assert words in found


@pytest.mark.parametrize("path", ["a\\nb.yaml", "a\\0b.yaml", "\\e[31m.yaml", "", "a" * 1001])
def test_paths_that_could_not_be_shown_are_refused(path: str) -> None:
    assert "not a path" in problem(f'resources: ["{path}"]')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("helmCharts: [{name: x, repo: https://example.org}]", "1:1: Helm charts inside a kustomization"),
        ("HelmCharts: [{name: x}]", "1:1: Helm charts inside a kustomization"),
        ("helmChartInflationGenerator: [{chartName: x}]", "1:1: Helm charts inside a kustomization"),
        ("resource: [a.yaml]", '1:1: unknown field "resource": did you mean "resources"?'),
        ("[]", "not a Kustomization"),
        ("a: 1\n---\nb: 1", "several documents"),
        ("", "the file is empty"),
        ("resources: [1]", "1:13: this must be a path"),
        ("resources: [a.yaml\n", "not valid YAML"),
        ("resources: [..]", "1:13: this folder is, or holds, one that refers to it"),
        ("resources: [.]", "1:13: this folder is, or holds, one that refers to it"),
        ("patches: [{path: ../web}]", "1:18: this is a folder: name the files in it"),
        ("transformers: [../web]", "1:16: this is a folder: name the files in it"),
        (
            "transformers: ['{apiVersion: example.org/v1, kind: Any, metadata: {name: x}}']",
            'not "apiVersion: builtin": exec, container and starlark plugins run programs and are refused',
        ),
        (
            "generators: ['{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: x}}']",
            "Helm charts inside a kustomization",
        ),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, words: str) -> None:
    assert words in problem(text)


@pytest.mark.parametrize(
    "function", ["exec: {path: ./run.sh}", "container: {image: evil}", "starlark: {path: x}"]
)
def test_plugins_that_run_programs_are_refused(function: str) -> None:
    """Also where a file of plugins says it, or an annotation beside a builtin kind."""
    plugin = (
        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata:\n  name: x\n  annotations:\n"
        f"    config.kubernetes.io/function: |\n      {function}\n"
    )
    found = problem("transformers: [plugin.yaml]", **{"plugin.yaml": plugin})
    assert found.startswith("plugin.yaml:5:3: exec, container and starlark plugins")


@pytest.mark.parametrize("spelling", ["RESOURCES", "reSources", "re\u017fources"])
def test_every_spelling_that_kustomize_takes_is_followed(spelling: str) -> None:
    """Go's JSON folds letters: what we did not see, the tool would read all the same."""
    assert "absolute" in problem(f"{spelling}: [/etc/passwd]")


def test_two_spellings_of_a_key_are_both_followed() -> None:
    closure = followed(
        {"kustomization.yaml": "resources: [a.yaml]\nResources: [b.yaml]\n"} | {"a.yaml": "", "b.yaml": ""}
    )
    assert paths(closure) == ["a.yaml", "b.yaml", "kustomization.yaml"]


def test_files_of_other_folders_are_refused() -> None:
    """As kustomize's load restrictor does: a base is a folder, never a file of another one."""
    closure = followed(
        {"kustomization.yaml": "resources: [../../../bases/a.yaml, link.yaml]\n", "bases/a.yaml": ""},
        {f"{APP}/link.yaml": "bases/a.yaml"},
    )
    assert [str(each.location) for each in closure.problems] == [
        f"{APP}/kustomization.yaml:1:13",
        f"{APP}/kustomization.yaml:1:36",
    ]
    assert all("files are read from this folder and below" in each.message for each in closure.problems)


def test_a_symlink_out_of_the_repository_is_refused_where_it_is_used() -> None:
    closure = followed(
        {"kustomization.yaml": "resources: [link.yaml]\n"}, {f"{APP}/link.yaml": "/etc/passwd"}
    )
    (found,) = closure.problems
    assert str(found).startswith(f"{APP}/kustomization.yaml:1:13: ")
    assert "the symlink is absolute" in found.message


def test_kustomizations_that_refer_to_one_another_are_refused() -> None:
    closure = followed(
        {
            "kustomization.yaml": "resources: [../../../a/x]\n",
            "a/x/kustomization.yaml": "resources: [../y]\n",
            "a/y/kustomization.yaml": "resources: [../x]\n",
        }
    )
    (found,) = closure.problems
    assert str(found).startswith(
        "a/y/kustomization.yaml:1:13: this folder is, or holds, one that refers to it"
    )


def test_two_kustomization_files_in_a_folder_are_refused() -> None:
    closure = followed({"kustomization.yaml": "{}", "Kustomization": "{}"})
    assert [each.message for each in closure.problems] == [f"there are two kustomization files in {APP}"]


def test_variables_of_the_environment_are_refused() -> None:
    """A line without = has meant the value that the rendering process has."""
    found = problem(
        "configMapGenerator: [{name: x, envs: [e.env]}]",
        **{"e.env": "\ufeff# comment\nA=1\n\n  AWS_SECRET_ACCESS_KEY\n"},
    )
    assert found == "e.env:4: this line has no =: write NAME=value, nothing is taken from the environment"


BOMB = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
BOMB += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]


def test_an_alias_bomb_is_refused_with_its_line() -> None:
    found = problem("\n".join(BOMB))
    assert "aliases" in found
    assert found.startswith("kustomization.yaml:")


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("patches:\n- patch: |-\n", "2:3"),
        ("patchesJson6902:\n- patch: |-\n", "2:3"),
        ("patchesStrategicMerge:\n- |-\n", "2:3"),
        ("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  patch: |-\n", "2:3"),
        ("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchJson\n  jsonOp: |-\n", "2:3"),
        ("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchMerge\n  patches: |-\n", "2:3"),
    ],
)
def test_an_alias_bomb_in_a_patch_inside_is_refused(field: str, place: str) -> None:
    """Kustomize would write it out, until it has used up its memory."""
    found = problem(field + "\n".join(f"    {line}" for line in BOMB))
    assert found.startswith(f"kustomization.yaml:{place}: more than ")
    assert "aliases" in found


def test_aliases_that_make_little_are_fine_in_a_patch() -> None:
    text = "{kind: ConfigMap, data: {a: &a x, b: *a}}"
    closure = followed({"kustomization.yaml": f"patches: [{{patch: '{text}'}}]"})
    assert paths(closure) == ["kustomization.yaml"]


@pytest.mark.parametrize("kind", ["List", "ThingList"])
def test_plugins_in_a_list_are_read_like_others(kind: str) -> None:
    """Kustomize takes a list apart, whatever its kind is called."""

    def listed(item: str) -> str:
        wrapped = f"kind: {kind}\nitems:\n- apiVersion: builtin\n  kind: InnerList\n  items:\n  - {item}\n"
        return problem("generators: [list.yaml]", **{"list.yaml": f"apiVersion: builtin\n{wrapped}"})

    assert "Helm charts" in listed("{apiVersion: builtin, kind: HelmChartInflationGenerator}")
    assert "run programs" in listed("{apiVersion: example.org/v1, kind: Any}")
    assert "an absolute path" in listed("{apiVersion: builtin, kind: SecretGenerator, files: [/etc/passwd]}")


def test_a_generator_in_a_list_takes_nothing_from_the_environment() -> None:
    plugins = (
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: builtin, kind: ConfigMapGenerator, envs: [e]}]\n"
    )
    found = problem("generators: [list.yaml]", **{"list.yaml": plugins, "e": "HOME\n"})
    assert found == "e:1: this line has no =: write NAME=value, nothing is taken from the environment"


@pytest.mark.parametrize("entry", ["=a.yaml", "key=", "key=a=b.txt", "="])
def test_a_file_of_a_generator_has_one_key_and_one_path(entry: str) -> None:
    found = problem(f"configMapGenerator: [{{name: x, files: ['{entry}']}}]", **{"a=b.txt": ""})
    assert found.startswith("kustomization.yaml:1:40: write a path, or key=path")


@pytest.mark.parametrize("literal", ["HOME", "=value", "1", "{a: b}"])
def test_a_literal_is_a_key_and_a_value(literal: str) -> None:
    found = problem(f"secretGenerator: [{{name: x, literals: [a=b, a=, {literal}]}}]")
    assert found == "kustomization.yaml:1:49: write key=value"


def test_lines_end_and_begin_where_they_do_for_kustomize() -> None:
    """What is a blank or the end of a line elsewhere only is part of a name or a value."""
    closure = followed(
        {
            "kustomization.yaml": "configMapGenerator: [{name: x, envs: [e]}]",
            "e": "A=1\x0b2\rB\u2028C\n\u3000#\n",
        }
    )
    assert closure.problems == ()
    found = problem("configMapGenerator: [{name: x, envs: [e]}]", e="\x1c#HOME\n")
    assert found.startswith("e:1: this line has no =")


def test_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_FILES", 3)
    files = {f"f{n}.yaml": "" for n in range(4)}
    closure = followed({"kustomization.yaml": f"resources: [{', '.join(files)}]\n", **files})
    assert {each.message for each in closure.problems} == {"more than 3 files for one application"}


def test_levels_are_counted() -> None:
    deep = {f"deep/{n}/kustomization.yaml": f"resources: [../{n + 1}]\n" for n in range(60)}
    closure = followed({"kustomization.yaml": "resources: [../../../deep/0]\n", **deep})
    assert [each.message for each in closure.problems] == ["kustomizations are followed 50 levels deep"]
