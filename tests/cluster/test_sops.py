"""Files that SOPS encrypted for an age key: decrypted in memory, and nowhere else, with the real tools."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from controllers.adapters.renderers import Concealed, Kustomize, Sops, executables, places
from controllers.cache import DiskCache
from controllers.source.renders import Renders
from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, ToolMissing
from gitops.model.catalog import SourceFile
from gitops.model.folders import RendererName
from gitops.render.plaintext import plaintext
from tests.cluster.encryption import VALUES_ONLY, Kit
from tests.unit.controllers.source.kustomizations import Kustomizations, kustomized

CANARY = "canary-5d1c0b"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData:\n  token: {CANARY}\n"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory.mktemp("sops"))


def reader(kit: Kit, key: Path | None = None) -> Sops:
    """What the controller decrypts with."""
    return Sops(str(key or kit.key), search=str(kit.tools))


def read(sops: Sops | Concealed, data: bytes, path: str = "web/secret.yaml") -> tuple[Document, ...]:
    return sops.documents(path, data, parse(data, path))


def refusal(sops: Sops, data: bytes) -> str:
    with pytest.raises(InvalidInput) as raised:
        read(sops, data)
    assert CANARY not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("options", [(), VALUES_ONLY], ids=["everything", "values"])
def test_a_secret_is_read_with_the_key(kit: Kit, options: tuple[str, ...]) -> None:
    data = kit.encrypted(SECRET, *options)
    assert CANARY.encode() not in data
    (document,) = read(reader(kit), data)
    assert document.value == parse(SECRET.encode(), "a")[0].value
    assert plaintext([document]) == ()


def test_several_documents_and_json_are_read_too(kit: Kit) -> None:
    two = read(reader(kit), kit.encrypted(f"{SECRET}---\n{SECRET.replace('web', 'api')}", *VALUES_ONLY))
    assert [document.value["metadata"]["name"] for document in two if isinstance(document.value, dict)] == [
        "web",
        "api",
    ]
    body = json.dumps(parse(SECRET.encode(), "a")[0].value)
    data = kit.encrypted(body, *VALUES_ONLY, name="secret.json")
    (document,) = read(reader(kit), data, "web/secret.json")
    assert CANARY in str(document.value)


def test_nothing_of_it_is_written(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file nor its plain text is in the folder where the tool runs, or stays after it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read(reader(kit), kit.encrypted(SECRET))
    assert list(tmp_path.rglob("*")) == []


def test_without_a_key_the_error_says_where_one_is_configured(kit: Kit) -> None:
    data = kit.encrypted(SECRET, *VALUES_ONLY)
    said = refusal(Sops(None), data)
    assert said.startswith("web/secret.yaml:7:1: encrypted with SOPS")
    assert "sops.ageKeyFile" in said


def test_what_cannot_be_decrypted_is_refused_with_the_reason(kit: Kit, tmp_path: Path) -> None:
    """In our own words; the tool's might quote."""
    data = kit.encrypted(SECRET, *VALUES_ONLY)
    other = Kit(tmp_path)
    assert "none of the keys" in refusal(reader(kit, other.key), data)
    assert "cannot be read" in refusal(reader(kit, tmp_path / "missing"), data)
    assert "sops is not on the PATH" in refusal(Sops(str(kit.key), search=str(tmp_path)), data)
    assert "changed after" in refusal(reader(kit), data.replace(b"name: web", b"name: wob"))
    assert "changed after" in refusal(reader(kit), re.sub(rb",data:....", b",data:AAAA", data, count=1))


def test_only_secrets_may_be_encrypted(kit: Kit) -> None:
    """The values of other kinds are shown: in differences, on pages, in records."""
    config = SECRET.replace("Secret", "ConfigMap").replace("stringData", "data")
    assert "may hold Secrets only" in refusal(reader(kit), kit.encrypted(config))


@pytest.mark.parametrize(
    ("options", "with_key", "without"),
    [
        (("--encrypted-regex", "^token$"), 1, 1),
        (("--unencrypted-suffix", "_open"), 1, 0),  # the kind is encrypted too: nothing can be told
        (VALUES_ONLY, 0, 0),
    ],
)
def test_what_sops_left_open_counts_as_plain_text(
    kit: Kit, options: tuple[str, ...], with_key: int, without: int
) -> None:
    """Names that end so, or that the expression does not match."""
    data = kit.encrypted(SECRET.replace("  token", "  user_open: root\n  token"), *options)
    assert len(plaintext(read(reader(kit), data))) == with_key
    assert len(plaintext(read(Concealed(), data))) == without


