"""Answers on stdout, everything else on stderr. Colours only on a terminal, by rich, imported only there."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:  # for the time that `gitops --help` takes
    from rich.console import RenderableType

    from gitops.objects import JsonObject
    from gitops.views.table import Table

_LINE_STYLES = {"+ ": "green", "- ": "red", "~ ": "yellow", "refused ": "bold red"}
_WORD_STYLES = {
    "Succeeded": "green",
    "passed": "green",
    "Advancing": "cyan",
    "soaking": "cyan",
    "Failed": "bold red",
    "Halted": "bold red",
    "Restoring": "yellow",
    "Reverting": "yellow",
    "Reverted": "yellow",
}


class Form(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def show(form: Form, value: JsonObject, text: str | Table) -> None:
    """Write an answer: `value` for programs, or `text` for people."""
    if form is Form.JSON:
        typer.echo(json.dumps(value, indent=2, ensure_ascii=True))
    elif form is Form.YAML:
        import yaml  # noqa: PLC0415 - only who asks for YAML waits for it

        typer.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=False), nl=False)
    elif sys.stdout.isatty():
        _paint(text)
    elif str(text):
        typer.echo(visible(str(text)))


def end(*, good: bool) -> None:
    """End a command whose answer is not good with exit code 1."""
    if not good:
        raise typer.Exit(1)


def note(text: str) -> None:
    """Tell people something beside the answer."""
    typer.echo(visible(text), err=True)


def complain(text: str) -> None:
    """Say what is wrong and what to do."""
    typer.echo(visible(f"error: {text}"), err=True)


def visible(text: str) -> str:
    """Write control characters as escapes: nothing in a commit or a log line may steer the terminal."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def _paint(text: str | Table) -> None:
    from rich.console import Console  # noqa: PLC0415 - only terminals wait for it

    console = Console(highlight=False, soft_wrap=True)
    if isinstance(text, str):
        for line in visible(text).splitlines():
            console.print(line, style=_line_style(line), markup=False)
    else:
        console.print(painted(text))


def _line_style(line: str) -> str | None:
    start = line.lstrip()
    return next((style for sign, style in _LINE_STYLES.items() if start.startswith(sign)), None)


def painted(table: Table) -> RenderableType:
    """Make a rich table of ours; words that say how something stands get their colour."""
    from rich.table import Table as RichTable  # noqa: PLC0415 - only terminals wait for it
    from rich.text import Text  # noqa: PLC0415

    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in table.heading:
        grid.add_column(Text(visible(title)), overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(visible(cell), style=_word_style(cell)) for cell in row))
    return grid


def _word_style(cell: str) -> str:
    return _WORD_STYLES.get(cell.partition(" ")[0], "red" if "failed" in cell else "")
