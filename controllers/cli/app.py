"""The console script: commands, options and exit codes. Everything slow is imported by the command it is for.

Exit codes: 0 done; 1 an error, or a finding that the command is for; 2 usage; 3 `run --once` ended with
something that failed, is held, or waits for a person.
"""

from __future__ import annotations

import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from controllers.cli import asking, looking, running
from controllers.cli.output import complain
from gitops.errors import GitopsError


class Commands(TyperGroup):
    """Turns errors into a message and an exit code, in one place for all commands."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer has its own copy of click, which is private
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except GitopsError as error:
            complain(str(error))
        except (typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if hasattr(error, "exit_code"):  # typer's own way to end, or to complain about usage
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            complain(
                f"this is a defect in gitops: {type(error).__name__}; the same command after "
                "`gitops --debug` shows where"
            )
        raise typer.Exit(1)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - only for --version

        typer.echo(f"gitops-waves {version('gitops-waves')}")
        raise typer.Exit


@app.callback()
def top(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an unexpected error comes from.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True)] = False,
) -> None:
    """Roll commits out to Kubernetes clusters in waves, and take back what fails."""
    del debug  # read where errors are shown
    _version(wanted=version)


running.register(app)
looking.register(app)
asking.register(app)


def main() -> None:
    """Run the command line."""
    app(prog_name="gitops")