def test_ciphertext_without_what_belongs_to_it_is_refused(kit: Kit) -> None:
    """It would be applied as the value."""
    data = kit.encrypted(SECRET, *VALUES_ONLY)
    assert "sops block" in refusal(reader(kit), data.partition(b"sops:")[0])
    assert "changed after" in refusal(reader(kit), re.sub(rb"\n    mac: .*", b"", data))


def test_documents_cannot_be_added_or_taken_away(kit: Kit) -> None:
    two = kit.encrypted(f"{SECRET}---\n{SECRET.replace('web', 'api')}", *VALUES_ONLY)
    first, second = two.split(b"\n---\n")
    assert "changed after" in refusal(reader(kit), first)
    assert "changed after" in refusal(reader(kit), second.strip() + b"\n---\n" + first)
    assert "something is wrong" in refusal(reader(kit), two + b"---\n" + SECRET.replace(CANARY, "x").encode())


def test_a_file_cannot_ask_other_services(kit: Kit) -> None:
    """A key of a service that the file names is not asked for: there is no network, and no other program."""
    data = kit.encrypted(SECRET, *VALUES_ONLY)
    vault = b"    hc_vault:\n        - vault_address: http://127.0.0.1:1\n          engine_path: a\n"
    vault += b"          key_name: b\n          created_at: '2026-01-01T00:00:00Z'\n          enc: abc\n"
    hostile = data.split(b"    age:")[0] + vault + b"    lastmodified:" + data.split(b"    lastmodified:")[1]
    assert "none of the keys" in refusal(reader(kit), hostile)


def test_without_a_key_the_rest_of_a_file_can_be_judged(kit: Kit) -> None:
    """As `gitops lint` does, which has no key."""
    (document,) = read(Concealed(), kit.encrypted(SECRET, *VALUES_ONLY))
    assert isinstance(document.value, dict)
    assert "sops" not in document.value
    assert document.value["metadata"] == {"name": "web"}
    assert plaintext([document]) == ()
    assert read(Concealed(), kit.encrypted(SECRET)) == ()


KUSTOMIZATION = "resources: [secret.yaml]\nnamePrefix: a-\nlabels: [{pairs: {app: web}}]\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {open: x}\n"
COPY = (
    "replacements:\n- source: {kind: Secret, fieldPath: stringData.token}\n"
    "  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.open]}]\n"
)
DROP = "patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: web}, $patch: delete}'}]\n"


class Built:
    """Builds kustomizations of one repository, with a tool that notes where it runs."""

    def __init__(self, kit: Kit, folder: Path) -> None:
        self.kit = kit
        self.cache = folder / "cache"
        self.log = folder / "log"
        self.repository = Kustomizations(folder)
        real = shutil.which("kubectl", path=executables.search_path())
        tool = folder / "bin" / "kustomize"
        tool.parent.mkdir()
        build = f'pwd >>{self.log}; stat -c %a .. >>{self.log}; shift; exec {real} kustomize "$@"'
        tool.write_text(f"#!/bin/sh\ncase $1 in version) echo v5.0.0;; *) {build};; esac\n")
        tool.chmod(0o755)
        self.tool = str(tool.parent)

    def documents(
        self, files: dict[str, str | bytes | None], decryptor: Sops | Concealed | None = None
    ) -> tuple[Document, ...]:
        """Render the application `web` of these files."""
        tree = self.repository.commit({f"web/{path}": data for path, data in files.items()})
        cache = DiskCache(self.cache, 1 << 20)
        renders = Renders(Kustomize(search=self.tool), cache, decryptor or reader(self.kit))
        return renders.documents(tree, kustomized("web"))

    def refused(self, files: dict[str, str | bytes | None]) -> str:
        """Give why they cannot be rendered."""
        with pytest.raises(InvalidInput) as raised:
            self.documents(files)
        assert CANARY not in str(raised.value)
        return str(raised.value)


@pytest.fixture
def built(kit: Kit, tmp_path: Path) -> Built:
    return Built(kit, tmp_path)


