"""Violations → problems with file, line and column, for the objects of one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops.errors import Problem
from gitops.objects import Manifest
from gitops.validation.check import check
from gitops.validation.schemas import NONE, Schemas


def needed(manifests: Iterable[Manifest], rendered: Schemas) -> tuple[str, ...]:
    """Give the apiVersions whose schemas the server has to tell; what `rendered` defines it need not."""
    return tuple(
        sorted({one.api_version for one in manifests if (one.api_version, one.kind) not in rendered.kinds})
    )


def problems(
    manifests: Iterable[Manifest], served: Mapping[str, Schemas], rendered: Schemas
) -> tuple[Problem, ...]:
    """Give what is wrong with objects by the schemas `served` by apiVersion, sorted by place.

    A definition that is `rendered` beside them goes before what the server knows of the same kind.
    """
    found: set[Problem] = set()
    for manifest in manifests:
        kind = (manifest.api_version, manifest.kind)
        schemas = rendered if kind in rendered.kinds else served.get(manifest.api_version, NONE)
        for pointer, message, key in check(manifest.body, kind, schemas):
            found.add(Problem(manifest.at(*pointer, key=key), f"{manifest.key}: {message}"))
    return tuple(sorted(found))
