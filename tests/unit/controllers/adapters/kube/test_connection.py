"""Connections from kubeconfigs, token files and Pods; what is broken is said without showing secrets."""

from __future__ import annotations

import asyncio
import base64
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from controllers.adapters.kube import authentication
from controllers.adapters.kube.authentication import authenticate
from controllers.adapters.kube.connection import ConnectionSettings, connect
from gitops.errors import Denied, InvalidInput, TerminalError
from tests.unit.controllers.adapters.kube.scripted import NODES, TestClock

CANARY = "canary-s3cr3t"


def kubeconfig(folder: Path, *, user: Any = None, cluster: dict[str, Any] | None = None, **more: Any) -> str:
    """Write a kubeconfig with one context and give its path."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user if user is not None else {"token": CANARY}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config | more), encoding="utf-8")
    return str(path)


async def test_a_kubeconfigs_token_speaks_for_us_and_is_shown_nowhere(tmp_path: Path) -> None:
    settings = ConnectionSettings("east", kubeconfig=kubeconfig(tmp_path))
    access = await authenticate(settings)
    assert await access.credentials.header() == f"Bearer {CANARY}"
    assert access.route.server == "http://127.0.0.1:1"
    assert access.tls is None
    assert CANARY not in f"{settings!r}{access!r}"


async def test_certificates_and_keys_of_a_kubeconfig_are_left_in_no_file(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reads them from files; a killed process would leave those behind."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    authority, key = (
        base64.b64encode((certificate / name).read_bytes()).decode() for name in ("tls.crt", "tls.key")
    )
    path = kubeconfig(
        tmp_path,
        user={"client-certificate-data": authority, "client-key-data": key},
        cluster={"server": "https://127.0.0.1:1", "certificate-authority-data": authority},
    )
    several = [authenticate(ConnectionSettings(name, kubeconfig=path)) for name in ("east", "west")]
    accesses = await asyncio.gather(*several)
    for access in accesses:
        assert access.tls is not None
        assert access.tls.get_ca_certs()
        await access.credentials.renew("")
    assert not [*scratch.iterdir()]


async def test_a_named_context_is_chosen(tmp_path: Path) -> None:
    contexts = [
        {"name": "main", "context": {"cluster": "c", "user": "u"}},
        {"name": "other", "context": {"cluster": "d", "user": "u"}},
    ]
    clusters = [
        {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}},
        {"name": "d", "cluster": {"server": "http://127.0.0.1:2/proxied/"}},
    ]
    path = kubeconfig(tmp_path, contexts=contexts, clusters=clusters)
    access = await authenticate(ConnectionSettings("east", kubeconfig=path, context="other"))
    assert access.route.server == "http://127.0.0.1:2/proxied"


async def test_a_kubeconfigs_token_file_is_relative_to_it_and_read_again_when_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n", encoding="ascii")
    access = await authenticate(
        ConnectionSettings("east", kubeconfig=kubeconfig(tmp_path, user={"tokenFile": "token"}))
    )
    assert await access.credentials.header() == "Bearer one"
    (tmp_path / "token").write_text("two\n", encoding="ascii")
    assert await access.credentials.renew("Bearer one")
    assert await access.credentials.header() == "Bearer two"


async def test_an_exec_plugin_of_the_operators_kubeconfig_gives_the_token(tmp_path: Path) -> None:
    """Without an expiry the credential is good until it is refused; then the plugin runs again."""
    plugin = tmp_path / "plugin"
    credential = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    )
    count = f"echo run >> {tmp_path}/runs\nn=$(wc -l < {tmp_path}/runs)"
    plugin.write_text(f"#!/bin/sh\n{count}\nprintf '{credential}' token-$n\n", encoding="ascii")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    access = await authenticate(ConnectionSettings("east", kubeconfig=kubeconfig(tmp_path, user=user)))
    first = await access.credentials.header()
    assert await access.credentials.header() == first
    assert await access.credentials.renew(first)
    assert (first.split(), (await access.credentials.header()).split()) == (
        ["Bearer", "token-1"],
        ["Bearer", "token-2"],
    )


async def test_an_exec_plugin_that_fails_is_denied_not_anonymous(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}}
    with pytest.raises(Denied, match="exec plugin /bin/false gave no credential"):
        await authenticate(ConnectionSettings("east", kubeconfig=kubeconfig(tmp_path, user=user)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current-context": "nowhere"}, "name nowhere"),
        ({"clusters": []}, "name c"),
        ({"clusters": None, "users": None, "contexts": None}, "name main"),
        ({"users": [{"name": "u", "user": {"exec": {"command": "x", "env": CANARY}}}]}, "gave no credential"),
        ({"users": [{"name": "u", "user": {"token": CANARY, "as": "admin"}}]}, "as, as-groups"),
        ({"users": [{"name": "u", "user": {"tokenFile": "missing"}}]}, "missing"),
        ({"users": [{"name": "u", "user": [CANARY]}]}, "kubeconfig"),
        ({"users": [{"token": CANARY}]}, "kubeconfig"),
        (
            {"clusters": [{"name": "c", "cluster": {"server": f"https://a:{CANARY}@h"}}]},
            "server must look like",
        ),
        ({"clusters": [{"name": "c", "cluster": {"server": "ftp://h"}}]}, "server must look like"),
        (
            {
                "clusters": [
                    {"name": "c", "cluster": {"server": "https://h", "certificate-authority": "no.crt"}}
                ]
            },
            "no.crt",
        ),
        (
            {
                "clusters": [
                    {"name": "c", "cluster": {"server": "https://h", "certificate-authority-data": "!"}}
                ]
            },
            "east",
        ),
    ],
)
async def test_a_broken_kubeconfig_says_what_is_wrong_without_quoting_it(
    tmp_path: Path, change: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = kubeconfig(tmp_path, **change)
    with pytest.raises(TerminalError, match=message) as caught:
        await connect(ConnectionSettings("east", kubeconfig=path))
    assert CANARY not in f"{caught.value!r}{caught.value.__cause__!r}{caplog.text}"


async def test_yaml_errors_have_a_place_and_no_snippet(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(f"users:\n- token: {CANARY}: {{\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"kubeconfig:2:\d+: not YAML") as caught:
        await connect(ConnectionSettings("east", kubeconfig=str(path)))
    assert CANARY not in repr(caught.value)


async def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such kubeconfig"):
        await connect(ConnectionSettings("east", kubeconfig=str(tmp_path / "none")))


@pytest.mark.parametrize(
    "settings",
    [
        {"kubeconfig": "a", "in_cluster": True},
        {"kubeconfig": "a", "server": "https://h"},
        {"server": "https://h", "context": "c"},
        {"kubeconfig": "a", "token_file": "t"},
        {"server": f"https://a:{CANARY}@h"},
        {"server": "h:6443"},
        {"server": "https://h:port"},
    ],
)
def test_mixed_or_wrong_settings_are_invalid(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        ConnectionSettings("east", **settings)
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"two words", b"\xff"])
async def test_a_token_file_without_a_token_is_denied(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Denied, match="token file"):
        await connect(ConnectionSettings("east", server="http://127.0.0.1:1", token_file=str(path)))


async def test_in_a_pod_the_service_account_speaks_for_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ConnectionSettings("here", in_cluster=True)
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("pod-token\n", encoding="ascii")
    monkeypatch.setattr(authentication, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(authentication, "SERVICE_CERT_FILENAME", str(authority))
    with pytest.raises(InvalidInput, match="not inside a Pod"):
        await authenticate(settings)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    authority.write_text("not a certificate", encoding="ascii")
    with pytest.raises(Denied, match="CA or client certificate cannot be used"):
        await authenticate(settings)
    monkeypatch.setattr(authentication, "_tls", lambda *_: None)
    access = await authenticate(settings)
    assert access.route.server == "https://[fd00::1]:443"
    assert await access.credentials.header() == "Bearer pod-token"


async def test_proxies_come_from_the_kubeconfig_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://environment:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    cluster = {"server": "http://far.example"}
    routes = [
        (await authenticate(ConnectionSettings("e", kubeconfig=kubeconfig(tmp_path, cluster=one)))).route
        for one in (cluster, cluster | {"proxy-url": "http://configured:2"}, {"server": "http://127.0.0.1:1"})
    ]
    assert [route.proxy for route in routes] == ["http://environment:1", "http://configured:2", None]


async def test_a_server_that_our_ca_does_not_know_is_denied_at_once(
    certificate: Path,
) -> None:
    """Waiting does not help against a wrong certificate: no retry, and the text says where to look."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    app = web.Application()
    app.router.add_get("/{path:.*}", _empty_object)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=tls)
    url = f"https://127.0.0.1:{server.port}"
    clock = TestClock()
    trusting = await connect(
        ConnectionSettings("east", server=url, ca_file=str(certificate / "tls.crt")),
        patience=clock.patience(),
    )
    strange = await connect(ConnectionSettings("east", server=url), patience=clock.patience())
    plain = await connect(
        ConnectionSettings("east", server=f"http://127.0.0.1:{server.port}"),
        patience=clock.patience(total=0.0),
    )
    try:
        assert await trusting.get(NODES, "n") == {}
        with pytest.raises(Denied, match="check the connection's CA file"):
            await strange.get(NODES, "n")
        with pytest.raises(Denied, match="TLS"):
            await strange.watch(NODES, resource_version="1").open()
        assert clock.waits == []
        with pytest.raises(Exception, match="east"):
            await plain.get(NODES, "n")
    finally:
        for client in (trusting, strange, plain):
            await client.close()
        await server.close()


async def _empty_object(_: web.Request) -> web.Response:
    return web.json_response({})
