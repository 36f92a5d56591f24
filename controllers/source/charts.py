"""The files of charts in registries: from memory, from disk, or from the registry, always by digest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from functools import partial
from typing import NamedTuple

from controllers.adapters.oci import Pulled, Puller, Registry, verified
from controllers.cache import DiskCache
from controllers.recent import Recent
from controllers.source.attempts import Attempts
from gitops.errors import InvalidInput, Location, Problem, TransientError, Unreachable
from gitops.model.chart_references import ChartReference
from gitops.objects import digest
from gitops.render.helm.archives import unpack

_MOST_KEPT = 32 << 20
"""Bytes of unpacked charts in memory."""
# Many charts of one registry are wanted at once: what one of them has found out serves the others.
_SILENT_SECONDS = 5.0
# How long somebody waits for a pull, which goes on without: first, and once the registry was found silent.
_FIRST_WAIT = 20.0
_NEXT_WAIT = 1.0
_LENGTH_BYTES = 4


class _Silence(NamedTuple):
    """Why a registry was not heard, and until when it is not asked."""

    until: float
    because: str


class Charts:
    """Charts of the registries that the operator configured; no other place is ever asked. For any thread.

    What was fetched once is kept on disk and verified when it is read: the registry is not needed again.
    """

    def __init__(
        self,
        registries: Iterable[Registry] | None = None,
        cache: DiskCache | None = None,
        puller: Puller | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `registries`, nothing is known of the operator's configuration."""
        self._configured = registries is not None
        self._registries = {one.host: one for one in registries or ()}
        self._cache = cache
        self._puller = puller or Puller()
        self._clock = clock
        self._attempts = Attempts(clock)
        self._lock = threading.Lock()
        self._kept = Recent[ChartReference, Mapping[str, bytes]](_MOST_KEPT)
        self._silent: dict[str, _Silence] = {}
        self._pulls: dict[ChartReference, Future[Pulled]] = {}

    def registry(self, reference: ChartReference, at: Location) -> Registry:
        """Give what is configured of a chart's registry.

        Raises InvalidInput where the configuration does not list it, TransientError where there is none.
        """
        if not self._configured:
            raise TransientError(f"charts of {reference.host} need the controller's configuration: --config")
        registry = self._registries.get(reference.host)
        if registry is None:
            message = (
                "charts are fetched from registries that the controller's configuration lists (registries), "
                f"and {reference.host} is none of them"
            )
            raise InvalidInput(Problem(at, message))
        return registry

    def files(self, reference: ChartReference, at: Location) -> Mapping[str, bytes]:
        """Give a chart's files by their paths below its folder.

        Raises InvalidInput at `at` for what cannot be had as it is written; TransientError or Denied where
        the registry, or our login there, has to be mended first.
        """
        registry = self.registry(reference, at)
        place = Location(str(reference))
        try:
            return self._attempts.run(str(reference), lambda: self._files(registry, reference, place))
        except InvalidInput as error:
            raise InvalidInput(*(Problem(at, _told(one, place)) for one in error.problems)) from None

    def _files(self, registry: Registry, reference: ChartReference, place: Location) -> Mapping[str, bytes]:
        known = self._kept.get(reference)
        if known is not None:
            return known
        pulled = self._on_disk(reference, place)
        if pulled is None:
            pulled = self._pulled(registry, reference, place)
        files = unpack(pulled.archive, place)
        self._kept.keep(reference, files, sum(map(len, files.values())))
        return files

    def _on_disk(self, reference: ChartReference, place: Location) -> Pulled | None:
        kept = self._cache.get(_key(reference)) if self._cache is not None else None
        try:
            return verified(_unpacked(kept), reference, place) if kept is not None else None
        except (InvalidInput, TransientError):  # not what was put there: as good as nothing
            return None

    def _pulled(self, registry: Registry, reference: ChartReference, place: Location) -> Pulled:
        """Wait for a pull. One that takes long goes on, and who asks again later has what came of it."""
        host = registry.host
        with self._lock:
            silence = self._silent.get(host)
            pull = self._pulls.get(reference)
            if pull is None:
                if silence is not None and self._clock() < silence.until:
                    raise Unreachable(silence.because)
                pull = self._pulls[reference] = Future()
                work = partial(self._pull, pull, registry, reference, place)
                threading.Thread(target=work, name=f"pull from {host}", daemon=True).start()
        wait([pull], _FIRST_WAIT if silence is None else _NEXT_WAIT)
        if pull.done():
            return pull.result()
        late = silence.because if silence else f"registry {host} has not answered yet"
        self._note(host, Unreachable(late))
        raise Unreachable(late)

    def _pull(
        self, pull: Future[Pulled], registry: Registry, reference: ChartReference, place: Location
    ) -> None:
        error: BaseException | None = None
        try:
            pulled = self._puller.pull(registry, reference, place)
            if self._cache is not None:
                self._cache.put(_key(reference), _packed(pulled))
        except BaseException as raised:  # noqa: BLE001 - whoever waits raises it
            error = raised
        self._note(registry.host, error)
        with self._lock:
            del self._pulls[reference]
        if error is None:
            pull.set_result(pulled)
        else:
            pull.set_exception(error)

    def _note(self, host: str, error: BaseException | None) -> None:
        """Remember for a moment that a registry is silent, or that it is not."""
        with self._lock:
            if isinstance(error, Unreachable):
                seconds = max(_SILENT_SECONDS, error.retry_after or 0.0)
                self._silent[host] = _Silence(self._clock() + seconds, str(error))
            else:
                self._silent.pop(host, None)


def _key(reference: ChartReference) -> str:
    """By the whole reference: whether a chart can be had must not depend on who else had it before."""
    return digest({"chart": str(reference)})


def _packed(pulled: Pulled) -> bytes:
    return len(pulled.manifest).to_bytes(_LENGTH_BYTES) + pulled.manifest + pulled.archive


def _unpacked(kept: bytes) -> Pulled:
    end = _LENGTH_BYTES + int.from_bytes(kept[:_LENGTH_BYTES])
    return Pulled(kept[_LENGTH_BYTES:end], kept[end:])


def _told(problem: Problem, place: Location) -> str:
    inside = f"{problem.location.inside}: " if problem.location.inside else ""
    return f"{place.path}: {inside}{problem.message}"
