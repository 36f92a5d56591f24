"""How `gitops run` is called."""

# ruff: noqa: PLC0415 - the controller and its libraries are imported by the command, not by --help
from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from controllers.cli import options
from controllers.cli.output import Form, end

_StateDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Mirrors are kept here; it is safe to delete.", show_default=False),
]
_Listen: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where metrics and status are served.", show_default=False),
]
_Once: TypeAlias = Annotated[
    bool, typer.Option("--once", help="Do what is due and end: 0 when all is as Git says, else 3.")
]
_Progress: TypeAlias = Annotated[
    bool | None,
    typer.Option(help="Draw rollouts live. [default: on a terminal, with --once]", show_default=False),
]
_LogFormat: TypeAlias = Annotated[Literal["text", "json"], typer.Option(help="How to write logs, on stderr.")]
_LogLevel: TypeAlias = Annotated[
    str, typer.Option(metavar="LEVEL", help="debug, info, warning or error.", show_default=False)
]


def run(  # noqa: PLR0913 - an option each
    *,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    kubeconfig: options.Kubeconfig = None,
    state_dir: _StateDir = None,
    listen: _Listen = None,
    once: _Once = False,
    progress: _Progress = None,
    log_format: _LogFormat = "text",
    log_level: _LogLevel = "",
    output: options.Output = Form.TEXT,
) -> None:
    """Run the controller: follow repositories and make clusters be what they say."""
    flags = {"--repo": repo, "--branch": branch, "--kubeconfig": kubeconfig}
    given = [name for name, value in flags.items() if value is not None]
    if config is not None and given:
        raise typer.BadParameter(f"{', '.join(given)}: that is what --config says already")

    from controllers.cli import configuration
    from controllers.cli.repository import Choice, followed

    if config is not None:
        controller = configuration.load(config)
    else:
        controller = configuration.made(*followed(Choice(repo, branch)), kubeconfig)
    controller = configuration.overridden(controller, state_dir, listen)
    drawn = sys.stdout.isatty() and once if progress is None else progress

    from controllers.cli.run import Manner
    from controllers.cli.run import run as start

    raise typer.Exit(start(controller, Manner(once, drawn, log_format, log_level, output)))


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the last scene: 0 if all is as told.")
    ] = False,
) -> None:
    """Show the main job on five simulated clusters, on this machine, in a minute."""
    from demo.__main__ import play

    raise typer.Exit(play(once=once))


def take_over(  # noqa: PLR0913 - an option each
    place: options.Place,
    *,
    target: options.OnlyTarget = "",
    manager: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A field manager to take over from, besides those known."),
    ] = [],  # noqa: B006 - typer's way to say that an option may be repeated
    remove_marks: Annotated[
        bool, typer.Option("--remove-marks", help="Remove the other tools' labels and annotations too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    config: options.Config = None,
    repo: options.Repo = None,
    branch: options.Branch = None,
    kubeconfig: options.Kubeconfig = None,
    timeout: options.Timeout = 10.0,
    output: options.Output = Form.TEXT,
) -> None:
    """Take over objects that kubectl, Helm, Argo CD, Flux or kapp applied: no value changes."""
    from controllers.cli import takeover
    from controllers.cli.connections import clusters_of
    from controllers.cli.repository import Choice, opened

    environment, _, application = place.partition("/")
    terms = takeover.Terms(application, target, tuple(manager), remove_marks, dry_run)
    clusters = clusters_of(config, kubeconfig, timeout)
    with opened(Choice(repo, branch, config)) as repository:
        end(good=takeover.run(repository, clusters, environment, terms, output))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(take_over)
    app.command()(demo)
