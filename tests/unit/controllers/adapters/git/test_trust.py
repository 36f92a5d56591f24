"""Whom we trust: SSH host keys by known_hosts, TLS certificates by authority; keys to prove who we are."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from controllers.adapters.git import Credentials, Mirror
from gitops.errors import Denied, TerminalError, Unreachable
from tests.unit.controllers.adapters.git.conftest import Work
from tests.unit.controllers.adapters.git.git_servers import SshGit, http_git, keygen, ssh_git
from tests.unit.controllers.adapters.git.test_edit import AUTHOR

Open = Callable[..., Mirror]
PASSPHRASE = "canary-passphrase-2841"


@pytest.mark.usefixtures("sshd")
class TestSsh:
    """Against OpenSSH's own server."""

    @pytest.fixture
    def client(self, tmp_path: Path) -> Path:
        """A private key that the server accepts."""
        return keygen(tmp_path / "client")

    @pytest.fixture
    def server(self, tmp_path: Path, client: Path) -> Iterator[SshGit]:
        """Serve every repository on this machine."""
        (tmp_path / "sshd").mkdir()
        with ssh_git(tmp_path / "sshd", [client]) as running:
            yield running

    @pytest.fixture
    def trust(self, server: SshGit, client: Path, tmp_path: Path) -> Credentials:
        """The server's key is known, under its address and port."""
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts())
        return Credentials(ssh_key_file=client, known_hosts_file=known)

    def test_fetch_and_push(self, hub: Work, server: SshGit, trust: Credentials, open_mirror: Open) -> None:
        """The known key is accepted; the branch and the audit refs travel both ways."""
        mirror = open_mirror(server.url(hub.path), credentials=trust)
        head = mirror.fetch().head
        assert head == hub.head()
        made = mirror.write_commit(parent=head, changes={"README": b"x"}, message="m", author=AUTHOR)
        mirror.push_branch(made, expected_head=head)
        assert hub.head() == made == mirror.fetch().head
        tip = mirror.append_audit("e", message="m", files={}, author=AUTHOR, expected_tip=None)
        assert mirror.push_audit(["e"])["e"].head == tip == hub.head("refs/gitops/environments/e")

    @pytest.mark.parametrize("kind", ["hashed", "among others", "other hosts only", "wrong key", "empty"])
    def test_only_an_entry_for_this_host_with_this_key_is_trust(
        self, hub: Work, server: SshGit, trust: Credentials, tmp_path: Path, open_mirror: Open, kind: str
    ) -> None:
        """Hashed names count; another host's entry, or another key, is Denied with the fingerprint shown."""
        other = keygen(tmp_path / "other").with_suffix(".pub").read_text()
        here = f"[127.0.0.1]:{server.port}"
        known = trust.known_hosts_file
        assert known is not None
        known.write_text(
            {
                "hashed": server.known_hosts(),
                "among others": f"# comment\nexample.com {other}\n{server.known_hosts()}",
                "other hosts only": server.known_hosts("[127.0.0.2]:22") + server.known_hosts("example.com"),
                "wrong key": f"{here} {other}",
                "empty": "",
            }[kind]
        )
        if kind == "hashed":
            subprocess.run(
                ["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, stderr=subprocess.DEVNULL
            )
            assert known.read_text().startswith("|1|")
        mirror = open_mirror(server.url(hub.path), credentials=trust)
        if kind in {"hashed", "among others"}:
            assert mirror.fetch().head == hub.head()
            return
        with pytest.raises(Denied, match="is not the one in the known hosts file") as caught:
            mirror.fetch()
        assert server.fingerprint() in str(caught.value)
        assert mirror.head() is None

    @pytest.mark.parametrize("content", [None, "@revoked * ssh-ed25519 AAAA\n"])
    def test_a_file_that_cannot_be_honoured_is_denied(
        self, hub: Work, server: SshGit, trust: Credentials, open_mirror: Open, content: str | None
    ) -> None:
        """It is missing, or says what libssh2 would pass over."""
        assert trust.known_hosts_file is not None
        if content is None:
            trust.known_hosts_file.unlink()
        else:
            trust.known_hosts_file.write_text(server.known_hosts() + content)
        with pytest.raises(Denied, match=r"known hosts in|@revoked"):
            open_mirror(server.url(hub.path), credentials=trust).fetch()

    def test_the_borrowed_home_is_given_back(
        self, hub: Work, server: SshGit, trust: Credentials, open_mirror: Open
    ) -> None:
        """After a connection that was accepted and one that was not."""
        before = pygit2.settings.homedir
        mirror = open_mirror(server.url(hub.path), credentials=trust)
        mirror.fetch()
        assert pygit2.settings.homedir == before
        assert trust.known_hosts_file is not None
        trust.known_hosts_file.write_text("")
        with pytest.raises(Denied):
            mirror.fetch()
        assert pygit2.settings.homedir == before

    @pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
    def test_every_kind_of_host_key_is_checked(
        self, hub: Work, client: Path, tmp_path: Path, open_mirror: Open, kind: str
    ) -> None:
        """A server that has only this kind."""
        (tmp_path / kind).mkdir()
        with ssh_git(tmp_path / kind, [client], host_key_kind=kind) as server:
            known = tmp_path / f"known-{kind}"
            known.write_text(server.known_hosts())
            credentials = Credentials(ssh_key_file=client, known_hosts_file=known)
            assert open_mirror(server.url(hub.path), credentials=credentials).fetch().head == hub.head()

    @pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
    def test_keys_with_a_passphrase(self, hub: Work, tmp_path: Path, open_mirror: Open, kind: str) -> None:
        """The right one opens the key; a wrong one is Denied and shown nowhere."""
        key = keygen(tmp_path / "locked", kind=kind, passphrase=PASSPHRASE)
        (tmp_path / "sshd").mkdir()
        secret = tmp_path / "passphrase"
        with ssh_git(tmp_path / "sshd", [key]) as server:
            known = tmp_path / "known_hosts"
            known.write_text(server.known_hosts())
            credentials = Credentials(ssh_key_file=key, ssh_passphrase_file=secret, known_hosts_file=known)
            mirror = open_mirror(server.url(hub.path), credentials=credentials)
            secret.write_text("wrong")
            with pytest.raises(Denied):
                mirror.fetch()
            secret.write_text(PASSPHRASE + "\n")
            assert mirror.fetch().head == hub.head()
            assert PASSPHRASE not in repr(credentials)

    def test_a_key_that_is_not_accepted_is_denied(
        self, hub: Work, server: SshGit, trust: Credentials, tmp_path: Path, open_mirror: Open
    ) -> None:
        """As is one that is missing, or none at all."""
        url = server.url(hub.path)
        stranger = keygen(tmp_path / "stranger")
        for key, text in (
            (stranger, "credentials"),
            (tmp_path / "gone", "cannot read the SSH key"),
            (None, "no"),
        ):
            with pytest.raises(Denied, match=text):
                open_mirror(url, credentials=replace(trust, ssh_key_file=key)).fetch()

    def test_a_repository_that_is_not_there_is_denied(
        self, server: SshGit, trust: Credentials, tmp_path: Path, open_mirror: Open
    ) -> None:
        """The server says so in words."""
        with pytest.raises(TerminalError, match="no such repository, or we may not see it"):
            open_mirror(server.url(tmp_path / "none.git"), credentials=trust).fetch()


def test_a_server_that_does_not_speak_ssh_is_unreachable(tmp_path: Path, open_mirror: Open) -> None:
    (tmp_path / "known").write_text("")
    credentials = Credentials(known_hosts_file=tmp_path / "known")
    with http_git(tmp_path) as server:
        port = server.server.server_address[1]
        mirror = open_mirror(f"ssh://git@127.0.0.1:{port}/x", credentials=credentials)
        pygit2.settings.server_timeout = 500
        with pytest.raises(Unreachable):
            mirror.fetch()


class TestTls:
    """Certificates are checked always; an authority of one's own may be added."""

    def certificate(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Make a self-signed one, and its key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
        return certificate, key

    def test_an_unknown_authority_is_denied_until_it_is_configured(
        self, hub: Work, tmp_path: Path, open_mirror: Open
    ) -> None:
        """Then it is trusted in addition."""
        certificate = self.certificate(tmp_path, "localhost")
        with http_git(hub.path.parent, tls=certificate) as server:
            url = f"{server.url}/hub.git"
            with pytest.raises(Denied, match="certificate"):
                open_mirror(url).fetch()
            assert open_mirror(url, ca_file=certificate[0]).fetch().head == hub.head()

    def test_a_certificate_for_another_name_is_denied(
        self, hub: Work, tmp_path: Path, open_mirror: Open
    ) -> None:
        """Though its authority is trusted."""
        certificate = self.certificate(tmp_path, "elsewhere.example")
        with http_git(hub.path.parent, tls=certificate) as server:
            mirror = open_mirror(f"{server.url}/hub.git", ca_file=certificate[0])
            with pytest.raises(Denied, match="certificate"):
                mirror.fetch()

    def test_a_file_without_authorities_is_an_error(self, tmp_path: Path, open_mirror: Open) -> None:
        """Named, when the mirror is opened."""
        (tmp_path / "ca.pem").write_text("none")
        with pytest.raises(Exception, match=f"authorities in {tmp_path}/ca.pem"):
            open_mirror("https://localhost/x", ca_file=tmp_path / "ca.pem")
