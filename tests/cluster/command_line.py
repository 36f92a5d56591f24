"""A repository, a cluster and the command line, for tests of what people type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pygit2

from tests.cluster.rig.plane import Plane
from tests.commits import commit

_ROOT = Path(__file__).parents[2]
_GITOPS = [sys.executable, "-c", "from controllers.cli.app import main; main()"]
SECRET = "c4nary-of-secrets"
WEB = "environments/production/web"


@dataclass
class Shop:
    """A repository with one environment of one target, and the command line in its folder."""

    path: Path
    plane: Plane
    namespace: str

    def __post_init__(self) -> None:
        self.plane.write_kubeconfig(self.path.with_name("kubeconfig"))
        pygit2.init_repository(str(self.path), initial_head="main")
        kinds = "apiVersion: gitops-waves.io/v1alpha1\nkind: "
        spec = f"targets: [{{clusterSelector: {{}}, namespace: {self.namespace}}}], waves: [{{name: all}}]"
        self.commit(
            {
                "clusters/east.yaml": (
                    f"{kinds}Cluster\nmetadata: {{name: east}}\nspec: {{connection: {self.plane.name}}}\n"
                ),
                "environments/production/environment.yaml": (
                    f"{kinds}Environment\nmetadata: {{name: production}}\nspec: {{{spec}}}\n"
                ),
                f"{WEB}/config.yaml": self.config("one"),
                f"{WEB}/secret.yaml": self.secret(SECRET),
            }
        )

    @staticmethod
    def config(value: str) -> str:
        """A ConfigMap."""
        return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{value: {value}}}\n"

    @staticmethod
    def secret(value: str) -> str:
        """A Secret."""
        return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{token: {value}}}\n"

    def commit(self, files: dict[str, str | None]) -> str:
        """Write (or with None remove) files and commit them."""
        return commit(self.path, "Change", files)

    def gitops(self, *arguments: str, code: int = 0) -> str:
        """Call the command line; its stdout. No secret is ever on either stream."""
        return self.call(*arguments, code=code).stdout

    def call(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Call the command line; both streams."""
        folder = self.path.parent
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "KUBECONFIG": str(folder / "kubeconfig"),
        }
        done = subprocess.run(
            [*_GITOPS, *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert SECRET not in done.stdout + done.stderr
        assert self.plane.token not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def run_once(self, code: int = 0) -> str:
        """Do what is due."""
        return self.gitops("run", "--once", "--state-dir", str(self.path.with_name("state")), code=code)

    def has_written(self, *texts: bytes) -> bool:
        """Whether one of these stands in any object of the repository, or in any file of the controller."""
        objects = ["git", "cat-file", "--batch-all-objects", "--batch", "--buffer"]
        recorded = subprocess.run(objects, cwd=self.path, capture_output=True, check=True, timeout=60).stdout
        files = (path.read_bytes() for path in self.path.parent.rglob("*") if path.is_file())
        return any(text in data for data in (recorded, *files) for text in texts)

    def live(self, kind: str, name: str) -> dict[str, object] | None:
        """One object as the API server has it."""
        answer = self.plane.api.request("GET", f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        return answer.body if answer.ok else None

    def versions(self) -> list[str]:
        """Of every ConfigMap and Secret in the namespace; equal lists prove that nothing was written."""
        found = [
            self.plane.api.get(f"/api/v1/namespaces/{self.namespace}/{kind}")["items"]
            for kind in ("configmaps", "secrets")
        ]
        return [
            f"{one['metadata']['name']} {one['metadata']['resourceVersion']}"
            for all_ in found
            for one in all_
        ]


def counts(said: str) -> dict[str, int]:
    """How many objects each action of a plan is for, of its one target."""
    [application] = json.loads(said)["applications"]
    [target] = application["targets"]
    found: dict[str, int] = target["plan"]["counts"]
    return found
