"""Charts rendered by the real helm: values in their order, one run for equal ones, errors at their place."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.renderers import Helm
from controllers.cache import DiskCache
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.errors import InvalidInput
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope
from gitops.render.helm.values import Release
from tests import tools
from tests.unit.controllers.rollout.shop import CLUSTERS, Shop

CANARY = "canary-77c1f0"
CHART = "charts/web"
VERSIONED = CLUSTERS.replace("ring: canary}}\n", "ring: canary}}\nspec: {kubernetesVersion: v1.37}\n")
VERSIONED += "spec: {kubernetesVersion: 1.37.0}\n"
APPLICATION = "environments/production/web/application.yaml"
HEAD = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {{ .Values.data | toJson }}
"""


class Counted(Helm):
    """The real tool, counted."""

    def __init__(self, search: str) -> None:
        super().__init__(search=search)
        self.runs = 0

    def template(
        self, release: Release, chart: Mapping[str, bytes], archives: Iterable[str] | None = ()
    ) -> bytes:
        """Count, and render."""
        self.runs += 1
        return super().template(release, chart, archives)


@pytest.fixture(scope="module")
def tool() -> str:
    return str(tools.folder())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The application web is a chart elsewhere."""
    shop = Shop(tmp_path)
    shop.first = shop.commit(
        "Use Helm",
        {
            "environments/production/web/web.yaml": None,
            "clusters/all.yaml": VERSIONED,
            f"{CHART}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            f"{CHART}/values.yaml": "data: {own: chart, gone: chart}\n",
            f"{CHART}/templates/config.yaml": CONFIG,
            APPLICATION: settings(),
        },
    )
    return shop


def settings(more: str = "") -> str:
    return f"{HEAD}spec:\n  helm:\n    chart: ../../../{CHART}\n{more}"


class Controller:
    """What renders, as of its start."""

    def __init__(self, shop: Shop, tool: str, cache: DiskCache | None = None) -> None:
        self.helm = Counted(tool)
        revisions = Revisions(shop.mirror, Renders(helm=self.helm, cache=cache))
        self._errands = Errands("production", revisions, Clusters({}), KnownSecrets())

    def manifests(self, revision: str, cluster: str = "eu-1") -> tuple[Manifest, ...]:
        """What would be applied."""
        scope = Scope("production", "web", Target(cluster, "shop"))
        return self._errands.wanted(scope, revision).manifests

    def data(self, revision: str, cluster: str = "eu-1") -> dict[str, Any]:
        """What the chart's one object holds."""
        (manifest,) = self.manifests(revision, cluster)
        data: dict[str, Any] = manifest.body["data"]
        return data

    def refused(self, revision: str) -> str:
        """What is wrong."""
        with pytest.raises(InvalidInput) as raised:
            self.manifests(revision)
        assert CANARY not in str(raised.value)
        return str(raised.value)


def test_later_values_win_and_null_takes_a_default_away(shop: Shop, tool: str) -> None:
    values = """\
    valuesFiles: [first.yaml, second.yaml]
    values: {data: {inline: "${cluster}", shared: inline}}
    overrides:
      - clusterSelector: {matchLabels: {ring: canary}}
        valuesFiles: [canary.yaml]
        values: {data: {last: canary}}
"""
    files: dict[str, str | bytes | None] = {
        APPLICATION: settings(values),
        "environments/production/web/first.yaml": "data: {gone: null, first: one, second: one, shared: 1}\n",
        "environments/production/web/second.yaml": "data: {second: two, shared: two, number: '${colour}'}\n",
        "environments/production/web/canary.yaml": "data: {shared: file, last: file}\n",
    }
    revision = shop.commit("Write values", files)
    controller = Controller(shop, tool)
    common = {"own": "chart", "first": "one", "second": "two", "number": "green"}
    assert controller.data(revision) == {**common, "inline": "eu-1", "shared": "file", "last": "canary"}
    assert controller.data(revision, "us-1") == {**common, "inline": "us-1", "shared": "inline"}


def test_neither_the_charts_files_nor_its_output_get_variables(shop: Shop, tool: str) -> None:
    """What looks like a variable there means something to somebody else."""
    revision = shop.commit("Script", {f"{CHART}/values.yaml": 'data: {script: "echo ${HOME} ${cluster}"}\n'})
    assert Controller(shop, tool).data(revision) == {"script": "echo ${HOME} ${cluster}"}


def test_an_undefined_variable_in_values_is_told_at_its_line(shop: Shop, tool: str) -> None:
    revision = shop.commit(
        "Mistake", {APPLICATION: settings("    values:\n      data:\n        a: ${nme}\n")}
    )
    assert (
        Controller(shop, tool).refused(revision).startswith(f'{APPLICATION}:9:12: undefined variable "nme"')
    )


def test_targets_that_are_told_the_same_share_one_run(shop: Shop, tool: str) -> None:
    """The name of the cluster is none of it."""
    controller = Controller(shop, tool)
    assert controller.data(shop.first) == controller.data(shop.first, "us-1")
    assert controller.helm.runs == 1
    other = shop.commit("Differ", {"clusters/all.yaml": VERSIONED.replace("1.37.0", "1.36.0")})
    controller.data(other)
    assert controller.helm.runs == 1
    controller.data(other, "us-1")
    assert controller.helm.runs == 2


