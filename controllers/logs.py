"""Standard logging as one line per record on stderr, for programs (JSON) or people (text), without secrets.

`extra` carries the fields: `log.info("wave passed", extra={"environment": "staging", "wave": "canary"})`.
Fields of ours: environment, application, target, cluster, rollout, revision, wave, gate.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeAlias

from gitops.errors import GitopsError
from gitops.redact import Redactor

LogFormat: TypeAlias = Literal["json", "text"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_RESERVED = frozenset({"time", "level", "logger", "message", "error", "traceback"})
_UNWRITABLE = "a log record could not be written"


class KnownSecrets:
    """The secrets that no line may hold. They can be learnt at any time, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._redactor = Redactor()

    def __repr__(self) -> str:
        return f"KnownSecrets({self._redactor!r})"

    def learn(self, secrets: Iterable[str]) -> None:
        """Redact these too from here on; what is known already costs nothing."""
        with self._lock:
            new = frozenset(secrets) - self._known
            if new:
                self._redactor.learn(new)
                self._known |= new

    def text(self, text: str) -> str:
        """Replace every known secret with `(redacted)`."""
        return self._redactor.text(text)


def configure(log_format: LogFormat, level: str = "INFO", *, stream: TextIO | None = None) -> KnownSecrets:
    """Make this the only way in which the process logs; give the secrets that it redacts, to be filled.

    Replaces the root logger's handlers. Raises ValueError for a level that logging does not know.
    """
    secrets = KnownSecrets()
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(secrets) if log_format == "json" else TextFormatter(secrets))
    root = logging.getLogger()
    root.setLevel(level.upper())
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(capture=True)
    return secrets


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say only where it went wrong: logging itself would print the arguments, which may be secret."""
        try:
            self.stream.write(f"{_UNWRITABLE}: {record.name} {record.pathname}:{record.lineno}\n")
        except (OSError, ValueError):
            return  # nobody reads any more


class _Redacting(logging.Formatter):
    """Takes a record apart into redacted text; how that is written is the subclass's."""

    def __init__(self, secrets: KnownSecrets) -> None:
        super().__init__()
        self._secrets = secrets

    def _message(self, record: logging.LogRecord) -> str:
        return self._secrets.text(record.getMessage())

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Everything that came with `extra`; a name that the line needs itself gets an underscore."""
        return {
            f"{name}_" if name in _RESERVED else name: self._clean(value)
            for name, value in vars(record).items()
            if name not in _STANDARD
        }

    def _clean(self, value: Any) -> Any:  # noqa: ANN401 - whatever was logged
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._secrets.text(str(key)): self._clean(below) for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(below) for below in value]
        if isinstance(value, set | frozenset):
            return sorted(self._secrets.text(str(below)) for below in value)
        return self._secrets.text(value.isoformat() if isinstance(value, datetime) else str(value))

    def _error(self, record: logging.LogRecord) -> tuple[str, str]:
        """The error in words, and a traceback where it is not one that we raise on purpose."""
        if not record.exc_info or record.exc_info[1] is None:
            return "", self._secrets.text(self.formatStack(record.stack_info)) if record.stack_info else ""
        error = record.exc_info[1]
        ours = _raised_on_purpose(error)
        if ours:
            return self._secrets.text("; ".join(f"{type(one).__name__}: {one}" for one in ours)), ""
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        return self._secrets.text(words), self._secrets.text(self.formatException(record.exc_info))


class JsonFormatter(_Redacting):
    """One JSON object per line, ASCII only, so that nothing in it can look like a line's end."""

    def format(self, record: logging.LogRecord) -> str:
        """`time` (RFC 3339), `level`, `logger`, `message`, the fields, `error`, `traceback`."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
            **self._fields(record),
        }
        error, traceback = self._error(record)
        if error:
            line["error"] = error
        if traceback:
            line["traceback"] = traceback
        return json.dumps(line)


class TextFormatter(_Redacting):
    """Compact: `12:30:45.678Z INFO  wave passed  environment=staging`. The lines of a traceback are indented.

    Control characters are written as escapes: nothing logged can forge a line or steer a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        error, traceback = self._error(record)
        fields = self._fields(record)
        if error:
            fields["error"] = error
        told = "".join(f"  {_visible(name)}={_quoted(value)}" for name, value in fields.items())
        head = f"{_time(record)} {record.levelname:<7} {_visible(self._message(record))}{told}"
        return "\n    | ".join((head, *map(_visible, traceback.splitlines())))


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _raised_on_purpose(error: BaseException) -> tuple[GitopsError, ...]:
    """The errors of ours that this is, or that a group holds; nothing where any other is among them."""
    if isinstance(error, GitopsError):
        return (error,)
    if not isinstance(error, BaseExceptionGroup):
        return ()
    parts = [_raised_on_purpose(one) for one in error.exceptions]
    return tuple(one for part in parts for one in part) if all(parts) else ()


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _quoted(value: Any) -> str:  # noqa: ANN401 - whatever was logged
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (not text or any(char in text for char in ' "=')):
        text = json.dumps(text, ensure_ascii=False)
    return _visible(text)
