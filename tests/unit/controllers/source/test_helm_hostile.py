"""Hostile charts: each is refused with a clear error; nothing outside is read, fetched, written or run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.renderers import Helm, Limits
from gitops.errors import InvalidInput
from gitops.render.helm.values import Release
from tests.unit.controllers.source.charts import APP, Charts
from tests.unit.controllers.source.hostile_charts import (
    CHART,
    CONFIG,
    EXHAUSTING,
    REFUSED,
    Contents,
    chart,
    settings,
)
from tests.unit.controllers.source.outside import CANARY, Outside


@pytest.fixture
def shop(tmp_path: Path) -> Charts:
    """A repository."""
    return Charts(tmp_path)


def placed(files: Contents, outside: Outside | None = None) -> dict[str, str | bytes | None]:
    """The files at their paths in the repository, with what lies outside filled in."""
    found: dict[str, str | bytes | None] = {}
    for name, content in files.items():
        path = name[1:] if name.startswith("/") else f"{APP}/{name}"
        found[path] = filled(content, outside) if outside and isinstance(content, str) else content
    return found


def filled(text: str, outside: Outside) -> str:
    for word, meaning in (
        ("<secret>", str(outside.secret)),
        ("<schema>", str(outside.schema)),
        ("<folder>", str(outside.secret.parent)),
        ("<url>", outside.url),
    ):
        text = text.replace(word, meaning)
    return text


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_chart_is_refused(case: str, shop: Charts, outside: Outside) -> None:
    files, words = REFUSED[case]
    said = refusal(shop, placed(files, outside), outside)
    assert words in said
    linted = shop.lint()
    assert words in linted
    outside.check(linted)


def refusal(
    shop: Charts, files: dict[str, str | bytes | None], outside: Outside, cluster: str = "eu-1"
) -> str:
    revision = shop.commit(files)
    with pytest.raises(InvalidInput) as caught:
        shop.manifests(revision, cluster)
    said = str(caught.value)
    assert all(
        problem.location.path.startswith(("environments/", "clusters/", "charts/"))
        for problem in caught.value.problems
    )
    assert str(shop.sandboxes) not in said
    assert "defect" not in said
    assert list(shop.sandboxes.iterdir()) == []
    outside.check(said)
    return said


@pytest.mark.parametrize("case", EXHAUSTING)
def test_a_render_that_needs_too_much_is_ended(case: str, tmp_path: Path, outside: Outside) -> None:
    template, words = EXHAUSTING[case]
    # Where another limit than that on time is met, there is time to meet it, also on a busy machine.
    seconds = 2 if words in ("", "takes longer than") else 30
    shop = Charts(tmp_path, Limits(seconds, memory=256 << 20, output=1 << 20))
    notes = "" if template else "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    said = refusal(shop, placed(chart(template, {"templates/NOTES.txt": notes})), outside)
    assert words in said
    assert len(said) < 2000


def test_a_render_that_never_ends_is_ended_once_for_all_targets(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where each has values of its own; new inputs are a new attempt."""
    shop = Charts(tmp_path, Limits(seconds=1))
    runs: list[str] = []
    template = Helm.template

    def counted(self: Helm, release: Release, *arguments: Any) -> bytes:
        runs.append(release.kubernetes_version)
        return template(self, release, *arguments)

    monkeypatch.setattr(Helm, "template", counted)
    loop = "{{ range until 100000 }}{{ range until (int $.Values.n) }}{{ end }}{{ end }}"
    values = settings(values={"cluster": "${cluster}", "n": 100000})
    [said] = shop.check(shop.commit(placed({**chart(loop), "application.yaml": values})))
    assert "takes longer than 1 s" in said
    assert len(runs) == 1
    outside.check(said)
    shop.check(shop.commit(placed({"application.yaml": values.replace("100000", "1")})))
    assert len(runs) > 1


def test_dependencies_that_multiply_are_ended(tmp_path: Path, outside: Outside) -> None:
    """Each has a thousand names for the next: helm copies it as often."""
    files: dict[str, str | bytes] = {}
    for level in range(5):
        aliases = "".join(f"- {{name: c{level + 1}, version: 1.0.0, alias: a{n}}}\n" for n in range(1000))
        folder = "".join(f"charts/c{each}/" for each in range(1, level + 1))
        about = CHART.replace("web", f"c{level}")
        files[f"{folder}Chart.yaml"] = f"{about}dependencies:\n{aliases}" if level < 4 else about
        files[f"{folder}templates/x.yaml"] = CONFIG
    shop = Charts(tmp_path, Limits(seconds=2, memory=256 << 20))
    said = refusal(shop, placed(files), outside)
    assert "takes longer than 2 s" in said or "needs more than 256 MiB of memory" in said