def test_output_outlives_the_process_unless_it_holds_a_secret(shop: Shop, tool: str, tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", 1 << 20)
    first = Controller(shop, tool, cache).data(shop.first)
    again = Controller(shop, tool, cache)
    assert again.data(shop.first) == first
    assert again.helm.runs == 0
    secret = CONFIG.replace("kind: ConfigMap", "kind: Secret").replace("\ndata:", "\nstringData:")
    revision = shop.commit("Hide", {f"{CHART}/templates/config.yaml": secret})
    for _ in range(2):
        controller = Controller(shop, tool, cache)
        controller.manifests(revision)
        assert controller.helm.runs == 1


def test_a_cluster_without_a_version_is_told_at_its_file(shop: Shop, tool: str) -> None:
    revision = shop.commit("Unpin", {"clusters/all.yaml": CLUSTERS})
    refused = Controller(shop, tool).refused(revision)
    assert refused.startswith("clusters/all.yaml:3:18: environments/production/web is a chart")
    assert "write spec.kubernetesVersion, such as 1.37.2" in refused


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            'a: 1\nb: {{ lookup "v1" "Secret" "a" "b" }}',
            ":2:7: helm: lookup is refused: a render must not depend on the cluster",
        ),
        (
            'é: {{ $x := "é" }}{{ getHostByName "a" }} {{ lookup "v1" "Secret" "a" "b" }}',
            ":1:22: helm: getHostByName is refused: a render must not depend on the cluster",
        ),
        (
            'a: {{ define "u" }}{{ lookup "v1" }}{{ end }}{{ fail "no" }}',
            ":1:49: helm: no",
        ),
        ("a: {{ required `say it` .Values.none }}", ":1:7: helm: say it"),
        ('a: 1\n\nb: {{ env "HOME" }}', ':3: helm: function "env" not defined'),
        ("a: {{ .Values.data.own.deep.er }}", ":1:14: helm: can't evaluate field deep in type interface {}"),
        ('a: {{ tpl `{{ lookup "v1" }}` . }}', ":1:11: text that calls lookup is refused"),
        ("apiVersion: v1\nkind: X\nkind: Y", ': its output cannot be applied: duplicate key "kind"'),
        ("a: [", ": helm: error converting YAML to JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_the_templates_line(
    template: str, expected: str, shop: Shop, tool: str
) -> None:
    path = f"{CHART}/templates/bad.yaml"
    refused = Controller(shop, tool).refused(shop.commit("Break", {path: template}))
    assert refused.startswith(path + expected)
    assert refused.endswith("(for environments/production/web)")


def test_texts_that_tpl_could_execute_are_refused_and_comments_are_not(shop: Shop, tool: str) -> None:
    comment = "# such as {{ lookup }}\ndata: {own: chart, gone: chart}\n"
    controller = Controller(shop, tool)
    assert controller.data(shop.commit("Comment", {f"{CHART}/values.yaml": comment})) == {
        "own": "chart",
        "gone": "chart",
    }
    values = {f"{CHART}/values.yaml": comment + "more:\n  - text: '{{ lookup `v1` }}'\n"}
    refused = controller.refused(shop.commit("Ask", {**values}))
    assert refused.startswith(f"{CHART}/values.yaml:4:11: text that calls lookup is refused")


def test_bytes_that_are_no_text_are_refused(shop: Shop, tool: str) -> None:
    template = b"kind: X\nmetadata: {name: \xff}\n"
    refused = Controller(shop, tool).refused(shop.commit("Mix", {f"{CHART}/templates/x.yaml": template}))
    assert refused.startswith(f"{CHART}/")


def test_a_helper_that_nobody_calls_may_look_up(shop: Shop, tool: str) -> None:
    helper = '{{- define "web.find" }}{{ lookup "v1" "Secret" "a" "b" | toYaml }}{{ end }}\n'
    revision = shop.commit("Bring a library", {f"{CHART}/templates/_helpers.tpl": helper})
    assert Controller(shop, tool).data(revision) == {"own": "chart", "gone": "chart"}


@pytest.mark.parametrize(
    ("template", "function", "field"),
    [
        ("{{ randAlphaNum 12 | quote }}", "randAlphaNum", "/data/x"),
        ('{{ now | date "2006" | quote }}', "date, now", "/data/x"),
        ("{{ tpl `{{ uuidv4 }}` . | quote }}", "uuidv4", "/data/x"),
    ],
)
def test_a_chart_that_never_makes_the_same_is_refused(
    template: str, function: str, field: str, shop: Shop, tool: str
) -> None:
    """What changes by the year is found today."""
    more = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: r}}\ndata:\n  x: {template}\n"
    refused = Controller(shop, tool).refused(shop.commit("Roll", {f"{CHART}/templates/r.yaml": more}))
    assert refused.startswith(
        f"{CHART}/templates/r.yaml (Secret r, {field}): the chart makes something else each time it is "
        f"rendered (templates call {function})"
    )


