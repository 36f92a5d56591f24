"""Write the JSON Schemas beside this file, or with `--check` say whether they are stale."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema

from gitops.model.controller import Controller
from gitops.model.kinds import Application, Cluster, Environment, Repository
from gitops.model.schema import Schema, Share, format_duration, format_share

KINDS: Mapping[str, type[Schema]] = {
    "application": Application,
    "cluster": Cluster,
    "controller": Controller,
    "environment": Environment,
    "repository": Repository,
}


class _AsWritten(GenerateJsonSchema):
    """Shows defaults as people write them, and no titles that only repeat a field's name."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        match dft:
            case timedelta():
                return format_duration(dft)
            case Share():
                return format_share(dft)
            case Schema():
                return {
                    to_camel(name): self.encode_default(getattr(dft, name)) for name in type(dft).model_fields
                }
        return super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        return False


def generate() -> Mapping[str, str]:
    """Give the text of every schema by file name; equal models give equal bytes."""
    return {f"{name}.schema.json": _text(model) for name, model in sorted(KINDS.items())}


def _text(model: type[Schema]) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(by_alias=True, mode="validation", schema_generator=_AsWritten),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stale(folder: Path) -> list[str]:
    """Name the files in `folder` that differ from what the models say, sorted."""
    expected = generate()
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.schema.json")}
    return sorted(
        name for name in expected.keys() | written.keys() if expected.get(name) != written.get(name)
    )


def main(arguments: list[str], folder: Path) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a schema is stale")
    names = stale(folder)
    if parser.parse_args(arguments).check:
        if names:
            sys.stderr.write(
                f"stale in schemas/: {', '.join(names)}. Run `make schemas` and commit the result.\n"
            )
        return 1 if names else 0
    expected = generate()
    for name in names:
        if name in expected:
            (folder / name).write_text(expected[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parent))
