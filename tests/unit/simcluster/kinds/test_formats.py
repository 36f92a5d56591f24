"""Formats are as strict as the server is with each; expectations are a real API server's answers."""

from __future__ import annotations

import pytest

from simcluster.kinds.formats import fits

MEASURED = [
    ("date", "2020-02-03", True),
    ("date", "2020-02-30", False),
    ("date-time", "2020-01-01T00:00:00Z", True),
    ("date-time", "2020-01-01t00:00:00z", True),
    ("date-time", "2020-01-01T00:00:00.123+01:00", True),
    ("date-time", "2020-01-01 00:00:00Z", False),
    ("date-time", "2020-13-01T00:00:00Z", False),
    ("date-time", "", False),
    ("duration", "1h30m", True),
    ("duration", "1 hour", True),
    ("duration", "2w", True),
    ("duration", "1.5s", True),
    ("duration", "5", False),
    ("duration", "", False),
    ("email", "a@b.c", True),
    ("email", "A <a@b.c>", True),
    ("email", "a@", False),
    ("hostname", "a.b-c", False),
    ("hostname", "a..b", False),
    ("hostname", "A.B", False),
    ("uuid", "00000000-0000-0000-0000-000000000000", True),
    ("uuid", "00000000000000000000000000000000", True),
    ("uuid4", "00000000-0000-0000-0000-000000000000", False),
    ("uri", "http://a/b", True),
    ("uri", "/x", True),
    ("uri", "foo", False),
    ("uri", "a b", False),
    ("cidr", "10.0.0.1/8", True),
    ("cidr", "::/0", True),
    ("cidr", "x", False),
    ("mac", "00:00:5e:00:53:01", True),
    ("mac", "x", False),
    ("byte", "aGk=", True),
    ("byte", "a", False),
    ("byte", "", False),
    ("hexcolor", "#fff", True),
    ("hexcolor", "x", False),
    ("rgbcolor", "rgb(1,2,3)", True),
    ("ipv4", "1.2.3.4", True),
    ("ipv4", "01.2.3.4", True),
    ("ipv4", "1.2.3", False),
    ("ipv4", "::1", False),
    ("ipv6", "::1", True),
    ("ipv6", "::ffff:1.2.3.4", True),
    ("ipv6", "1.2.3.4", False),
    ("isbn", "x", False),
    ("creditcard", "x", False),
    ("ssn", "x", False),
    ("bsonobjectid", "x", False),
    ("k8s-short-name", "a", True),
    ("k8s-short-name", "A_", False),
    ("k8s-long-name", "a.b", True),
    ("k8s-long-name", "A_", False),
    ("password", "x", True),
    ("foo", "x", True),
]


@pytest.mark.parametrize(("format_", "text", "expected"), MEASURED)
def test_a_format_accepts_what_the_server_accepts(format_: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a column
    assert fits(text, format_) is expected


def test_check_digits_are_looked_at() -> None:
    assert fits("978-3-16-148410-0", "isbn")
    assert not fits("978-3-16-148410-1", "isbn")
    assert fits("0-306-40615-2", "isbn")
    assert fits("4111 1111 1111 1111", "creditcard")
    assert not fits("4111 1111 1111 1112", "creditcard")
