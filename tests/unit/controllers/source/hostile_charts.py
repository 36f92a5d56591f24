"""Charts that want more than to be rendered, and what is said to each.

A name that begins with / is a path in the repository, others are in the application's folder. `<secret>`,
`<schema>`, `<folder>` and `<url>` stand for what lies outside.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

Contents = Mapping[str, str | bytes]

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
TEMPLATE = "templates/config.yaml"


def bomb(levels: int = 9) -> str:
    """Aliases that double, ten to the power of `levels` values."""
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels)]
    return "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(lines)


def packed(files: Contents, links: Mapping[str, str] | None = None) -> bytes:
    """An archive of these files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return gzip.compress(raw.getvalue())


def settings(**helm: object) -> str:
    """An application.yaml with these words of `spec.helm`."""
    return json.dumps(
        {
            "apiVersion": "gitops-waves.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "web"},
            "spec": {"helm": helm},
        },
        indent=1,
    )


def chart(template: str = "", files: Contents | None = None) -> dict[str, str | bytes]:
    """A chart with one template, and `files` beside it."""
    return {"Chart.yaml": CHART, TEMPLATE: CONFIG + template, **(files or {})}


def schema(text: str) -> dict[str, str | bytes]:
    """A chart with a schema for its values."""
    return chart("", {"values.schema.json": text})


def vendored(archive: bytes) -> dict[str, str | bytes]:
    """A chart with a packed dependency."""
    dependencies = "dependencies: [{name: db, version: 1.0.0}]\n"
    return {**chart(), "Chart.yaml": CHART + dependencies, "charts/db-1.0.0.tgz": archive}


_DB = {"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"}