def test_a_chart_reads_no_file_but_its_own(shop: Charts, outside: Outside) -> None:
    """`.Files` gives nothing for them, as helm has it."""
    paths = ["../secret.yaml", "../../../../../outside/secret.yaml", str(outside.secret), "/etc/passwd"]
    globs = ["../**", "/**", "**/../../*"]
    template = "data:\n" + "".join(
        [
            *(f"  f{number}: {{{{ .Files.Get {path!a} | quote }}}}\n" for number, path in enumerate(paths)),
            *(
                f"  g{number}: {{{{ .Files.Glob {glob!a} | len | quote }}}}\n"
                for number, glob in enumerate(globs)
            ),
        ]
    ).replace("'", '"')
    [found] = shop.manifests(shop.commit(placed(chart(template, {"/secret.yaml": CONFIG}))))
    assert set(found.body["data"].values()) == {"", "0"}
    outside.check(str(found.body))


def test_text_that_tpl_gets_while_it_runs_asks_nobody(shop: Charts, outside: Outside) -> None:
    """No reading of the chart can see it before; helm without a cluster answers with nothing."""
    template = (
        'data:\n  a: {{ tpl (print "{{ look" "up \\"v1\\" \\"Secret\\" \\"shop\\" \\"\\" }}") . | quote }}\n'
        '  b: {{ tpl (print "{{ getHost" "ByName \\"localhost\\" }}") . | quote }}\n'
    )
    [found] = shop.manifests(shop.commit(placed(chart(template))))
    assert found.body["data"] == {"a": "map[]", "b": ""}
    outside.check(str(found.body))


@pytest.mark.parametrize(
    ("link", "target", "helm"),
    [
        ("charts/web", "../../outside", {"chart": "../../../charts/web"}),
        ("charts/web", "/etc", {"chart": "../../../charts/web"}),
        (
            f"{APP}/values/mine.yaml",
            "../../../../../outside/secret.yaml",
            {"valuesFiles": ["values/mine.yaml"]},
        ),
        (f"{APP}/templates/linked.yaml", "../../../../../outside/secret.yaml", {}),
        (f"{APP}/templates/linked.yaml", "config.yaml", {}),
        (f"{APP}/charts/self", "..", {}),
        (f"{APP}/Chart.lock", "/dev/zero", {}),
    ],
)
def test_a_symlink_in_or_out_of_a_chart_is_refused(
    link: str, target: str, helm: dict[str, object], shop: Charts, outside: Outside
) -> None:
    place = shop.people.path / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    said = refusal(shop, placed({**chart(), "application.yaml": settings(**helm)}), outside)
    assert "symlink" in said


def test_a_submodule_in_a_chart_is_refused(shop: Charts, outside: Outside) -> None:
    revision = shop.commit(placed(chart()))
    shop.people.git("update-index", "--add", "--cacheinfo", f"160000,{revision},{APP}/charts/db")
    shop.people.git("commit", "-q", "-m", "Add a submodule")
    (shop.people.path / APP / "charts/db").mkdir(parents=True)
    assert "submodule" in refusal(shop, {}, outside)


NAMES = (
    "$(touch ran) & `id`.yaml",
    "-rf.yaml",
    "--set=name=x.yaml",
    "a b'\".yaml",
    "; exit 9 #.yaml",
    "a,b=c.yaml",
    "${HOME}.yaml",
    "größe 店.yaml",
    "{{ .Values.name }}.yaml",
    "a: b.yaml",
)


def test_names_of_files_are_names(shop: Charts, outside: Outside) -> None:
    """Whatever they would mean to a shell, as an option, or to a template."""
    files = {
        f"templates/{name}": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\n"
        for number, name in enumerate(NAMES)
    }
    values = {f"values/{name}": f"v{number}: {number}\n" for number, name in enumerate(NAMES)}
    own = {
        "Chart.yaml": CHART,
        "templates/values.yaml": CONFIG
        + "data: {{- range $k, $v := .Values }}\n  {{ $k }}: {{ $v | quote }}{{ end }}\n",
        "application.yaml": settings(valuesFiles=list(values)),
    }
    found = {
        str(one.metadata["name"]): one
        for one in shop.manifests(shop.commit(placed({**own, **files, **values})))
    }
    assert set(found) == {"web", *(f"c{number}" for number in range(len(NAMES)))}
    assert found["web"].body["data"] == {f"v{number}": str(number) for number in range(len(NAMES))}
    assert {one.source.path for one in found.values()} == {
        f"{APP}/templates/values.yaml",
        *(f"{APP}/templates/{name}" for name in NAMES),
    }
    outside.check("")


