"""Files of values that SOPS encrypted: decrypted in memory, and nowhere but in Secrets afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.renderers import Concealed, Decryptor, Helm, OutputCache, Sops
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.errors import InvalidInput
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope
from tests.cluster.encryption import Kit
from tests.unit.controllers.rollout.shop import CLUSTERS, ENVIRONMENT, ENVIRONMENT_FILE, Shop

CANARY = "canary-3e9d1a"
WEB = "environments/production/web"
VALUES = f"{WEB}/secrets.yaml"
PLAIN = f"database: {{password: {CANARY}, host: db}}\n"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: web}
"""
ENCODED = SECRET + "data: {password: {{ .Values.database.password | b64enc }}}\n"
OPEN = SECRET + "stringData: {password: {{ .Values.database.password | quote }}}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory.mktemp("sops"))


class Charted:
    """One application, a chart with encrypted values, where plain text is refused."""

    def __init__(self, folder: Path, kit: Kit) -> None:
        self.kit = kit
        self.cache = folder / "cache"
        self.shop = Shop(folder)
        application = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
        self.shop.commit(
            "Use Helm",
            {
                f"{WEB}/web.yaml": None,
                ENVIRONMENT_FILE: ENVIRONMENT + "  plaintextSecrets: Refuse\n",
                "clusters/all.yaml": CLUSTERS.replace("}}\n", "}}\nspec: {kubernetesVersion: 1.37.2}\n"),
                f"{WEB}/application.yaml": application + "spec: {helm: {valuesFiles: [secrets.yaml]}}\n",
                f"{WEB}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            },
        )

    def manifests(
        self, template: str, values: bytes, decryptor: Decryptor | None = None
    ) -> tuple[Manifest, ...]:
        """What would be applied to the first cluster."""
        files: dict[str, str | bytes | None] = {VALUES: values, f"{WEB}/templates/x.yaml": template}
        revision = self.shop.commit("Change", files)
        renders = Renders(
            helm=Helm(search=str(self.kit.tools)),
            cache=OutputCache(self.cache, 1 << 20),
            decryptor=decryptor or Sops(str(self.kit.key), search=str(self.kit.tools)),
        )
        errands = Errands("production", Revisions(self.shop.mirror, renders), Clusters({}), KnownSecrets())
        return errands.wanted(Scope("production", "web", Target("eu-1", "shop")), revision).manifests

    def refused(self, template: str, values: bytes, decryptor: Decryptor | None = None) -> str:
        """Why nothing would be."""
        with pytest.raises(InvalidInput) as raised:
            self.manifests(template, values, decryptor)
        assert CANARY not in str(raised.value)
        return str(raised.value)

    def sealed(self, text: str = PLAIN, *options: str) -> bytes:
        """Encrypt as people do."""
        return self.kit.encrypted(text, *options, name="secrets.yaml")


@pytest.fixture
def charted(kit: Kit, tmp_path: Path) -> Charted:
    return Charted(tmp_path, kit)


@pytest.mark.parametrize("template", [ENCODED, OPEN])
def test_encrypted_values_reach_secrets_and_no_disk(charted: Charted, template: str) -> None:
    """They count as encrypted, which is asked for here."""
    (secret,) = charted.manifests(template, charted.sealed())
    body: dict[str, Any] = secret.body
    assert (body.get("stringData") or {}).get("password") in (None, CANARY)
    assert CANARY not in repr(secret)
    assert not charted.cache.exists()


@pytest.mark.parametrize(
    "data",
    [
        "p: {{ .Values.database.password }}",
        'p: {{ printf "before %s after" .Values.database.password | quote }}',
        "p: {{ .Values.database.password | b64enc }}",
    ],
)
def test_a_value_that_would_be_shown_is_refused(charted: Charted, data: str) -> None:
    refused = charted.refused(f"{CONFIG}{data}}}\n", charted.sealed())
    assert refused.startswith(f"{WEB}/templates/x.yaml (ConfigMap c, /data/p): the value at {VALUES}:")
    name = SECRET.replace("{name: web}", "{name: web, labels: {p: {{ .Values.database.password }}}}")
    assert "(Secret web, /metadata/labels/p): the value at" in charted.refused(name, charted.sealed())


def test_what_was_left_open_may_stand_anywhere(charted: Charted) -> None:
    values = charted.sealed(PLAIN, "--encrypted-regex", "^password$")
    found = charted.manifests(f"{OPEN}---\n{CONFIG}host: {{{{ .Values.database.host }}}}}}\n", values)
    assert [one.kind for one in found] == ["Secret", "ConfigMap"]
    mixed = OPEN.replace("stringData: {", "stringData: {own: text, ")
    assert "has its values in plain text" in charted.refused(mixed, values)


def test_without_the_key_they_are_refused_and_lint_reads_around_them(charted: Charted) -> None:
    refused = charted.refused(OPEN, charted.sealed(), Sops(None))
    assert refused.startswith(VALUES)
    assert "there is no key for it" in refused
    (secret,) = charted.manifests(OPEN, charted.sealed(), Concealed())
    assert secret.body["stringData"]["password"].startswith("ENC[")


def test_what_helm_says_of_them_is_not_shown(charted: Charted) -> None:
    assert "(redacted)" in charted.refused("a: {{ fail .Values.database.password }}", charted.sealed())


def test_nothing_in_a_chart_is_decrypted(charted: Charted) -> None:
    charted.shop.commit("Seal", {f"{WEB}/values.yaml": charted.sealed()})
    refused = charted.refused(OPEN, charted.sealed())
    assert refused.startswith(f"{WEB}/values.yaml: encrypted with SOPS, and nothing in a chart is decrypted")
