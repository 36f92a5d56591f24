"""Digests of everything that a render reads: the identity of what should run. Waves and gates are no part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.rendering import Rendering, TargetOverride
from gitops.model.targets import Target, creates_namespace
from gitops.objects import digest
from gitops.render.variables import overrides_for


def inputs_digest(
    environment: EnvironmentSource,
    application: ApplicationSource,
    targets: Iterable[Target],
    clusters: Mapping[str, Cluster],
) -> str:
    """Digest of the application's inputs on all `targets`: equal digests render the same everywhere."""
    return digest(
        {
            str(target): target_digest(environment, application, target, clusters[target.cluster])
            for target in targets
        }
    )


def target_digest(
    environment: EnvironmentSource, application: ApplicationSource, target: Target, cluster: Cluster
) -> str:
    """Digest of the application's inputs on one target.

    All labels of the cluster count, since a manifest may use any of them as a variable. A file that is
    renamed changes the digest, though not the objects.
    """
    spec = environment.spec
    prefix = len(application.path) + 1
    return digest(
        {
            "application": application.name,
            "environment": environment.name,
            "target": str(target),
            "labels": dict(cluster.metadata.labels),
            "files": [[file.path[prefix:], file.oid] for file in application.files],
            "layers": [_layer(layer, cluster) for layer in (spec, application.spec) if layer is not None],
            "serviceAccountName": spec.service_account_name if spec else None,
            "createNamespace": creates_namespace(spec, target, cluster) if spec else False,
        }
    )


def _layer(layer: Rendering, cluster: Cluster) -> list[Any]:
    """Write what a layer says for this cluster; an override for other clusters is no input here."""
    parts: list[Rendering | TargetOverride] = [
        layer,
        *(override for _, override in overrides_for(layer, cluster)),
    ]
    return [
        {
            "variables": dict(part.variables),
            "patches": [patch.model_dump(mode="json", by_alias=True) for patch in part.patches],
        }
        for part in parts
    ]
