"""Files that were parsed already, by path and blob: a one-file commit parses one file."""

from __future__ import annotations

from collections.abc import Callable

from controllers.recent import Recent
from gitops.dialect import Document
from gitops.model.catalog import SourceFile
from gitops.render import parse_file

Parse = Callable[[str, bytes], tuple[Document, ...]]
# Parsed YAML takes some ten times its text.
LIMIT_BYTES = 8 << 20


class ParsedFiles:
    """A cache bounded by the size of the texts; what was used longest ago goes first. For any thread."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, parse: Parse = parse_file) -> None:
        self._parse = parse
        self._files = Recent[SourceFile, tuple[Document, ...]](limit_bytes)

    def get(self, file: SourceFile, read: Callable[[], bytes]) -> tuple[Document, ...]:
        """Give the documents of `file`; `read` is called for one that is not held. Raises InvalidInput."""
        known = self._files.get(file)
        if known is not None:
            return known
        data = read()
        documents = self._parse(file.path, data)
        self._files.keep(file, documents, len(data))
        return documents
