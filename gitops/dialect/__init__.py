"""Kubernetes' own dialect of YAML and JSON, with the place of every value. Knows nothing of objects."""

from gitops.dialect.documents import Document, parse
from gitops.dialect.layout import Form, Span, layout
from gitops.dialect.nodes import Limits

__all__ = ["Document", "Form", "Limits", "Span", "layout", "parse"]
