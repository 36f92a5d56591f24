"""Digests of everything that a render reads: the identity of what should run. Waves and gates are no part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops.model.catalog import ApplicationSource, EnvironmentSource, SourceFile
from gitops.model.folders import RendererName
from gitops.model.kinds import Cluster
from gitops.model.rendering import Rendering, TargetOverride
from gitops.model.targets import Target, creates_namespace
from gitops.objects import JsonObject, digest
from gitops.render.helm.inputs import settings_of
from gitops.render.variables import overrides_for


def inputs_digest(
    environment: EnvironmentSource,
    application: ApplicationSource,
    targets: Iterable[Target],
    clusters: Mapping[str, Cluster],
) -> str:
    """Digest of the application's inputs on all `targets`: equal digests render the same everywhere."""
    inputs = _Inputs(environment, application)
    return digest({str(target): inputs.on(target, clusters[target.cluster]) for target in targets})


def target_digest(
    environment: EnvironmentSource, application: ApplicationSource, target: Target, cluster: Cluster
) -> str:
    """Digest of the application's inputs on one target.

    All labels of the cluster count, since a manifest may use any of them as a variable. A file that is
    renamed changes the digest, though not the objects. To charts alone a cluster's versions count.
    """
    return _Inputs(environment, application).on(target, cluster)


class _Inputs:
    """What all targets of an application share, digested once."""

    def __init__(self, environment: EnvironmentSource, application: ApplicationSource) -> None:
        self._environment = environment
        self._layers = [layer for layer in (environment.spec, application.spec) if layer is not None]
        self._shared = digest(
            {
                "application": application.name,
                "environment": environment.name,
                "files": [_file(file, application) for file in _shared_files(application)],
                "layers": [_written(layer) for layer in self._layers],
                "serviceAccountName": environment.spec and environment.spec.service_account_name,
                **_rendering(application),
            }
        )
        self._overrides = [[_written(override) for override in layer.overrides] for layer in self._layers]

        self._application = application

    def on(self, target: Target, cluster: Cluster) -> str:
        """Digest for one target; an override for other clusters is no input here."""
        spec = self._environment.spec
        return digest(
            {
                "shared": self._shared,
                "target": str(target),
                "labels": dict(cluster.metadata.labels),
                "overrides": [
                    [written[index] for index, _ in overrides_for(layer, cluster)]
                    for layer, written in zip(self._layers, self._overrides, strict=True)
                ],
                "createNamespace": spec is not None and creates_namespace(spec, target, cluster),
                **_chart_on(self._application, cluster),
            }
        )


def _named(path: str, application: ApplicationSource) -> str:
    """The path from the application's folder; with a slash before it where the file is somewhere else."""
    folder = f"{application.path}/"
    return path.removeprefix(folder) if path.startswith(folder) else f"/{path}"


def _file(file: SourceFile, application: ApplicationSource) -> list[str]:
    return [_named(file.path, application), file.oid]


def _shared_files(application: ApplicationSource) -> Iterable[SourceFile]:
    """Those that are read for every target."""
    return application.files if application.chart is None else application.chart.files


def _rendering(application: ApplicationSource) -> JsonObject:
    """What else makes a difference to a renderer. Its version does not: a new one starts no rollouts."""
    if application.renderer is RendererName.PLAIN:
        return {}
    links = [[_named(link.path, application), link.target] for link in application.links]
    found: JsonObject = {"renderer": application.renderer.value, "links": links}
    if application.chart is not None:
        helm, chart = settings_of(application), application.chart
        found["helm"] = {
            "chart": chart.remote.digest if chart.remote else _named(chart.folder, application),
            "valuesFiles": [_file(file, application) for file in chart.values],
            **helm.model_dump(mode="json", by_alias=True, include={"release_name", "values", "hooks"}),
        }
    return found


def _chart_on(application: ApplicationSource, cluster: Cluster) -> JsonObject:
    """What a chart is told about one cluster."""
    chart, helm = application.chart, settings_of(application)
    if chart is None:
        return {}
    overrides = [
        {"valuesFiles": [_file(file, application) for file in files], "values": override.values}
        for override, files in zip(helm.overrides, chart.overrides, strict=True)
        if override.cluster_selector.matches(cluster.metadata.labels)
    ]
    return {
        "helm": {
            "overrides": overrides,
            "kubernetesVersion": cluster.spec.kubernetes_version,
            "apiVersions": sorted(set(cluster.spec.api_versions)),
        }
    }


def _written(part: Rendering | TargetOverride) -> str:
    patches = [patch.model_dump(mode="json", by_alias=True) for patch in part.patches]
    return digest({"variables": dict(part.variables), "patches": patches})
