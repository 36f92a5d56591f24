"""The options that several commands share, each described once. Imports nothing that is slow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from controllers.cli.output import Form

Repo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--repo",
        metavar="PATH_OR_URL",
        show_default=False,
        help="The repository; with --config, the name of one of its repositories. "
        "[default: what the current folder's branch is pushed to, else the current folder]",
    ),
]
Branch: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="BRANCH",
        help="The branch that the controller follows. [default: the repository's]",
        show_default=False,
    ),
]
Config: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The controller's own configuration (controller.yaml).")
]
Kubeconfig: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Each of its contexts is a connection of that name. [default: $KUBECONFIG, ~/.kube/config]",
    ),
]
Timeout: TypeAlias = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="How long one request to a cluster may take.")
]
Output: TypeAlias = Annotated[Form, typer.Option("-o", "--output", help="How to write the answer.")]
Server: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="GITOPS_SERVER", metavar="URL", help="Ask a running controller instead of Git's records."
    ),
]
Reason: TypeAlias = Annotated[
    str, typer.Option("-m", "--reason", metavar="TEXT", help="Goes into the commit's message.")
]
Author: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="'NAME <EMAIL>'", help="Who asks. [default: as git commit has it]", show_default=False
    ),
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show the commit; push nothing.")]
Environment: TypeAlias = Annotated[str, typer.Argument(metavar="ENV", help="An environment.")]
OneApplication: TypeAlias = Annotated[
    str, typer.Argument(metavar="ENV/APPLICATION", help="An application of an environment.")
]
OnlyApplication: TypeAlias = Annotated[
    str, typer.Option("--application", metavar="APPLICATION", help="Only this application.")
]
OnlyTarget: TypeAlias = Annotated[
    str, typer.Option("--target", metavar="CLUSTER/NAMESPACE", help="Only this target.")
]
Place: TypeAlias = Annotated[
    str, typer.Argument(metavar="ENV[/APPLICATION]", help="An environment, or one application of it.")
]
