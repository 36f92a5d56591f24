"""Who else of the same repository may render an object of a cluster, known by ApplySet ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops.errors import InvalidInput
from gitops.inventory import INVENTORY_OF, applyset_id, parent_name
from gitops.inventory.storage import APPLICATION
from gitops.model.catalog import Catalog, EnvironmentSource
from gitops.model.targets import Target, targets_of
from gitops.objects import JsonObject
from gitops.plan.model import Scope


def scopes_on(catalog: Catalog, connection: str) -> Mapping[str, Scope]:
    """Every application on every target that `connection` leads to, by ApplySet id.

    An environment that cannot be used has no targets that anybody knows, and is left out.
    """
    return {
        scope.applyset: scope
        for environment in catalog.environments.values()
        for target in _targets(environment, catalog, connection)
        for application in environment.applications
        for scope in (Scope(environment.name, application, target),)
    }


def unusable(catalog: Catalog) -> tuple[EnvironmentSource, ...]:
    """The environments of which nobody knows where they are to run."""
    found = []
    for environment in catalog.environments.values():
        try:
            usable = environment.spec is not None and not environment.problems
            if usable and environment.spec is not None:
                targets_of(environment.spec, catalog.clusters)
        except InvalidInput:
            usable = False
        if not usable:
            found.append(environment)
    return tuple(found)


def let_go(
    parents: Iterable[JsonObject], catalog: Catalog, recorded: Iterable[str], scopes: Mapping[str, Scope]
) -> frozenset[str]:
    """ApplySet ids, of these parents' metadata, of which this repository wants nothing any more.

    Their environment is this repository's (it is in Git, or was once: `recorded`), and there is no such
    application or target in it now. A parent proves its scope: the id is the hash of it.
    """
    blocked = {environment.name for environment in unusable(catalog)}
    ours = {*catalog.environments, *recorded} - blocked
    found = set()
    for metadata in parents:
        labels = metadata.get("labels") or {}
        environment, application = labels.get(INVENTORY_OF, ""), labels.get(APPLICATION, "")
        name = parent_name(environment, application)
        applyset = applyset_id(name, str(metadata.get("namespace", "")))
        if metadata.get("name") == name and environment in ours and applyset not in scopes:
            found.add(applyset)
    return frozenset(found)


def _targets(environment: EnvironmentSource, catalog: Catalog, connection: str) -> tuple[Target, ...]:
    if environment.spec is None or environment.problems:
        return ()
    try:
        targets = targets_of(environment.spec, catalog.clusters)
    except InvalidInput:
        return ()
    return tuple(target for target in targets if catalog.clusters[target.cluster].connection == connection)
