"""What terminals see: colours, a live picture, and nothing that could steer them."""

from __future__ import annotations

import contextlib
import io

import pytest
from rich.console import Console

from controllers.cli import live, output
from gitops.objects import JsonObject
from gitops.views.table import Table
from tests.unit.controllers.cli.conftest import Shop


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It says so."""
        return True


@pytest.fixture(autouse=True)
def _colourful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(form: output.Form, value: JsonObject, text: str | Table) -> str:
    """What a terminal gets."""
    terminal = Terminal()
    with contextlib.redirect_stdout(terminal):
        output.show(form, value, text)
    return terminal.getvalue()


def test_differences_are_coloured_on_a_terminal() -> None:
    lines = shown(output.Form.TEXT, {}, "plain [bold]\n  + a: 1\n  - b: 2\x1b[0m").splitlines()
    assert lines == [
        "plain [bold]",  # markup in people's texts is no markup
        "\x1b[32m  + a: 1\x1b[0m",
        "\x1b[31m  - b: 2\\x1b[0m\x1b[0m",
    ]


def test_tables_are_coloured_on_a_terminal() -> None:
    drawn = shown(output.Form.TEXT, {}, Table(("NAME", "PHASE"), (("[red]web", "Halted"),)))
    assert "[red]web" in drawn
    assert "\x1b[1;31mHalted" in drawn


def test_nothing_is_coloured_for_programs() -> None:
    drawn = shown(output.Form.JSON, {"a": "\x1b[31m+ ü"}, "")
    assert drawn == '{\n  "a": "\\u001b[31m+ \\u00fc"\n}\n'


def test_the_live_picture_shows_waves_and_keeps_those_of_rollouts_that_ended(shop: Shop) -> None:
    stream = io.StringIO()
    view = live.LiveView(Console(file=stream, width=100))

    def drawn() -> list[list[str]]:
        console = Console(file=io.StringIO(), width=100)
        with console.capture() as capture:
            console.print(view.picture())
        return [line.split() for line in capture.get().splitlines()]

    with view:
        running = shop.roll_out(steps=1)
        view.recorded("production", (), running, running)
        assert drawn()[0] == ["PRODUCTION", "REVISION", "PHASE", "canary", "rest"]
        assert drawn()[2] == ["web", shop.head()[:12], "Advancing", "0/1", "healthy", "-"]
        ended = shop.roll_out()
        view.passed("production", ended, frozenset())
        assert drawn()[2] == ["web", shop.head()[:12], "Succeeded", "passed", "passed"]
    assert "PRODUCTION" in stream.getvalue()
