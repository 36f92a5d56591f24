"""Pulling from registries that lie, ask for tokens, send elsewhere, or fall silent."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci import Puller, Registry
from controllers.adapters.oci.challenge import Challenge, challenge
from gitops.errors import Denied, GitopsError, Location, TransientError, Unreachable
from gitops.model.chart_references import ChartReference
from tests.cluster.registries import (
    Answer,
    FakeRegistry,
    Lie,
    Seen,
    basic,
    certified,
    packed,
    push,
    running,
)

AT = Location("environments/shop/web/application.yaml", 5)
CHART = packed("web", {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"})
USER, CANARY = "robot", "canary-7f3a"
TOKEN = "token-canary-9b1c"


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    """Where a registry may send us."""
    registry = FakeRegistry()
    yield registry
    registry.stop()


class Client:
    """Pulls the chart from a fake that has it, and that lies from then on."""

    def __init__(self, fake: FakeRegistry, folder: Path) -> None:
        self._fake = fake
        self.digest = push(fake, "web", CHART)
        self.registry = Registry(fake.host, USER, folder / "password", plain_http=True)
        (folder / "password").write_text(CANARY)
        fake.seen.clear()

    def pull(self, lie: Lie, patience: Patience | None = None) -> bytes:
        """Pull; ask but once unless `patience` says otherwise."""
        self._fake.lie = lie
        reference = ChartReference(self._fake.host, "web", self.digest)
        puller = Puller(patience or Patience(attempt=20.0, total=0.0))
        return puller.pull(self.registry, reference, AT).archive

    def refusal(self, lie: Lie, patience: Patience | None = None) -> str:
        """Pull in vain; give the error, which may pass and quotes no secret."""
        with pytest.raises(GitopsError) as raised:
            self.pull(lie, patience)
        assert isinstance(raised.value, TransientError | Denied)
        assert "canary" not in repr(raised.value)
        return str(raised.value)


@pytest.fixture
def client(fake: FakeRegistry, tmp_path: Path) -> Client:
    return Client(fake, tmp_path)


def on(part: str, answer: Callable[[Seen], Answer]) -> Lie:
    """Lie about what has `part` in its path."""
    return lambda seen: answer(seen) if part in seen.target else None


def saying(part: str, body: bytes | Iterator[bytes], **headers: str) -> Lie:
    return on(part, lambda _: Answer(200, body, {k.replace("_", "-"): v for k, v in headers.items()}))


def test_other_bytes_than_the_digest_names_are_refused(client: Client, fake: FakeRegistry) -> None:
    assert "other bytes" in client.refusal(saying("/manifests/", b"{}"))
    assert "another archive" in client.refusal(saying("/blobs/", CHART[:-1] + b"x"))
    assert "another archive" in client.refusal(saying("/blobs/", CHART[:-1]))
    manifest = fake.kept[f"/v2/web/manifests/{client.digest}"]
    assert "other bytes" in client.refusal(saying("/manifests/", manifest + b" "))


def test_a_body_without_an_end_is_left_after_what_there_can_be(client: Client) -> None:
    sent = itertools.count()
    endless = (bytes(1 << 16) for _ in iter(lambda: next(sent), -1))
    assert "more than 262144 bytes" in client.refusal(saying("/manifests/", endless))
    endless = (bytes(1 << 16) for _ in itertools.repeat(None))
    assert f"more than {len(CHART)} bytes" in client.refusal(saying("/blobs/", endless))
    assert next(sent) < 1000  # the connection was closed, not read to what the kernel takes


def test_packed_answers_are_not_unpacked(client: Client) -> None:
    assert "other bytes" in client.refusal(saying("/manifests/", CHART, Content_Encoding="gzip"))


def test_a_body_that_drips_is_left_in_time(client: Client) -> None:
    stopped = threading.Event()

    def drops() -> Iterator[bytes]:
        while not stopped.wait(0.05):
            yield b"x"

    start = time.monotonic()
    patience = Patience(attempt=0.5, total=0.0)
    assert "no answer in time" in client.refusal(saying("/manifests/", drops()), patience)
    stopped.set()
    assert time.monotonic() - start < 15


def test_a_body_that_breaks_off_is_tried_again(client: Client) -> None:
    tries = itertools.count()

    def once(_: Seen) -> Answer | None:
        return Answer(200, b"{", {"Content-Length": "100"}) if next(tries) == 0 else None

    assert client.pull(once, Patience(attempt=20.0, total=30.0, first_wait=0.01)) == CHART


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_registry_that_is_overloaded_is_asked_again(client: Client, status: int) -> None:
    tries = itertools.count()

    def twice(_: Seen) -> Answer | None:
        return Answer(status) if next(tries) < 2 else None

    assert client.pull(twice, Patience(attempt=20.0, total=30.0, first_wait=0.01)) == CHART
    assert f"answers HTTP {status}" in client.refusal(lambda _: Answer(status))


def test_its_wish_to_be_left_alone_is_passed_on(client: Client) -> None:
    with pytest.raises(Unreachable) as raised:
        client.pull(lambda _: Answer(429, headers={"Retry-After": "7"}))
    assert raised.value.retry_after == 7.0


def test_a_redirect_gets_no_credentials(client: Client, fake: FakeRegistry, other: FakeRegistry) -> None:
    other.lie = lambda _: Answer(200, CHART)
    fake.login = True
    fake.lie = lambda _: None

    def elsewhere(seen: Seen) -> Answer | None:
        if "authorization" not in seen.headers:
            return Answer(401, headers={"WWW-Authenticate": "Basic"})
        if "/blobs/" in seen.target:
            return Answer(307, headers={"Location": f"http://{other.host}/bucket/x?sig=1%2F2"})
        return Answer(200, fake.kept[seen.target])

    assert client.pull(elsewhere) == CHART
    assert [(seen.target, seen.headers.get("authorization")) for seen in other.seen] == [
        ("/bucket/x?sig=1%2F2", None)
    ]
    assert fake.seen[-1].headers["authorization"] == basic(USER, CANARY)


def test_a_redirects_own_challenge_gets_no_credentials(
    client: Client, fake: FakeRegistry, other: FakeRegistry
) -> None:
    other.lie = lambda _: Answer(401, headers={"WWW-Authenticate": "Basic"})
    said = client.refusal(lambda _: Answer(307, headers={"Location": f"http://{other.host}/x"}))
    assert "HTTP 401" in said
    assert [seen.headers.get("authorization") for seen in (*other.seen, *fake.seen)] == [None, None]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "http://user:canary@127.0.0.1/x",
        "http://metadata.google.internal/",
        "ftp://127.0.0.1/x",
        "http://[",
        "http://a..b/",
        f"http://{'a' * 64}.example/",
        "//",
    ],
)
def test_a_redirect_to_what_is_no_place_is_refused(client: Client, location: str) -> None:
    assert client.refusal(lambda _: Answer(302, headers={"Location": location}))


def test_nothing_leads_from_tls_to_a_place_without(other: FakeRegistry, tmp_path: Path) -> None:
    certificate = certified(tmp_path)
    with running(FakeRegistry(certificate)) as secure:
        client = Client(secure, tmp_path)
        login = client.registry
        client.registry = replace(login, plain_http=False, ca_file=certificate / "tls.crt")
        assert client.pull(lambda _: None) == CHART
        away = {"Location": f"http://{other.host}/x"}
        assert "redirects" in client.refusal(lambda _: Answer(307, headers=away))
        realm = {"WWW-Authenticate": f'Bearer realm="http://{other.host}/token"'}
        assert "no place for tokens" in client.refusal(lambda _: Answer(401, headers=realm))
    assert other.seen == []


def test_a_redirect_to_link_local_addresses_connects_nowhere(client: Client) -> None:
    said = client.refusal(lambda _: Answer(302, headers={"Location": "http://169.254.169.254/latest"}))
    assert "refused: link-local" in said


def test_redirects_in_a_circle_end(client: Client, fake: FakeRegistry) -> None:
    said = client.refusal(lambda seen: Answer(302, headers={"Location": seen.target}))
    assert "redirects" in said
    assert len(fake.seen) < 10


def tokens(fake: FakeRegistry, realm: str = "", answer: bytes | None = None) -> Lie:
    """Ask for bearer tokens, as most registries do."""
    given = json.dumps({"token": TOKEN}).encode() if answer is None else answer

    def lie(seen: Seen) -> Answer | None:
        if seen.target.startswith("/token"):
            known = seen.headers.get("authorization") == basic(USER, CANARY)
            return Answer(200, given) if known else Answer(401)
        if seen.headers.get("authorization") == f"Bearer {TOKEN}":
            return Answer(200, fake.kept[seen.target])
        place = realm or f"http://{fake.host}/token"
        asked = f'Bearer realm="{place}",service="reg",scope="repository:other:push"'
        return Answer(401, headers={"WWW-Authenticate": asked})

    return lie


def test_a_token_is_had_for_pulling_this_chart(client: Client, fake: FakeRegistry) -> None:
    assert client.pull(tokens(fake)) == CHART
    assert [seen.target for seen in fake.seen if seen.target.startswith("/token")] == [
        "/token?service=reg&scope=repository:web:pull"
    ]


def test_a_token_for_everybody_needs_no_login(client: Client, fake: FakeRegistry) -> None:
    client.registry = Registry(fake.host, plain_http=True)

    def open_to_all(seen: Seen) -> Answer | None:
        if seen.target.startswith("/token"):
            assert "authorization" not in seen.headers
            return Answer(200, json.dumps({"access_token": TOKEN}).encode())
        return tokens(fake)(seen)

    assert client.pull(open_to_all) == CHART


def test_nobody_is_told_a_password_where_it_could_be_read(
    client: Client, fake: FakeRegistry, other: FakeRegistry
) -> None:
    assert "no place for tokens" in client.refusal(tokens(fake, f"http://{other.host}/token"))
    assert "no place for tokens" in client.refusal(tokens(fake, "file:///etc/passwd"))
    assert "no place for tokens" in client.refusal(tokens(fake, "canary"))
    assert other.seen == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\r\\nHost: x"}', b'{"token": ""}', b"x" * 99999],
)
def test_what_is_no_token_is_sent_nowhere(client: Client, fake: FakeRegistry, answer: bytes) -> None:
    client.refusal(tokens(fake, answer=answer))
    assert all("Bearer" not in seen.headers.get("authorization", "") for seen in fake.seen)


def test_a_token_that_is_refused_is_no_reason_to_ask_for_ever(client: Client, fake: FakeRegistry) -> None:
    fake.kept.clear()

    def never(seen: Seen) -> Answer | None:
        return Answer(401) if "Bearer" in seen.headers.get("authorization", "") else tokens(fake)(seen)

    assert "HTTP 401" in client.refusal(never)
    assert len(fake.seen) == 3


def test_logins_of_docker_are_read(client: Client, fake: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    client.registry = Registry(fake.host, docker_config_file=file, plain_http=True)
    file.write_text(json.dumps({"auths": {fake.host: {"auth": basic(USER, CANARY).split()[1]}}}))
    assert client.pull(tokens(fake)) == CHART
    file.write_text(json.dumps({"auths": {fake.host: {"username": USER, "password": CANARY}}}))
    assert client.pull(tokens(fake)) == CHART


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"auths": {"HOST": {}}}',
        '{"auths": {"HOST": {"auth": "canary"}}}',
        '{"auths": {"HOST": {"auth": "Y2FuYXJ5"}}, "credHelpers": {"HOST": "canary"}}',
    ],
)
def test_logins_that_say_nothing_are_told_apart(
    client: Client, fake: FakeRegistry, tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.json").write_text(text.replace("HOST", fake.host))
    client.registry = Registry(fake.host, docker_config_file=tmp_path / "config.json", plain_http=True)
    assert "has no login for it" in client.refusal(tokens(fake))


def test_a_login_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(CANARY)
    registry = Registry("registry.example", USER, tmp_path / "password")
    assert CANARY not in f"{registry!r} {registry.login()!r} {registry.login()}"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ca_file": Path("/nonexistent.crt")}, "/nonexistent.crt holds no certificates"),
        ({"username": USER, "password_file": Path("/nonexistent")}, "cannot read the registry's password in"),
        ({"docker_config_file": Path("/nonexistent")}, "cannot read the registry's logins in"),
    ],
)
def test_a_file_of_the_operators_that_is_missing_is_named(
    client: Client, fake: FakeRegistry, settings: dict[str, Any], said: str
) -> None:
    client.registry = Registry(fake.host, plain_http=True, **settings)
    fake.login = True
    assert said in client.refusal(lambda _: None)


def test_what_does_not_speak_tls_is_told_from_what_does_not_answer(
    client: Client, fake: FakeRegistry
) -> None:
    client.registry = Registry(fake.host)
    assert "TLS" in client.refusal(lambda _: None)


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        (["Basic"], Challenge(bearer=False)),
        (['Basic realm="x"'], Challenge(bearer=False)),
        (
            ['bearer realm="https://a/b?c=d,e",service="s"'],
            Challenge(bearer=True, realm="https://a/b?c=d,e", service="s"),
        ),
        (["Bearer realm=https://a/b , service=s"], Challenge(bearer=True, realm="https://a/b", service="s")),
        (['Basic realm="x"', 'Bearer realm="https://a"'], Challenge(bearer=True, realm="https://a")),
        (['Basic realm="x", Bearer realm="https://a"'], Challenge(bearer=True, realm="https://a")),
        (['Bearer realm="https://a", Basic realm="x"'], Challenge(bearer=True, realm="https://a")),
        (["Negotiate"], None),
        (["Bearer " + "a=" * 9999], None),
        ([], None),
    ],
)
def test_challenges_are_read(headers: list[str], asked: Challenge | None) -> None:
    assert challenge(headers) == asked
