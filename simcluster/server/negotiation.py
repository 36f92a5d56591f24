"""Which representation of an answer a client wants, as apiserver's negotiation of media types decides it.

Answers are never protobuf: clients that prefer it name JSON as well and fall back to it. Bodies may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from simcluster.errors import ApiError, not_acceptable, unsupported_media_type
from simcluster.kinds.protobuf import MEDIA_TYPE

Shape = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]

JSON = "application/json"
YAML = "application/yaml"
OFFERED = (JSON, YAML)
_STREAM = ";stream=watch"
_SHAPES: dict[str, Shape] = {
    "Table": "Table",
    "PartialObjectMetadata": "PartialObjectMetadata",
    "PartialObjectMetadataList": "PartialObjectMetadataList",
}
_META_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Representation:
    """How to write an object: the media type, and as what. `version` is that of meta.k8s.io, for shapes."""

    media_type: str = JSON
    shape: Shape = ""
    version: str = "v1"
    pretty: bool = False

    @property
    def api_version(self) -> str:
        """The `apiVersion` of the shape."""
        return f"meta.k8s.io/{self.version}"


PLAIN = Representation()


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of an Accept header."""

    media_type: str
    parameters: tuple[tuple[str, str], ...]
    quality: float

    def get(self, name: str) -> str:
        """Return a parameter's value, "" where it is absent."""
        return dict(self.parameters).get(name, "")


@lru_cache(maxsize=256)
def accepted(header: str) -> tuple[Clause, ...]:
    """Read an Accept header; the most wanted first, else in its own order."""
    return tuple(sorted(_clauses(header), key=lambda clause: -clause.quality))


@lru_cache(maxsize=256)
def check_offered(header: str, *, watch: bool = False) -> None:
    """Raise `ApiError` 406 for what the framework in front of built-in kinds refuses, whatever is asked for.

    It looks at bare types, and knows no `application/*`.
    """
    clauses = accepted(header)
    if clauses and not any(clause.media_type in (*OFFERED, "*/*") for clause in clauses):
        told = _told(header)
        streams = tuple(f"{each}{_STREAM}" for each in told if each != YAML)
        raise nothing_to_offer(told + streams if watch else told)


@lru_cache(maxsize=256)
def negotiate(header: str) -> Representation:
    """Choose the representation of an object or a list. Raises `ApiError` 406."""
    if not header:
        return PLAIN
    for clause in accepted(header):
        found = _chosen(clause)
        if found is not None:
            return found
    raise nothing_of(header)


@lru_cache(maxsize=256)
def negotiate_stream(header: str) -> Representation:
    """Choose the representation of a watch's events: always JSON. Raises `ApiError` 406."""
    negotiate(header)
    if not header:
        return PLAIN
    for clause in accepted(header):
        if clause.media_type in (JSON, "*/*", "application/*"):
            found = _chosen(clause)
            if found is not None:
                return found
    raise not_acceptable(_only(f"{each}{_STREAM}" for each in _told(header) if each != YAML))


def error_media_type(header: str) -> str:
    """Choose how a Status is written to a client that accepts `header`: JSON unless it wants YAML first."""
    for clause in accepted(header):
        if clause.media_type in OFFERED:
            return clause.media_type
    return JSON


def body_media_type(header: str) -> str:
    """Return the media type of a request's body; JSON where it says none. Raises `ApiError` 415."""
    found = header.partition(";")[0].strip().lower()
    if not found:
        return JSON
    if found not in (*OFFERED, MEDIA_TYPE):
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: "
            f"{', '.join((*OFFERED, MEDIA_TYPE))}"
        )
    return found


def nothing_of(header: str) -> ApiError:
    """Make the error of the API where an Accept header names nothing that it writes."""
    return not_acceptable(_only(_told(header)))


def nothing_to_offer(offered: tuple[str, ...]) -> ApiError:
    """Make the error of the HTTP framework in front of the API."""
    error = not_acceptable(f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}")
    error.status["details"] = {}
    return error


def _told(header: str) -> tuple[str, ...]:
    """Return what a refusal names: as the real server does, protobuf too, unless that is what was wanted."""
    return OFFERED if MEDIA_TYPE in header.lower() else (*OFFERED, MEDIA_TYPE)


def _only(offered: Iterable[str]) -> str:
    return f"only the following media types are accepted: {', '.join(offered)}"


def _clauses(header: str) -> Iterator[Clause]:
    for part in header.split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if not media_type:
            continue
        read = [
            (key.strip().lower(), value.strip()) for key, _, value in (p.partition("=") for p in parameters)
        ]
        quality = 1.0
        for key, value in read:
            if key == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 1.0
        yield Clause(media_type.lower(), tuple(pair for pair in read if pair[0] != "q"), quality)


def _chosen(clause: Clause) -> Representation | None:
    media_type = JSON if clause.media_type in ("*/*", "application/*") else clause.media_type
    if media_type not in OFFERED:
        return None
    wanted = clause.get("as")
    pretty = clause.get("pretty") == "1"
    if not wanted:
        return Representation(media_type, pretty=pretty)
    shape, version = _SHAPES.get(wanted), clause.get("v")
    if shape is None or clause.get("g") != "meta.k8s.io" or version not in _META_VERSIONS:
        return None
    return Representation(media_type, shape, version, pretty)
