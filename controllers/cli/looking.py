"""How the commands are called that only look."""

# ruff: noqa: PLC0415 - Git, Kubernetes and the models are imported by the command, not by --help
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controllers.cli import options
from controllers.cli.output import Form, end


def lint(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder that holds environments/ and clusters/.")
    ] = Path(),
    *,
    rev: Annotated[
        str | None, typer.Option(metavar="REV", help="Look at this commit, not at the files on disk.")
    ] = None,
    config: options.Config = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Show everything that is wrong, as file:line:column: message. Asks no cluster.

    Files that are not committed yet count, those that Git ignores do not.
    """
    from controllers.cli import lint as linting

    end(good=linting.run(path, rev, config, output))


def plan(  # noqa: PLR0913 - an option each
    rev: Annotated[str, typer.Argument(metavar="REV", help="A commit: HEAD, a branch, a hash.")],
    *,
    environment: Annotated[str, typer.Option(metavar="ENV", help="Only this environment.")] = "",
    application: options.OnlyApplication = "",
    target: options.OnlyTarget = "",
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    kubeconfig: options.Kubeconfig = None,
    timeout: options.Timeout = 10.0,
    output: options.Output = Form.TEXT,
) -> None:
    """Show what a rollout of REV would do, per application, wave and target. Writes nothing."""
    from controllers.cli import plan as planning
    from controllers.cli.connections import clusters_of
    from controllers.cli.repository import Choice, opened

    clusters = clusters_of(config, kubeconfig, timeout)
    with opened(Choice(repo, branch, config)) as repository:
        selection = planning.Selection(environment, application, target)
        end(good=planning.plan(repository, clusters, rev, selection, output))


def render(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    rev: Annotated[
        str, typer.Argument(metavar="REV", help="A commit; by default, what is followed.", show_default=False)
    ] = "",
    *,
    application: options.OnlyApplication = "",
    target: options.OnlyTarget = "",
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the values of Secrets, in the clear.")
    ] = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Show what would be applied, as YAML documents in their order. Asks no cluster."""
    from controllers.cli import render as rendering
    from controllers.cli.repository import Choice, opened

    with opened(Choice(repo, branch, config)) as repository:
        asked = rendering.Asked(environment, rev, application, target, show_secrets)
        end(good=rendering.render(repository, asked, output))


def diff(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    *,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    kubeconfig: options.Kubeconfig = None,
    timeout: options.Timeout = 10.0,
    output: options.Output = Form.TEXT,
) -> None:
    """Show what has drifted from what was applied, and by whom. Writes nothing."""
    from controllers.cli import drift as drifting
    from controllers.cli.connections import clusters_of
    from controllers.cli.repository import Choice, opened

    with opened(Choice(repo, branch, config)) as repository:
        end(good=drifting.diff(repository, clusters_of(config, kubeconfig, timeout), environment, output))


def status(
    environment: Annotated[str | None, typer.Argument(metavar="ENV", help="Only this environment.")] = None,
    *,
    server: options.Server = None,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Show where every application is: from Git's records, or from a running controller."""
    from controllers.cli import status as showing
    from controllers.cli.repository import Choice

    showing.status(environment, Choice(repo, branch, config), server, output)


def explain(
    place: Annotated[str, typer.Argument(metavar="ENV[/APPLICATION[@TARGET]]", help="What to explain.")],
    *,
    server: options.Server = None,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Say in one sentence each what applications and targets wait for, and who can release them."""
    from controllers.cli import status as showing
    from controllers.cli.repository import Choice

    showing.explain(place, Choice(repo, branch, config), server, output)


def history(  # noqa: PLR0913 - an option each
    environment: options.Environment,
    application: Annotated[
        str | None, typer.Argument(metavar="APPLICATION", help="Only what is about this application.")
    ] = None,
    *,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, metavar="N", help="At most so many records.")
    ] = None,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Show what was recorded about an environment, newest first."""
    from controllers.cli import history as showing
    from controllers.cli.repository import Choice

    showing.history(environment, application, limit, Choice(repo, branch, config), output)


def verify(
    environment: Annotated[str | None, typer.Argument(metavar="ENV", help="Only this environment.")] = None,
    *,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    output: options.Output = Form.TEXT,
) -> None:
    """Check every record against the one before it."""
    from controllers.cli import history as showing
    from controllers.cli.repository import Choice

    end(good=showing.verify(environment, Choice(repo, branch, config), output))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (lint, render, plan, diff, status, explain, history):
        app.command()(command)
    audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check what was recorded.")
    audit.command()(verify)
    audit.callback()(lambda: None)  # keeps `audit verify` two words though there is one command
    app.add_typer(audit, name="audit")