REFUSED: dict[str, tuple[Contents, str]] = {
    "a values file above the repository": (
        {**chart(), "application.yaml": settings(valuesFiles=["../../../../outside/secret.yaml"])},
        "leads out of the repository",
    ),
    "a values file with an absolute path": (
        {**chart(), "application.yaml": settings(valuesFiles=["<secret>"])},
        "an absolute path is refused",
    ),
    "a values file by HTTP": (
        {**chart(), "application.yaml": settings(valuesFiles=["<url>/values.yaml"])},
        "nothing is fetched",
    ),
    "a values file from standard input": (
        {**chart(), "application.yaml": settings(valuesFiles=["-"])},
        "there is no environments/shop/web/- in the repository",
    ),
    "an override's values file above the repository": (
        {
            **chart(),
            "application.yaml": settings(
                overrides=[
                    {"clusterSelector": {"matchLabels": {"region": "us"}}, "valuesFiles": ["../../../../x"]}
                ]
            ),
        },
        "leads out of the repository",
    ),
    "a chart above the repository": (
        {"application.yaml": settings(chart="../../../../outside")},
        "leads out of the repository",
    ),
    "a chart with an absolute path": (
        {"application.yaml": settings(chart="<folder>")},
        "an absolute path is refused",
    ),
    "a chart by HTTP": ({"application.yaml": settings(chart="<url>/web.tgz")}, "nothing is fetched"),
    "a chart by file URL": ({"application.yaml": settings(chart="file://<folder>")}, "nothing is fetched"),
    "the whole repository as a chart": (
        {"application.yaml": settings(chart="../../.."), "/Chart.yaml": CHART},
        "the whole repository is no chart",
    ),
    "a release name that is an option": (
        {**chart(), "application.yaml": settings(releaseName="--post-renderer=/bin/true")},
        "is not a release name",
    ),
    "a post-renderer": (
        {**chart(), "application.yaml": settings(postRenderer="<folder>/program.sh")},
        "postRenderer",
    ),
    "an API version that is an option": (
        {
            **chart(),
            "/clusters/eu-1.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Cluster\n"
            "metadata: {name: eu-2}\nspec: {apiVersions: [--post-renderer=/bin/true]}\n",
        },
        "is no API version",
    ),
    "a version that is two words": (
        {
            **chart(),
            "/clusters/eu-1.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Cluster\n"
            "metadata: {name: eu-2}\nspec: {kubernetesVersion: '1.37 --debug'}\n",
        },
        "is not a version of Kubernetes",
    ),
    "an environment variable": (chart('data: {x: {{ env "CANARY" }}}\n'), 'function "env" not defined'),
    "text with environment variables": (
        chart('data: {x: {{ expandenv "$CANARY" }}}\n'),
        'function "expandenv" not defined',
    ),
    "a lookup": (
        chart('data: {x: {{ lookup "v1" "Secret" "shop" "web" | toJson | quote }}}\n'),
        "lookup is refused",
    ),
    "a lookup in a helper that is used": (
        chart(
            'data: {x: {{ include "x" . | quote }}}\n',
            {"templates/_x.tpl": '{{ define "x" }}{{ if (lookup "v1" "Pod" "" "") }}y{{ end }}{{ end }}'},
        ),
        "lookup is refused",
    ),
    "a lookup in a template that is no UTF-8": (
        {**chart(), "templates/x.yaml": b'{{/* \xff */}}{{ (lookup "v1" "Pod" "" "").items }}\n'},
        "lookup is refused",
    ),
    "a lookup behind what looks like a comment": (
        chart('{{- "/*" }} {{ (lookup "v1" "Pod" "" "").items }} {{ "*/" -}}\n'),
        "lookup is refused",
    ),
    "a lookup behind what looks like text": (
        chart('data: {x: {{ print `"` (lookup "v1" "Pod" "" "").items `"` }}}\n'),
        "lookup is refused",
    ),
    "a lookup that is piped to": (chart('{{ "" | lookup "v1" "Pod" "" | toJson }}\n'), "lookup is refused"),
    "a lookup in a dependency": (
        vendored(packed({**_DB, "db/templates/x.yaml": '{{ (lookup "v1" "Pod" "" "").items }}'})),
        "lookup is refused",
    ),
    "a name asked of the network": (
        chart('data: {x: {{ getHostByName "localhost" | quote }}}\n'),
        "getHostByName is refused",
    ),
    "a lookup in values for tpl": (
        {
            **chart("data: {x: {{ tpl .Values.x . | quote }}}\n"),
            "application.yaml": settings(values={"x": '{{ lookup "v1" "Pod" "" "" }}'}),
        },
        "lookup is refused",
    ),
    "a lookup in the chart's own values for tpl": (
        chart(
            "data: {x: {{ tpl .Values.x . | quote }}}\n",
            {"values.yaml": "x: '{{ lookup \"v1\" \"Pod\" \"\" \"\" }}'\n"},
        ),
        "lookup is refused",
    ),
    "a lookup in a file for tpl": (
        chart(
            'data: {x: {{ tpl (.Files.Get "x.txt") . | quote }}}\n',
            {"x.txt": '{{ getHostByName "localhost" }}'},
        ),
        "getHostByName is refused",
    ),
    "a dependency that is not vendored": (
        {**chart(), "Chart.yaml": CHART + "dependencies: [{name: db, version: 1.0.0, repository: <url>}]\n"},
        "helm dependency build",
    ),
    "a dependency in a file outside": (
        {
            **chart(),
            "Chart.yaml": CHART
            + "dependencies: [{name: db, version: 1.0.0, repository: 'file://<folder>'}]\n",
        },
        "helm dependency build",
    ),
    "a chart that depends on itself": (
        {**chart(), "Chart.yaml": CHART + "dependencies: [{name: web, version: 1.0.0, repository: file://.}]\n"},
        "helm dependency build",
    ),
    "a dependency of an old chart that is not vendored": (
        {
            **chart(),
            "Chart.yaml": CHART.replace("v2", "v1"),
            "requirements.yaml": "dependencies: [{name: db, version: 1.0.0, repository: <url>}]\n",
        },
        "helm dependency build",
    ),
    "a Chart.yaml that is a list": ({**chart(), "Chart.yaml": "[1]\n"}, "Chart.yaml"),
    "a Chart.yaml that is text": ({**chart(), "Chart.yaml": "web\n"}, "Chart.yaml"),
    "a Chart.yaml that is empty": ({**chart(), "Chart.yaml": ""}, "Chart.yaml"),
    "a Chart.yaml that is no YAML": ({**chart(), "Chart.yaml": f"{CHART}a: [\n"}, "Chart.yaml:4"),
    "values of the chart's own that are no YAML": (
        chart("", {"values.yaml": "a: 1\nb: c: d\n"}),
        "values.yaml:2",
    ),
    "a Chart.yaml of bytes": ({**chart(), "Chart.yaml": b"\x00\xff\xfe"}, "Chart.yaml"),
    "a Chart.yaml without a name": ({**chart(), "Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n"}, "name"),
    "a chart's name that is a path": (
        {**chart(), "Chart.yaml": "apiVersion: v2\nname: ../../outside\nversion: 1.0.0\n"},
        "../../outside",
    ),
    "a chart for other versions of Kubernetes": (
        {**chart(), "Chart.yaml": CHART + "kubeVersion: '>= 99.0.0'\n"},
        ">= 99.0.0",
    ),
    "a library that is installed": ({**chart(), "Chart.yaml": CHART + "type: library\n"}, "library"),
    "aliases that double in a values file": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": bomb()},
        "v.yaml:",
    ),
    "aliases that double in the chart's values": (chart("", {"values.yaml": bomb()}), "values.yaml"),
    "aliases that double in what a template prints": (chart(bomb()), "templates/config.yaml"),
    "aliases that double in Chart.yaml": ({**chart(), "Chart.yaml": CHART + bomb()}, "Chart.yaml"),
    "aliases that double in a CRD": (chart("", {"crds/x.yaml": CONFIG + bomb()}), "crds/x.yaml"),
    "a schema by HTTP": (schema('{"$ref": "<url>/x.json"}'), "nothing is fetched"),
    "a schema outside": (schema('{"$ref": "file://<schema>"}'), "nothing is fetched"),
    "a schema above the chart": (
        schema('{"$id": "file://<folder>/", "$ref": "schema.json"}'),
        "nothing is fetched",
    ),
    "a schema's dialect by HTTP": (schema('{"$schema": "<url>/x.json"}'), "is refused"),
    "a dependency's schema outside": (
        vendored(packed({**_DB, "db/values.schema.json": '{"$ref": "file:///etc/hostname"}'})),
        "nothing is fetched",
    ),
    "values that the schema refuses": (
        schema('{"required": ["port"]}'),
        "port",
    ),
    "an archive that grows": (
        vendored(packed({**_DB, "db/zeros": bytes(40 << 20)})),
        "more than 32 MiB when unpacked",
    ),
    "an archive with paths that climb": (
        vendored(packed({**_DB, "db/../../../../outside/ran": "x"})),
        "a path with '..'",
    ),
    "an archive with an absolute path": (vendored(packed({**_DB, "/outside/ran": "x"})), "an absolute path"),
    "an archive with a symlink": (
        vendored(packed(_DB, {"db/templates/x.yaml": "/etc/passwd"})),
        "charts/db-1.0.0.tgz",
    ),
    "an archive that is none": (vendored(b"PK\x03\x04"), "no gzip file"),
    "a template that includes itself": (
        chart('{{ define "x" }}{{ include "x" . }}{{ end }}data: {x: {{ include "x" . }}}\n'),
        "nested reference name",
    ),
    "an output of other things": (chart("data: {x: 1, x: 2}\n"), 'duplicate key "x"'),
    "an output that is no object": ({"Chart.yaml": CHART, TEMPLATE: "- just\n- a list\n"}, TEMPLATE),
    "an output with a tag": (chart("data: {x: !!python/object/apply:os.system [id]}\n"), TEMPLATE),
    "an output that is nested too deep": (
        chart('data: {x: {{ repeat 5000 "[" }}{{ repeat 5000 "]" }}}\n'),
        TEMPLATE,
    ),
    "values that are nested too deep": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": "a: " + "[" * 500},
        "v.yaml:",
    ),
    "a values file that is a list": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": "[1]\n"},
        "v.yaml:1",
    ),
    "a values file of two documents": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": "a: 1\n---\nb: 2\n"},
        "v.yaml:3",
    ),
    "numbers that JSON does not have": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": "a: 1\nb: .nan\n"},
        "v.yaml:2",
    ),
    "a values file that is encrypted": (
        {
            **chart(),
            "application.yaml": settings(valuesFiles=["v.yaml"]),
            "v.yaml": "a: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n"
            "sops: {mac: x, version: 3.9.0, lastmodified: '2026-01-01T00:00:00Z'}\n",
        },
        "encrypted with SOPS",
    ),
    "large values many times": (
        {
            **chart(),
            "application.yaml": settings(valuesFiles=["v.yaml"] * 1000),
            "v.yaml": f"a: {'x' * 2_900_000}\n",
        },
        "larger than 8 MiB together",
    ),
    "files of values beyond counting": (
        {
            **chart(),
            "application.yaml": settings(
                overrides=[{"clusterSelector": {}, "valuesFiles": ["v.yaml"] * 900}] * 2
            ),
        },
        "at most 1000 files of values",
    ),
    "a variable that nobody defined": (
        {**chart(), "application.yaml": settings(valuesFiles=["v.yaml"]), "v.yaml": "a:\n  b: ${nobody}\n"},
        "v.yaml:2",
    ),
    "a name with a newline": ({**chart(), "templates/a\nb.yaml": CONFIG}, "control character"),
    "a folder of plugins beside a broken chart": (
        {
            **chart('{{ fail "broken" }}'),
            "plugins/x/plugin.yaml": "name: x\nversion: 1.0.0\ncommand: <folder>/program.sh\n",
        },
        "broken",
    ),
    "a hook that Helm does not know": (
        chart("", {"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"
              "  annotations: {helm.sh/hook: crd-install}\n"}),
        "does not know the hook crd-install",
    ),
    "a hook": (
        chart("", {"templates/job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n"
              "  annotations: {helm.sh/hook: pre-install}\n"}),
        "nothing here runs hooks",
    ),
}  # fmt: skip
"""Each with words of the error."""

