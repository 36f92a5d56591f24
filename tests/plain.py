"""Plain applications from the contents of their files, as the controller has them from a mirror."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitops.dialect import Document
from gitops.lint import Documents
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.render import parse_file, parse_files, render_documents
from gitops.render.helm.values import Destination


def plain_documents(contents: Mapping[str, bytes]) -> Documents:
    """Parse the files; `contents` has them by path."""

    def documents_of(application: ApplicationSource, _place: Destination | None = None) -> Sequence[Document]:
        return parse_files(application.files, lambda file: parse_file(file.path, contents[file.path]))

    return documents_of


def render(
    environment: EnvironmentSource,
    application: ApplicationSource,
    target: Target,
    cluster: Cluster,
    contents: Mapping[str, bytes],
) -> tuple[Manifest, ...]:
    """Give the manifests on one target, sorted by path, document and place in a list. Raises InvalidInput."""
    documents = plain_documents(contents)(application, None)
    return render_documents(environment, application, target, cluster, documents).manifests
