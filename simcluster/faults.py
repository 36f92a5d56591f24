"""What goes wrong with a cluster on purpose: which faults are switched on, and what each request draws."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from simcluster.errors import ApiError

Partition = Literal["none", "refuse", "blackHole"]

# What a client sees of an etcd whose space is used up: every write fails so, reads go on.
READ_ONLY_MESSAGE = "etcdserver: mvcc: database space exceeded"


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults that hold until others are set. Times are seconds; rates are shares of requests from 0 to 1.

    `partition`: `refuse` ends every connection at once (a cluster with a port of its own does not even
    listen), `blackHole` takes requests and never answers. Rates are drawn when a request comes; a watch that
    is open goes on.
    """

    latency: float = 0.0
    jitter: float = 0.0
    too_many_requests: float = 0.0
    retry_after: int = 1
    internal_error: float = 0.0
    unavailable: float = 0.0
    partition: Partition = "none"
    read_only: bool = False

    def __post_init__(self) -> None:
        for name in ("latency", "jitter", "retry_after"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("too_many_requests", "internal_error", "unavailable"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a share from 0 to 1")
        if self.partition not in get_args(Partition):
            raise ValueError(f"partition must be one of {', '.join(get_args(Partition))}")


NONE = Faults()


class FaultInjector:
    """One cluster's faults. Draws come from a generator with a seed, so that a run can be repeated."""

    __slots__ = ("_listeners", "_random", "current")

    def __init__(self, seed: int = 0) -> None:
        self.current = NONE
        self._listeners: tuple[Callable[[Faults], None], ...] = ()
        self._random = random.Random(seed)  # noqa: S311 - simulated misfortune

    def set(self, faults: Faults) -> None:
        """Replace what holds, for requests that come from now on; a partition also ends those that run."""
        self.current = faults
        for listener in self._listeners:
            listener(faults)

    def clear(self) -> None:
        """Let everything work again."""
        self.set(NONE)

    def on_change(self, listener: Callable[[Faults], None]) -> None:
        """Tell `listener` of every change."""
        self._listeners += (listener,)

    def delay(self) -> float:
        """Draw how many seconds a request waits before it is looked at."""
        now = self.current
        return now.latency + (self._random.uniform(0, now.jitter) if now.jitter else 0.0)

    def failure(self) -> ApiError | None:
        """Draw whether a request fails, and how, in the real server's words."""
        now = self.current
        if now is NONE:
            return None
        drawn = self._random.random()
        if drawn < now.too_many_requests:
            return _too_many_requests(now.retry_after)
        drawn -= now.too_many_requests
        if drawn < now.internal_error:
            return internal_error("simulated fault")
        drawn -= now.internal_error
        return _unavailable() if drawn < now.unavailable else None


def internal_error(because: str) -> ApiError:
    """Make the answer to a request that broke the server; the words are apimachinery's."""
    return ApiError(
        500, "InternalError", f"Internal error occurred: {because}", {"causes": [{"message": because}]}
    )


def read_only_error() -> ApiError:
    """Make the answer to a write that etcd refuses for lack of space."""
    return ApiError(500, "", READ_ONLY_MESSAGE)


def _too_many_requests(retry_after: int) -> ApiError:
    message = "Too many requests, please try again later."
    details = {"retryAfterSeconds": retry_after}
    return ApiError(429, "TooManyRequests", message, details, {"Retry-After": str(retry_after)})


def _unavailable() -> ApiError:
    return ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")


def from_json(body: Any) -> Faults:  # noqa: ANN401 - whatever a client sent
    """Read faults as `to_json` writes them; absent ones are off. Raises ValueError with the mistake."""
    if not isinstance(body, Mapping):
        raise ValueError("faults must be an object")  # noqa: TRY004 - one error for all that is wrong in a body
    names = {_camel(each.name): each.name for each in fields(Faults)}
    for key in body:
        if key not in names:
            raise ValueError(f"unknown fault {key!r}: known are {', '.join(sorted(names))}")
    return Faults(**{names[key]: _checked(key, names[key], value) for key, value in body.items()})


def to_json(faults: Faults) -> dict[str, Any]:
    """Write faults as a client sets them."""
    return {_camel(each.name): getattr(faults, each.name) for each in fields(Faults)}


def _checked(key: str, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    default = getattr(NONE, name)
    wanted = (int, float) if isinstance(default, float) else (type(default),)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        word = "number" if isinstance(default, float) else type(default).__name__
        raise ValueError(f"{key} must be a {word}")  # noqa: TRY004 - see from_json
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