def test_names_of_charts_and_their_folders_are_names(shop: Charts, outside: Outside) -> None:
    for folder in ("-f", "$(touch ran)", "a b;c", "--post-renderer=x", "店"):
        files = {f"/charts/{folder}/{name}": content for name, content in chart().items()}
        revision = shop.commit(
            placed({**files, "application.yaml": settings(chart=f"../../../charts/{folder}")})
        )
        [found] = shop.manifests(revision)
        assert found.source.path == f"charts/{folder}/templates/config.yaml"
    outside.check("")


def test_a_name_that_is_no_utf_8_is_refused(shop: Charts, outside: Outside) -> None:
    folder = os.fsencode(shop.people.path / APP / "templates")
    os.makedirs(folder)  # noqa: PTH103 - a name of bytes
    with open(folder + b"/\xff.yaml", "w") as file:  # noqa: PTH123 - a name of bytes
        file.write(CONFIG)
    assert "UTF-8" in refusal(shop, placed(chart()), outside)


def test_a_name_that_no_folder_takes_is_refused(shop: Charts, outside: Outside) -> None:
    shop.commit(placed(chart()))
    blob = shop.people.git("rev-parse", f"HEAD:{APP}/Chart.yaml")
    shop.people.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{APP}/templates/{'x' * 300}")
    shop.people.git("commit", "-q", "-m", "Add a long name")
    shop.mirror.fetch()
    with pytest.raises(InvalidInput, match="this system cannot have such a file"):
        shop.manifests(shop.people.head())
    outside.check("")


def test_plugins_are_not_looked_for(
    shop: Charts, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those of whoever runs the controller, nor any that a variable of theirs names."""
    plugins = tmp_path / "plugins"
    (plugins / "x").mkdir(parents=True)
    (plugins / "x" / "plugin.yaml").write_text(
        "name: template\nversion: 1.0.0\nusage: x\ndescription: x\n"
        f"command: {outside.program}\ndownloaders: [{{command: {outside.program}, protocols: [canary]}}]\n"
    )
    for name in ("HELM_PLUGINS", "HELM_DATA_HOME", "HELM_CONFIG_HOME"):
        monkeypatch.setenv(name, str(plugins))
    monkeypatch.setenv("HELM_NAMESPACE", CANARY)
    monkeypatch.setenv("HELM_KUBEAPISERVER", outside.url)
    monkeypatch.setenv("KUBECONFIG", str(outside.secret))
    [found] = shop.manifests(shop.commit(placed(chart("data: {ns: {{ .Release.Namespace }}}\n"))))
    assert found.body["data"] == {"ns": "shop"}
    outside.check(str(found.body))


@pytest.mark.parametrize(
    "template",
    [
        "{{ fail .Values.password }}",
        '{{ fail (printf "bad: %v" .Values) }}',
        "{{ fail (b64enc .Values.password) }}",
        "{{ .Values.password.x.y }}",
        '{{ required "x" (index .Values.password "x") }}',
        "data: {x: [{{ .Values.password }}}\n",
        "data: {? {a: {{ .Values.password }}} : x}\n",
        "{{ .Values.password }}: [\n",
        "{{ mustToDate .Values.password .Values.password }}",
        "{{ fromJson .Values.password | toYaml | fail }}",
        '{{ tpl (printf "{{ %s }}" .Values.password) . }}',
        "{{ semverCompare .Values.password .Values.password }}",
    ],
)
def test_no_error_tells_a_secret_value(template: str, shop: Charts, outside: Outside) -> None:
    """Helm's own messages quote what they cannot use."""
    files = chart(template, {"v.yaml": f"password: {CANARY}\n"})
    files |= {"application.yaml": settings(valuesFiles=["v.yaml"])}
    said = refusal(shop, placed(files), outside)
    assert "canary" not in said
    assert "Y2FuYXJ5" not in said
