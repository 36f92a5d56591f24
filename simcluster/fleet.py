"""Many simulated clusters in one process, behind one port, or each behind its own as well."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
import csv
import random
import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from simcluster import kubeconfig
from simcluster.clock import Clock, RealClock
from simcluster.cluster import Cluster
from simcluster.faults import Faults
from simcluster.kubeconfig import Entry
from simcluster.rbac.rules import Identity
from simcluster.server.app import ROOT, Server
from simcluster.server.authentication import AUTHENTICATED
from simcluster.server.certificates import Certificate, self_signed

_SHUTDOWN_SECONDS = 1.0
# asyncio keeps this much for every TLS connection, 256 KiB unless told otherwise; every client of a thousand
# clusters has a few. A TLS record is 16 KiB at most: nothing is lost.
asyncio.sslproto.SSLProtocol.max_size = 32 << 10
_BACKLOG = 1024
# Below those that outgoing connections take (32768 and up on Linux): while a cluster refuses connections,
# none of its clients may happen to sit on its port.
_PORTS = range(20_000, 30_000)
_TRIES = 1000
_MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a fleet is like. `port` 0 takes any free one.

    `own_ports` gives every cluster a port of its own besides the common one. Without `tls` kubectl sends no
    token (client-go sends none over plain HTTP), so it is only for clients that do. `clock` makes a cluster's
    clock.
    """

    clusters: int = 1
    nodes: int = 3
    prefix: str = "cluster-"
    first: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    own_ports: bool = False
    tls: bool = True
    seed: int = 0
    tokens: Mapping[str, Identity] = field(default_factory=dict, repr=False)
    clock: Callable[[], Clock] = RealClock


class Fleet:
    """Clusters that are served from `start` to `stop`, or inside `async with`.

    `token` is an administrator's on every cluster, made for this run. `certificate` is what clients have to
    trust, "" for plain HTTP.
    """

    def __init__(self, settings: Settings) -> None:
        numbers = range(settings.first, settings.first + settings.clusters)
        self.settings = settings
        self.token = secrets.token_hex(16)
        admin = Identity("admin", (_MASTERS, AUTHENTICATED), "admin")
        self.clusters = {
            name: Cluster(name, settings.clock(), nodes=settings.nodes, seed=settings.seed)
            for name in (f"{settings.prefix}{number}" for number in numbers)
        }
        tokens = {self.token: admin, **settings.tokens}
        self._server = Server(self.clusters.values(), tokens, secrets.token_bytes(32))
        self._made: Certificate | None = None
        self._common: Listener | None = None
        self._own: dict[str, Listener] = {}

    @property
    def certificate(self) -> str:
        """The PEM that clients have to trust, "" for plain HTTP."""
        return self._made.certificate if self._made else ""

    async def start(self) -> None:
        """Begin to serve. Raises `OSError` where the port is taken."""
        context = None
        if self.settings.tls:
            self._made = self_signed(RealClock().now(), addresses=_addresses(self.settings.host))
            context = _context(self._made)
        self._common = Listener(self._server.handler(), self.settings.host, self.settings.port, context)
        await self._common.open()
        if self.settings.own_ports:
            for name, cluster in self.clusters.items():
                listener = Listener(self._server.handler(name), self.settings.host, 0, context)
                await listener.open()
                cluster.faults.on_change(listener.follow)
                self._own[name] = listener

    async def stop(self) -> None:
        """End every connection and every cluster. A second call does nothing."""
        for cluster in self.clusters.values():
            cluster.close()
        listeners = [*self._own.values(), *([self._common] if self._common else [])]
        self._own, self._common = {}, None
        await asyncio.gather(*(listener.close() for listener in listeners))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The common port. Raises RuntimeError before `start`."""
        if self._common is None:
            raise RuntimeError("the fleet is not being served")
        return self._common.port

    def common_url(self, name: str) -> str:
        """Where a cluster is below the common port."""
        return f"{self._base(self.port)}{ROOT}{name}"

    def url(self, name: str) -> str:
        """Where a cluster is: on its own port where it has one."""
        own = self._own.get(name)
        return self._base(own.port) if own else self.common_url(name)

    def entry(self, name: str, token: str = "") -> Entry:
        """Return what a kubeconfig says of a cluster, for the administrator or the owner of `token`."""
        return Entry(name, self.url(name), token or self.token, self.certificate)

    def write_kubeconfigs(self, folder: Path) -> list[Path]:
        """Write `<cluster>.kubeconfig` for each, and `all.kubeconfig` with a context for each."""
        folder.mkdir(parents=True, exist_ok=True)
        entries = [self.entry(name) for name in self.clusters]
        kubeconfig.write(folder / "all.kubeconfig", entries)
        return [kubeconfig.write(folder / f"{each.name}.kubeconfig", [each]) for each in entries]

    def _base(self, port: int) -> str:
        host = self.settings.host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.settings.tls else 'http'}://{shown}:{port}"


class Listener:
    """One listening socket, which can close and come back on the same port."""

    __slots__ = ("_context", "_handler", "_host", "_reopening", "_server", "_wanted", "port")

    def __init__(self, handler: web.Server, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._handler = handler
        self._host = host
        self.port = port
        self._context = context
        self._server: asyncio.Server | None = None
        self._wanted = True
        self._reopening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen; the port is settled now. Raises `OSError` where it is taken."""
        if self.port:
            await self._listen(self.port)
            return
        first = random.randrange(len(_PORTS))  # noqa: S311 - two fleets that start should not queue up
        for number in range(_TRIES):
            with contextlib.suppress(OSError):
                await self._listen(_PORTS[(first + number) % len(_PORTS)])
                return
        await self._listen(0)

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._handler, self._host, port, ssl=self._context, backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def follow(self, faults: Faults) -> None:
        """Listen, or not, as the faults want it."""
        self._wanted = faults.partition != "refuse"
        if not self._wanted:
            self._shut()
        elif self._server is None and (self._reopening is None or self._reopening.done()):
            self._reopening = asyncio.get_running_loop().create_task(self._reopen())

    async def close(self) -> None:
        """Listen no more, and end the connections."""
        self._wanted = False
        self._shut()
        await self._handler.shutdown(_SHUTDOWN_SECONDS)

    async def _reopen(self) -> None:
        if self._wanted:
            await self.open()

    def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._handler.connections:
            if connection.transport is not None:
                connection.transport.abort()


def read_tokens(path: Path) -> dict[str, Identity]:
    """Read a static token file as kube-apiserver does: lines of `token,user,uid,"group1,group2"`.

    Raises `OSError`, and ValueError that quotes no token.
    """
    found = {}
    with path.open(newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row:
                continue
            try:
                token, user, uid, *groups = (cell.strip() for cell in row)
            except ValueError:
                raise ValueError(f"{path}:{number}: wanted token,user,uid and perhaps groups") from None
            listed = [group.strip() for group in (groups[0] if groups else "").split(",") if group.strip()]
            found[token] = Identity(user, (*listed, AUTHENTICATED), uid)
    return found


def _addresses(host: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((host, "127.0.0.1", "::1")))


def _context(made: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:  # the library reads keys from files only
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        key.touch(mode=0o600)
        certificate.write_text(made.certificate)
        key.write_text(made.key)
        context.load_cert_chain(certificate, key)
    return context
