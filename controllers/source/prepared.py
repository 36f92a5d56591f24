"""Charts made ready for Helm: unpacking and reading a large one takes longer than rendering it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial

from controllers.recent import Recent
from controllers.source.attempts import Attempts
from gitops.render.helm.files import ChartFiles

LIMIT_BYTES = 16 << 20


class PreparedChart:
    """A chart's files, and what is found out about them once for all targets."""

    def __init__(self, files: ChartFiles) -> None:
        self.files = files
        self.size = sum(map(len, files.files.values()))

    @cached_property
    def changing(self) -> frozenset[str]:
        """The functions in it that may answer otherwise the next time."""
        return self.files.changing()

    @cached_property
    def at_another_time(self) -> Mapping[str, bytes]:
        """Its files as if they were rendered years ago."""
        return self.files.at_another_time()


class PreparedCharts:
    """A cache bounded by the size of the charts; what was used longest ago goes first. For any thread."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._charts = Recent[str, PreparedChart](limit_bytes)
        self._attempts = Attempts()

    def get(self, key: str, make: Callable[[], ChartFiles]) -> PreparedChart:
        """Give the chart that `key` names, all of it; `make` is called for one that is not held.

        Raises InvalidInput, for ten minutes the same one, and whatever else `make` raises.
        """
        return self._attempts.run(key, partial(self._kept, key, make))

    def _kept(self, key: str, make: Callable[[], ChartFiles]) -> PreparedChart:
        known = self._charts.get(key)
        if known is None:
            known = PreparedChart(make())
            self._charts.keep(key, known, known.size)
        return known
