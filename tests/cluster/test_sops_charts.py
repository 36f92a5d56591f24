"""Values for charts that SOPS encrypted, with the real tools: in Secrets, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path

import pytest
import yaml

from controllers.adapters.renderers import Concealed, Helm, Sandbox, Sops
from controllers.cache import DiskCache
from controllers.cli import lint
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.errors import InvalidInput, ToolMissing
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope
from tests import tools
from tests.cluster.command_line import SECRET, Shop
from tests.cluster.encryption import Kit
from tests.cluster.rig import binaries
from tests.cluster.rig.plane import Plane
from tests.unit.controllers.rollout import shop as shops

Changes = dict[str, str | bytes | None]

CANARY = "canary-9a44e1"
FOLDER = "environments/production/web"
VALUES = f"{FOLDER}/secrets.yaml"
SETTINGS = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  helm:
    valuesFiles: [values.yaml, secrets.yaml]
"""
SECRETS = f"""\
db:
  user: web
  # keep it
  password: {CANARY}
  pin: 31415926535
  list: [one, "{CANARY}-2"]
"""
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
data: {password: {{ .Values.db.password | b64enc }}}
stringData: {url: "db://{{ .Values.db.user }}:{{ .Values.db.password }}@{{ .Values.db.host }}"}
"""
PASSWORDS = ("--encrypted-regex", "^(password|pin|list)$")


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory.mktemp("sops"))


class Charted:
    """A chart with encrypted values, and what renders it."""

    def __init__(self, kit: Kit, folder: Path) -> None:
        self.kit = kit
        self.folder = folder
        self.shop = shops.Shop(folder)
        clusters = shops.CLUSTERS.replace("canary}}\n", "canary}}\nspec: {kubernetesVersion: v1.37.2}\n")
        self.shop.commit(
            "Use Helm",
            {
                "clusters/all.yaml": f"{clusters}spec: {{kubernetesVersion: 1.37.2}}\n",
                f"{FOLDER}/web.yaml": None,
                f"{FOLDER}/application.yaml": SETTINGS,
                f"{FOLDER}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
                f"{FOLDER}/values.yaml": "db: {host: db.example, password: none}\n",
                f"{FOLDER}/templates/secret.yaml": TEMPLATE,
            },
        )
        self.cache = folder / "cache"

    def renders(self, decryptor: Sops | Concealed | None = None) -> Renders:
        """What the controller renders with, as of its start."""
        helm = Helm(Sandbox(folder=self.folder), search=str(self.kit.tools))
        reader = decryptor or Sops(str(self.kit.key), search=str(self.kit.tools))
        return Renders(helm=helm, cache=DiskCache(self.cache, 1 << 20), decryptor=reader)

    def manifests(
        self, values: str | bytes = SECRETS, files: Changes | None = None, *options: str
    ) -> tuple[Manifest, ...]:
        """What would be applied with these values, encrypted as a whole or with `options`."""
        sealed = self.kit.encrypted(values, *options) if isinstance(values, str) else values
        revision = self.shop.commit("Change", {VALUES: sealed, **(files or {})})
        errands = Errands(
            "production", Revisions(self.shop.mirror, self.renders()), Clusters({}), KnownSecrets()
        )
        return errands.wanted(Scope("production", "web", Target("eu-1", "shop")), revision).manifests

    def refused(self, values: str | bytes = SECRETS, files: Changes | None = None, *options: str) -> str:
        """Why nothing would be."""
        with pytest.raises(InvalidInput) as raised:
            self.manifests(values, files, *options)
        assert CANARY not in str(raised.value)
        assert base64.b64encode(CANARY.encode()).decode() not in str(raised.value)
        return str(raised.value)

    def linted(self, files: Changes, *options: str) -> str:
        """What is said without a key."""
        revision = self.shop.commit("Change", {VALUES: self.kit.encrypted(SECRETS, *options), **files})
        _, problems, warnings = lint.of_commit(self.shop.mirror, revision, self.renders(Concealed()))
        return "\n".join(str(one) for one in (*problems, *warnings) if FOLDER in str(one))


@pytest.fixture
def charted(kit: Kit, tmp_path: Path) -> Charted:
    return Charted(kit, tmp_path)


@pytest.mark.parametrize("options", [(), PASSWORDS], ids=["everything", "passwords"])
def test_values_reach_a_secret_and_no_disk(
    options: tuple[str, ...], charted: Charted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Helm gets of them comes through a pipe; what it prints is not kept."""
    seen: list[bytes] = []
    monkeypatch.setattr(tempfile, "tempdir", str(charted.folder))
    template = f'{TEMPLATE}# {{{{ .Files.Get "secrets.yaml" | len }}}}\n'
    run = Sandbox.run

    def looked(self: Sandbox, executable: Path, arguments: list[str], files: object, **more: object) -> bytes:
        seen.extend(getattr(files, "contents").values())  # noqa: B009 - whatever the tool is given as a file
        return run(self, executable, arguments, files, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "run", looked)
    (manifest,) = charted.manifests(SECRETS, {f"{FOLDER}/templates/secret.yaml": template}, *options)
    assert manifest.body["stringData"] == {"url": f"db://web:{CANARY}@db.example"}
    assert manifest.body["data"] == {"password": base64.b64encode(CANARY.encode()).decode()}
    assert seen
    assert not any(CANARY.encode() in one for one in seen)
    assert not [path for path in charted.cache.rglob("*") if path.is_file()]


