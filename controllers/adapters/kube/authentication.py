"""Where a server is and how it knows us, read by the official client (`kubernetes.aio`): its only use here.

Its own messages are not passed on as they are: they can quote a whole user entry of a kubeconfig.
"""

from __future__ import annotations

import atexit
import os
import ssl
from collections.abc import Awaitable, Callable
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import KUBE_CONFIG_DEFAULT_LOCATION, ConfigException, kube_config, load_kube_config
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)

from controllers.adapters.kube.connection import ConnectionSettings, invalid, is_server_url
from controllers.adapters.kube.credentials import Credentials
from controllers.adapters.kube.transport import Route
from gitops.errors import Denied, InvalidInput, Location, Problem

# Kubelet renews projected tokens long before they expire; client-go reads the file again every minute too.
_REFRESH_SECONDS = 60.0
# The library ignores these: we would act with more rights than the operator meant.
_IMPERSONATING = frozenset({"as", "as-groups", "as-uid", "as-user-extra"})


class _WrittenOut:
    """The library writes certificates and keys of a kubeconfig into temporary files, for OpenSSL.

    They are removed as soon as nobody is reading any: a killed process would leave keys behind.
    """

    def __init__(self) -> None:
        self._readers = 0

    def __enter__(self) -> None:
        self._readers += 1

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if not self._readers:
            remove = kube_config._cleanup_temp_files  # noqa: SLF001 - only it knows them
            remove()  # type: ignore[no-untyped-call]
            atexit.unregister(remove)  # it was registered for the first of them, and will be again


_written_out = _WrittenOut()


class Access(NamedTuple):
    """All that is needed to open connections. `tls` is None for plain http."""

    route: Route
    tls: ssl.SSLContext | None
    credentials: Credentials


async def authenticate(settings: ConnectionSettings) -> Access:
    """Read the settings' files. Raises InvalidInput or Denied; nothing is sent (an exec plugin may run)."""
    if settings.in_cluster:
        return _in_cluster(settings)
    if settings.server is not None:
        return _by_server(settings, settings.server)
    with _written_out:
        return await _by_kubeconfig(settings)


def _in_cluster(settings: ConnectionSettings) -> Access:
    configuration = Configuration()
    loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
        SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME, try_refresh_token=False
    )
    try:
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise invalid(
            settings.name, f"not inside a Pod with a service account: {error}: use kubeconfig or server"
        ) from None
    token_file = Path(SERVICE_TOKEN_FILENAME)
    return Access(
        _route(settings, configuration), _tls(settings, configuration), _from_file(settings, token_file)
    )


def _by_server(settings: ConnectionSettings, server: str) -> Access:
    configuration = Configuration(host=server, ssl_ca_cert=settings.ca_file)
    credentials = _from_file(settings, Path(settings.token_file)) if settings.token_file else Credentials()
    return Access(_route(settings, configuration), _tls(settings, configuration), credentials)


