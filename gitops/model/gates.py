"""Gates as people write them. What a gate's samples mean is decided in `gitops.gates`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gitops.model.schema import Name, PositiveDuration, Schema


class HealthGate(Schema):
    """Every object of every target in the wave stays Current for the whole soak. Always on."""

    type: Literal["health"]
    name: Name = "health"


class HttpGate(Schema):
    """GET answers as expected, again and again through the soak.

    `url` may use the target's variables (`${cluster}`, `${namespace}`, cluster labels' variables); it is
    asked once per target of the wave. TLS is verified; redirects to other hosts and link-local
    addresses are refused.
    """

    type: Literal["http"]
    name: Name = "http"
    url: str
    expected_statuses: tuple[Annotated[int, Field(ge=100, le=599)], ...] = (200,)
    body_match: str | None = Field(
        default=None, max_length=500, description="regular expression that the body must contain"
    )
    interval: PositiveDuration = timedelta(seconds=5)
    timeout: PositiveDuration = timedelta(seconds=5)
    failure_threshold: int = Field(default=3, ge=1, description="bad samples in a row that fail the wave")

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an http:// or https:// address")
        if "@" in parts.netloc:
            raise ValueError("must not carry credentials")
        return url

    @field_validator("body_match")
    @classmethod
    def _valid_expression(cls, expression: str | None) -> str | None:
        if expression is not None:
            try:
                re.compile(expression)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return expression


class ApprovalGate(Schema):
    """A person opens it with a commit (`gitops approve`)."""

    type: Literal["approval"]
    name: Name = "approval"


Gate = Annotated[HealthGate | HttpGate | ApprovalGate, Field(discriminator="type")]


def told_apart(gates: Sequence[Gate]) -> None:
    """Check that verdicts, which are kept by gate name, belong to one gate each. Raises ValueError."""
    twice = sorted(name for name, count in Counter(gate.name for gate in gates).items() if count > 1)
    if twice:
        raise ValueError(f"two gates are named {', '.join(twice)}: give each its own name")
    if any(gate.name == "health" and not isinstance(gate, HealthGate) for gate in gates):
        raise ValueError("the name health belongs to the health gate, which is always on: choose another")
