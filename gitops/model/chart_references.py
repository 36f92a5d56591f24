"""Charts in OCI registries, as applications name them: only by a digest, since a tag can be moved."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.schema import HOST

_SCHEME = "oci://"
_LONGEST = 1000
_LONGEST_PATH = 255
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(HOST)
# Names of repositories and tags: OCI distribution specification 1.1.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ChartReference:
    """A chart in a registry. `host` may have a port; `digest` is the manifest's, `sha256:` and 64 digits."""

    host: str
    path: str
    digest: str

    def __str__(self) -> str:
        """Write it as people do, without a tag."""
        return f"{_SCHEME}{self.host}/{self.path}@{self.digest}"


def is_remote(chart: str) -> bool:
    """Whether a `chart` names one in a registry, rather than a folder."""
    return chart[: len(_SCHEME)].lower() == _SCHEME


def reference(written: str, at: Location) -> ChartReference:
    """Read `oci://host[:port]/path[:tag]@sha256:…`; a tag is for people. Raises InvalidInput."""
    rest, _, digest = written.removeprefix(_SCHEME).partition("@")
    host, _, path = rest.partition("/")
    name, _, tag = path.partition(":")
    if not written.startswith(_SCHEME) or len(written) > _LONGEST:
        raise _invalid(
            at, f"a chart in a registry is written oci://host/path@sha256:…, in {_LONGEST} characters"
        )
    if not _HOST.fullmatch(host):
        raise _invalid(at, "this names no registry: it is host or host:port, in lower case, without a user")
    if not _PATH.fullmatch(name) or len(name) > _LONGEST_PATH:
        raise _invalid(
            at, "this is no name of a repository in a registry: see the OCI distribution specification"
        )
    if ":" in path and not _TAG.fullmatch(tag):
        raise _invalid(at, "what follows the colon is no tag")
    if not digest:
        message = (
            "a chart is named by its digest, since a tag can be moved: add @sha256:…, which helm push and "
            "helm pull print"
        )
        raise _invalid(at, message)
    if not DIGEST.fullmatch(digest):
        raise _invalid(at, "what follows the @ is no digest: sha256: and 64 digits of 0 to 9 and a to f")
    return ChartReference(host, name, digest)


def _invalid(at: Location, message: str) -> InvalidInput:
    return InvalidInput(Problem(at, message))
