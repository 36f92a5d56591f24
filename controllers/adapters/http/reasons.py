"""Why a request got no answer, in words of ours: the library's own repeat addresses and headers."""

from __future__ import annotations

import ssl

import aiohttp

from controllers.adapters.http.addresses import AddressRefused

_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "the host's name was not found"),
    ((aiohttp.InvalidURL,), "refused: not a web address, once its variables are filled in"),
    ((aiohttp.ClientResponseError,), "the answer was not HTTP"),
    ((aiohttp.ClientPayloadError,), "the answer broke off"),
    ((aiohttp.ServerDisconnectedError, ConnectionError), "the connection was closed before an answer"),
    ((TimeoutError,), "no answer in time"),
)


def cause(error: Exception) -> Exception:
    """Give what the library wrapped."""
    return getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error


def reason(error: Exception) -> str:
    """Name what happened."""
    inner = cause(error)
    match inner:
        case AddressRefused():
            return f"refused: {inner}"
        case ssl.SSLCertVerificationError():
            return f"TLS: {inner.verify_message}"
        case ssl.SSLError() | aiohttp.ClientSSLError():
            return "TLS: no secure connection could be made"
        case ConnectionRefusedError():
            return "connection refused"
    return next((text for kinds, text in _REASONS if isinstance(error, kinds)), "no connection could be made")
