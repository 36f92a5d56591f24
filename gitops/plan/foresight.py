"""Which annotations of ours a plan would refuse or nobody would heed: what can be told without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gitops.drift import DRIFT
from gitops.errors import InvalidInput, Problem
from gitops.inventory import PRUNE
from gitops.model.reading import nearest
from gitops.objects import Manifest, split_api_version
from gitops.ordering import DEPENDS_ON, layers
from gitops.plan.model import Scope
from gitops.plan.recreate import RECREATE
from gitops.plan.settle import settle
from gitops.render.plain import SUBSTITUTE
from gitops.render.scopes import namespaced

_PREFIX = "gitops-waves.io/"
_WORDS: Mapping[str, tuple[str, ...]] = {RECREATE: ("true", "false"), SUBSTITUTE: ("disabled", "enabled")}
_KNOWN = (DEPENDS_ON, DRIFT, PRUNE, *_WORDS)


def misspelt(manifest: Manifest) -> Iterator[Problem]:
    """Give annotations of ours that mean nothing: no such name, or none of the words that it may say.

    Those of pruning and drift are judged where they are read.
    """
    for name, word in manifest.annotations.items():
        place = manifest.at("metadata", "annotations", name)
        words = _WORDS.get(name, ())
        if words and word not in words:
            yield Problem(place, f"{name} is {' or '.join(map(repr, words))}")
        elif name.startswith(_PREFIX) and name not in _KNOWN:
            yield Problem(place, f'unknown annotation "{name}"{nearest(name, _KNOWN)}')


def orders(manifests: Iterable[Manifest]) -> bool:
    """Whether any of the manifests says what it depends on."""
    return any(DEPENDS_ON in manifest.annotations for manifest in manifests)


def disorder(
    manifests: Iterable[Manifest], scope: Scope, crds: Mapping[tuple[str, str], bool]
) -> frozenset[Problem]:
    """Give what is wrong with `depends-on`, whether kinds that nobody knows here have namespaces or not.

    `crds` says it, by apiVersion and kind, of those that are known to be defined.
    """
    given = tuple(manifests)
    with_namespaces, without = (_disorder(given, scope, crds, assumed) for assumed in (True, False))
    return with_namespaces & without


def _disorder(
    manifests: tuple[Manifest, ...],
    scope: Scope,
    crds: Mapping[tuple[str, str], bool],
    assumed: bool,  # noqa: FBT001 - one private caller
) -> frozenset[Problem]:
    def known(api_version: str, kind: str) -> bool:
        ours = crds.get((api_version, kind))
        told = namespaced(split_api_version(api_version)[0], kind) if ours is None else ours
        return assumed if told is None else told

    settled = settle(manifests, scope, known)
    try:
        layers(settled.manifests)
    except InvalidInput as error:
        return frozenset((*settled.problems, *error.problems))
    return frozenset(settled.problems)
