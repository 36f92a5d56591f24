"""Events and state as an audit record: a message for people, files for machines; and back.

`events.json` holds what one pass recorded, `state/` the folded state after it, one file per application
so that a record stores anew only what it changed. `format` names the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from gitops.audit.message import compose
from gitops.audit.narration import headline, narrate, weight
from gitops.errors import TerminalError
from gitops.rollout import events as e
from gitops.rollout.state import ApplicationState, EnvironmentState

Model = TypeVar("Model", bound=BaseModel)

FORMAT = 1
_FORMAT_FILE = "format"
_EVENTS_FILE = "events.json"
_ENVIRONMENT_FILE = "state/environment.json"
_APPLICATIONS = "state/applications/"
_EVIDENCE_LINES = 10
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Record:
    """One commit of an environment's audit ref, before it is one."""

    message: str
    files: Mapping[str, bytes]


def record(
    environment: str,
    events: tuple[e.Event, ...],
    state: EnvironmentState,
    known: Mapping[str, bytes] | None = None,
) -> Record:
    """Write down `events` of one pass and the `state` they lead to. Equal arguments give equal bytes.

    `known`, the files of the record just before this one in the chain, saves writing applications anew
    that no event is about; the result is the same with and without it.
    """
    body = [f"{event.at:%H:%M:%S}Z {narrate(event)}" for event in events]
    evidence = [f"  {line}" for event in events for line in getattr(event, "evidence", ())[:_EVIDENCE_LINES]]
    message = compose(_subject(environment, events), (body, evidence), _trailers(environment, events))
    files = {
        _FORMAT_FILE: b"%d\n" % FORMAT,
        _EVENTS_FILE: _pretty(e.EVENTS.dump_python(events, mode="json")),
        _ENVIRONMENT_FILE: _pretty(state.model_dump(mode="json", exclude={"applications"})),
    }
    concerned = {getattr(event, "application", "") for event in events}
    for name, application in state.applications.items():
        path = f"{_APPLICATIONS}{name}.json"
        same = known.get(path) if known and name not in concerned else None
        files[path] = same or _pretty(application.model_dump(mode="json"))
    return Record(message, dict(sorted(files.items())))


def read_state(files: Mapping[str, bytes]) -> EnvironmentState:
    """Read the snapshot that lies beside a record. Raises TerminalError naming the file that is broken."""
    _check_format(files)
    state = _read(EnvironmentState, files, _ENVIRONMENT_FILE)
    applications = {
        path.removeprefix(_APPLICATIONS).removesuffix(".json"): _read(ApplicationState, files, path)
        for path in sorted(files)
        if path.startswith(_APPLICATIONS)
    }
    return state.model_copy(update={"applications": applications})


def read_events(files: Mapping[str, bytes]) -> tuple[e.Event, ...]:
    """Read a record's events, in order. Raises TerminalError naming the file that is broken."""
    _check_format(files)
    try:
        return e.EVENTS.validate_json(_file(files, _EVENTS_FILE))
    except ValidationError as error:
        raise _broken(_EVENTS_FILE, error) from error


def _check_format(files: Mapping[str, bytes]) -> None:
    text = _file(files, _FORMAT_FILE).decode(errors="replace").strip()
    if not text.isdecimal():
        raise TerminalError(f"the audit record's file {_FORMAT_FILE} is broken: it is not a number")
    if int(text) > FORMAT:
        raise TerminalError(
            f"the audit record has format {text}, newer than {FORMAT}, the newest this version reads: "
            "upgrade before going on"
        )


def _file(files: Mapping[str, bytes], path: str) -> bytes:
    if path not in files:
        raise TerminalError(f"the audit record has no file {path}")
    return files[path]


def _read(model: type[Model], files: Mapping[str, bytes], path: str) -> Model:
    try:
        return model.model_validate_json(_file(files, path))
    except ValidationError as error:
        raise _broken(path, error) from error


def _broken(path: str, error: ValidationError) -> TerminalError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return TerminalError(
        f"the audit record's file {path} is broken{f' at {place}' if place else ''}: {first['msg']}"
    )


def _pretty(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return orjson.dumps(value, option=_PRETTY)


def _subject(environment: str, events: tuple[e.Event, ...]) -> str:
    if not events:
        return f"{environment}: no events"
    first = max(events, key=weight)  # the earliest of the weightiest
    about = getattr(first, "rollout", "") or getattr(first, "application", "")
    place = f"{environment}/{about}" if about else environment
    return f"{place}: {headline(first)}"


def _trailers(environment: str, events: Iterable[e.Event]) -> Iterable[tuple[str, str]]:
    yield "Gitops-Environment", environment
    for key, field in (
        ("Gitops-Application", "application"),
        ("Gitops-Rollout", "rollout"),
        ("Gitops-Revision", "revision"),
    ):
        for value in dict.fromkeys(getattr(event, field, "") for event in events):
            yield key, value
    for kind in dict.fromkeys(type(event).__name__ for event in events):
        yield "Gitops-Event", kind
