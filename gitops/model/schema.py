"""The ground of every kind that people write: strict, frozen, camelCase in YAML, snake_case here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

API_VERSION = "gitops-waves.io/v1alpha1"

HOST = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$"
"""A host's name or IPv4 address, maybe with a port."""

_DURATION = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?")
_LONGEST = 366 * 24 * 3600
MOST = 1000
"""The most entries of any list or mapping that people write. Checks compare entries with one another."""
_DURATION_PATTERN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"


class Schema(BaseModel):
    """A block of YAML that people write. Unknown fields are errors."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, use_enum_values=False
    )


class Metadata(Schema):
    """Kubernetes' `metadata`, as far as these kinds use it."""

    name: Name
    labels: dict[str, str] = Field(default_factory=dict, max_length=MOST)
    annotations: dict[str, str] = Field(default_factory=dict, max_length=MOST)


def parse_duration(value: Any) -> timedelta:  # noqa: ANN401 - whatever the YAML holds
    """Read Go's duration form as Kubernetes writes it: `90s`, `5m`, `1h30m`, `500ms`.

    Raises ValueError for anything else; a bare number has no unit and is refused.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration: write it like 30s, 5m or 1h30m")
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in match.groups())
    duration = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    if duration > _LONGEST:
        raise ValueError(f"{value!r} is longer than a year")
    return timedelta(seconds=duration)


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be longer than 0s")
    return value


def format_duration(value: timedelta) -> str:
    """Write what `parse_duration` reads; `0s` for nothing."""
    rest = round(value.total_seconds() * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "minLength": 2, "examples": ["5m"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]

# RFC 1123 label, the strictest of Kubernetes' name forms: these names become parts of object names and refs.
NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
Namespace = Name


class Share(Schema):
    """A number or a percentage of some whole, as Kubernetes' IntOrString: `2` or `"25%"`."""

    count: int | None = None
    percent: int | None = None

    def of(self, whole: int) -> int:
        """How many of `whole` this is; percentages are rounded up."""
        if self.percent is not None:
            return -(-whole * self.percent // 100)
        return self.count or 0


def parse_share(value: Any) -> Share:  # noqa: ANN401 - whatever the YAML holds
    """Read `3` or `"20%"`; raises ValueError for the rest."""
    if isinstance(value, Share):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Share(count=value)
    match = re.fullmatch(r"([0-9]{1,3})%", value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 100:  # noqa: PLR2004 - a whole
        raise ValueError(f"{value!r} is neither a number from 0 up nor a percentage such as 20%")
    return Share(percent=int(match[1]))


def format_share(share: Share) -> int | str:
    """Write what `parse_share` reads."""
    return f"{share.percent}%" if share.percent is not None else share.count or 0


IntOrPercent = Annotated[
    Share,
    BeforeValidator(parse_share),
    PlainSerializer(format_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"},
            ]
        }
    ),
]
ApiVersion = Literal["gitops-waves.io/v1alpha1"]

Metadata.model_rebuild()
