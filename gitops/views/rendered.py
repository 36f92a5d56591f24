"""What would be applied to each target, as YAML for people and `kubectl`, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitops.dialect.emit import emit
from gitops.objects import JsonObject, Manifest
from gitops.plan import Scope
from gitops.redact import Redactor, redact_pair, scrubbed, secrets_of


@dataclass(frozen=True, slots=True)
class RenderedTarget:
    """One application on one target; `manifests` in the order in which they are applied."""

    scope: Scope
    manifests: tuple[Manifest, ...]


def redacted(rendered: Sequence[RenderedTarget]) -> tuple[RenderedTarget, ...]:
    """Give the same without any secret value, also where an object repeats another's."""
    every = [manifest.body for one in rendered for manifest in one.manifests]
    redactor = Redactor(secrets_of(every))
    return tuple(
        RenderedTarget(
            one.scope,
            tuple(
                Manifest(_redacted(manifest.body, redactor), manifest.source) for manifest in one.manifests
            ),
        )
        for one in rendered
    )


def _redacted(body: JsonObject, redactor: Redactor) -> JsonObject:
    _, shown = redact_pair(None, body)
    told: JsonObject = scrubbed(shown, redactor.text)
    return told


def text(rendered: Iterable[RenderedTarget]) -> str:
    """Write one stream of documents; comments say whose they are and where they were written."""
    return "".join(_documents(rendered)).removesuffix("\n")


def _documents(rendered: Iterable[RenderedTarget]) -> Iterator[str]:
    for one in rendered:
        yield f"# {one.scope.name} on {one.scope.target}\n"
        for manifest in one.manifests:
            separator, _, document = emit([manifest.body]).partition("\n")
            yield f"{separator}\n# {manifest.source}\n{document}"


def form(revision: str, rendered: Iterable[RenderedTarget]) -> JsonObject:
    """Write it for programs."""
    return {
        "revision": revision,
        "targets": [
            {
                "environment": one.scope.environment,
                "application": one.scope.application,
                "target": str(one.scope.target),
                "objects": [manifest.body for manifest in one.manifests],
            }
            for one in rendered
        ],
    }
