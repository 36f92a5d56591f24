"""What we answer while libgit2 talks to a server: credentials, host keys, room on the disk."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import CredentialType
from pygit2.remotes import PushUpdate, TransferProgress

from controllers.adapters.git.failures import disk_full, plain
from controllers.adapters.git.hostkeys import fingerprint
from controllers.adapters.git.remote import Credentials, Remote, Scheme
from gitops.errors import Conflict, Denied

_ROOM = 16 << 20  # bytes that must stay free: a full disk under libgit2's memory maps kills the process
_LOOK_EVERY = 1 << 18  # bytes received between two looks
_NO_REF = "0" * 40


class Answers(pygit2.RemoteCallbacks):
    """One conversation. Errors raised here leave libgit2 unchanged, so they are ours already."""

    def __init__(self, remote: Remote, folder: Path, trusted: Callable[[], None] | None) -> None:
        super().__init__()
        self.rejected: dict[str, str] = {}
        self.expected: Mapping[str, str | None] | None = None
        self._said: list[str] = []
        self._remote = remote
        self.folder = folder
        self._trusted = trusted
        self._offered = 0
        self._looked_at = -_LOOK_EVERY

    @property
    def said(self) -> str:
        """What the server told us in words (a forge explains a rejected push there)."""
        return plain("".join(self._said))

    def credentials(
        self, url: str, username_from_url: str | None, allowed_types: CredentialType
    ) -> pygit2.Username | pygit2.UserPass | pygit2.Keypair:
        """Offer what we have, once: a server that asks again did not accept it."""
        del url
        known = self._remote.credentials or Credentials()
        user = username_from_url or known.user() or "git"
        if allowed_types & CredentialType.USERNAME and not allowed_types & CredentialType.SSH_KEY:
            return pygit2.Username(user)
        self._offered += 1
        if self._offered > 1:
            raise Denied(f"{self._remote}: the server did not accept our credentials")
        if self._remote.scheme is Scheme.SSH:
            return self._key(known, user)
        secret = known.secret()
        if secret is None or not allowed_types & CredentialType.USERPASS_PLAINTEXT:
            raise Denied(f"{self._remote}: the server asks for credentials and none are configured")
        return pygit2.UserPass(known.user() or "git", secret)

    def _key(self, known: Credentials, user: str) -> pygit2.Keypair:
        if known.ssh_key_file is None:
            raise Denied(f"{self._remote}: the server asks for an SSH key and none is configured")
        if not os.access(known.ssh_key_file, os.R_OK):
            raise Denied(f"{self._remote}: cannot read the SSH key {known.ssh_key_file}")
        return pygit2.Keypair(user, None, str(known.ssh_key_file), known.passphrase())

    def certificate_check(self, certificate: None, valid: bool, host: bytes) -> bool:  # noqa: FBT001 - pygit2's
        """Accept exactly what libgit2 itself holds valid: a TLS chain, or an entry in known_hosts."""
        del certificate
        if self._remote.scheme is not Scheme.SSH:
            return valid
        judged, self._trusted = self._trusted, None
        if judged is not None:
            judged()
            if valid:
                return True
        frame = inspect.currentframe()  # pygit2 withholds the key; its frame has it, for the message only
        shown = fingerprint(frame.f_back.f_locals.get("cert_i") if frame and frame.f_back else None)
        raise Denied(
            f"{self._remote}: the host key of {host.decode(errors='replace')} ({shown or 'unknown'}) is not "
            "the one in the known hosts file; compare it with the server's own, then add it there"
        )

    def transfer_progress(self, stats: TransferProgress) -> None:
        """Stop in good order before the disk is full."""
        if stats.received_bytes - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = stats.received_bytes
        ensure_room(self.folder, f"fetching {self._remote}")

    def push_negotiation(self, updates: Sequence[PushUpdate]) -> None:
        """Compare before the swap: the server swaps only if its ref still is what it told us here."""
        for update in updates:
            found = None if str(update.src) == _NO_REF else str(update.src)
            if self.expected is not None and found != self.expected.get(update.dst_refname, found):
                raise Conflict(
                    f"{self._remote}: {update.dst_refname} is at {found}, not where we saw it last"
                )

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """Keep why a ref was rejected."""
        if message is not None:
            self.rejected[refname] = message

    def sideband_progress(self, string: str) -> None:
        """Keep what the server says, up to a limit."""
        if sum(map(len, self._said)) < 1 << 12:
            self._said.append(string)


def ensure_room(folder: Path, doing: str) -> None:
    """Raise TransientError when less is free than a fetch must leave."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < _ROOM:
        raise disk_full(doing)
