"""Requests are read as apiserver reads them; expectations were measured or are RequestInfo's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.server.paths import BadTarget, RequestInfo, Target, check_name, request_info, truth


def info(method: str, raw: str) -> RequestInfo:
    return request_info(method, Target.parse(raw))


@pytest.mark.parametrize(
    ("method", "raw", "expected"),
    [
        ("GET", "/version", ("get", "", "", "", "", "", "")),
        ("GET", "/api", ("get", "", "", "", "", "", "")),
        ("GET", "/api/v1", ("get", "", "", "", "", "", "")),
        ("GET", "/apis/apps/v1", ("get", "", "", "", "", "", "")),
        ("POST", "/foo/bar/baz/qux", ("post", "", "", "", "", "", "")),
        ("GET", "/api/v1/namespaces", ("list", "", "v1", "namespaces", "", "", "")),
        ("GET", "/api/v1/namespaces/a", ("get", "", "v1", "namespaces", "", "a", "a")),
        ("PUT", "/api/v1/namespaces/a/status", ("update", "", "v1", "namespaces", "status", "a", "a")),
        ("PUT", "/api/v1/namespaces/a/finalize", ("update", "", "v1", "namespaces", "finalize", "a", "a")),
        ("GET", "/api/v1/namespaces/a/pods", ("list", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods/", ("list", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods?watch=1", ("watch", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods?watch=0", ("list", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods/p?watch=1", ("get", "", "v1", "pods", "", "a", "p")),
        ("GET", "/api/v1/watch/namespaces/a/pods", ("watch", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/watch/namespaces/a/pods/p", ("watch", "", "v1", "pods", "", "a", "p")),
        ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", ("list", "", "v1", "pods", "", "", "x")),
        ("DELETE", "/api/v1/namespaces/a/pods", ("deletecollection", "", "v1", "pods", "", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods/p/log", ("get", "", "v1", "pods", "log", "a", "p")),
        ("GET", "/api/v1/namespaces/a//pods", ("get", "", "v1", "", "", "a", "pods")),
        ("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale",
         ("patch", "apps", "v1", "deployments", "scale", "a", "d")),
        ("GET", "/api/v1/namespaces/a/configmaps/..%2fc", ("get", "", "v1", "configmaps", "c", "a", "..")),
        ("FOO", "/api/v1/namespaces/a/pods", ("", "", "v1", "pods", "", "a", "")),
    ],
)  # fmt: skip
def test_a_request_is_about(method: str, raw: str, expected: tuple[str, ...]) -> None:
    found = info(method, raw)
    assert (
        found.verb,
        found.group,
        found.version,
        found.resource,
        found.subresource,
        found.namespace,
        found.name,
    ) == expected


def test_what_follows_a_subresource_is_kept() -> None:
    assert info("GET", "/api/v1/namespaces/a/pods/p/proxy/x/y").rest == ("x", "y")


def test_of_repeated_keys_the_first_counts() -> None:
    assert Target.parse("/api?limit=1&limit=2&empty=").query == {"limit": "1", "empty": ""}


def test_an_absolute_target_is_read_by_its_path() -> None:
    assert Target.parse("http://host:1/api?x=1") == Target("/api", {"x": "1"})


@pytest.mark.parametrize("raw", ["/api/%zz", "/api/%", "/api/%2"])
def test_a_broken_escape_is_no_target(raw: str) -> None:
    with pytest.raises(BadTarget):
        Target.parse(raw)


@pytest.mark.parametrize(
    ("value", "meaning"), [(None, False), ("", True), ("maybe", True), ("False", False), ("0", False)]
)
def test_booleans_of_a_query(value: str | None, meaning: bool) -> None:  # noqa: FBT001 - a case's expectation
    assert truth(value) is meaning


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "may not be '.'"),
        ("..", "may not be '..'"),
        ("a/b", "may not contain '/'"),
        ("%", "may not contain '%'"),
    ],
)
def test_names_that_are_path_tricks_are_refused(name: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_name(name)
    assert str(caught.value) == f'Name parameter invalid: "{name}": {words}'
    assert caught.value.code == 400


@given(st.text(st.characters(codec="ascii")))
def test_no_target_breaks_the_reading(raw: str) -> None:
    try:
        target = Target.parse(raw)
    except (BadTarget, ValueError):
        return
    request_info("GET", target)
