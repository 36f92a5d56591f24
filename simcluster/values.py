"""Objects as they come in and go out: what JSON says, in Python's own types."""

from __future__ import annotations

from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
