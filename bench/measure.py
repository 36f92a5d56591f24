"""Time, CPU and peak memory of a piece of work in this process."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PEAK = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(slots=True)
class Cost:
    """What a piece of work took: seconds of wall time and of this process's CPU, peak memory in MiB."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0

    def as_json(self) -> dict[str, float]:
        """Rounded to what is worth reading."""
        return {
            "seconds": round(self.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "peak_mib": round(self.peak_mib, 1),
        }


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the body. The kernel's high-water mark is reset first (Linux): the peak is the body's own."""
    cost = Cost()
    _PEAK.write_text("5")
    before, start = _cpu(), time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - start
    cost.cpu_seconds = _cpu() - before
    cost.peak_mib = _high_water_kib() / 1024


@contextmanager
def collections() -> Iterator[list[float]]:
    """Note how many seconds each garbage collection of the body takes: nothing else runs meanwhile."""
    pauses: list[float] = []
    started = 0.0

    def told(phase: str, _info: dict[str, int]) -> None:
        nonlocal started
        if phase == "start":
            started = time.perf_counter()
        else:
            pauses.append(time.perf_counter() - started)

    gc.callbacks.append(told)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(told)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _high_water_kib() -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])
