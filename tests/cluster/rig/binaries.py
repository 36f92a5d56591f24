"""The servers that the rig runs: found in a folder of yours, or built once from Go's module proxy and kept.

The Go modules beside this file pin what is built. `python -m tests.cluster.rig.binaries` builds ahead of
time and prints the folder. Starting the servers is left to `control_plane`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

KUBERNETES_VERSION = "1.37.2"
HELM_VERSION = "4.3.1"
MODULES = Path(__file__).parent
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
_VERSION_PACKAGE = "k8s.io/component-base/version"
_TAIL_LINES = 20


class RigUnavailable(Exception):  # noqa: N818 - a state of this machine; tests are skipped for it
    """The servers cannot be had here; the text is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Build:
    """One Go module folder and the commands that it builds, named by package path."""

    module: str
    packages: tuple[str, ...]
    binaries: tuple[str, ...]
    ldflags: str = "-s -w"

    def argv(self, folder: Path) -> list[str]:
        """The `go build` command line that writes `binaries` into `folder`."""
        # Go names an output after the package's last path element; etcd's is a version: name it ourselves.
        output = str(folder / self.binaries[0]) if len(self.packages) == 1 else f"{folder}{os.sep}"
        return ["go", "build", "-trimpath", "-ldflags", self.ldflags, "-o", output, *self.packages]


BUILDS = (
    Build("etcd", ("go.etcd.io/etcd/server/v3",), ("etcd",)),
    Build(
        "kubernetes",
        tuple(
            f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        ),
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
        # Without these the servers call themselves v0.0.0-master and clients refuse the version skew.
        f"-s -w -X {_VERSION_PACKAGE}.gitVersion=v{KUBERNETES_VERSION}"
        f" -X {_VERSION_PACKAGE}.gitMajor={_MAJOR} -X {_VERSION_PACKAGE}.gitMinor={_MINOR}",
    ),
    Build("kwok", ("sigs.k8s.io/kwok/cmd/kwok",), ("kwok",)),
)
BINARIES = tuple(name for build in BUILDS for name in build.binaries)
TOOLS = (
    Build(
        "tools",
        ("filippo.io/age/cmd/age-keygen", "github.com/getsops/sops/v3/cmd/sops"),
        ("age-keygen", "sops"),
    ),
    Build(
        "helm",
        ("helm.sh/helm/v4/cmd/helm",),
        ("helm",),
        f"-s -w -X helm.sh/helm/v4/internal/version.version=v{HELM_VERSION}",
    ),
)


def ensure(notify: Callable[[str], None] | None = None) -> Path:
    """Return a folder that holds every one of `BINARIES`, building them first where that was never done.

    `KUBEBUILDER_ASSETS` names the folder, as envtest has it; without it the folder is in the user's cache,
    keyed by the builds' command lines and checksums. Processes that ask at once build once. `notify` hears of
    a build, which takes about ten minutes on two cores. Raises `RigUnavailable`.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        missing = _missing(Path(assets))
        if missing:
            raise RigUnavailable(f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}")
        return Path(assets)
    return _ensured(_kept(), BUILDS, notify or _to_stderr)


def tools(notify: Callable[[str], None] | None = None) -> Path:
    """Return a folder that holds the tools which only a few tests need, built as `ensure` does."""
    return _ensured(_kept(TOOLS, "tools"), TOOLS, notify or _to_stderr)


def _ensured(folder: Path, builds: tuple[Build, ...], notify: Callable[[str], None]) -> Path:
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _build_all(folder, builds, notify)
    return folder


def built() -> Path | None:
    """Return what `ensure` would, where it need not build; None else."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(assets) if assets else _kept()
    return folder if folder.is_dir() and not _missing(folder) else None


def _kept(builds: tuple[Build, ...] = BUILDS, name: str = KUBERNETES_VERSION) -> Path:
    return platformdirs.user_cache_path("gitops-waves") / "rig" / f"{name}-{_key(builds)}"


def _missing(folder: Path) -> list[str]:
    return [name for name in BINARIES if not os.access(folder / name, os.X_OK)]


def _key(builds: tuple[Build, ...]) -> str:
    """Change whenever what would be built changes: command lines, pinned modules, platform."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for build in builds:
        digest.update("\0".join(build.argv(Path())).encode())
        digest.update((MODULES / build.module / "go.mod").read_bytes())
        digest.update((MODULES / build.module / "go.sum").read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build_all(folder: Path, builds: tuple[Build, ...], notify: Callable[[str], None]) -> None:
    if shutil.which("go") is None:
        raise RigUnavailable("Go is not installed, and KUBEBUILDER_ASSETS names no folder of built servers")
    notify(f"building the test rig's programs into {folder}: once, for some minutes")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as temporary:
        # A folder below: a temporary directory that was renamed away cannot be cleaned up.
        built = Path(temporary, "bin")
        built.mkdir()
        for build in builds:
            notify(f"building {', '.join(build.binaries)}")
            _build(build, built)
        built.rename(folder)


def _build(build: Build, folder: Path) -> None:
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    done = subprocess.run(
        build.argv(folder),
        cwd=MODULES / build.module,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise RigUnavailable(f"go build of {', '.join(build.binaries)} failed:\n{tail}")


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Build, print the folder, and return the exit code."""
    try:
        folder = ensure()
        tools()
    except RigUnavailable as error:
        _to_stderr(str(error))
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
