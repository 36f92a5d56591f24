"""Files that are encrypted among those that a tool reads: in plain text for it alone, in memory."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace

from controllers.source.parsed import Parse
from gitops.dialect import Document
from gitops.dialect.emit import emit
from gitops.render import parse_output
from gitops.render.encrypted import carried

Documents = Mapping[str, tuple[Document, ...]]
"""By path: those of manifests, decrypted where there is a key."""


class Seals:
    """Notes on an output which of its documents stand encrypted in the repository. For any thread."""

    def __init__(self, parse: Parse = parse_output) -> None:
        """`parse` reads what the tool prints."""
        self._parse = parse
        # Known to nobody else: nothing in a repository can pass for it.
        self._mark = b"# " + secrets.token_hex().encode()

    def noted(self, output: bytes, path: str, documents: Documents) -> bytes:
        """Write the note before an output. Raises InvalidInput where something secret is left open in it."""
        sealed = [one for found in documents.values() for one in found if one.encrypted]
        return self.marked(output, carried(sealed, self._parse(path, output)) if sealed else ())

    def marked(self, output: bytes, numbers: Collection[int]) -> bytes:
        """Write the note that these documents stand encrypted."""
        note = b" ".join([self._mark, *(str(number).encode() for number in sorted(numbers))])
        return note + b"\n" + output if numbers else output

    def parse(self, path: str, output: bytes) -> tuple[Document, ...]:
        """Read an output, with or without a note. Raises InvalidInput."""
        if not output.startswith(self._mark):
            return self._parse(path, output)
        note, _, printed = output.partition(b"\n")
        numbers = frozenset(int(word) for word in note.removeprefix(self._mark).split())
        return tuple(replace(one, encrypted=one.index in numbers) for one in self._parse(path, printed))


def laid_out(contents: Mapping[str, bytes], documents: Documents) -> dict[str, bytes]:
    """Give the files for a tool: those that are encrypted as they were read, all others as they are.

    Without a key, nothing is read of a file whose objects cannot even be told.
    """
    sealed = {
        path: found for path, found in documents.items() if not found or any(one.encrypted for one in found)
    }
    plain = {
        path: emit(one.value for one in found if isinstance(one.value, dict)).encode()
        for path, found in sealed.items()
    }
    return {path: plain.get(path, data) for path, data in contents.items()}


def decrypted(documents: Documents) -> bool:
    """Whether there is plain text among them that the repository does not show."""
    return any(one.encrypted and one.rendered for found in documents.values() for one in found)