def test_a_chart_that_would_fail_at_another_time_is_refused(shop: Shop, tool: str) -> None:
    check = "{{ if lt (now | unixEpoch | int64) 1500000000 }}{{ fail `too early` }}{{ end }}"
    refused = Controller(shop, tool).refused(shop.commit("Check", {f"{CHART}/templates/check.yaml": check}))
    assert refused.startswith(f"{CHART}/templates/check.yaml")
    assert "too early, when it is rendered as if years ago" in refused


def test_a_chart_that_asks_for_the_time_and_does_not_show_it_is_fine(shop: Shop, tool: str) -> None:
    template = CONFIG.replace("data: {{", 'data: {{ $y := now | date "2006" }}{{')
    revision = shop.commit("Ask", {f"{CHART}/templates/config.yaml": template})
    controller = Controller(shop, tool)
    assert controller.data(revision) == {"own": "chart", "gone": "chart"}
    assert controller.helm.runs == 2


SHOWN = f"{CHART}/templates/x.yaml"
LEAKS: list[dict[str, str | bytes | None]] = [
    {f"{CHART}/values.yaml": f"data: {{own: {CANARY}}}\n", SHOWN: "a: {{ fail .Values.data.own }}"},
    {f"{CHART}/secret.txt": CANARY, SHOWN: 'a: {{ fail (.Files.Get "secret.txt") }}'},
    {f"{CHART}/secret.txt": CANARY, SHOWN: 'a: {{ fail (.Files.Get "secret.txt" | b64enc) }}'},
    {
        APPLICATION: settings(f"    values: {{data: {{own: {CANARY}}}}}\n"),
        SHOWN: "a: {{ fail .Values.data.own }}",
    },
    {SHOWN: f"kind: Secret\nstringData:\n  a: {CANARY}\n  b: {{{{ fail `{CANARY}` }}}}"},
]


@pytest.mark.parametrize("files", LEAKS)
def test_what_helm_repeats_of_its_input_is_not_shown(
    files: dict[str, str | bytes | None], shop: Shop, tool: str
) -> None:
    assert "(redacted)" in Controller(shop, tool).refused(shop.commit("Leak", files))


def test_a_vendored_archive_and_an_alias_are_known_by_their_places(shop: Shop, tool: str) -> None:
    dependencies = "dependencies: [{name: db, version: 1.0.0, alias: store}]\n"
    chart = f"apiVersion: v2\nname: web\nversion: 1.0.0\n{dependencies}"
    failing = "kind: X\n\nb: {{ fail `x-y` }}"
    files: dict[str, str | bytes | None] = {
        f"{CHART}/Chart.yaml": chart,
        f"{CHART}/charts/folder/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
        f"{CHART}/charts/folder/templates/x.yaml": failing,
    }
    controller = Controller(shop, tool)
    refused = controller.refused(shop.commit("Vendor", files))
    assert refused.startswith(f"{CHART}/charts/folder/templates/x.yaml:3:7: helm: x-y")
    packed = {path.removeprefix(f"{CHART}/charts/folder/"): data for path, data in files.items()}
    archive = _archive({name: str(packed[name]) for name in ("Chart.yaml", "templates/x.yaml")})
    gone = dict.fromkeys(files.keys() - {f"{CHART}/Chart.yaml"})
    refused = controller.refused(shop.commit("Pack", {**gone, f"{CHART}/charts/db-1.0.0.tgz": archive}))
    assert refused.startswith(f"{CHART}/charts/db-1.0.0.tgz (web/charts/store/templates/x.yaml): helm: x-y")


def _archive(files: Mapping[str, str]) -> bytes:
    """A chart as `helm package` writes it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.USTAR_FORMAT) as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"db/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def test_patches_run_on_what_a_chart_makes(shop: Shop, tool: str) -> None:
    patch = """\
  patches:
    - target: {kind: ConfigMap}
      operations: [{op: add, path: /data/patched, value: "${cluster}"}]
"""
    revision = shop.commit("Patch", {APPLICATION: settings() + patch})
    assert Controller(shop, tool).data(revision, "us-1")["patched"] == "us-1"


def test_a_plan_knows_what_the_chart_was_told(shop: Shop, tool: str) -> None:
    revisions = Revisions(shop.mirror, Renders(helm=Counted(tool)))
    errands = Errands("production", revisions, Clusters({}), KnownSecrets())
    pins = errands.wanted(Scope("production", "web", Target("us-1", "shop")), shop.first).pins
    assert pins is not None
    assert pins.warnings(37, ()) == ()
    (warning,) = pins.warnings(38, ())
    assert str(warning).startswith(
        "clusters/all.yaml:8:18: charts are told Kubernetes 1.37.0, and the cluster"
    )
    assert errands.wanted(Scope("production", "api", Target("us-1", "shop")), shop.first).pins is None


def test_helm_that_is_missing_is_told(shop: Shop, tmp_path: Path) -> None:
    assert "helm is not on the PATH" in Controller(shop, str(tmp_path)).refused(shop.first)
