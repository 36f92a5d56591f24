"""A short soak: faults, people who interfere, commits. `python -m bench.soak` does it for 20 minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak.soak import Settings, run

SECONDS = 30.0
# What is loaded and cached for the first time grows in half a minute; only a long run tells of leaks.
ANY_GROWTH = 60.0


@pytest.mark.parametrize("kill", [False, True], ids=["undisturbed", "killed"])
async def test_everything_ends_as_git_says_whatever_went_wrong_meanwhile(
    tmp_path: Path, *, kill: bool
) -> None:
    """Verified by means of the soak's own: nothing lost, nothing fought over, nothing corrected in vain."""
    settings = Settings(
        SECONDS,
        seed=5,
        applications=2,
        kill=kill,
        between_edits=0.5,
        between_commits=8.0,
        growth_mib_a_minute=ANY_GROWTH,
    )
    figures = await run(settings, tmp_path)
    assert figures["wrong"] == []
    assert figures["edits"]["drift"] > 0
    assert figures["faults"]
    assert (figures["controllers_started"] > 1) is kill
