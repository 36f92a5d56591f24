"""Hostile kustomizations: each is refused with a clear error, and nothing outside is read, fetched or run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controllers.adapters.renderers import Files, Kustomize, Limits, Sandbox, isolation
from controllers.source.renders import Renders
from gitops.errors import InvalidInput, Location
from gitops.redact import Redactor
from tests.unit.controllers.source.kustomizations import Kustomizations, kustomized
from tests.unit.controllers.source.outside import CANARY, Outside

APP = "environments/shop/web"


@pytest.fixture
def shop(tmp_path: Path) -> Kustomizations:
    """A repository."""
    return Kustomizations(tmp_path)


CASES: dict[str, tuple[dict[str, str], str]] = {
    "a base above the repository": (
        {"kustomization.yaml": "resources: [../../../../outside]"},
        "leads out of the repository",
    ),
    "an absolute path": ({"kustomization.yaml": "resources: [{secret}]"}, "an absolute path is refused"),
    "an absolute path in a generator": (
        {"kustomization.yaml": "configMapGenerator: [{{name: x, files: [{secret}]}}]"},
        "an absolute path is refused",
    ),
    "a file by HTTP": ({"kustomization.yaml": "resources: ['{url}/a.yaml']"}, "nothing is fetched"),
    "a generator's file by HTTP": (
        {"kustomization.yaml": "configMapGenerator: [{{name: x, files: ['{url}/a.txt']}}]"},
        "nothing is fetched",
    ),
    "a schema by HTTP": ({"kustomization.yaml": "openapi: {{path: '{url}/s.json'}}"}, "nothing is fetched"),
    "a repository by HTTP": (
        {"kustomization.yaml": "resources: ['{url}/org/repository.git?ref=main']"},
        "nothing is fetched",
    ),
    "a repository by file": ({"kustomization.yaml": "resources: ['file://{folder}']"}, "nothing is fetched"),
    "a repository whose folder exists here": (
        {
            "kustomization.yaml": "resources: [github.com/org/repository]",
            "github.com/org/repository/kustomization.yaml": "namePrefix: x-",
        },
        "nothing is fetched",
    ),
    "an exec function": (
        {
            "kustomization.yaml": "transformers: [run.yaml]",
            "run.yaml": "apiVersion: v1\nkind: Run\nmetadata:\n  name: run\n  annotations:\n"
            "    config.kubernetes.io/function: |\n      exec: {{path: {program}}}\n",
        },
        "exec, container and starlark plugins",
    ),
    "an exec plugin": (
        {
            "kustomization.yaml": "generators: [run.yaml]",
            "run.yaml": "apiVersion: someteam.example.com/v1\nkind: Run\nmetadata: {{name: run}}\n",
        },
        "exec, container and starlark plugins",
    ),
    "a chart": (
        {"kustomization.yaml": "helmCharts: [{{name: x, repo: '{url}'}}]"},
        "Helm charts inside a kustomization are refused",
    ),
    "an environment variable": (
        {"kustomization.yaml": "configMapGenerator: [{{name: x, envs: [e]}}]", "e": "CANARY\n"},
        "nothing is taken from the environment",
    ),
    "a name with a newline": (
        {"kustomization.yaml": 'resources: ["a\\nb.yaml"]', "a\nb.yaml": ""},
        "control character",
    ),
    "a cycle": (
        {"kustomization.yaml": "resources: [../../../a]", "/a/kustomization.yaml": f"resources: [../{APP}]"},
        "kustomize takes that for a cycle",
    ),
    "aliases that double": (
        {
            "kustomization.yaml": "resources: [bomb.yaml]",
            "bomb.yaml": "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        },
        "bomb.yaml:",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_kustomization_is_refused(case: str, shop: Kustomizations, outside: Outside) -> None:
    files, words = CASES[case]
    tree = shop.commit(
        {
            name[1:] if name.startswith("/") else f"{APP}/{name}": text.format(
                secret=outside.secret, url=outside.url, program=outside.program, folder=outside.secret.parent
            )
            for name, text in files.items()
        }
    )
    with pytest.raises(InvalidInput) as caught:
        Renders().documents(tree, kustomized(APP))
    assert words in str(caught.value)
    assert all(problem.location.line for problem in caught.value.problems)
    outside.check(str(caught.value))


def test_a_symlink_out_of_the_repository_is_refused(shop: Kustomizations, outside: Outside) -> None:
    for name, target in (
        ("absolute.yaml", str(outside.secret)),
        ("relative.yaml", "../../../../outside/secret.yaml"),
    ):
        tree = shop.commit({f"{APP}/kustomization.yaml": f"resources: [{name}]"})
        (shop.people.path / APP / name).symlink_to(target)
        tree = shop.commit({})
        with pytest.raises(InvalidInput, match="symlink") as caught:
            Renders().documents(tree, kustomized(APP))
        outside.check(str(caught.value))


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: ['{url}/a.yaml']",
        "resources: ['{url}/org/repository.git?ref=main']",
        "resources: [{secret}]",
        "resources: [../../../../outside/]",
        "configMapGenerator: [{{name: x, files: [{secret}]}}]",
        "configMapGenerator: [{{name: x, files: [escape.yaml]}}]",
        "transformers: [run.yaml]",
    ],
)
def test_the_sandbox_holds_where_nothing_else_would(
    kustomization: str, tmp_path: Path, outside: Outside
) -> None:
    """The same without our reading of references before it: the tool's own restrictions are on."""
    files = {
        "kustomization.yaml": kustomization.format(url=outside.url, secret=outside.secret),
        "run.yaml": "apiVersion: v1\nkind: Run\nmetadata:\n  name: run\n  annotations:\n"
        f"    config.kubernetes.io/function: |\n      exec: {{path: {outside.program}}}\n",
    }
    given = Files(
        {f"{APP}/{name}": text.encode() for name, text in files.items()},
        {f"{APP}/escape.yaml": str(outside.secret)},
    )
    with pytest.raises(InvalidInput) as caught:
        Kustomize(Sandbox(folder=tmp_path)).build(APP, Location(APP), given, Redactor)
    assert not outside.ran.exists()
    if isolation.without_network():  # elsewhere only what is not on this machine is out of reach
        assert outside.asked == []
    assert CANARY not in str(caught.value)
    assert str(tmp_path / "gitops") not in str(caught.value)


