"""Accept headers choose what a real server (1.37) chose for them."""

from __future__ import annotations

import pytest

from simcluster.errors import ApiError
from simcluster.server.negotiation import (
    Representation,
    body_media_type,
    check_offered,
    error_media_type,
    negotiate,
    negotiate_stream,
)

KUBECTL_GET = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
INFORMER = (
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
)
NOTHING = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"
ONLY = "only the following media types are accepted: application/json, application/yaml"
CLIENT_GO = "application/vnd.kubernetes.protobuf,application/json"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Representation()),
        ("*/*", Representation()),
        ("application/json", Representation()),
        ("application/yaml", Representation("application/yaml")),
        (CLIENT_GO, Representation()),
        (KUBECTL_GET, Representation(shape="Table")),
        (
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
            Representation(shape="Table", version="v1beta1"),
        ),
        ("application/yaml;as=Table;v=v1;g=meta.k8s.io", Representation("application/yaml", "Table")),
        ("application/json;as=Foo;v=v1;g=meta.k8s.io,application/json", Representation()),
        ("application/json;q=0.5, application/yaml", Representation("application/yaml")),
        ("application/json;pretty=1", Representation(pretty=True)),
        ("Application/JSON; charset=utf-8", Representation()),
        (
            INFORMER,
            Representation(shape="PartialObjectMetadata"),
        ),
    ],
)
def test_an_answer_is_written_as_asked(header: str, expected: Representation) -> None:
    assert negotiate(header) == expected


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("text/html", ONLY),
        ("application/vnd.kubernetes.protobuf", ONLY),
        ("application/json;as=Foo;v=v1;g=meta.k8s.io", ONLY),
        ("application/json;as=Table;v=v2;g=meta.k8s.io", ONLY),
        ("application/json;as=Table;v=v1;g=meta.example", ONLY),
    ],
)
def test_what_is_not_offered_is_refused(header: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        negotiate(header)
    assert caught.value.code == 406
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    "header", ["", "*/*", "application/json", "application/json;stream=watch", CLIENT_GO]
)
def test_a_watch_is_json(header: str) -> None:
    assert negotiate_stream(header) == Representation()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("application/yaml", "only the following media types are accepted: application/json;stream=watch"),
        ("text/html", f"{ONLY}, application/vnd.kubernetes.protobuf"),
    ],
)
def test_a_watch_is_nothing_else(header: str, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        negotiate_stream(header)


@pytest.mark.parametrize("header", ["text/html", "application/*"])
def test_in_front_of_builtin_kinds_is_a_framework_that_refuses_more(header: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_offered(header)
    protobuf = "application/vnd.kubernetes.protobuf"
    assert (caught.value.code, str(caught.value)) == (406, f"{NOTHING}, {protobuf}")
    with pytest.raises(ApiError, match=f"application/json;stream=watch, {protobuf};stream=watch"):
        check_offered(header, watch=True)
    check_offered("")
    check_offered("text/html,*/*")


def test_who_wants_protobuf_is_not_told_to_ask_for_it() -> None:
    with pytest.raises(ApiError) as caught:
        check_offered("application/vnd.kubernetes.protobuf")
    assert str(caught.value) == NOTHING


def test_an_error_is_yaml_where_yaml_is_wanted() -> None:
    assert error_media_type("application/yaml") == "application/yaml"
    assert error_media_type("text/html") == "application/json"
    assert error_media_type("") == "application/json"


def test_a_body_without_a_type_is_json() -> None:
    assert body_media_type("") == "application/json"
    assert body_media_type("application/yaml; charset=utf-8") == "application/yaml"


@pytest.mark.parametrize("header", ["text/plain", "application/jso"])
def test_a_body_of_an_unknown_type_is_refused(header: str) -> None:
    with pytest.raises(
        ApiError, match="unknown format - accepted media types include: application/json"
    ) as caught:
        body_media_type(header)
    assert caught.value.code == 415
