"""Files are parsed once, and the cache of them stays within its bound."""

from __future__ import annotations

import pytest

from controllers.source.parsed import ParsedFiles
from gitops.errors import InvalidInput
from gitops.model.catalog import SourceFile

TEXT = b"kind: ConfigMap\n"


class Reads:
    """Counts reads of files that all hold the same text."""

    def __init__(self, text: bytes = TEXT) -> None:
        self.count = 0
        self._text = text

    def __call__(self) -> bytes:
        """Read once more."""
        self.count += 1
        return self._text


def file(number: int, path: str = "web.yaml") -> SourceFile:
    return SourceFile(path, f"{number:040x}")


def test_a_file_is_read_and_parsed_once() -> None:
    """The second time gives the very same documents."""
    cache, read = ParsedFiles(), Reads()
    first = cache.get(file(1), read)
    assert cache.get(file(1), read) is first
    assert read.count == 1


def test_the_same_blob_at_another_path_is_another_file() -> None:
    """Documents know where they were written: an error must name the right file."""
    cache, read = ParsedFiles(), Reads()
    places = {cache.get(file(1, path), read)[0].locate().path for path in ("a.yaml", "b.yaml")}
    assert places == {"a.yaml", "b.yaml"}
    assert read.count == 2


def test_what_was_used_longest_ago_goes_first() -> None:
    """The bound is on the texts' bytes; using a file keeps it."""
    cache, read = ParsedFiles(limit_bytes=2 * len(TEXT)), Reads()
    for number in (1, 2, 1, 3):  # 2 goes when 3 comes
        cache.get(file(number), read)
    assert read.count == 3
    cache.get(file(1), read)
    cache.get(file(3), read)
    assert read.count == 3
    cache.get(file(2), read)
    assert read.count == 4


def test_a_file_above_the_bound_is_parsed_and_not_kept() -> None:
    """It empties nothing for good: the next small files are kept again."""
    cache = ParsedFiles(limit_bytes=2 * len(TEXT))
    large, small = Reads(TEXT + b"a: " + b"b" * 100 + b"\n"), Reads()
    for _ in range(2):
        assert cache.get(file(1), large)
        assert cache.get(file(2), small)
    assert large.count == 2
    cache.get(file(2), small)
    assert small.count == 2
    assert cache._files.held == len(TEXT)


def test_a_file_that_cannot_be_parsed_is_not_kept() -> None:
    """The problem is found again, with its place."""
    cache, read = ParsedFiles(), Reads(b"a: [\n")
    for _ in range(2):
        with pytest.raises(InvalidInput, match=r"^web\.yaml:"):
            cache.get(file(1), read)
    assert read.count == 2
    assert cache._files.held == 0
