"""A generated repository of any size, written straight into a bare repository as one pack."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from controllers.adapters.git import edit

CLUSTERS = 2
BASE = "bases/web"
_WHO = "Dana Developer <dana@example.org>"
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    """Applications in each environment; every application has two files there.

    The first `users` of them are built by kustomize, on one base that all environments share.
    """

    applications: int
    environments: int
    users: int

    @property
    def files(self) -> int:
        """Files of applications; the environments' and clusters' own come on top."""
        return 2 * self.applications * self.environments


class Generated:
    """People's bare repository, and commits to it."""

    def __init__(self, path: Path, size: Size) -> None:
        """Write the first commit: cheap files, all different, on the branch `main`."""
        self.path = path
        self.size = size
        subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
        feed = subprocess.Popen(
            ["git", "-C", str(path), "fast-import", "--quiet", "--depth=0"], stdin=subprocess.PIPE
        )
        assert feed.stdin is not None
        with feed.stdin:
            feed.stdin.writelines(self._stream())
        if feed.wait():
            raise RuntimeError("git fast-import failed")
        self._repository = pygit2.Repository(str(path))
        self._commits = 0

    @property
    def head(self) -> str:
        """The newest commit."""
        return str(self._repository.references["refs/heads/main"].target)

    def commit(self, files: Mapping[str, str]) -> str:
        """Change files on the branch, as a forge does; returns the commit."""
        self._commits += 1
        head = self.head
        tree = edit.edit_tree(self._repository, head, {path: text.encode() for path, text in files.items()})
        author = edit.Signature("Dana Developer", "dana@example.org", _BEGINNING)
        made = edit.write_commit(self._repository, [head], tree, f"Change {self._commits}", author)
        self._repository.references.create("refs/heads/main", made, force=True)
        return made

    def _stream(self) -> Iterator[bytes]:
        yield f"commit refs/heads/main\ncommitter {_WHO} 1767225600 +0000\ndata 5\nFirst\n".encode()
        for path, text in self._files():
            data = text.encode()
            yield f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"

    def _files(self) -> Iterator[tuple[str, str]]:
        for number in range(CLUSTERS):
            yield f"clusters/cluster-{number}.yaml", cluster(number)
        yield f"{BASE}/kustomization.yaml", "resources: [config.yaml]\n"
        yield f"{BASE}/config.yaml", base_config("1")
        for environment in range(self.size.environments):
            yield f"environments/env-{environment}/environment.yaml", environment_file(environment)
            for application in range(self.size.applications):
                folder = application_folder(environment, application)
                yield f"{folder}/config.yaml", config_map(environment, application, "1")
                if application < self.size.users:
                    yield f"{folder}/kustomization.yaml", kustomization(application)
                else:
                    yield f"{folder}/deployment.yaml", deployment(environment, application)


def kustomization(application: int) -> str:
    """Write the kustomization of a user of the base."""
    return f"resources: [config.yaml, ../../../{BASE}]\nlabels: [{{pairs: {{app: app-{application:04}}}}}]\n"


def base_config(version: str) -> str:
    """Write what the base holds."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shared}}\ndata: {{version: '{version}'}}\n"


def application_folder(environment: int, application: int) -> str:
    """Where an application of an environment lies."""
    return f"environments/env-{environment}/app-{application:04}"


def cluster(number: int) -> str:
    """Write a cluster."""
    return f"""apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata:
  name: cluster-{number}
  labels: {{ring: "{number}", region: region-{number}}}
"""


def environment_file(number: int) -> str:
    """Write an environment on all clusters, in two waves."""
    return f"""apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata:
  name: env-{number}
spec:
  targets:
    - clusterSelector: {{}}
      namespace: env-{number}
  variables: {{level: "{number}"}}
  waves:
    - name: canary
      clusterSelector: {{matchLabels: {{ring: "0"}}}}
    - name: rest
"""


def config_map(environment: int, application: int, version: str) -> str:
    """Write the ConfigMap of an application."""
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{application:04}
data:
  version: "{version}"
  environment: env-{environment}
  region: ${{labels.region}}
"""


def deployment(environment: int, application: int) -> str:
    """Write the Deployment of an application, as long as people's are."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{application:04}
  labels: {{app: app-{application:04}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: app-{application:04}}}}}
  template:
    metadata:
      labels: {{app: app-{application:04}}}
    spec:
      containers:
        - name: main
          image: registry.example/app-{application:04}:1.{environment}
          ports: [{{containerPort: 8080, name: http}}]
          envFrom: [{{configMapRef: {{name: app-{application:04}}}}}]
          readinessProbe: {{httpGet: {{path: /healthz, port: http}}, periodSeconds: 5}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{memory: 256Mi}}
"""
