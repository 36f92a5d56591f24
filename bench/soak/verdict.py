"""Whether corrections were in proportion, nobody fought, and memory, files and tasks stayed as they were."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.soak.people import PEACE_SECONDS, People
from bench.soak.process import Sample

# A change in two steps may be seen in between, and a correction whose answer was lost is done twice.
_CORRECTIONS_A_CHANGE = 2
# A first look, before anything has gone wrong, may be at a process that is about to open or close a few.
_FILES_A_CLUSTER, _TASKS_A_CLUSTER = 8, 4


def on_corrections(told: Sequence[dict[str, Any]], people: People, seconds: float) -> list[str]:
    """Say where more was corrected than was changed, and who fought although nobody provoked it."""
    wrong = []
    corrected: Counter[str] = Counter()
    for event in told:
        provoked = any(str(event.get("object", "")).endswith(f"/{name}") for name in people.fought)
        what = f"{event.get('target')} {event.get('object')}"
        if event["type"] == "DriftCorrected" and not provoked:
            corrected[what] += 1
        elif event["type"] in ("DriftContested", "DriftMutated") and not provoked:
            wrong.append(f"{event['type']}: {what}: {event['because']}; {event['by']}; {event['patch']}")
    most = _CORRECTIONS_A_CHANGE * (1 + int(seconds // PEACE_SECONDS))
    wrong += [f"{what} was corrected {count} times" for what, count in corrected.items() if count > most]
    # Who takes something back may change a field of ours once more.
    if corrected.total() > _CORRECTIONS_A_CHANGE * people.drifting + people.undone:
        wrong.append(f"{corrected.total()} corrections of {people.drifting} changes that were drift")
    return wrong


def on_use(samples: Sequence[Sample], clusters: int, growth: float) -> list[str]:
    """Say what grew: memory by more than `growth` MiB a minute in the second half, open files, tasks."""
    first, last = samples[0], samples[-1]
    wrong = []
    if slope(samples) > growth:
        wrong.append(f"memory grows by {slope(samples):.2f} MiB a minute")
    if last.files > first.files + _FILES_A_CLUSTER * clusters:
        wrong.append(f"{first.files} open files at first, {last.files} in the end")
    if last.tasks > first.tasks + _TASKS_A_CLUSTER * clusters:
        wrong.append(f"{first.tasks} tasks at first, {last.tasks} in the end")
    return wrong


def use(samples: Sequence[Sample]) -> dict[str, Any]:
    """Sum up what the process used; all processes, where several ran."""
    resident = [one.rss_mib for one in samples]
    quarter = max(len(samples) // 4, 1)
    return {
        "rss_mib": {
            "first": round(resident[0], 1),
            "second_quarter": round(statistics.fmean(resident[quarter : 2 * quarter] or resident), 1),
            "last_quarter": round(statistics.fmean(resident[-quarter:]), 1),
            "most": round(max(resident), 1),
            "last": round(resident[-1], 1),
            "growth_a_minute_in_the_second_half": round(slope(samples), 3),
        },
        "open_files": _ends([one.files for one in samples]),
        "tasks": _ends([one.tasks for one in samples]),
        "cpu_seconds_of_the_last_process": round(samples[-1].cpu_seconds, 1),
    }


def _ends(numbers: Sequence[int]) -> dict[str, int]:
    return {"first": numbers[0], "most": max(numbers), "last": numbers[-1]}


def slope(samples: Sequence[Sample]) -> float:
    """MiB a minute by which memory grows over the second half, by least squares."""
    half = [one for one in samples if one.at >= (samples[0].at + samples[-1].at) / 2] if samples else []
    if len(half) < 2:
        return 0.0
    mean_at = sum(one.at for one in half) / len(half)
    mean_rss = sum(one.rss_mib for one in half) / len(half)
    spread = sum((one.at - mean_at) ** 2 for one in half)
    return 60 * sum((one.at - mean_at) * (one.rss_mib - mean_rss) for one in half) / spread
