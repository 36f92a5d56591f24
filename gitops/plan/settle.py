"""Manifests as they will be sent: scope known, namespace filled in, member labels on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gitops.errors import Problem
from gitops.inventory import member_labels
from gitops.objects import JsonObject, Manifest, ObjectKey
from gitops.plan.model import Scope
from gitops.validation import definitions, removal


@dataclass(frozen=True, slots=True)
class Settled:
    """The manifests that could be settled, sorted by key, and what is wrong with the others.

    `unserved` are those whose kind only a CRD among the manifests will define.
    """

    manifests: tuple[Manifest, ...]
    unserved: frozenset[ObjectKey] = frozenset()
    problems: tuple[Problem, ...] = ()


def settle(
    manifests: Iterable[Manifest], scope: Scope, namespaced: Callable[[str, str], bool | None]
) -> Settled:
    """Fill in what depends on the cluster.

    A namespaced object without a namespace gets the target's, a cluster-scoped one loses any it was given.
    A Secret's `stringData` becomes `data`.
    Problems: a kind that neither the cluster serves nor a CRD of the same render defines, and two manifests
    of one object (also in two versions of its kind), naming both places.
    """
    given = tuple(manifests)
    ours = defined(given)
    labels = member_labels(scope.environment, scope.applyset)
    settled: dict[ObjectKey, Manifest] = {}
    unserved: set[ObjectKey] = set()
    problems: list[Problem] = []
    for manifest in given:
        served = namespaced(manifest.api_version, manifest.kind)
        has_namespace = ours.get((manifest.api_version, manifest.kind)) if served is None else served
        if has_namespace is None:
            problems.append(Problem(manifest.at("apiVersion"), _unknown(manifest, scope, namespaced)))
            continue
        done = _placed(manifest, scope.target.namespace if has_namespace else None, labels)
        key = done.key
        if key in settled:
            problems.append(Problem(manifest.source, f"{key} is already defined at {settled[key].source}"))
            continue
        settled[key] = done
        if served is None:
            unserved.add(key)
    return Settled(tuple(settled[key] for key in sorted(settled)), frozenset(unserved), tuple(problems))


def _unknown(manifest: Manifest, scope: Scope, namespaced: Callable[[str, str], bool | None]) -> str:
    became = removal(manifest.api_version, manifest.kind)
    if became is not None:
        told = became.told(lambda one: namespaced(one.api_version, manifest.kind) is not None)
        return f"cluster {scope.target.cluster} does not serve {manifest.api_version} {manifest.kind}, {told}"
    return (
        f"cluster {scope.target.cluster} does not serve kind {manifest.kind} of {manifest.api_version}, "
        "and no CustomResourceDefinition of this application defines it"
    )


def defined(manifests: Iterable[Manifest]) -> dict[tuple[str, str], bool]:
    """(apiVersion, kind) → namespaced, for every version that a CRD among the manifests serves."""
    return {
        (one.api_version(version), one.kind.kind): one.namespaced
        for one in definitions(manifests)
        for version, _ in one.versions
    }


def _placed(manifest: Manifest, namespace: str | None, labels: dict[str, str]) -> Manifest:
    metadata = {key: value for key, value in manifest.metadata.items() if key != "namespace"}
    if namespace is not None:
        metadata["namespace"] = manifest.metadata.get("namespace") or namespace
    metadata["labels"] = {**manifest.labels, **labels}
    return replace(manifest, body={**_owning_data(manifest.body), "metadata": metadata})


def _owning_data(body: JsonObject) -> JsonObject:
    """Write a Secret's `stringData` as `data`, which is what the API server makes of it.

    Server-Side Apply would let us own `stringData`, which no stored object has: whoever changes `data` then
    would take nothing from us, and nobody would see it. What is no text is left for the server to refuse.
    """
    texts = body.get("stringData")
    data = body.get("data") or {}
    secret = (body.get("apiVersion"), body.get("kind")) == ("v1", "Secret")
    if not secret or not isinstance(texts, dict) or not isinstance(data, dict):
        return body
    if not all(isinstance(text, str) for text in texts.values()):
        return body
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": {**data, **encoded}}
