"""Decrypts files with the `sops` tool and the operator's age key; file and plain text stay in memory."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

from controllers.adapters.renderers import executables
from controllers.adapters.renderers.sandbox import Files, Limits, Sandbox, ToolFailed
from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem, ToolMissing
from gitops.render import parse_output
from gitops.render.encrypted import concealed, first_encrypted, revealed, unsigned

KEY_FILE = "SOPS_AGE_KEY_FILE"
NO_KEY = (
    "encrypted with SOPS, and there is no key for it: sops.ageKeyFile in controller.yaml, or "
    f"{KEY_FILE} for a command, names a file of age keys"
)
_LIMITS = Limits(seconds=30.0, memory=512 << 20, output=16 << 20)
_REASONS = (
    ("metadata not found", "what SOPS writes beside the values, its sops block, is missing or not whole"),
    ("data key", "none of the keys in the controller's key file can decrypt it"),
    ("MAC mismatch", "it was changed after it had been encrypted (its MAC does not match)"),
    ("message authentication failed", "it was changed after it had been encrypted"),
)


class Decryptor(Protocol):
    """Makes something of files that are encrypted."""

    def documents(self, path: str, data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Give the documents of an encrypted file; `written` are those that it shows. Raises InvalidInput."""

    def values(self, path: str, data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Give what an encrypted file holds, whatever that is. Raises InvalidInput."""

    @property
    def conceals(self) -> bool:
        """Whether values stay encrypted."""

    def stop(self) -> None:
        """End what runs, and refuse more."""


class Concealed:
    """Leaves values encrypted: for looking at what is around them."""

    def documents(self, _path: str, _data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Give the objects that can be told without a key."""
        return concealed(written)

    def values(self, _path: str, _data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Give what can be read without a key."""
        return unsigned(written)

    @property
    def conceals(self) -> bool:
        """All of them stay so."""
        return True

    def stop(self) -> None:
        """Nothing runs."""


class Sops:
    """Decrypts in a sandbox without network: by age, since no other service can be asked. For any thread."""

    @classmethod
    def of_environment(cls) -> Sops:
        """With the key that the person who calls a command has given to sops itself."""
        return cls(os.environ.get(KEY_FILE))

    def __init__(
        self, age_key_file: str | None, *, sandbox: Sandbox | None = None, search: str | None = None
    ) -> None:
        """`search` is a PATH to look for the tool in. Without a key file, every encrypted file is refused."""
        self._key = Path(age_key_file).absolute() if age_key_file else None
        self._sandbox = sandbox or Sandbox(_LIMITS)
        self._search = search
        self._lock = threading.Lock()
        self._tool: Path | None = None

    def stop(self) -> None:
        """End decryptions that run, and refuse further ones."""
        self._sandbox.stop()

    def documents(self, path: str, data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Decrypt a file of Secrets. Raises InvalidInput at the file, never quoting what is in it.

        ToolMissing where `sops` or the key file is not there.
        """
        found, problems = revealed(self.values(path, data, written), written)
        if problems:
            raise InvalidInput(*problems)
        return found

    def values(self, path: str, data: bytes, written: tuple[Document, ...]) -> tuple[Document, ...]:
        """Decrypt a file and read it. Raises InvalidInput at the file, never quoting what is in it."""
        first = first_encrypted(written)
        place = first.locate_key("sops") if first is not None else Location(path)
        return parse_output(path, self._decrypted(path, data, place))

    @property
    def conceals(self) -> bool:
        """None of them: what cannot be decrypted is refused."""
        return False

    def _decrypted(self, path: str, data: bytes, place: Location) -> bytes:
        if self._key is None:
            raise InvalidInput(Problem(place, NO_KEY))
        if not os.access(self._key, os.R_OK):
            message = "encrypted with SOPS, and the key file that the controller is given cannot be read"
            raise ToolMissing(Problem(place, message))
        form = "json" if path.endswith(".json") else "yaml"
        arguments = ("decrypt", "--input-type", form, "--output-type", form, "/dev/stdin")
        environment = {KEY_FILE: str(self._key), "SOPS_DISABLE_VERSION_CHECK": "1"}
        tool = self._found(place)
        try:
            return self._sandbox.run(tool, arguments, Files({}), environment=environment, stdin=data)
        except ToolFailed as failed:
            raise InvalidInput(Problem(place, f"cannot be decrypted: {_reason(failed)}")) from None

    def _found(self, place: Location) -> Path:
        with self._lock:
            if self._tool is None:
                self._tool = executables.find(("sops",), self._search or executables.search_path())
        if self._tool is None:
            message = "encrypted with SOPS, and sops is not on the PATH where the controller runs"
            raise ToolMissing(Problem(place, message))
        return self._tool


def _reason(failed: ToolFailed) -> str:
    """Our own words: the tool's may quote what it has decrypted."""
    text = str(failed)
    if failed.exhausted:
        return text
    return next(
        (said for sign, said in _REASONS if sign in text), "sops says that something is wrong with it"
    )
