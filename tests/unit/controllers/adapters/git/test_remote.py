"""Addresses and where credentials lie: what is taken, what is refused, what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.adapters.git import Remote
from controllers.adapters.git.failures import plain
from controllers.adapters.git.remote import Scheme
from gitops.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("/srv/repo.git", Scheme.LOCAL),
        ("relative/repo", Scheme.LOCAL),
        ("./with:colon", Scheme.LOCAL),
        ("file:///srv/a%20b", Scheme.LOCAL),
        ("https://example.com/x.git", Scheme.HTTP),
        ("http://127.0.0.1:8080/x", Scheme.HTTP),
        ("http://[::1]:8080/x", Scheme.HTTP),
        ("ssh://git@example.com:2222/x", Scheme.SSH),
        ("git@example.com:team/x.git", Scheme.SSH),
        ("example.com:x.git", Scheme.SSH),
    ],
)
def test_addresses_that_are_taken(url: str, scheme: Scheme) -> None:
    assert Remote(url).scheme is scheme


def test_parts_of_an_address() -> None:
    assert Remote("git@example.com:x").user == "git"
    assert Remote("ssh://me@example.com/x").user == "me"
    assert Remote("https://example.com/x").user is None
    assert Remote("file:///srv/a%20b").local_path == Path("/srv/a b")
    assert Remote("repo").local_path == Path.cwd() / "repo"
    assert Remote("ssh://me@example.com/x").local_path is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "a repository address is"),
        ("https://exam\nple.com", "a repository address is"),
        ("ext://sh", "ext:// is not supported"),
        ("git://example.com/x", "git:// is not supported"),
        ("file://elsewhere/x", "cannot name another host"),
        ("http://example.com/x", "in the clear"),
        ("http://localhost.example.com/x", "in the clear"),
        ("https:///x", "names no host"),
        ("https://example.com:port/x", "not a well-formed"),
    ],
)
def test_addresses_that_are_refused(url: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        Remote(url)


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_credentials_in_an_address_are_refused_and_not_repeated(scheme: str) -> None:
    with pytest.raises(InvalidInput, match="credentials do not belong in the address") as caught:
        Remote(f"{scheme}://robot:canary-7319@example.com/x")
    assert "canary" not in str(caught.value) + repr(caught.value.problems)


def test_a_token_as_user_name_is_refused_too() -> None:
    with pytest.raises(InvalidInput, match="credentials do not belong"):
        Remote("https://ghp_canary@example.com/x")


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        Remote("http://me:pw@example.com/x", depth=0)
    assert len(caught.value.problems) == 3


def test_foreign_text_becomes_one_clean_line() -> None:
    text = plain("\x1b[31mfatal:\r\nhttps://user:pw@host/x\x00" + "y" * 1000)
    assert text.startswith("[31mfatal: https://host/x y")
    assert len(text) == 500
