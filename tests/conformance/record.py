"""Writes the real server's answers into the cases: `python -m tests.conformance.record [subject …]`.

Starts the rig's control plane, takes every step of the named subjects (all without names) and rewrites their
files in one normal form. Read the difference before you keep it: what changed is what the server says now.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.rig import binaries, control_plane
from tests.conformance.case_files import FOLDER, RECORDED
from tests.conformance.client import Server
from tests.conformance.session import Session, install

_WIDTH = 118


class _Dumper(yaml.SafeDumper):
    """Writes lines of text inside one line."""


def _line(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = '"' if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(str, _line)


def main(names: list[str]) -> None:
    """Record the subjects of these names; without any, all."""
    folder = binaries.ensure(print)
    paths = sorted([*FOLDER.glob("cases/*.yaml"), *FOLDER.glob("kubectl/*.yaml")])
    subjects = {path: yaml.safe_load(path.read_text()) for path in paths if not names or path.stem in names}
    with control_plane.start(folder)[0] as plane, tempfile.TemporaryDirectory() as scratch:
        install(plane)
        for path, cases in subjects.items():
            for case in cases:
                _record(case, plane, folder / "kubectl", Path(scratch))
            path.write_text("\n".join(_block([case], 0) for case in cases) + "\n")
            print(path.stem, len(cases))  # noqa: T201 - a command line tool


def _record(case: dict[str, Any], server: Server, kubectl: Path, scratch: Path) -> None:
    step: dict[str, Any] = {}
    try:
        with Session(server, kubectl, scratch) as session:
            for step in case.get("given", ()):
                session.prepare(step)
            for step in case["steps"]:
                outcome = session.take(step)
                for name in RECORDED:
                    step.pop(name, None)
                step.update(outcome)
    except (AssertionError, OSError) as error:
        print(f"{case['case']}: {step}: {error!r}"[:600])  # noqa: T201


def _block(value: Any, indent: int) -> str:
    """Return `value` as YAML lines: in one line where that fits, else one line an item."""
    pad = " " * indent
    lines = []
    if isinstance(value, list):
        for item in value:
            text = _inline(item, indent + 2)
            lines.append(f"{pad}- {text if text is not None else _block(item, indent + 2).lstrip()}")
    else:
        for name, item in value.items():
            key = _flow(name)
            text = _inline(item, indent + len(key) + 2)
            if text is not None:
                lines.append(f"{pad}{key}: {text}")
            elif isinstance(item, list):
                lines.append(f"{pad}{key}:\n{_block(item, indent)}")
            elif isinstance(item, str):
                lines.append(f"{pad}{key}: {_text(item, indent + 2)}")
            else:
                lines.append(f"{pad}{key}:\n{_block(item, indent + 2)}")
    return "\n".join(lines)


def _inline(value: Any, column: int) -> str | None:
    """Return `value` in one line, or None where it is too long and could be broken."""
    if isinstance(value, str) and "\n" in value:
        return None
    if column == 2 or (isinstance(value, list) and value and isinstance(value[0], dict) and "do" in value[0]):
        return None
    text = _flow(value)
    breakable = isinstance(value, dict | list) and value
    return None if breakable and column + len(text) > _WIDTH else text


def _flow(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, width=10**9, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _text(value: str, indent: int) -> str:
    """Return lines of text as a literal block."""
    pad = " " * indent
    if any(line != line.rstrip() for line in value.split("\n")) or not value[0].strip():
        return _flow(value)
    end = "" if value.endswith("\n") else "-"
    return f"|{end}\n" + "\n".join(
        pad + line if line else "" for line in value.removesuffix("\n").split("\n")
    )


if __name__ == "__main__":
    main(sys.argv[1:])
