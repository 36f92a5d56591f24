"""What a pod is told to play, by the annotation `gitops-waves.io/play` or by the end of an image's tag.

=======================  ==================================================================================
(nothing)                Ready after 0.8 s; a Job's pod succeeds after 0.8 s
`ready-after-<time>`     the same after a time as Go writes it (`5s`, `1.5s`, `2m`); also the annotation
                         `gitops-waves.io/ready-after: 5s`
`never-ready`            runs, never passes its readiness probe; a Job's pod runs for ever
`crash-loop`             exits with 1 at once, again and again, never Ready
`crash-after-ready`      Ready, 3 s later as `crash-loop`
`image-pull-error`       ErrImagePull, then ImagePullBackOff, for ever
`job-fails`              runs 0.8 s, then the pod is Failed with exit code 1
`slow-stop-<seconds>`    plays as (nothing); once deleted, it stops after that time or its grace period
=======================  ==================================================================================

All containers of a pod play alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from simcluster.behaviour.meta import annotations_of, spec_of
from simcluster.values import JsonObject

PLAY_ANNOTATION = "gitops-waves.io/play"
READY_AFTER_ANNOTATION = "gitops-waves.io/ready-after"
DEFAULT_SECONDS = 0.8


class Name(StrEnum):
    """The plays that have a name."""

    READY = "ready"
    NEVER_READY = "never-ready"
    CRASH_LOOP = "crash-loop"
    CRASH_AFTER_READY = "crash-after-ready"
    IMAGE_PULL_ERROR = "image-pull-error"
    JOB_FAILS = "job-fails"


_NAMED = re.compile(f"-({'|'.join(each for each in Name if each is not Name.READY)})$")
_READY_AFTER = re.compile(r"-ready-after-([0-9.]+(?:ms|s|m))$")
_SLOW_STOP = re.compile(r"-slow-stop-([0-9.]+)s?$")
_PART = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Play:
    """How a pod behaves; times in seconds."""

    name: Name
    ready_after: float
    stops_after: float


def of(pod: JsonObject) -> Play:
    """Return a pod's play. The annotation counts before the images, the first match counts."""
    told = annotations_of(pod)
    signs = [f"-{told[PLAY_ANNOTATION]}"] if PLAY_ANNOTATION in told else []
    signs += [each.get("image", "") for each in spec_of(pod).get("containers") or ()]
    time = told.get(READY_AFTER_ANNOTATION) or _first(_READY_AFTER, signs)
    seconds = duration(time)
    stops = _first(_SLOW_STOP, signs)
    return Play(
        Name(_first(_NAMED, signs) or Name.READY),
        DEFAULT_SECONDS if seconds is None else seconds,
        float(stops) if stops.replace(".", "", 1).isdigit() else 0.0,
    )


def duration(text: str) -> float | None:
    """Read a duration as Go's time.ParseDuration does, in seconds; None for what it would refuse."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _first(pattern: re.Pattern[str], signs: list[str]) -> str:
    return next((found[1] for sign in signs if (found := pattern.search(sign))), "")
