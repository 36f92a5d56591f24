"""A certificate made here is one that TLS accepts as its own authority, for the names it was made for."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simcluster.server.certificates import Certificate, self_signed


@pytest.fixture(scope="module")
def made() -> Certificate:
    return self_signed(datetime.now(UTC))


async def _greeting(made: Certificate, folder: Path, host: str, trusted: str) -> bytes:
    (folder / "tls.crt").write_text(made.certificate)
    (folder / "tls.key").write_text(made.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        client = ssl.create_default_context(cadata=trusted)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=host)
        try:
            return await reader.read()
        finally:
            writer.close()
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_a_client_that_trusts_it_connects(made: Certificate, tmp_path: Path, host: str) -> None:
    assert await _greeting(made, tmp_path, host, made.certificate) == b"hello"


async def test_another_name_is_refused(made: Certificate, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        await _greeting(made, tmp_path, "example.org", made.certificate)


async def test_another_authority_is_refused(made: Certificate, tmp_path: Path) -> None:
    """Each run has a key of its own: to trust one is not to trust another."""
    other = self_signed(datetime.now(UTC))
    assert other.key != made.key
    with pytest.raises(ssl.SSLCertVerificationError):
        await _greeting(made, tmp_path, "localhost", other.certificate)


async def test_it_ends_after_a_year(tmp_path: Path) -> None:
    old = self_signed(datetime.now(UTC) - timedelta(days=366))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await _greeting(old, tmp_path, "localhost", old.certificate)
