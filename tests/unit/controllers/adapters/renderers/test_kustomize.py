"""Which kustomize is used, and what is said where there is none or it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controllers.adapters.renderers import Files, Kustomize, executables
from gitops.errors import InvalidInput, Location, TerminalError
from gitops.redact import Redactor
from tests.unit.controllers.source.kustomizations import KUBECTL

CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
ASKED = Location("app/kustomization.yaml")


def program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    """A program on somebody's PATH."""
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(text)
    made.chmod(0o755)
    return made


def test_one_error_says_what_to_install(tmp_path: Path) -> None:
    for attempt in (
        Kustomize(search=str(tmp_path)).version,
        lambda: built(Kustomize(search=str(tmp_path)), {}),
    ):
        with pytest.raises(TerminalError) as caught:
            attempt()
        assert "install gitops-waves[kustomize]" in str(caught.value)
        assert "put one of them on the PATH" in str(caught.value)


def test_the_version_is_that_of_kustomize() -> None:
    """Not of the kubectl that holds it."""
    assert Kustomize().version().startswith("v5.")


def test_kustomize_is_preferred_to_kubectl(tmp_path: Path) -> None:
    both = tmp_path / "both"
    program(both, "kubectl")
    kustomize = program(both, "kustomize")
    assert executables.find(("kustomize", "kubectl"), str(both)) == kustomize


def test_an_earlier_folder_is_preferred(tmp_path: Path) -> None:
    """The extra's kubectl, beside our Python, to a kustomize of the system."""
    first = program(tmp_path / "first", "kubectl")
    program(tmp_path / "second", "kustomize")
    search = os.pathsep.join((str(tmp_path / "first"), str(tmp_path / "second")))
    assert executables.find(("kustomize", "kubectl"), search) == first


def test_relative_folders_of_the_path_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be searched in whatever folder we stand in."""
    program(tmp_path / "here", "kustomize")
    monkeypatch.chdir(tmp_path)
    assert executables.find(("kustomize",), f"here{os.pathsep}") is None


def test_our_own_python_is_searched_first() -> None:
    assert executables.find(("kubectl",), executables.search_path()) == KUBECTL


def test_kustomize_itself_is_asked_to_build(tmp_path: Path) -> None:
    text = '#!/bin/sh\nif [ "$1" = version ]; then echo v5.9.0; else echo "asked: $*"; fi\n'
    program(tmp_path, "kustomize", text)
    tool = Kustomize(search=str(tmp_path))
    assert tool.version() == "v5.9.0"
    assert built(tool, {}) == b"asked: build ./app --load-restrictor LoadRestrictionsRootOnly\n"


def test_a_tool_that_is_installed_or_replaced_while_we_run_is_asked_again(tmp_path: Path) -> None:
    """What an upgrade prints must not be taken for what the version before printed."""
    tool = Kustomize(search=str(tmp_path))
    with pytest.raises(TerminalError):
        tool.version()
    for version in ("v5.9.0", "v5.10.0"):
        count = f"echo x >>{tmp_path}/{version}.asked"
        new = program(tmp_path, "new", f"#!/bin/sh\n{count}\necho {version}\n")
        new.rename(tmp_path / "kustomize")
        assert [tool.version() for _ in range(3)] == [version] * 3
        assert (tmp_path / f"{version}.asked").read_text() == "x\n"


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n"])
def test_a_tool_that_does_not_tell_its_version_is_not_used(text: str, tmp_path: Path) -> None:
    program(tmp_path, "kubectl", text)
    with pytest.raises(
        TerminalError, match=r"kubectl does(?: not work: .* ended with code 3| not say which)"
    ):
        Kustomize(search=str(tmp_path)).version()


def test_a_folder_is_built() -> None:
    files = {"app/kustomization.yaml": b"resources: [c.yaml]\nnamePrefix: x-\n", "app/c.yaml": CONFIG}
    assert b"name: x-c\n" in built(Kustomize(), files)


def test_what_went_wrong_has_no_temporary_path() -> None:
    """The folder is gone by then, and means nothing to anybody."""
    files = {
        "app/kustomization.yaml": b"resources: [../base]\n",
        "base/kustomization.yaml": b"resources: [x.yaml]\n",
    }
    with pytest.raises(InvalidInput) as caught:
        built(Kustomize(), files)
    (problem,) = caught.value.problems
    assert problem.location == ASKED
    assert problem.message.startswith("kustomize: accumulating resources")
    assert "base/x.yaml" in problem.message
    assert "gitops-waves-render" not in problem.message


def test_deprecations_are_no_errors() -> None:
    files = {"app/kustomization.yaml": b"resources: [c.yaml]\ncommonLabels: {a: b}\n", "app/c.yaml": CONFIG}
    assert b"a: b" in built(Kustomize(), files)


def built(tool: Kustomize, files: dict[str, bytes]) -> bytes:
    return tool.build("app", ASKED, Files(files or {"app/kustomization.yaml": b""}), Redactor)
