"""From what the operator configured to a client.

The repository never configures a connection, it only names one.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.transport import Transport, open_session
from gitops.errors import InvalidInput, Location, Problem

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How to reach one cluster: a kubeconfig (and a context of it), the Pod we run in, or a server's URL.

    With none of them the user's own kubeconfig counts ($KUBECONFIG, ~/.kube/config), as for kubectl. Holds
    names of files, never what is in them. Raises InvalidInput where the ways are mixed.
    """

    name: str
    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False
    server: str | None = None
    ca_file: str | None = None
    token_file: str | None = None

    def __post_init__(self) -> None:
        for message in self._mistakes():
            raise invalid(self.name, message)

    def _mistakes(self) -> list[str]:
        found = []
        if sum((self.in_cluster, self.server is not None, self.kubeconfig is not None)) > 1:
            found.append("give one of kubeconfig, inCluster and server, not several")
        if self.context is not None and (self.in_cluster or self.server is not None):
            found.append("context belongs to a kubeconfig")
        if self.server is None and (self.ca_file or self.token_file):
            found.append("caFile and tokenFile belong to server; a kubeconfig names its own")
        if self.server is not None and not is_server_url(self.server):
            found.append("server must look like https://host:port, without user and password")
        return found


def is_server_url(text: str) -> bool:
    """Tell whether this names an API server and holds no credentials."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def invalid(connection: str, message: str) -> InvalidInput:
    """Make the error for a connection as a whole."""
    return InvalidInput(Problem(Location(f"connection {connection}"), message))


async def connect(
    settings: ConnectionSettings,
    *,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    connections: int = DEFAULT_CONNECTIONS,
    patience: Patience | None = None,
) -> KubeClient:
    """Prepare a client; nothing is sent yet, so an unreachable server shows only at the first call.

    `timeout_seconds` bounds one request, twice that one call with its retries; `connections` bounds the
    requests in flight (watches come on top). Raises InvalidInput or Denied for settings that cannot
    work: broken or missing kubeconfig, CA, certificate or token.
    """
    # The official client's configuration takes a second to import: only who connects pays for it.
    from controllers.adapters.kube.authentication import authenticate  # noqa: PLC0415 - see above

    access = await authenticate(settings)
    return KubeClient(
        Transport(
            settings.name,
            access.route,
            open_session(access.tls),
            access.credentials,
            patience=patience or Patience(attempt=timeout_seconds, total=2 * timeout_seconds),
            connections=connections,
        )
    )