EXHAUSTING: dict[str, tuple[str, str]] = {
    "tpl that executes itself": (
        '{{ $x := "{{ tpl .x . }}" }}data: {x: {{ tpl $x (dict "x" $x "Template" .Template) }}}\n',
        "",
    ),
    "a template that executes itself": (
        '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}',
        "",
    ),
    "a range that never ends": (
        "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
        "takes longer than",
    ),
    "a list that is too long": ("{{ range until 1000000000 }}x{{ end }}", "of memory"),
    "text that is too long": ('data: {x: {{ repeat 3000000000 "x" | len }}}\n', "of memory"),
    "text that doubles": (
        '{{ $x := "x" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}data: {x: {{ $x | len }}}\n',
        "of memory",
    ),
    "a width that is too large": ('data: {x: {{ printf "%0999999d" 1 | repeat 3000 | len }}}\n', "of memory"),
    "a mapping that holds itself": (
        '{{ $x := dict }}{{ $_ := set $x "x" $x }}data: {x: {{ printf "%v" $x | len }}}\n',
        "",
    ),
    "an output that never ends": (
        "data:\n{{ range $n := until 30000 }}  key-{{ $n }}: some more text to print\n{{ end }}",
        "prints more than",
    ),
    "notes that never end": ("", "takes longer than"),
}
"""Templates that need too much, each with words of the error."""
