"""Charts from memory, from disk, or from the registry; and what is remembered when none of them has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci import Puller, Registry
from controllers.cache import DiskCache
from controllers.source import charts as source
from controllers.source.charts import Charts
from gitops.errors import InvalidInput, Location, TransientError, Unreachable
from gitops.model.chart_references import ChartReference
from tests.cluster.registries import Answer, FakeRegistry, Seen, manifest_of, packed, push

AT = Location("environments/shop/web/application.yaml", 5)
FILES = {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/a.yaml": "a: 1\n"}
EXPECTED = {path: text.encode() for path, text in FILES.items()}
ONCE = Patience(attempt=20.0, total=0.0)


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def reference(fake: FakeRegistry) -> ChartReference:
    digest = push(fake, "team/web", packed("web", FILES))
    fake.seen.clear()
    return ChartReference(fake.host, "team/web", digest)


class Clock:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        """Give the time in seconds."""
        return self.now


def charts(fake: FakeRegistry, folder: Path | None = None, clock: Clock | None = None) -> Charts:
    """What a process has that was just started."""
    cache = DiskCache(folder, 1 << 20) if folder else None
    return Charts([Registry(fake.host, plain_http=True)], cache, Puller(ONCE), clock or Clock())


def test_a_chart_is_fetched_once_whoever_wants_it(fake: FakeRegistry, reference: ChartReference) -> None:
    shared = charts(fake)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shared.files(reference, AT), range(16)))
    assert found == [EXPECTED] * 16
    assert len(fake.seen) == 2


def test_what_was_fetched_once_needs_no_registry(
    fake: FakeRegistry, reference: ChartReference, tmp_path: Path
) -> None:
    assert charts(fake, tmp_path).files(reference, AT) == EXPECTED
    fake.stop()
    assert charts(fake, tmp_path).files(reference, AT) == EXPECTED
    with pytest.raises(Unreachable):
        charts(fake, tmp_path / "another").files(reference, AT)


@pytest.mark.parametrize("spoil", ["damaged", "exchanged", "deleted"])
def test_what_is_kept_is_verified_or_fetched_again(
    fake: FakeRegistry, reference: ChartReference, tmp_path: Path, spoil: str
) -> None:
    charts(fake, tmp_path).files(reference, AT)
    (kept,) = (path for path in tmp_path.glob("*/*") if path.is_file())
    if spoil == "damaged":
        kept.write_bytes(kept.read_bytes()[:-1])
    elif spoil == "deleted":
        kept.unlink()
    else:  # by somebody who can write a sound entry: the digests still have to agree
        other = packed("web", {"Chart.yaml": "name: evil\n"})
        manifest = manifest_of(other)
        entry = len(manifest).to_bytes(4) + manifest + other
        DiskCache(tmp_path, 1 << 20).put(kept.name, entry)
    assert charts(fake, tmp_path).files(reference, AT) == EXPECTED
    assert len(fake.seen) == 4


def test_only_registries_that_are_configured_are_asked(fake: FakeRegistry, reference: ChartReference) -> None:
    with pytest.raises(InvalidInput, match=f"application.yaml:5: .*{fake.host} is none of them"):
        Charts([], puller=Puller(ONCE)).files(reference, AT)
    with pytest.raises(InvalidInput, match="is none of them"):
        Charts([Registry("127.0.0.1")]).files(reference, AT)
    assert fake.seen == []


def test_a_chart_of_another_repository_is_not_had_by_its_digest_alone(
    fake: FakeRegistry, reference: ChartReference, tmp_path: Path
) -> None:
    """Otherwise it would depend on what was fetched before whether something renders."""
    known = charts(fake, tmp_path)
    known.files(reference, AT)
    with pytest.raises(TransientError, match="has no team/other@"):
        known.files(ChartReference(fake.host, "team/other", reference.digest), AT)


def test_silence_is_remembered_for_seconds_not_longer(fake: FakeRegistry, reference: ChartReference) -> None:
    clock = Clock()
    known = charts(fake, clock=clock)
    fake.lie = lambda _: Answer(503)
    for _ in range(3):
        with pytest.raises(Unreachable, match="HTTP 503"):
            known.files(reference, AT)
    assert len(fake.seen) == 1
    fake.lie = lambda _: None
    clock.now = 6.0
    assert known.files(reference, AT) == EXPECTED


def test_nobody_waits_long_for_a_registry_that_was_found_silent(
    fake: FakeRegistry, reference: ChartReference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pull goes on meanwhile, once, and who asks later has what came of it."""
    clock, release = Clock(), threading.Event()
    known = charts(fake, tmp_path, clock)
    fake.lie = lambda _: Answer(503)
    with pytest.raises(Unreachable, match="HTTP 503"):
        known.files(reference, AT)

    def hang(_: Seen) -> Answer | None:
        release.wait(60)
        return None

    fake.lie = hang
    fake.seen.clear()
    monkeypatch.setattr(source, "_NEXT_WAIT", 0.01)
    for clock.now in (6.0, 7.0, 13.0):
        with pytest.raises(Unreachable, match="HTTP 503"):
            known.files(reference, AT)
    release.set()
    monkeypatch.setattr(source, "_NEXT_WAIT", 60.0)
    assert known.files(reference, AT) == EXPECTED
    assert len(fake.seen) == 2