def test_a_build_that_needs_too_much_memory_is_ended(shop: Kustomizations) -> None:
    tree = shop.commit({f"{APP}/kustomization.yaml": "configMapGenerator: [{name: x, files: [big.txt]}]"}
                       | {f"{APP}/big.txt": b"x\n" * (8 << 20)})  # fmt: skip
    renders = Renders(Kustomize(Sandbox(Limits(memory=96 << 20))))
    with pytest.raises(InvalidInput, match="needs more than 96 MiB of memory"):
        renders.documents(tree, kustomized(APP))


def test_a_build_that_takes_too_long_is_ended(shop: Kustomizations) -> None:
    """A base that two overlays share, twenty levels up: a million builds of it."""
    files: dict[str, str | bytes | None] = {
        f"doubling/{level}{side}/kustomization.yaml": (
            f"resources: [../{level + 1}a, ../{level + 1}b]\nnamePrefix: {side}\n"
        )
        for level in range(20)
        for side in "ab"
    }
    files |= {
        f"doubling/20{side}/kustomization.yaml": f"resources: [c.yaml]\nnamePrefix: {side}\n" for side in "ab"
    }
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    files |= {f"doubling/20{side}/c.yaml": config for side in "ab"}
    tree = shop.commit({**files, f"{APP}/kustomization.yaml": "resources: [../../../doubling/0a]\n"})
    renders = Renders(Kustomize(Sandbox(Limits(seconds=2))))
    with pytest.raises(InvalidInput, match="takes longer than 2 s"):
        renders.documents(tree, kustomized(APP))


def test_large_input_that_fails_costs_no_search_for_secrets(shop: Kustomizations) -> None:
    """Nobody can make the controller look through megabytes again and again; nothing of them is shown."""
    tree = shop.commit(
        {
            f"{APP}/kustomization.yaml": "resources: [a.yaml]\n"
            "configMapGenerator: [{name: x, files: [big.txt]}]\n",
            f"{APP}/big.txt": f"{CANARY}\n" * 200_000,
            f"{APP}/a.yaml": "kind: [1]\n",
        }
    )
    with pytest.raises(InvalidInput, match="what it said is not shown") as caught:
        Renders().documents(tree, kustomized(APP))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "files",
    [
        {"kustomization.yaml": f"secretGenerator: [{{name: x, literals: [{CANARY}]}}]"},
        {"kustomization.yaml": "secretGenerator: [{name: x, envs: [e]}]", "e": f"A={CANARY}\n" * 2},
        {
            "kustomization.yaml": "resources: [s.yaml]\npatches: [{path: p.yaml}]\n",
            "s.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {CANARY}}}\n",
            "p.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: [1]\nstringData: {{a: {CANARY}}}\n",
        },
        {
            "kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |-\n"
            f"    - {{op: replace, path: /data/x/y, value: {CANARY}}}\n    - [{CANARY}\n",
            "s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
        },
        {
            "kustomization.yaml": "resources: [s.yaml]\n",
            "s.yaml": f"kind: Secret\nstringData: {{a: {CANARY}, b: [{{c: {CANARY}}}]}}\n",
        },
    ],
)
def test_no_error_tells_a_secret(files: dict[str, str], shop: Kustomizations) -> None:
    """Kustomize's own messages quote what they cannot read."""
    tree = shop.commit({f"{APP}/{name}": text for name, text in files.items()})
    with pytest.raises(InvalidInput) as caught:
        Renders().documents(tree, kustomized(APP))
    assert CANARY not in str(caught.value)


NAMES = (
    "$(touch canary) & `id`.yaml",
    "-rf.yaml",
    "a b'\".yaml",
    "; exit 9 #.yaml",
    "*.yaml",
    "${HOME}.yaml",
)


def test_names_are_names(shop: Kustomizations) -> None:
    """Whatever they would mean to a shell, or as an option."""
    files: dict[str, str | bytes | None] = {
        f"{APP}/{name}": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\n"
        for number, name in enumerate(NAMES)
    }
    tree = shop.commit({**files, f"{APP}/kustomization.yaml": json.dumps({"resources": NAMES})})
    found = Renders().documents(tree, kustomized(APP))
    assert len(found) == len(NAMES)
