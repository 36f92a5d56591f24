"""Files that SOPS encrypted for an age key: decrypted in memory, and nowhere else, with the real tools."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest

from controllers.adapters.renderers import Concealed, Sops
from gitops.dialect import Document, parse
from gitops.errors import InvalidInput
from gitops.render.plaintext import plaintext
from tests.cluster.encryption import VALUES_ONLY, Kit

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