def test_json_and_overrides_are_decrypted_too(charted: Charted) -> None:
    override = "    overrides:\n    - {clusterSelector: {}, valuesFiles: [more.json]}\n"
    more = charted.kit.encrypted(json.dumps({"db": {"password": f"{CANARY}-3"}}), name="more.json")
    files: Changes = {f"{FOLDER}/application.yaml": SETTINGS + override, f"{FOLDER}/more.json": more}
    (manifest,) = charted.manifests(SECRETS, files)
    assert manifest.body["stringData"] == {"url": f"db://web:{CANARY}-3@db.example"}


def test_variables_are_filled_in_and_nothing_of_a_secret_text_is_quoted(charted: Charted) -> None:
    secrets = SECRETS.replace(f"password: {CANARY}", f'password: "{CANARY}-${{cluster}}"')
    (manifest,) = charted.manifests(secrets)
    assert manifest.body["stringData"] == {"url": f"db://web:{CANARY}-eu-1@db.example"}
    said = charted.refused(secrets.replace("cluster", CANARY))
    assert said.startswith(f"{VALUES}:4:15: an undefined variable, not shown")


SHOWN = {
    "a ConfigMap": ("kind: ConfigMap\ndata: {a: {{ .Values.db.password }}}\n", "ConfigMap x, /data/a"),
    "base64": ("kind: ConfigMap\ndata: {a: {{ .Values.db.password | b64enc }}}\n", "ConfigMap x, /data/a"),
    "a part": ('kind: ConfigMap\ndata: {a: "1{{ .Values.db.password }}2"}\n', "ConfigMap x, /data/a"),
    "a key": ("kind: ConfigMap\ndata:\n  {{ .Values.db.password }}: a\n", "ConfigMap x, /data"),
    "an item": ("kind: ConfigMap\ndata: {a: {{ index .Values.db.list 1 }}}\n", "ConfigMap x, /data/a"),
    "a number": ("kind: Pod\nspec: {a: {{ .Values.db.pin }}}\n", "Pod x, /spec/a"),
    "a number in text": ('kind: Pod\nspec: {a: "{{ .Values.db.pin }}"}\n', "Pod x, /spec/a"),
    "a whole number": ('kind: Pod\nspec: {a: "{{ .Values.db.pin | int64 }}"}\n', "Pod x, /spec/a"),
    "a Secret's key": (
        "kind: Secret\nstringData:\n  {{ .Values.db.password }}: a\n",
        "Secret x, /stringData",
    ),
    "a variable": (
        "kind: Pod\nspec: {env: [{name: A_PASSWORD, value: {{ .Values.db.password }}}]}\n",
        "Pod x, /spec/env/0/value",
    ),
}


