"""Charts in a Git repository, and helm itself run in a folder, to compare with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

from controllers.adapters.git import Mirror, Remote
from controllers.adapters.renderers import Helm, Limits, Sandbox
from controllers.cli import lint
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.charts import Charts as RegistryCharts
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope
from tests import tools
from tests.unit.controllers.adapters.git.conftest import Work, make_work

APP = "environments/shop/web"
CASES = Path(__file__).parents[3] / "cases" / "helm"
NAMES = sorted(case.name for case in CASES.iterdir())
CLUSTERS = {
    "eu-1": ["--kube-version=1.37.2"],
    "us-1": [
        "--kube-version=1.34.1",
        "--api-versions=monitoring.coreos.com/v1",
        "--api-versions=monitoring.coreos.com/v1/ServiceMonitor",
    ],
}
"""What helm is told of the clusters in SURROUNDINGS."""
SURROUNDINGS: dict[str, str | bytes | None] = {
    "clusters/corpus.yaml": """\
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: eu-1, labels: {region: eu}}
spec: {kubernetesVersion: 1.37.2}
---
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: us-1, labels: {region: us}}
spec:
  kubernetesVersion: 1.34.1
  apiVersions: [monitoring.coreos.com/v1, monitoring.coreos.com/v1/ServiceMonitor]
""",
    "environments/shop/environment.yaml": """\
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: shop}
spec:
  targets: [{clusterSelector: {}, namespace: shop}]
  waves: [{name: all}]
""",
}


def real_helm(case: Path, cluster: str) -> bytes:
    """What helm prints when it is run in a case's folder, with the arguments of the case's `helm.yaml`."""
    written = case / "helm.yaml"
    arguments = yaml.safe_load(written.read_text())[cluster] if written.exists() else ["web", APP]
    command = [tools.folder() / "helm", "template", *arguments, "--namespace=shop", "--include-crds"]
    done = subprocess.run(
        [*command, "--skip-tests", *CLUSTERS[cluster]], cwd=case, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Charts:
    """A repository with two clusters, an environment, and what people push, rendered as a rollout would."""

    def __init__(
        self, folder: Path, limits: Limits | None = None, registries: RegistryCharts | None = None
    ) -> None:
        self._folder = folder
        self.people: Work = make_work(folder / "people")
        self.people.commit(SURROUNDINGS, "Begin")
        self.mirror = Mirror.open(folder / "mirror", Remote(str(self.people.path)))
        self.sandboxes = folder / "sandboxes"
        self.sandboxes.mkdir()
        sandbox = Sandbox(limits, folder=self.sandboxes)
        sandbox._isolation = ()  # with the network, so that whoever would use it is seen
        self._helm = Helm(sandbox, search=str(tools.folder()))
        self.revisions = Revisions(self.mirror, Renders(helm=self._helm, charts=registries))

    def take(self, case: Path) -> str:
        """Commit a case of the corpus; the commit."""
        shutil.copytree(case, self.people.path, dirs_exist_ok=True, symlinks=True)
        return self.commit({})

    def commit(self, files: dict[str, str | bytes | None]) -> str:
        """Commit; the commit."""
        revision = self.people.commit(files, "Change")
        self.mirror.fetch()
        return revision

    def manifests(self, revision: str, cluster: str = "eu-1") -> tuple[Manifest, ...]:
        """What a rollout would apply. Raises InvalidInput."""
        errands = Errands("shop", self.revisions, Clusters({}), KnownSecrets())
        return errands.wanted(Scope("shop", "web", Target(cluster, "shop")), revision).manifests

    def check(self, revision: str) -> tuple[str, ...]:
        """What is found wrong, on all targets, before a rollout starts."""
        errands = Errands("shop", self.revisions, Clusters({}), KnownSecrets())
        return errands.check("web", revision, tuple(f"{cluster}/shop" for cluster in CLUSTERS))

    def lint(self) -> str:
        """What `gitops lint` finds wrong in the folder that people work in."""
        _, problems, _ = lint.of_folder(self.people.path, Renders(helm=self._helm))
        return "\n".join(map(str, problems))
