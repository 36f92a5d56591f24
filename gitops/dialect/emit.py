"""Writes YAML that Kubernetes reads as the same JSON value, whoever else reads it otherwise."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from gitops.dialect.scalars import resolve
from gitops.objects import JsonObject

_NO_FOLDING = 1 << 20


class _Dumper(yaml.SafeDumper):
    """Repeats what is there twice: Kubernetes' readers bound aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quote what is no text without quotes, by either reading: PyYAML's does what YAML 1.1 asks."""
    style = "|" if "\n" in text else None if _plain(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _plain(text: str) -> bool:
    """Whether Kubernetes reads `text` without quotes as text: not so `y`, `1e3`, `0o17`, `.inf`."""
    try:
        return resolve(None, text) == text
    except ValueError:
        return False


_Dumper.add_representer(str, _text)


def emit(values: Iterable[JsonObject]) -> str:
    """Write documents, each after a line `---`; mappings keep their order."""
    return "".join(
        f"---\n{yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=_NO_FOLDING)}" for value in values
    )
