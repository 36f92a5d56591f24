"""Manifests of one application on one target: a pure function of the files, the settings and the target."""

from gitops.render.digests import inputs_digest, target_digest
from gitops.render.plain import (
    Rendered,
    identity,
    parse_file,
    parse_files,
    parse_output,
    render_documents,
)
from gitops.render.variables import expand, target_variables

__all__ = [
    "Rendered",
    "expand",
    "identity",
    "inputs_digest",
    "parse_file",
    "parse_files",
    "parse_output",
    "render_documents",
    "target_digest",
    "target_variables",
]