@pytest.mark.parametrize("name", ["secret.yaml", "secret.json"])
def test_kustomize_gets_plain_text_in_memory(built: Built, name: str) -> None:
    """Nothing of it is on a disk while the tool runs or afterwards, and it is no plain text to lint."""
    memory = places.memory()
    assert memory is not None
    before = set(memory.iterdir())
    text = SECRET if name.endswith("yaml") else json.dumps(parse(SECRET.encode(), "a")[0].value)
    files: dict[str, str | bytes | None] = {
        "kustomization.yaml": KUSTOMIZATION.replace("secret.yaml", name),
        name: built.kit.encrypted(text, *VALUES_ONLY, name=name),
    }
    (document,) = built.documents(files)
    assert isinstance(document.value, dict)
    assert document.value["stringData"] == {"token": CANARY}
    assert document.value["metadata"] == {"name": "a-web", "labels": {"app": "web"}}
    assert plaintext([document]) == ()
    place, mode = built.log.read_text().split()
    assert Path(place).is_relative_to(memory)
    assert mode == "700"
    assert not Path(place).exists()
    assert {one for one in set(memory.iterdir()) - before if one.name in place} == set()
    assert not [path for path in built.cache.rglob("*") if path.is_file()]


def test_a_key_that_is_away_is_waited_for(kit: Kit, built: Built, tmp_path: Path) -> None:
    """It says nothing about the commit; once it is back, everything renders that it is for."""
    key = tmp_path / "mounted"
    renders = Renders(Kustomize(search=built.tool), decryptor=reader(kit, key))
    sealed = kit.encrypted(SECRET, *VALUES_ONLY)
    tree = built.repository.commit(
        {"web/kustomization.yaml": KUSTOMIZATION, "web/secret.yaml": sealed, "plain/secret.yaml": sealed}
    )
    found = tree.find("plain/secret.yaml")
    assert found is not None
    plain = replace(
        kustomized("plain"), renderer=RendererName.PLAIN, files=(SourceFile(found.path, found.oid),)
    )
    for application in (plain, kustomized("web")):
        with pytest.raises(ToolMissing, match="key file that the controller is given cannot be read"):
            renders.documents(tree, application)
    key.write_text(kit.key.read_text())
    for application in (plain, kustomized("web")):
        (document,) = renders.documents(tree, application)
        assert CANARY in str(document.value)


def test_without_memory_to_write_to_nothing_is_decrypted_for_kustomize(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "memory", lambda: None)
    sealed = built.kit.encrypted(SECRET, *VALUES_ONLY)
    said = built.refused({"kustomization.yaml": KUSTOMIZATION, "secret.yaml": sealed})
    assert "no file system in memory" in said
    assert not built.log.exists()


def test_what_is_not_encrypted_beside_it_counts_as_plain_text(built: Built) -> None:
    """Also what a patch of the kustomization writes into the encrypted Secret."""
    sealed = built.kit.encrypted(SECRET, *VALUES_ONLY)
    generator = "secretGenerator: [{name: open, literals: [password=hunter2]}]\n"
    patch = (
        "patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: web}, stringData: {more: x}}'}]\n"
    )
    for more, names in [(generator, ["open"]), (patch, ["web"])]:
        found = built.documents(
            {"kustomization.yaml": f"resources: [secret.yaml]\n{more}", "secret.yaml": sealed}
        )
        assert [name for name in names if f"Secret {name}" in str(plaintext(found))] == names
        assert len(plaintext(found)) == 1


def test_a_value_that_leaves_its_secret_is_refused(built: Built) -> None:
    """Nobody could know any more that it must not be shown. A copy beside the Secret is known by it."""
    sealed = built.kit.encrypted(SECRET, *VALUES_ONLY)
    files: dict[str, str | bytes | None] = {"secret.yaml": sealed, "config.yaml": CONFIG_MAP}
    resources = "resources: [secret.yaml, config.yaml]\n"
    base: dict[str, str | bytes | None] = {f"base/{path}": data for path, data in files.items()}
    base["base/kustomization.yaml"] = resources + COPY
    said = built.refused({**base, "kustomization.yaml": f"resources: [base]\n{DROP}"})
    assert said.startswith("web/base/secret.yaml: not all values of this encrypted Secret")
    assert len(built.documents({**files, "kustomization.yaml": resources + COPY})) == 2


@pytest.mark.parametrize("options", [(), VALUES_ONLY], ids=["everything", "values"])
def test_lint_builds_kustomizations_without_a_key(built: Built, options: tuple[str, ...]) -> None:
    """Of a file that is encrypted as a whole, nothing can be told."""
    files: dict[str, str | bytes | None] = {
        "kustomization.yaml": "resources: [secret.yaml, config.yaml]\nnamePrefix: a-\n",
        "config.yaml": CONFIG_MAP,
        "secret.yaml": built.kit.encrypted(SECRET, *options),
    }
    found = built.documents(files, Concealed())
    assert len(found) == (2 if options else 1)
    assert plaintext(found) == ()
    assert CANARY not in str([document.value for document in found])
