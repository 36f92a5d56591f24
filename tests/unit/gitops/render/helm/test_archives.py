"""What is taken from a packed chart, and that nothing else gets out of one, however it is made."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput, Location
from gitops.render.helm.archives import MOST_BYTES, unpack, unpack_dependencies
from gitops.render.helm.tar import MOST_ENTRIES, MOST_FILE_BYTES

PLACE = Location("apps/web/charts/web-1.0.tgz")
CHART = {"web/Chart.yaml": b"name: web\n", "web/templates/a.yaml": b"a: 1\n"}
Member = tuple[tarfile.TarInfo, bytes]


zipped = partial(gzip.compress, mtime=0)  # a test's name, which has its bytes, is the same every time


def member(name: str, data: bytes = b"", **said: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in said.items():
        setattr(info, key, value)
    return info, data


def tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as file:
        for info, data in members:
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def packed(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    return zipped(tar(*(member(*item) for item in files.items()), form=form))


def refused(archive: bytes) -> str:
    with pytest.raises(InvalidInput) as raised:
        unpack(archive, PLACE)
    return str(raised.value)


def blocks(*members: Member) -> bytes:
    """A tar without its end, to which another can be joined."""
    return tar(*members).rstrip(b"\0").ljust(512, b"\0")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_files_come_by_their_paths_below_the_top_folder(form: int) -> None:
    folder = member("web/templates/", type=tarfile.DIRTYPE)
    archive = zipped(tar(folder, *(member(*item) for item in CHART.items()), form=form))
    assert unpack(archive, PLACE) == {"Chart.yaml": b"name: web\n", "templates/a.yaml": b"a: 1\n"}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(form: int) -> None:
    long = "/".join(["folder" * 9] * 6) + "/größe ☃.yaml"
    assert unpack(packed({f"web/{long}": b"x"}, form), PLACE) == {long: b"x"}


def test_dependencies_that_are_packed_too_are_unpacked_into_folders_of_their_names() -> None:
    cache = packed({"cache/Chart.yaml": b"cache", "cache/files/x.tgz": b"data of the chart's own"})
    db = packed({"db/Chart.yaml": b"db", "db/charts/cache-2.tgz": cache})
    files = {"Chart.yaml": b"web", "charts/db-1.0.tgz": db, "charts/_off.tgz": b"-", "files/y.tgz": b"own"}
    expected = {
        "Chart.yaml": b"web",
        "charts/_off.tgz": b"-",
        "charts/db-1.0/Chart.yaml": b"db",
        "charts/db-1.0/charts/cache-2/Chart.yaml": b"cache",
        "charts/db-1.0/charts/cache-2/files/x.tgz": b"data of the chart's own",
        "files/y.tgz": b"own",
    }
    assert unpack_dependencies(files, Location("apps/web")) == expected
    assert list(unpack(packed({f"web/{path}": data for path, data in files.items()}), PLACE)) == list(
        expected
    )


HOSTILE_NAMES = {
    "/etc/passwd": "absolute",
    "C:/web/x": "absolute",
    "../x": "'..'",
    "web/../../x": "'..'",
    "web/./x": "'.'",
    "web//x": "empty part",
    "web\\..\\x": "backslash",
    "web/a\nb": "control character",
    "web/\x1b[31m": "control character",
    "other/x": "outside the chart's folder, web",
    "x": "outside the chart's folder, web",
    "web": "beside the chart's folder",
    "web/" + "a" * 256: "255 bytes",
    "web/" + "ab/" * 200: "500 characters",
    "web/" + "a/" * 40 + "x": "nested more than",
    "web/Chart.yaml": "there already",
    "web/chart.YAML": "there already",
    "web/Chart.yaml/x": "there already",
    "web/templates": "there already",
    "web/TEMPLATES/b.yaml": "there already",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_name_that_leads_elsewhere_or_to_what_is_there_is_refused(name: str) -> None:
    archive = zipped(tar(*(member(*item) for item in CHART.items()), member(name, b"x")))
    message = refused(archive)
    assert HOSTILE_NAMES[name] in message
    assert message.isprintable()
    assert message.startswith(f"{PLACE.path} (")


@pytest.mark.parametrize("name", ["../x/", "/x/", "other/", "web/\t/"])
def test_a_folder_of_such_a_name_is_refused_too(name: str) -> None:
    assert refused(zipped(tar(member("web/a"), member(name, type=tarfile.DIRTYPE))))


def test_names_that_are_one_to_some_file_systems_are_refused() -> None:
    assert "there already" in refused(packed({"web/gro\u0308\u00dfe": b"", "web/GR\u00d6SSE": b""}))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.CONTTYPE, "neither"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
        (b"V", "neither"),
    ],
)
def test_what_is_no_file_and_no_folder_is_refused(kind: bytes, said: str) -> None:
    message = refused(zipped(tar(member("web/a"), member("web/b", type=kind, linkname="a"))))
    assert said in message
    assert "(web/b)" in message


def test_sparse_files_said_in_extended_headers_are_refused() -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": str(1 << 40)}
    assert "sparse" in refused(zipped(tar(member("web/a", b"0\n", pax_headers=headers))))


def test_an_extended_header_cannot_lead_elsewhere_or_measure_more_than_there_is() -> None:
    assert "'..'" in refused(zipped(tar(member("web/a", pax_headers={"path": "web/../../a"}))))
    assert "no UTF-8" in refused(zipped(tar(member("web/a", pax_headers={"path": "web/a\0b"}))))
    assert "ends within" in refused(zipped(tar(member("web/a", pax_headers={"size": "9" * 15}))))
    assert "no number" in refused(zipped(tar(member("web/a", pax_headers={"size": "-512"}))))
    assert "too large" in refused(zipped(tar(member("web/a", pax_headers={"comment": "x" * 99999}))))


def test_a_global_header_may_comment_but_not_rename() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", pax_headers={"comment": "1469a65"}) as file:
        file.addfile(member("web/a", b"x")[0], io.BytesIO(b"x"))
    assert unpack(zipped(buffer.getvalue()), PLACE) == {"a": b"x"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", pax_headers={"path": "web/b"}) as file:
        file.addfile(member("web/a")[0])
    assert "all entries" in refused(zipped(buffer.getvalue()))


def test_a_negative_size_is_refused() -> None:
    header = bytearray(tar(member("web/a", b"x")))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    assert "ends within" in refused(zipped(bytes(header)))


def bomb(size: int) -> bytes:
    """A gzip file of `size` zero bytes, made without holding them."""
    squeezer = zlib.compressobj(9, wbits=31)
    chunk = bytes(1 << 20)
    return b"".join([*(squeezer.compress(chunk) for _ in range(size >> 20)), squeezer.flush()])


def bombs() -> dict[str, tuple[Callable[[], bytes], str]]:
    filled = {f"web/{number}": bytes(MOST_FILE_BYTES) for number in range(4)}
    twice = {f"web/charts/{number}.tgz": packed(filled) for number in range(2)}

    def matryoshka() -> bytes:
        archive = packed({"x/Chart.yaml": b""})
        for _ in range(8):
            archive = packed({"x/charts/x.tgz": archive})
        return archive

    return {
        "zeros": (lambda: bomb(256 << 20), f"more than {MOST_BYTES >> 20} MiB"),
        "one file": (lambda: packed({"web/a": bytes(MOST_FILE_BYTES + 1)}), "(web/a): more than 5 MiB"),
        "in sum": (lambda: packed(twice), "(charts/1.tgz): more than 32 MiB when unpacked"),
        "in one another": (matryoshka, "more than 6 times"),
        "entries": (lambda: packed({f"web/{n}": b"" for n in range(MOST_ENTRIES + 1)}), "10000 entries"),
        "folders": (
            lambda: zipped(tar(*[member("web/", type=tarfile.DIRTYPE)] * (MOST_ENTRIES + 1))),
            "10000 entries",
        ),
        "headers": (
            lambda: zipped(
                tar(*(member(f"web/{n}", pax_headers={f"k{k}": "" for k in range(1000)}) for n in range(400)))
            ),
            "too large",
        ),
        "members": (lambda: zipped(b"") * 100_000, "follows the end of the gzip"),
    }


@pytest.mark.parametrize("kind", bombs())
def test_what_grows_beyond_measure_is_refused_in_little_time(kind: str) -> None:
    make, said = bombs()[kind]
    archive = make()
    start = time.process_time()
    assert said in refused(archive)
    assert time.process_time() - start < 5  # a fraction of a second where nothing else runs


def test_the_slowest_chart_that_is_allowed_takes_little_time() -> None:
    """All entries, each as deep as may be, in folders of its own."""
    archive = packed({f"web/{n}/" + "ab/" * 26 + "x": b"x" for n in range(4999)})
    start = time.process_time()
    assert len(unpack(archive, PLACE)) == 4999
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"", "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "no gzip file"),
        (packed(CHART)[:-1], "ends too early"),
        (packed(CHART)[:-8] + bytes(8), "damaged"),
        (packed(CHART) + packed({"web/b": b""}), "follows the end of the gzip"),
        (zipped(b"x" * 2048), "no tar file"),
        (zipped(bytes(10240)), "no file in this archive"),
        (zipped(tar(member("web/a", b"x" * 9999))[:4096]), "ends within"),
        (zipped(tar(member("web/a")) + tar(member("web/b"))), "follows the end of the tar"),
        (zipped(blocks(member("web/a")) + b"x" * 100), "follows the end of the tar"),
    ],
)
def test_what_is_no_whole_archive_is_refused(archive: bytes, said: str) -> None:
    assert said in refused(archive)


def test_a_packed_dependency_and_its_folder_exclude_one_another() -> None:
    files = {"charts/DB/Chart.yaml": b"", "charts/db.tgz": packed({"db/Chart.yaml": b""})}
    with pytest.raises(
        InvalidInput, match=r"apps/web \(charts/db.tgz\): .*charts/db, which is there already"
    ):
        unpack_dependencies(files, Location("apps/web"))


def test_the_entry_is_named_also_where_the_place_is_a_line() -> None:
    with pytest.raises(InvalidInput, match=r"application.yaml:7: charts/db.tgz/db/../x: a path with"):
        unpack(packed({"web/charts/db.tgz": packed({"db/../x": b""})}), Location("application.yaml", 7))


@given(st.binary(max_size=2048))
def test_bytes_that_are_no_chart_are_refused_whatever_they_are(data: bytes) -> None:
    for archive in (data, zipped(data)):
        assert refused(archive).isprintable()


@given(st.lists(st.tuples(st.integers(0, 1023), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4))
def test_a_damaged_archive_gives_no_path_that_leads_out(damages: list[tuple[int, bytes]]) -> None:
    """Headers that claim anything, with checksums that agree."""
    raw = bytearray(tar(*(member(*item) for item in CHART.items())))
    for at, damage in damages:
        raw[at : at + len(damage)] = damage
    for header in (0, 1024):
        raw[header + 148 : header + 156] = b" " * 8
        raw[header + 148 : header + 156] = b"%06o\0 " % sum(raw[header : header + 512])
    try:
        files = unpack(zipped(bytes(raw)), PLACE)
    except InvalidInput:
        return
    for path in files:
        assert path.isprintable()
        assert not {"", ".", ".."} & set(path.split("/"))
        assert "\\" not in path


NAMES = st.text(st.sampled_from("abcäß-_. "), min_size=1, max_size=60).filter(lambda name: name.strip(". "))


@given(
    st.dictionaries(
        NAMES, st.dictionaries(NAMES, st.binary(max_size=600), min_size=1, max_size=3), max_size=4
    ),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_is_packed_comes_out(folders: dict[str, dict[str, bytes]], form: int) -> None:
    files = {f"{top}x/{name}y": data for top, inner in folders.items() for name, data in inner.items()}
    archive = packed({"web/Chart.yaml": b"name", **{f"web/{path}": files[path] for path in files}}, form)
    assert unpack(archive, PLACE) == {"Chart.yaml": b"name", **files}
