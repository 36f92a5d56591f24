"""Files that were parsed already, by path and blob: a one-file commit parses one file."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from gitops.dialect import Document
from gitops.model.catalog import SourceFile
from gitops.render import parse_file

Parse = Callable[[str, bytes], tuple[Document, ...]]
# Parsed YAML takes some ten times its text.
LIMIT_BYTES = 8 << 20


class ParsedFiles:
    """A cache bounded by the size of the texts; what was used longest ago goes first. For any thread."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, parse: Parse = parse_file) -> None:
        self._limit = limit_bytes
        self._parse = parse
        self._held = 0
        self._lock = threading.Lock()
        self._files: OrderedDict[SourceFile, tuple[int, tuple[Document, ...]]] = OrderedDict()

    def get(self, file: SourceFile, read: Callable[[], bytes]) -> tuple[Document, ...]:
        """Give the documents of `file`; `read` is called for one that is not held. Raises InvalidInput."""
        with self._lock:
            known = self._files.get(file)
            if known is not None:
                self._files.move_to_end(file)
                return known[1]
        data = read()
        documents = self._parse(file.path, data)
        with self._lock:
            if file not in self._files:
                self._files[file] = (len(data), documents)
                self._held += len(data)
            while self._held > self._limit:
                _, (size, _) = self._files.popitem(last=False)
                self._held -= size
        return documents