async def _by_kubeconfig(settings: ConnectionSettings) -> Access:
    paths = settings.kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION
    if not _exists(paths):
        raise _broken_file(settings, paths, "no such kubeconfig: name an existing file")
    configuration = Configuration()
    loader = await _translated(
        settings,
        paths,
        lambda: load_kube_config(  # type: ignore[no-untyped-call]
            paths, settings.context, client_configuration=configuration, persist_config=False
        ),
    )
    user = _user(loader)
    if user is None:
        raise _broken_file(settings, paths, "the context's user is not a mapping: correct the file")
    if _IMPERSONATING & user.keys():
        raise _broken_file(
            settings,
            paths,
            "as, as-groups and as-uid are not supported: use serviceAccountName in the environment",
        )
    if "exec" in user and not (configuration.api_key or configuration.cert_file):
        raise Denied(
            f"{settings.name}: the exec plugin {user['exec'].get('command')} gave no credential: "
            "run it by hand to see why"
        )
    tls = _tls(settings, configuration)

    async def load(forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        if forced:
            vars(loader).pop("exec_plugin_expiry", None)  # it was refused, whatever its date says
        with _written_out:
            await _translated(settings, paths, lambda: loader.load_and_set(configuration))
            _load_certificate(settings, tls, configuration)
        return _header(configuration)

    # A plugin's credential without a date is good until it is refused (client-go's rule).
    lasting = "exec" in user and not hasattr(loader, "exec_plugin_expiry")
    refresh = inf if lasting else _REFRESH_SECONDS
    return Access(
        _route(settings, configuration), tls, Credentials(_header(configuration), load, refresh=refresh)
    )


def _exists(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _user(loader: Any) -> dict[str, Any] | None:  # noqa: ANN401 - untyped library
    node = loader._user  # noqa: SLF001 - the library tells nowhere else which user a context chose
    if node is None:
        return {}  # nobody: a server may allow that
    return dict(node.value) if isinstance(node.value, dict) else None


async def _translated(settings: ConnectionSettings, paths: str, read: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - untyped library
    try:
        return await read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Location(paths, mark.line + 1, mark.column + 1) if mark else Location(paths)
        raise InvalidInput(Problem(place, f"not YAML: {error.problem or 'unreadable'}")) from None
    except ConfigException as error:
        # What follows " in " can be a whole user entry, token included.
        said = str(error).split(" in ", maxsplit=1)[0]
        raise _broken_file(settings, paths, f"{said}: correct the file or choose another context") from None
    except OSError as error:
        raise _broken_file(settings, paths, f"cannot be read: {error.strerror}: {error.filename}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _broken_file(settings, paths, "not a kubeconfig: check clusters, users and contexts") from None


def _from_file(settings: ConnectionSettings, path: Path) -> Credentials:
    async def load(_forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        return _read_token(settings, path)

    return Credentials(_read_token(settings, path), load, refresh=_REFRESH_SECONDS)


def _read_token(settings: ConnectionSettings, path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise Denied(f"{settings.name}: token file {path} cannot be read: {reason}") from None
    if not token or len(token.split()) > 1:
        raise Denied(f"{settings.name}: token file {path} does not hold one token: write a fresh one there")
    return f"Bearer {token}"


def _header(configuration: Any) -> str:  # noqa: ANN401 - untyped library
    # A token file's last line end is kept by the library and would break the header.
    return str(configuration.api_key.get("BearerToken") or "").strip()


def _tls(settings: ConnectionSettings, configuration: Any) -> ssl.SSLContext | None:  # noqa: ANN401 - untyped library
    if not str(configuration.host).startswith("https"):
        return None
    try:
        context: ssl.SSLContext = RESTClientObject(configuration).ssl_context
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = ", ".join(str(name) for name in (configuration.ssl_ca_cert, configuration.cert_file) if name)
        raise Denied(f"{settings.name}: CA or client certificate cannot be used ({files}): {error}") from None
    return context


def _load_certificate(settings: ConnectionSettings, tls: ssl.SSLContext | None, configuration: Any) -> None:  # noqa: ANN401 - untyped library
    """New connections use the certificate that a plugin or a rotation has brought."""
    if tls is None or not configuration.cert_file:
        return
    try:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    except OSError as error:
        raise Denied(f"{settings.name}: client certificate cannot be used: {error}") from None


def _route(settings: ConnectionSettings, configuration: Any) -> Route:  # noqa: ANN401 - untyped library
    server = str(configuration.host).rstrip("/")
    if not is_server_url(server):
        raise invalid(settings.name, "its server must look like https://host:port, without user and password")
    parts = urlsplit(server)
    proxy = configuration.proxy
    if not proxy and not proxy_bypass(parts.netloc):
        proxy = getproxies().get(parts.scheme)
    return Route(server, proxy, configuration.tls_server_name)


def _broken_file(settings: ConnectionSettings, paths: str, message: str) -> InvalidInput:
    return InvalidInput(Problem(Location(paths), f"connection {settings.name}: {message}"))
