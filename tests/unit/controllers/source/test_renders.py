"""What a tool printed outlives the process, except where it holds a Secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.adapters.git import TreeView
from controllers.adapters.renderers import Concealed, Files, Kustomize
from controllers.adapters.renderers.kustomize import Redaction
from controllers.cache import DiskCache
from controllers.source.renders import Renders
from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, SourceFile
from tests.unit.controllers.source.kustomizations import Kustomizations, kustomized

CANARY = "canary-9f8e7d"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {value: one}\n"


class Counted(Kustomize):
    """The real tool, counted. `claims` is the version it gives itself."""

    def __init__(self, claims: str = "") -> None:
        super().__init__()
        self.builds = 0
        self.claims = claims

    def version(self) -> str:
        """As it is, or as it claims."""
        return self.claims or super().version()

    def build(self, folder: str, asked: Location, files: Files, redactor: Redaction) -> bytes:
        """Count, and build."""
        self.builds += 1
        return super().build(folder, asked, files, redactor)


@pytest.fixture
def repository(tmp_path: Path) -> Kustomizations:
    """People's repository."""
    return Kustomizations(tmp_path)


def web(
    repository: Kustomizations, more: str = "", files: dict[str, str | bytes | None] | None = None
) -> TreeView:
    """One application of a ConfigMap, and `more` in its kustomization."""
    kustomization = f"resources: [config.yaml]\n{more}"
    return repository.commit(
        {"web/kustomization.yaml": kustomization, "web/config.yaml": CONFIG, **(files or {})}
    )


def rendered(tree: TreeView, folder: Path, tool: Counted) -> list[object]:
    """Render as a process that has just started."""
    renders = Renders(tool, DiskCache(folder, 1 << 20))
    return [document.value for document in renders.documents(tree, kustomized("web"))]


def test_after_a_restart_the_tool_does_not_run_again(repository: Kustomizations, tmp_path: Path) -> None:
    tree, tool = web(repository, "namePrefix: a-\n"), Counted()
    first = rendered(tree, tmp_path / "cache", tool)
    assert rendered(tree, tmp_path / "cache", tool) == first
    assert tool.builds == 1


def test_another_input_or_another_tool_is_another_output(repository: Kustomizations, tmp_path: Path) -> None:
    tool, folder = Counted(), tmp_path / "cache"
    rendered(web(repository), folder, tool)
    changed = web(repository, files={"web/config.yaml": CONFIG.replace("one", "two")})
    (found,) = rendered(changed, folder, tool)
    assert isinstance(found, dict)
    assert found["data"] == {"value": "two"}
    newer = Counted("v999.0.0")
    rendered(changed, folder, newer)
    assert (tool.builds, newer.builds) == (2, 1)


def test_a_damaged_output_is_made_again(repository: Kustomizations, tmp_path: Path) -> None:
    tree, tool, folder = web(repository), Counted(), tmp_path / "cache"
    first = rendered(tree, folder, tool)
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes().replace(b"one", b"two"))
    assert rendered(tree, folder, tool) == first
    assert rendered(tree, folder, tool) == first
    assert tool.builds == 2


@pytest.mark.parametrize(
    ("more", "files"),
    [
        (f"secretGenerator: [{{name: key, literals: [password={CANARY}]}}]\n", {}),
        ("secretGenerator: [{name: key, files: [key.txt]}]\n", {"web/key.txt": CANARY}),
        (
            "",
            {
                "web/config.yaml": "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, "
                f"metadata: {{name: key}}, stringData: {{key: {CANARY}}}}}]\n"
            },
        ),
        (
            "",
            {
                "web/config.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: Secret}\nspec: {containers: "
                f"[{{name: a, env: [{{name: API_TOKEN, value: {CANARY}}}]}}]}}\n"
            },
        ),
    ],
    ids=["literal", "file", "list", "environment"],
)
def test_no_output_with_a_secret_reaches_the_disk(
    repository: Kustomizations, tmp_path: Path, more: str, files: dict[str, str | bytes | None]
) -> None:
    """It is made again after a restart instead."""
    tree, tool, folder = web(repository, more, files), Counted(), tmp_path / "cache"
    first = rendered(tree, folder, tool)
    assert "Secret" in str(first)
    assert rendered(tree, folder, tool) == first
    assert tool.builds == 2
    assert not [path for path in folder.rglob("*") if path.is_file()]


DOTENV = "token=ENC[AES256_GCM,data:x]\nsops_mac=ENC[AES256_GCM,data:y]\n"
BINARY = '{"data": "ENC[x]", "sops": {"version": "3.11.0",\n\t"mac": "ENC[AES256_GCM,data:y]"}}'
INI = "[a]\ntoken = ENC[x]\n[sops]\nmac = ENC[AES256_GCM,data:y]\n"
VALUES = "token: ENC[x]\nsops:\n    mac: ENC[AES256_GCM,data:y]\n"


@pytest.mark.parametrize("text", [DOTENV, BINARY, INI, VALUES], ids=["dotenv", "binary", "ini", "yaml"])
def test_no_ciphertext_becomes_a_value(repository: Kustomizations, tmp_path: Path, text: str) -> None:
    """What generators read is not decrypted, whatever its form; to apply it as it is would help nobody."""
    tool = Counted()
    renders = Renders(tool, DiskCache(tmp_path / "cache", 1 << 20), Concealed())
    generator = "secretGenerator: [{name: key, files: [key.txt]}]\n"
    with pytest.raises(InvalidInput, match=r"^web/key.txt: encrypted with SOPS"):
        renders.documents(web(repository, generator, {"web/key.txt": text}), kustomized("web"))
    assert tool.builds == 0


class Locked(Concealed):
    """A decryptor without the right key, counted."""

    def __init__(self) -> None:
        self.tried = 0

    def documents(self, path: str, data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Count, and refuse."""
        assert super().documents(path, data, written)
        self.tried += 1
        raise InvalidInput(Problem(Location(path), "no key"))


def test_a_file_that_cannot_be_decrypted_is_tried_once_for_all_targets(repository: Kustomizations) -> None:
    """Each trial starts a process."""
    tree = repository.commit({"web/config.yaml": f"{CONFIG}sops: {{mac: x}}\n"})
    file = SourceFile("web/config.yaml", "oid")
    plain = ApplicationSource("shop", "web", "web", (file,))
    locked = Locked()
    renders = Renders(decryptor=locked)
    for _ in range(3):
        with pytest.raises(InvalidInput, match="no key"):
            renders.documents(tree, plain)
    assert locked.tried == 1
