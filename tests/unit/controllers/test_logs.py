"""One line per record, whatever is in it, and no secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.logs import KnownSecrets, LogFormat, configure
from gitops.errors import Refused, Unreachable

CANARY = "s3cr3t-canary-value"
log = logging.getLogger("controllers.test")


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def logging_to(log_format: LogFormat, level: str = "info") -> tuple[io.StringIO, KnownSecrets]:
    stream = io.StringIO()
    return stream, configure(log_format, level, stream=stream)


def _fail(error: Exception) -> None:
    raise error


def only(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_json_line_has_time_level_logger_message_and_fields() -> None:
    stream, _ = logging_to("json")
    log.info("wave %s passed", "canary", extra={"environment": "prod", "targets": ("a", "b"), "level": 3})
    line = only(stream)
    assert datetime.fromisoformat(line.pop("time")).tzinfo == UTC
    assert line == {
        "level": "info",
        "logger": "controllers.test",
        "message": "wave canary passed",
        "environment": "prod",
        "targets": ["a", "b"],
        "level_": 3,
    }


def test_text_is_compact_and_quotes_what_would_be_misread() -> None:
    stream, _ = logging_to("text")
    log.warning("held", extra={"environment": "prod", "because": 'a "b"', "count": 2})
    (line,) = stream.getvalue().splitlines()
    time, rest = line.split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo == UTC
    assert rest == 'WARNING held  environment=prod  because="a \\"b\\""  count=2'


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_logged_can_forge_a_line_or_steer_a_terminal(log_format: LogFormat) -> None:
    """Commit messages and object names are foreign text."""
    stream, _ = logging_to(log_format)
    evil = "x\n2026-01-02T00:00:00.000Z INFO all is well\r\x1b[2J\x9b\u2028\u202e\ud800"
    log.info("saw %s", evil, extra={"environment": evil, "nested": {evil: [evil]}})
    (line,) = stream.getvalue().split("\n")[:-1]
    assert line.isprintable()
    assert line.splitlines() == [line]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_secret_appears_in_no_part_of_a_line(log_format: LogFormat) -> None:
    """Message, arguments, fields, keys, errors and tracebacks; raw and as base64; learnt at run time."""
    stream, secrets = logging_to(log_format)
    secrets.learn([CANARY])
    encoded = base64.b64encode(CANARY.encode()).decode()
    try:
        _fail(RuntimeError(CANARY))
    except RuntimeError:
        log.exception(
            "got %s", CANARY, extra={"seen": [encoded], "deep": {CANARY: {CANARY}}, "o": Refused(CANARY)}
        )
    log.error("x", exc_info=Unreachable(CANARY), stack_info=True)
    assert CANARY not in stream.getvalue()
    assert encoded not in stream.getvalue()
    assert stream.getvalue().count("(redacted)") >= 7
    assert CANARY not in repr(secrets)


def test_a_record_that_cannot_be_written_does_not_print_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard logging would print them to stderr, past every redaction."""
    stream, _ = logging_to("json")
    log.info("%d objects", CANARY)
    assert stream.getvalue().startswith("a log record could not be written: controllers.test ")
    assert CANARY not in stream.getvalue() + capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_our_own_errors_come_without_a_traceback(log_format: LogFormat) -> None:
    """Alone or in a task group's bundle: the text says what to do, the stack says nothing."""
    stream, _ = logging_to(log_format)
    log.error("a", exc_info=Refused("say so in a trailer"))
    log.error("b", exc_info=ExceptionGroup("tasks", [Refused("one"), Unreachable("two")]))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "Refused: say so in a trailer" in lines[0]
    assert "Refused: one; Unreachable: two" in lines[1]
    assert "Traceback" not in stream.getvalue()


def test_unknown_errors_come_with_a_traceback_in_the_same_json_line() -> None:
    stream, _ = logging_to("json")
    try:
        _fail(ExceptionGroup("tasks", [Refused("one"), KeyError("two")]))
    except ExceptionGroup:
        log.exception("unexpected")
    line = only(stream)
    assert line["error"].startswith("ExceptionGroup: tasks")
    assert "KeyError: 'two'" in line["traceback"]


def test_a_traceback_in_text_is_indented_so_that_no_line_of_it_looks_like_a_record() -> None:
    stream, _ = logging_to("text")
    try:
        _fail(ValueError("x\n2026-01-02T00:00:00.000Z INFO all is well"))
    except ValueError:
        log.exception("unexpected")
    first, *others = stream.getvalue().splitlines()
    assert "unexpected  error=" in first
    assert len(others) > 2
    assert all(line.startswith("    | ") for line in others)


def test_the_level_rules_and_an_unknown_one_is_an_error() -> None:
    stream, _ = logging_to("json", "warning")
    log.info("not this")
    log.warning("this")
    assert only(stream)["message"] == "this"
    with pytest.raises(ValueError, match="LOUD"):
        logging_to("json", "loud")


def test_configuring_again_replaces_what_was_there_and_warnings_are_records() -> None:
    old, _ = logging_to("text")
    stream, _ = logging_to("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("beware", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert old.getvalue() == ""
    assert "beware" in only(stream)["message"]
