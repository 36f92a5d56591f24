"""Text is quoted as a real server (1.37) was seen to quote names in paths."""

from __future__ import annotations

import pytest

from simcluster.quoting import quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", '"web-1"'),
        ("a\0b", r'"a\x00b"'),
        ("a\ab", r'"a\ab"'),
        ("a\nb", r'"a\nb"'),
        ("a\x7fb", r'"a\x7fb"'),
        ("a\x80b", r'"a\u0080b"'),
        ("a\u200bb", r'"a\u200bb"'),
        ("a\U000e0001b", r'"a\U000e0001b"'),
        ("äb", '"äb"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, expected: str) -> None:
    assert quoted(text) == expected
