"""Default classes of claims and Ingresses, and the finalizers that protect storage in use."""

from __future__ import annotations

from collections.abc import Callable

from simcluster.strategies.context import Context
from simcluster.values import JsonObject

_CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
_VOLUME_FINALIZER = "kubernetes.io/pv-protection"
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_STORAGE = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_DEFAULT_INGRESS = ("ingressclass.kubernetes.io/is-default-class",)


def admit_claim(claim: JsonObject, context: Context) -> None:
    """Give a claim that names no class the default one, and protect it."""
    _protect(claim, _CLAIM_FINALIZER)
    if "storageClassName" in claim["spec"] or _BETA_CLASS in claim["metadata"].get("annotations", {}):
        return
    name = _default_class("storageclasses.storage.k8s.io", _DEFAULT_STORAGE, context)
    if name:
        claim["spec"]["storageClassName"] = name


def admit_ingress(ingress: JsonObject, context: Context) -> None:
    """Give an Ingress that names no class the default one."""
    if "ingressClassName" in ingress["spec"]:
        return
    if "kubernetes.io/ingress.class" in ingress["metadata"].get("annotations", {}):
        return
    name = _default_class("ingressclasses.networking.k8s.io", _DEFAULT_INGRESS, context)
    if name:
        ingress["spec"]["ingressClassName"] = name


def protect_volume(volume: JsonObject) -> None:
    """Keep a volume until no claim is bound to it."""
    _protect(volume, _VOLUME_FINALIZER)


def _protect(obj: JsonObject, finalizer: str) -> None:
    finalizers = obj["metadata"].get("finalizers", [])
    if finalizer not in finalizers:
        obj["metadata"]["finalizers"] = [*finalizers, finalizer]


def _default_class(group_resource: str, annotations: tuple[str, ...], context: Context) -> str:
    """Return the newest class that is marked as default, by name where two are as new; "" without one."""

    def marked(found: JsonObject) -> bool:
        given = found["metadata"].get("annotations", {})
        return any(given.get(annotation) == "true" for annotation in annotations)

    classes = sorted(filter(marked, context.items(group_resource, "")), key=_name)
    newest: Callable[[JsonObject], str] = lambda found: found["metadata"].get("creationTimestamp", "")  # noqa: E731
    return _name(max(classes, key=newest)) if classes else ""


def _name(found: JsonObject) -> str:
    return str(found["metadata"]["name"])