@pytest.mark.parametrize("case", SHOWN)
@pytest.mark.parametrize("options", [(), PASSWORDS], ids=["everything", "passwords"])
def test_a_value_in_anything_but_a_secret_is_refused(
    case: str, options: tuple[str, ...], charted: Charted
) -> None:
    """With the template and the object, the place of the value, and what to do."""
    template, place = SHOWN[case]
    body = f"apiVersion: v1\nmetadata: {{name: x}}\n{template}"
    said = charted.refused(SECRETS, {f"{FOLDER}/templates/x.yaml": body}, *options)
    assert said.startswith(f"{FOLDER}/templates/x.yaml ({place}): the value at {VALUES}:")
    assert "of a Secret only" in said


@pytest.mark.parametrize(
    ("metadata", "place"),
    [
        ("name: {{ .Values.db.password }}", "Secret (redacted), /metadata/name"),
        ("name: x, labels: {a: {{ .Values.db.password }}}", "Secret x, /metadata/labels/a"),
        ("name: x, annotations: {a: 'b{{ .Values.db.password }}'}", "Secret x, /metadata/annotations/a"),
    ],
)
def test_a_secrets_metadata_is_shown_too(metadata: str, place: str, charted: Charted) -> None:
    body = f"apiVersion: v1\nkind: Secret\nmetadata: {{{metadata}}}\n"
    said = charted.refused(SECRETS, {f"{FOLDER}/templates/x.yaml": body})
    assert said.startswith(f"{FOLDER}/templates/x.yaml ({place}): the value at {VALUES}:4:15 is encrypted")


def test_what_the_repository_shows_as_well_is_no_secret(charted: Charted) -> None:
    """A name that was encrypted along with the rest: the application's, or another value's."""
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: {{ .Values.db.user }}}\n"
    files: Changes = {
        f"{FOLDER}/templates/x.yaml": config,
        f"{FOLDER}/values.yaml": "db: {host: db.example, user: somebody}\n",
    }
    secrets = SECRETS.replace("user: web", "user: somebody")
    assert [one.key.kind for one in charted.manifests(secrets, files)] == ["Secret", "ConfigMap"]
    files[f"{FOLDER}/values.yaml"] = "db: {host: db.example}\n"
    assert f"{VALUES}:2:11 is encrypted" in charted.refused(secrets, files)


@pytest.mark.parametrize(
    "template",
    [
        "a: {{ fail .Values.db.password }}",
        "a: {{ fail (.Values.db.password | b64enc) }}",
        "a: {{ fail (.Values.db.pin | toString) }}",
        "a: {{ .Values.db.password.deep }}",
        "{{ .Values.db.password }}: 1\n{{ .Values.db.password }}: 2\n",
        "kind: Secret\nstringData: {a: {{ .Values.db.password }}, b: {{ randAlphaNum 9 }}}",
    ],
)
def test_no_error_repeats_a_value(template: str, charted: Charted) -> None:
    said = charted.refused(SECRETS, {f"{FOLDER}/templates/x.yaml": template})
    assert said.startswith(f"{FOLDER}/templates/x.yaml")
    assert "31415926535" not in said
    assert "3.1415926535e+10" not in said


def test_what_cannot_be_decrypted_is_refused_as_elsewhere(charted: Charted, tmp_path: Path) -> None:
    data = charted.kit.encrypted(SECRETS, *PASSWORDS)
    assert "changed after" in charted.refused(data.replace(b"user: web", b"user: wob"))
    assert "sops block" in charted.refused(data.partition(b"sops:")[0])
    (tmp_path / "other").mkdir()
    charted.kit = Kit(tmp_path / "other")
    assert "none of the keys" in charted.refused(data)
    charted.kit.key.unlink()
    with pytest.raises(ToolMissing, match="key file that the controller is given cannot be read"):
        charted.manifests(data)


def test_nothing_in_a_chart_is_decrypted(charted: Charted) -> None:
    place = f"{FOLDER}/values.yaml"
    said = charted.refused(SECRETS, {place: charted.kit.encrypted(SECRETS)})
    assert said.startswith(f"{place}: encrypted with SOPS, and nothing in a chart is decrypted")


