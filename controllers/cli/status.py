"""`gitops status` and `gitops explain`: from Git's records, or from a running controller."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from controllers.cli import output, records
from controllers.cli.repository import Choice, Opened, opened
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.revisions import Revisions
from gitops.errors import Denied, TransientError
from gitops.model.kinds import OnFailure
from gitops.objects import JsonObject
from gitops.rollout.desired import Wish, wish
from gitops.rollout.explain import explain as sentences_of
from gitops.rollout.observation import Observation
from gitops.rollout.state import EnvironmentState
from gitops.views import status as status_view
from gitops.views import waits as waits_view


def status(environment: str | None, choice: Choice, server: str | None, form: output.Form) -> None:
    """Show where every application is."""
    value = _asked(server) if server else _recorded(choice)
    if environment is not None:
        names = [one["name"] for one in value["environments"]]
        records.known("environment", environment, names)
        kept = [one for one in value["environments"] if one["name"] == environment]
        value = {**value, "environments": kept}
    table = status_view.table(value)
    output.show(form, value, table if table.rows else "nothing is recorded yet")


def _asked(server: str) -> JsonObject:
    from controllers.cli import server as api  # noqa: PLC0415 - brings aiohttp, which Git's records do not need

    return api.environments(server)


def _recorded(choice: Choice) -> JsonObject:
    with opened(choice) as repository:
        mirror = repository.mirror
        names = {*mirror.audit_environments(), *Revisions(mirror).catalog(repository.head).environments}
        return status_view.environments_form({name: records.state(mirror, name) for name in names})


def explain(place: str, choice: Choice, server: str | None, form: output.Form) -> None:
    """Show the one sentence for each application and target of `place` that is not at rest."""
    environment, _, rest = place.partition("/")
    application, _, target = rest.partition("@")
    if server:
        from controllers.cli import server as api  # noqa: PLC0415 - as above

        value, targets = api.waits(server, environment), None
    else:
        with opened(choice) as repository:
            value, targets = _waits(repository, environment)
    if application:
        records.known("application", application, (wait["application"] for wait in value["waits"]))
    if target and targets is not None:
        records.known(f"target of {application}", target, targets[application])
    value = waits_view.about(value, application, target)
    # A controller tells waits only, so that a target which it does not name may also be none.
    nothing = "waits for nothing" if targets is not None else f"waits for nothing that {server} tells of"
    empty = f"{place} {nothing}" if target else f"{environment} has no application"
    output.show(form, value, waits_view.sentences(value) or empty)


def _waits(repository: Opened, environment: str) -> tuple[JsonObject, dict[str, set[str]]]:
    """The waits, and the names of each application's targets: those that it has and those that it shall."""
    mirror, head = repository.mirror, repository.head
    revisions = repository.revisions()
    catalog = revisions.catalog(head)
    records.known("environment", environment, {*catalog.environments, *mirror.audit_environments()})
    state = records.state(mirror, environment)
    wanted = wish(catalog, environment, head, state)
    seen = observation(wanted, unrenderable(revisions, environment, wanted, state))
    waits = sentences_of(environment, state, seen, datetime.now(UTC))
    return waits_view.waits_form(environment, waits), _targets(wanted, state)


def _targets(wanted: Wish, state: EnvironmentState) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in {*wanted.desired, *wanted.problems, *state.applications}:
        known, desired = state.application(name), wanted.desired.get(name)
        found[name] = {*known.on, *known.lagging, *(desired.targets if desired else ())}
        found[name].update(known.rollout.targets if known.rollout else ())
    return found


def unrenderable(
    revisions: Revisions, environment: str, wanted: Wish, state: EnvironmentState
) -> dict[str, tuple[str, ...]]:
    """Problems of applications that cannot be rendered, as a controller would find before a rollout.

    Whether what a registry has can be rendered is not told where the registry is not known, or is silent.
    """
    errands = Errands(environment, revisions, Clusters({}), KnownSecrets())
    found = {}
    for name, desired in wanted.desired.items():
        good = state.application(name).good
        if not desired.removed and (good is None or good.digest != desired.digest):
            with suppress(TransientError, Denied):
                found[name] = errands.check(name, wanted.revision, tuple(sorted(desired.targets)))
    return {name: problems for name, problems in found.items() if problems}


def observation(wanted: Wish, unusable: dict[str, tuple[str, ...]]) -> Observation:
    """What a controller that has just started sees: Git, and nothing yet of any cluster."""
    spec = wanted.spec
    return Observation(
        revision=wanted.revision,
        desired={name: one for name, one in wanted.desired.items() if name not in unusable},
        problems={**wanted.problems, **unusable},
        suspended=spec.suspended if spec else False,
        on_failure=spec.on_failure if spec else OnFailure(),
        max_concurrent_rollouts=spec.max_concurrent_rollouts if spec else 1,
    )
