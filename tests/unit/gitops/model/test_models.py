"""What the kinds accept, and how durations and shares are read and written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gitops.model.catalog import configuration_paths
from gitops.model.controller import Controller
from gitops.model.gates import HttpGate
from gitops.model.reading import nearest
from gitops.model.schema import Share, format_duration, format_share, parse_duration, parse_share


@given(st.integers(0, 366 * 24 * 3600 * 1000).map(lambda count: timedelta(milliseconds=count)))
def test_a_duration_reads_as_it_is_written(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    "value", ["", "5", 5, "5 m", "m", "-5s", "1.5h", "1s1h", "5M", None, True, "9" * 20 + "h"]
)
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match=r"not a duration|longer"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "whole", "share"), [(2, 10, 2), ("25%", 10, 3), ("0%", 10, 0), ("100%", 7, 7)]
)
def test_a_share_of_a_whole_is_rounded_up(value: object, whole: int, share: int) -> None:
    assert parse_share(value).of(whole) == share
    assert format_share(parse_share(value)) == value


@pytest.mark.parametrize("value", [-1, True, 1.5, "20", "101%", "-1%", "x%", None, {"count": 1}])
def test_what_is_no_share(value: object) -> None:
    with pytest.raises(ValueError, match="neither a number"):
        parse_share(value)


def test_a_share_can_be_passed_on() -> None:
    assert parse_share(Share(count=2)) == Share(count=2)


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://${namespace}.shop.example:8443/health?x=${labels.ring}", True),
        ("http://shop/", True),
        ("ftp://shop/", False),
        ("shop/health", False),
        ("http://user:password@shop/", False),
        ("http://[broken/", False),
    ],
)
def test_gate_addresses(url: str, accepted: bool) -> None:  # noqa: FBT001 - a table's column
    if accepted:
        assert HttpGate(type="http", url=url).url == url
    else:
        with pytest.raises(ValidationError):
            HttpGate(type="http", url=url)


def controller(**fields: object) -> Controller:
    return Controller.model_validate(
        {
            "apiVersion": "gitops-waves.io/v1alpha1",
            "kind": "Controller",
            "repositories": [{"name": "shop", "url": "/srv/shop.git"}],
            **fields,
        }
    )


def test_a_connection_goes_one_way() -> None:
    assert controller(connections=[{"name": "eu", "inCluster": True}]).connections[0].in_cluster
    with pytest.raises(ValidationError, match="exactly one"):
        controller(connections=[{"name": "eu", "inCluster": True, "server": "https://x"}])
    with pytest.raises(ValidationError, match="exactly one"):
        controller(connections=[{"name": "eu"}])


def test_repositories_and_connections_are_told_apart() -> None:
    with pytest.raises(ValidationError, match="two connections are named eu"):
        controller(connections=[{"name": "eu", "inCluster": True}, {"name": "eu", "server": "https://x"}])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"host": "https://registry.example"}, "pattern"),
        ({"host": "registry.example/team"}, "pattern"),
        ({"host": "Registry.example"}, "pattern"),
        ({"host": "registry.example:65536"}, "no such port"),
        ({"host": "a.example", "username": "me"}, "needs username and passwordFile"),
        ({"host": "a.example", "passwordFile": "/x"}, "needs username and passwordFile"),
        (
            {"host": "a.example", "username": "me", "passwordFile": "/x", "dockerConfigFile": "/y"},
            "not both",
        ),
        ({"host": "a.example:80", "plainHttp": True, "dockerConfigFile": "/y"}, "not sent without TLS"),
    ],
)
def test_a_registry_is_reached_in_one_way(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        controller(registries=[fields])


def test_registries_are_told_apart_by_their_hosts() -> None:
    login = {"username": "me", "passwordFile": "/x"}
    found = controller(
        registries=[{"host": "a.example"}, {"host": "localhost:5000", "plainHttp": True, **login}]
    )
    assert [one.host for one in found.registries] == ["a.example", "localhost:5000"]
    with pytest.raises(ValidationError, match=r"two registries are named a\.example"):
        controller(registries=[{"host": "a.example"}, {"host": "a.example", **login}])


def test_only_configuration_is_asked_for() -> None:
    paths = [
        "gitops.yaml",
        "other.yaml",
        "clusters/a.yaml",
        "clusters/b.json",
        "clusters/.hidden.yaml",
        "clusters/deep/c.yaml",
        "environments/shop/environment.yaml",
        "environments/shop/application.yaml",
        "environments/shop/web/application.yaml",
        "environments/shop/web/deep/application.yaml",
        "environments/shop/web/deployment.yaml",
        "elsewhere/shop/environment.yaml",
    ]
    assert configuration_paths(paths) == (
        "clusters/a.yaml",
        "clusters/b.json",
        "environments/shop/application.yaml",
        "environments/shop/environment.yaml",
        "environments/shop/web/application.yaml",
        "gitops.yaml",
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("soack", ': did you mean "soak"?'),
        ("max_failures", ': did you mean "maxFailures"?'),
        ("zzz", "; known: maxFailures, soak"),
    ],
)
def test_nearest_name(name: str, hint: str) -> None:
    assert nearest(name, ["soak", "maxFailures"]) == hint


def test_nothing_is_near_nothing() -> None:
    assert nearest("x", []) == "; there are none"
