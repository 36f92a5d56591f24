"""Files as they are read: manifests, and values for Helm, those that are encrypted too."""

from __future__ import annotations

from functools import partial

from controllers.adapters.renderers import Decryptor
from controllers.source.attempts import Attempts
from gitops.dialect import Document
from gitops.objects import digest
from gitops.render import parse_file
from gitops.render.encrypted import encrypted
from gitops.render.values import parse_values


class Opened:
    """Reads files, and decrypts what is encrypted; that it could not be is remembered. For any thread."""

    def __init__(self, decryptor: Decryptor) -> None:
        self._decryptor = decryptor
        self._attempts = Attempts()

    @property
    def conceals(self) -> bool:
        """Whether encrypted values stay so."""
        return self._decryptor.conceals

    def stop(self) -> None:
        """End decryptions: whoever waits for one, now or later, gets a TransientError."""
        self._decryptor.stop()

    def manifests(self, path: str, data: bytes) -> tuple[Document, ...]:
        """Read a file of manifests. Raises InvalidInput."""
        written = parse_file(path, data)
        if encrypted(written) is None:
            return written
        identity = digest({"sops": path, "text": data.decode()})
        return self._attempts.run(identity, partial(self._decryptor.documents, path, data, written))

    def values(self, path: str, data: bytes) -> tuple[Document, ...]:
        """Read a file of values: one document, or none. Raises InvalidInput."""
        return tuple(
            self._decrypted(path, data, one) if one.encrypted else one for one in parse_values(path, data)
        )

    def _decrypted(self, path: str, data: bytes, written: Document) -> Document:
        identity = digest({"values": path, "text": data.decode()})
        return self._attempts.run(identity, partial(self._decryptor.values, path, data, written))
