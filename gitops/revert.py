"""Which change in Git takes a failed rollout back, and the message that it is committed with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gitops.audit.message import compose
from gitops.rollout.state import Rollout, TargetPhase

REVERTS = "Gitops-Reverts"
_EVIDENCE_LINES = 20
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Change:
    """A first-parent commit between last good and failed; a merge counts as one, against its first parent.

    `paths`: what it changed of the application's inputs, its own folder and what it shares with others.
    `is_revert`: one of our reverts; `reverts`: the commits that its trailers name.
    """

    commit: str
    subject: str
    author: str
    paths: tuple[str, ...]
    is_revert: bool = False
    reverts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReverseCommit:
    """Apply the reverse of `commit`, limited to `paths`."""

    commit: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestorePaths:
    """Put `paths` (files or folders) as they were in `revision`."""

    paths: tuple[str, ...]
    revision: str


@dataclass(frozen=True, slots=True)
class NoRevert:
    """Nothing is committed; a person reads why."""

    because: str


RevertPlan: TypeAlias = ReverseCommit | RestorePaths | NoRevert


def plan(
    *, application_path: str, changes: tuple[Change, ...], good_revision: str, head_changed: bool
) -> RevertPlan:
    """Choose how to take the failed inputs back (DESIGN section 4, Revert). `changes` are newest first.

    `head_changed`: the branch's head holds other inputs than the failed ones already.
    """
    if head_changed:
        return NoRevert("newer inputs are on the branch already")
    guilty = _not_yet_reverted(change for change in changes if change.paths)
    if not guilty:
        return NoRevert("no commit since the last good revision is left to take back; a person has to look")
    reverts = [change for change in guilty if change.is_revert]
    if reverts:
        return NoRevert(
            f"{reverts[0].commit[:_SHORT]} is a revert, and a revert is never reverted; a person decides"
        )
    if len(guilty) == 1:
        return ReverseCommit(guilty[0].commit, tuple(sorted(guilty[0].paths)))
    folder = application_path.rstrip("/") + "/"
    if any(path.startswith(folder) for change in guilty for path in change.paths):
        return RestorePaths((application_path.rstrip("/"),), good_revision)
    return NoRevert(
        f"{len(guilty)} commits changed only what the application shares with others "
        f"({', '.join(_shared(guilty))}); a person decides which of them goes"
    )


def is_revert(trailers: Iterable[tuple[str, str]]) -> bool:
    """Whether a commit with these trailers is one of our reverts."""
    return bool(reverted_by(trailers))


def reverted_by(trailers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The commits that a revert of ours took back; trailer names are compared without case, as Git does."""
    return tuple(value.strip() for key, value in trailers if key.casefold() == REVERTS.casefold())


def message(
    environment: str, application: str, rollout: Rollout, changes: tuple[Change, ...], audit_record: str
) -> str:
    """The revert commit's message: what failed, where, the evidence, what to do, and trailers.

    `changes` are those that the revert takes back; `audit_record` names the commit with the whole evidence.
    """
    wave = rollout.current_wave
    where = f" in wave {wave.name}" if wave else ""
    failed = rollout.because or "the rollout failed"
    targets = list(_targets(rollout))
    why = "" if any(failed.startswith(line.strip()) for line in targets) else f": {failed}"
    what = [f"Rollout {rollout.id} of {rollout.revision[:_SHORT]} failed{where}{why}."]
    taken_back = [f"  {each.commit[:_SHORT]} {each.subject} ({each.author})" for each in changes]
    if taken_back:
        taken_back = ["This takes back, as far as it concerns this application:", *taken_back]
    stuck = ", ".join(rollout.in_phase(TargetPhase.FAILED))
    but = f", but not: {stuck}" if stuck else ""
    next_step = [
        f"Every target that had received it is back on the last good revision{but}.",
        "What to do next: merge a fix. The same inputs are held in quarantine; to try them again unchanged,",
        f"merge a commit with the trailer Gitops-Retry: {environment}/{application}",
    ]
    return compose(
        f"Revert {application} in {environment}: {failed}",
        (what, targets, list(_evidence(rollout)), taken_back, next_step),
        (
            ("Gitops-Environment", environment),
            ("Gitops-Application", application),
            ("Gitops-Rollout", rollout.id),
            ("Gitops-Wave", wave.name if wave else ""),
            ("Gitops-Gate", rollout.failed_gate),
            *((REVERTS, change.commit) for change in changes),
            ("Gitops-Audit", audit_record),
        ),
    )


def _not_yet_reverted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Leave out what one of our reverts has taken back in full, and that revert with it."""
    kept = tuple(changes)
    for revert in [change for change in kept if change.is_revert]:
        taken = [change for change in kept if change.commit in revert.reverts]
        touched = {path for change in taken for path in change.paths}
        if taken and touched <= set(revert.paths):
            gone = {revert.commit, *(change.commit for change in taken)}
            kept = tuple(change for change in kept if change.commit not in gone)
    return kept


def _shared(changes: Iterable[Change]) -> list[str]:
    return sorted({path for change in changes for path in change.paths})


def _targets(rollout: Rollout) -> Iterator[str]:
    failed = [(name, target) for name, target in sorted(rollout.targets.items()) if target.cause is not None]
    if failed:
        yield "Where it failed:"
    for name, target in failed:
        yield f"  {name}: {target.because}"


def _evidence(rollout: Rollout) -> Iterator[str]:
    if rollout.evidence:
        yield "Evidence:"
    for line in rollout.evidence[:_EVIDENCE_LINES]:
        yield f"  {line}"
    more = len(rollout.evidence) - _EVIDENCE_LINES
    if more > 0:
        yield f"  … and {more} more lines in the audit record"