@pytest.mark.parametrize("options", [(), PASSWORDS], ids=["everything", "passwords"])
def test_secrets_of_encrypted_values_alone_are_not_plain_text(
    options: tuple[str, ...], charted: Charted
) -> None:
    """Those with another value beside are, with or without a key."""
    assert charted.linted({}, *options) == ""
    beside = f"{TEMPLATE}  \n".replace("stringData: {", "stringData: {open: {{ .Values.db.host }}, ")
    files: Changes = {f"{FOLDER}/templates/secret.yaml": beside}
    assert "Secret web has its values in plain text" in charted.linted(files, *options)
    refuse = "apiVersion: gitops-waves.io/v1alpha1\nkind: Repository\nmetadata: {name: shop}\n"
    files["gitops.yaml"] = f"{refuse}spec: {{plaintextSecrets: Refuse}}\n"
    assert "in plain text" in charted.refused(SECRETS, files, *options)
    files[f"{FOLDER}/templates/secret.yaml"] = TEMPLATE
    assert len(charted.manifests(SECRETS, files, *options)) == 1


def test_lint_says_what_can_be_known_without_a_key(charted: Charted) -> None:
    """An error that ciphertext may be the cause of is none; what stands around it is judged."""
    place = f"{FOLDER}/templates/x.yaml"
    number = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {a: {{ add1 .Values.db.pin }}}\n"
    assert charted.linted({place: number}) == ""
    wrong = f"{{{{ if ne .Values.db.password `{CANARY}` }}}}{{{{ fail `wrong` }}}}{{{{ end }}}}"
    assert charted.linted({place: wrong}) == ""
    assert charted.linted({place: number.replace("name: x", "name: {{ .Values.db.user }}")}) == ""
    hook = number.replace("name: x", "name: x, annotations: {helm.sh/hook: pre-install}")
    assert "a hook (pre-install)" in charted.linted({place: hook})
    assert charted.linted({place: "", f"{FOLDER}/values.yaml": "a: ${nothing}\n"}).startswith(
        f'{FOLDER}/values.yaml:1:4: undefined variable "nothing"'
    )


def test_on_a_cluster_with_the_command_line(
    cluster: Plane, namespace: str, kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No output shows the value, and no file holds it."""
    tools.put_on_path(monkeypatch)
    monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    shop = Shop(tmp_path / "shop", cluster, namespace)
    spec = {"connection": shop.plane.name, "kubernetesVersion": binaries.KUBERNETES_VERSION}
    head = {"apiVersion": "gitops-waves.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "east"}}
    folder = "environments/production/charted"
    shop.commit(
        {
            "clusters/east.yaml": yaml.safe_dump({**head, "spec": spec}),
            f"{folder}/application.yaml": SETTINGS.replace("name: web", "name: charted").replace(
                "values.yaml, ", ""
            ),
            f"{folder}/Chart.yaml": "apiVersion: v2\nname: charted\nversion: 1.0.0\n",
            f"{folder}/values.yaml": "db: {host: db.example}\n",
            f"{folder}/templates/secret.yaml": TEMPLATE,
            f"{folder}/secrets.yaml": kit.encrypted(SECRETS.replace(CANARY, SECRET)).decode(),
        }
    )
    assert "Secret charted" not in shop.gitops("lint")
    assert "there is no key for it" in shop.gitops("plan", "HEAD", "--application", "charted", code=1)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(kit.key))
    monkeypatch.setenv("PATH", f"{kit.tools}{os.pathsep}{os.environ['PATH']}")
    assert "(redacted)" in shop.gitops("render", "production", "--application", "charted")
    shop.run_once()
    live = shop.live("secrets", "charted")
    assert live is not None
    values = {"password": SECRET, "url": f"db://web:{SECRET}@db.example"}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in values.items()}
    assert live["data"] == encoded
    shop.commit(
        {f"{folder}/secrets.yaml": kit.encrypted(SECRETS.replace(CANARY, "0ther-than-before")).decode()}
    )
    said = shop.gitops("plan", "HEAD", "--application", "charted")
    assert "~ data.password: (redacted) → (redacted, changed)" in said
    assert not shop.has_written(b"0ther-than-before", values["url"].encode(), encoded["url"].encode())
