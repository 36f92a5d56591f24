"""What tools printed: made once for all who want it at a time, parsed once, kept on disk where it may be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from controllers.cache import DiskCache
from controllers.source.attempts import Attempts
from controllers.source.parsed import ParsedFiles
from gitops.dialect import Document
from gitops.model.catalog import SourceFile
from gitops.render.secrecy import holds_secrets


class Outputs:
    """Outputs by a digest of all that a tool read and the tool's version. For any thread."""

    def __init__(self, cache: DiskCache | None, attempts: Attempts) -> None:
        self._cache = cache
        self._attempts = attempts

    def documents(
        self,
        output: SourceFile,
        parsed: ParsedFiles,
        run: Callable[[], bytes],
        *,
        secret: bool = False,
    ) -> tuple[Document, ...]:
        """Give what a tool made: as parsed before, as kept on disk, or as `run` makes it now.

        `output` names the digest, and the file that asked for it; what is `secret` is not kept on disk.
        Raises InvalidInput, for ten minutes the same one.
        """
        cache = None if secret else self._cache
        return self._attempts.run(output.oid, partial(_kept, cache, output, parsed, run))


def _kept(
    cache: DiskCache | None, output: SourceFile, parsed: ParsedFiles, run: Callable[[], bytes]
) -> tuple[Document, ...]:
    made: list[bytes] = []

    def printed() -> bytes:
        known = cache.get(output.oid) if cache else None
        if known is None:
            made.append(run())
        return made[0] if known is None else known

    documents = parsed.get(output, printed)
    if made and cache and not holds_secrets(documents):
        cache.put(output.oid, made[0])
    return documents