def test_a_registry_that_wants_to_be_left_alone_is(fake: FakeRegistry, reference: ChartReference) -> None:
    clock = Clock()
    known = charts(fake, clock=clock)
    fake.lie = lambda _: Answer(429, headers={"Retry-After": "40"})
    for clock.now in (0.0, 39.0):
        with pytest.raises(Unreachable, match="HTTP 429"):
            known.files(reference, AT)
    assert len(fake.seen) == 1
    fake.lie = lambda _: None
    clock.now = 41.0
    assert known.files(reference, AT) == EXPECTED


def test_a_chart_that_is_pushed_later_is_found(fake: FakeRegistry, reference: ChartReference) -> None:
    kept, fake.kept = fake.kept, {}
    known = charts(fake)
    with pytest.raises(TransientError, match="has no team/web@sha256:"):
        known.files(reference, AT)
    fake.kept = kept
    assert known.files(reference, AT) == EXPECTED


def test_one_silent_chart_holds_up_no_other(fake: FakeRegistry, reference: ChartReference) -> None:
    other = push(fake, "team/api", packed("api", FILES))
    release = threading.Event()

    def hang(seen: Seen) -> Answer | None:
        if "/team/web/" in seen.target:
            release.wait(30)
        return None

    fake.lie = hang
    known = charts(fake)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(known.files, reference, AT)
        assert known.files(ChartReference(fake.host, "team/api", other), AT) == EXPECTED
        release.set()
        assert waiting.result() == EXPECTED


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"no archive", "no gzip file"),
        (packed("web", {"../x": "x"}), r"web/\.\./x: a path with '\.\.'"),
    ],
)
def test_an_archive_that_is_refused_is_told_at_each_place_that_names_it(
    fake: FakeRegistry, archive: bytes, said: str
) -> None:
    known = charts(fake)
    bad = ChartReference(fake.host, "bad", push(fake, "bad", archive))
    fake.seen.clear()
    for path in ("a/application.yaml", "b/application.yaml"):
        with pytest.raises(InvalidInput, match=said) as raised:
            known.files(bad, Location(path, 7))
        assert {problem.location for problem in raised.value.problems} == {Location(path, 7)}
    assert len(fake.seen) == 2


def test_what_is_kept_in_memory_is_bounded(fake: FakeRegistry) -> None:
    known = charts(fake)
    big = {f"files/{number}": "x" * (4 << 20) for number in range(5)}
    first, second = (
        ChartReference(fake.host, name, push(fake, name, packed(name, big))) for name in ("one", "two")
    )
    fake.seen.clear()
    for one in (first, second, second, first):
        known.files(one, AT)
    assert len(fake.seen) == 6


def test_manifests_count_as_what_they_are(fake: FakeRegistry) -> None:
    index = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    digest = push(fake, "web", packed("web", FILES), index)
    with pytest.raises(InvalidInput, match="an index of several"):
        charts(fake).files(ChartReference(fake.host, "web", digest), AT)
