"""How the commands are called that ask for something. Each writes one commit to the branch, nothing else."""

# ruff: noqa: PLC0415 - Git and the models are imported by the command, not by --help
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controllers.cli import options
from controllers.cli.output import Form

if TYPE_CHECKING:
    from controllers.cli.requests import Asking


def revert(  # noqa: PLR0913 - an option each
    place: options.Place,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            show_default=False,
            help="To this commit. [default: the last good one that differs]",
        ),
    ] = None,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Restore an application, or all of an environment, as of an earlier revision. Pushes one commit."""
    from controllers.cli import revert as reverting

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    reverting.revert(place, to, asking)


def pause(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    *,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Suspend an environment: nothing new is rolled out there. Pushes one commit."""
    from controllers.cli import requests

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    requests.suspend(environment, asking, suspended=True)


def resume(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    *,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """End an environment's pause. Pushes one commit."""
    from controllers.cli import requests

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    requests.suspend(environment, asking, suspended=False)


def approve(  # noqa: PLR0913 - an option each
    place: options.OneApplication,
    *,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Approve the wave of a rollout that waits for a person. Pushes one commit."""
    from controllers.cli import requests
    from gitops.rollout.events import CommandKind

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    requests.command(CommandKind.APPROVE, _application(place), asking)


def retry(  # noqa: PLR0913 - an option each
    place: options.Place,
    *,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Roll out inputs again that failed, or go on where a rollout is halted. Pushes one commit."""
    from controllers.cli import requests
    from gitops.rollout.events import CommandKind

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    requests.command(CommandKind.RETRY, place, asking)


def allow_prune(  # noqa: PLR0913 - an option each
    place: options.OneApplication,
    *,
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Let a rollout delete more than the prune budget allows, and what is held back. Pushes one commit."""
    from controllers.cli import requests
    from gitops.rollout.events import CommandKind

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    requests.command(CommandKind.ALLOW_PRUNE, _application(place), asking)


def adopt(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    name: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Such as Deployment/web, or as gitops diff shows it.")
    ],
    *,
    target: Annotated[str, typer.Option(metavar="CLUSTER/NAMESPACE", help="Take this target's values.")] = "",
    path: Annotated[
        list[str], typer.Option(metavar="POINTER", help="Only what is below this, such as /spec/replicas.")
    ] = [],  # noqa: B006 - typer's way to say that an option may be repeated
    reason: options.Reason = "",
    author: options.Author = None,
    dry_run: options.DryRun = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    kubeconfig: options.Kubeconfig = None,
    timeout: options.Timeout = 10.0,
    output: options.Output = Form.TEXT,
) -> None:
    """Write the live values of an object that has drifted into its manifest. Pushes one commit."""
    from controllers.cli import adopt as adopting
    from controllers.cli.connections import clusters_of

    asking = _asking(repo, branch, config, author=author, reason=reason, dry_run=dry_run, output=output)
    choice = adopting.Choice(environment, name, target, tuple(path))
    adopting.adopt(choice, asking, lambda: clusters_of(config, kubeconfig, timeout))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (adopt, revert, pause, resume, approve, retry, allow_prune):
        app.command()(command)


def _application(place: str) -> str:
    environment, _, application = place.partition("/")
    if not environment or not application:
        raise typer.BadParameter(
            f'"{place}": name the application too, as in {environment or "ENV"}/APPLICATION'
        )
    return place


def _asking(  # noqa: PLR0913 - the options that all these commands have
    repo: options.Repo,
    branch: options.Branch,
    config: options.Config,
    *,
    author: options.Author,
    reason: str,
    dry_run: bool,
    output: Form,
) -> Asking:
    from controllers.cli.repository import Choice
    from controllers.cli.requests import Asking

    return Asking(Choice(repo, branch, config), author, reason, dry_run, output)
