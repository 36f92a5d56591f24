"""Unpack chart archives (.tgz) in memory: bytes in, files by path out, nothing on a disk, nothing followed.

An archive is hostile: it says itself how large it is and where its files belong. What is allowed is what
`helm package` writes; all else is refused with the entry's name, also what helm or tar would pass over.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

from gitops.errors import InvalidInput, Location, Problem
from gitops.render.helm.tar import BadArchive, Headers, entries

MOST_BYTES = 32 << 20
"""Of one archive and all that are packed in it, unpacked, with the headers between the files."""
_MOST_NESTED = 6
_MOST_DEEP = 30
_LONGEST = 500
_LONGEST_NAME = 255

_GZIP = 31  # zlib's name for: one gzip member (RFC 1952), its checksum verified
# Where helm looks for packed dependencies; what begins with one of these characters it passes over.
_PACKED = re.compile(r"(charts/[^/._][^/]*/)*charts/[^/._][^/]*\.tgz", re.DOTALL)


def unpack(archive: bytes, place: Location) -> dict[str, bytes]:
    """Give the files of a packed chart by their paths below its one top folder, sorted.

    Charts packed in its `charts/` are unpacked too: `charts/db-1.0.tgz` becomes files in `charts/db-1.0/`.
    `place` names the archive in errors. Raises InvalidInput, whatever the bytes are.
    """
    budget = _Budget()
    return _expanded(_read(archive, place, budget), place, budget, 1)


def unpack_dependencies(files: Mapping[str, bytes], place: Location) -> dict[str, bytes]:
    """Give a chart's files, by paths from its folder, with the charts packed in its `charts/` unpacked.

    `place` is the chart's folder in the repository, for errors. Raises InvalidInput.
    """
    return _expanded(files, place, _Budget(), 0)


@dataclass(slots=True)
class _Budget:
    """What is left for an archive and those in it."""

    bytes: int = MOST_BYTES
    headers: Headers = field(default_factory=Headers)


def _expanded(files: Mapping[str, bytes], place: Location, budget: _Budget, level: int) -> dict[str, bytes]:
    """Unpack what is packed in `files`, `level` archives deep."""
    packed = {path: path.removesuffix(".tgz") for path in sorted(files) if _PACKED.fullmatch(path)}
    if not packed:
        return dict(sorted(files.items()))
    expanded = {path: data for path, data in files.items() if path not in packed}
    taken = {_folded(above) for path in expanded for above in (path, *_above(path))}
    for path, folder in packed.items():
        inside = _inside(place, path)
        if _folded(folder) in taken:
            raise _refusal(inside, f"it would be unpacked to {_shown(folder)}, which is there already")
        if level >= _MOST_NESTED:
            raise _refusal(inside, f"charts are packed in one another more than {_MOST_NESTED} times")
        taken.add(_folded(folder))
        unpacked = _expanded(_read(files[path], inside, budget), inside, budget, level + 1)
        expanded.update({f"{folder}/{each}": data for each, data in unpacked.items()})
    return dict(sorted(expanded.items()))


def _read(archive: bytes, place: Location, budget: _Budget) -> dict[str, bytes]:
    """Read one archive, not those in it."""
    try:
        return _files(_inflated(archive, budget), budget.headers)
    except BadArchive as error:
        inside = _inside(place, _shown(error.entry)) if error.entry else place
        raise _refusal(inside, str(error)) from None


def _inflated(archive: bytes, budget: _Budget) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        tar = inflater.decompress(archive, budget.bytes + 1)
    except zlib.error:
        raise BadArchive("this is no gzip file, or it is damaged") from None
    budget.bytes -= len(tar)
    if budget.bytes < 0:
        raise BadArchive(f"more than {MOST_BYTES >> 20} MiB when unpacked")
    if not inflater.eof:
        raise BadArchive("the gzip file ends too early")
    if inflater.unused_data:
        raise BadArchive("something follows the end of the gzip file")
    return tar


def _files(tar: bytes, headers: Headers) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    paths = _Paths()
    for name, data in entries(tar, headers):
        try:
            path = paths.file(name) if data is not None else paths.folder(name)
        except BadArchive as error:
            raise BadArchive(str(error), name) from None
        if data is not None:
            files[path] = data
    if not files:
        raise BadArchive("there is no file in this archive")
    return files


@dataclass(slots=True)
class _Paths:
    """The paths of one archive: no two may be one file on some file system, no file another's folder."""

    _top: str = ""
    _files: set[str] = field(default_factory=set)
    _spelled: dict[str, str] = field(default_factory=dict)

    def folder(self, name: str) -> str:
        """Give a folder's path below the top folder, empty for that itself. Raises BadArchive."""
        return self._below_top(name.rstrip("/") if not name.startswith("/") else name)

    def file(self, name: str) -> str:
        """Give a file's path below the top folder; no later one may be the same. Raises BadArchive."""
        path = self._below_top(name)
        if not path:
            raise BadArchive("a file beside the chart's folder")
        folded = _folded(path)
        if folded in self._spelled:
            raise BadArchive(f"the same name as {_shown(self._spelled[folded])}, which is there already")
        self._spelled[folded] = path
        self._files.add(folded)
        for inner, above in zip(_above(folded), _above(path), strict=True):
            if inner in self._files or self._spelled.setdefault(inner, above) != above:
                raise BadArchive(f"the same name as {_shown(self._spelled[inner])}, which is there already")
        return path

    def _below_top(self, name: str) -> str:
        top, *below = _parts(name)
        self._top = self._top or top
        if top != self._top:
            raise BadArchive(f"it lies outside the chart's folder, {_shown(self._top)}")
        return "/".join(below)


def _parts(name: str) -> list[str]:
    """Split an entry's name, or say why it is no path of a chart."""
    if not name or not name.isprintable() or "\\" in name:
        raise BadArchive("a name that is empty, no UTF-8, or has a backslash or a control character in it")
    if len(name) > _LONGEST:
        raise BadArchive(f"a path of more than {_LONGEST} characters")
    if name.startswith("/") or re.match(r"[A-Za-z]:/", name):
        raise BadArchive("an absolute path")
    parts = name.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise BadArchive("a path with '..', '.' or an empty part")
    if len(parts) > _MOST_DEEP:
        raise BadArchive(f"folders nested more than {_MOST_DEEP} deep")
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise BadArchive(f"a name of more than {_LONGEST_NAME} bytes")
    return parts


def _above(path: str) -> Iterator[str]:
    """Give the folders that a path lies in, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _folded(path: str) -> str:
    """Give what is the same for all spellings that some file system takes for one name."""
    return normalize("NFC", normalize("NFD", path).casefold())


def _inside(place: Location, entry: str) -> Location:
    return Location(
        place.path, place.line, place.column, f"{place.inside}/{entry}" if place.inside else entry
    )


def _refusal(place: Location, message: str) -> InvalidInput:
    """Name the entry in the message too where the place is a line of a file, which hides it otherwise."""
    entry = f"{place.inside}: " if place.line and place.inside else ""
    return InvalidInput(Problem(place, f"{entry}{message}"))


def _shown(name: str) -> str:
    """Give a name as one line, without control characters, not too long."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name[:_LONGEST])
    return shown if len(name) <= _LONGEST else f"{shown}…"
