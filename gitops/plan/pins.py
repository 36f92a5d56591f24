"""Whether a cluster is what Git tells charts about it. It stops nothing: a render follows Git alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitops.errors import Location, Problem


@dataclass(frozen=True, slots=True)
class Pins:
    """The version and the API versions that a chart was told, and where they are written."""

    kubernetes_version: str
    api_versions: tuple[str, ...]
    at: Location

    def warnings(self, minor: int, served: Collection[tuple[str, str]]) -> tuple[Problem, ...]:
        """Say what the cluster has otherwise: it runs Kubernetes 1.`minor` (0: unknown).

        `served` are apiVersions with kinds.
        """
        known = {api_version for api_version, _ in served} | {f"{one}/{kind}" for one, kind in served}
        found = [
            Problem(self.at, f"spec.apiVersions has {one}, which the cluster does not serve")
            for one in self.api_versions
            if one not in known
        ]
        pinned = ".".join(self.kubernetes_version.removeprefix("v").split(".")[:2])
        if minor and pinned != f"1.{minor}":
            message = (
                f"charts are told Kubernetes {self.kubernetes_version}, and the cluster runs 1.{minor}: "
                "write that as spec.kubernetesVersion"
            )
            found.append(Problem(self.at, message))
        return tuple(sorted(found))
