"""What happens to one object: one that is wanted, or one that is tracked and no longer wanted."""

from __future__ import annotations

from gitops.errors import Problem
from gitops.inventory import HOLDING, PRUNE, STATEFUL, Entry, PruneWord, how_to_release
from gitops.objects import GroupKind, Manifest, ObjectKey, short_digest
from gitops.ownership import ENVIRONMENT, PART_OF, claimed_by
from gitops.plan.model import Action, ObjectPlan, PlanPolicy, Wanted
from gitops.plan.view import LiveObject, TargetView

# The reasons that go without saying.
NEW = "it does not exist yet"
CHANGED = "its manifest changed"
NOT_RENDERED = "it is no longer rendered"

_JOB = GroupKind("batch", "Job")


def wanted_object(manifest: Manifest, wanted: Wanted, view: TargetView) -> ObjectPlan | Problem:
    """Decide about one settled manifest; a Problem where somebody else claims the live object."""
    key, applyset = manifest.key, wanted.scope.applyset
    entry = view.inventory.entries.get(key) if view.inventory else None
    live = view.live.get(key)
    manifest_digest = short_digest(manifest.body)
    if live is None:
        action, because = _missing(manifest, manifest_digest, entry)
        return ObjectPlan(key, action, because, manifest, manifest_digest)
    ours = live.labels.get(PART_OF) == applyset or (
        bool(entry and entry.uid == live.uid) and PART_OF not in live.labels
    )
    if ours:
        action, because = _ours(manifest_digest, entry, live)
    else:
        claim = _claim(key, live, wanted, view)
        if claim is not None:
            return Problem(manifest.source, claim)
        action, because = Action.TAKE_OVER, _taken_from(live, view)
    # Our label without an entry means a lost inventory: whether the object was there before, nobody knows.
    taken_over = action is Action.TAKE_OVER or entry is None or entry.taken_over
    return ObjectPlan(key, action, because, manifest, manifest_digest, live.uid, taken_over)


def _missing(manifest: Manifest, manifest_digest: str, entry: Entry | None) -> tuple[Action, str]:
    if entry is None or not entry.digest:
        return Action.CREATE, NEW
    if not removes_itself(manifest):
        return Action.CORRECT, "it is not there any more"
    if entry.digest == manifest_digest:
        return Action.FINISHED, "it was applied, and its time to live removes it once it finished"
    return Action.CREATE, CHANGED


def removes_itself(manifest: Manifest) -> bool:
    """Whether a Job's `ttlSecondsAfterFinished` explains its absence; creating it would run it again."""
    spec = manifest.body.get("spec") or {}
    return manifest.key.group_kind == _JOB and spec.get("ttlSecondsAfterFinished") is not None


def _ours(manifest_digest: str, entry: Entry | None, live: LiveObject) -> tuple[Action, str]:
    if live.terminating:
        because = "it is being deleted, and will be created again"
    elif entry is None or not entry.digest:
        because = "an earlier apply was not confirmed"
    elif entry.uid != live.uid:
        return Action.CORRECT, "somebody deleted it and created it again"
    elif entry.digest != manifest_digest:
        because = CHANGED
    elif not entry.fields or entry.fields != live.fields:
        return Action.CORRECT, "somebody changed fields that we own"
    else:
        return Action.UNCHANGED, "it is as it was applied"
    return Action.CONFIGURE, because


def _claim(key: ObjectKey, live: LiveObject, wanted: Wanted, view: TargetView) -> str | None:
    """Say who claims an object that is not ours, or None where it may be taken over."""
    other = live.labels.get(PART_OF, "")
    if other in view.siblings:
        if key not in view.siblings[other]:
            return None  # moved between two applications, environments or targets of one repository
        theirs = live.labels.get(ENVIRONMENT, "")
        where = "this environment" if theirs in ("", wanted.scope.environment) else f"environment {theirs}"
        return f"{key} belongs to another application of {where}, which renders it too: keep one"
    applyset, owners = wanted.scope.applyset, live.owner_references
    owner = claimed_by(live.labels, live.annotations, owners, ours=applyset)
    if owner is None:
        return None
    if claimed_by({PART_OF: other}, {}, owners, ours=applyset) is not None:
        return f"{key} already exists and belongs to {owner}: remove it there first, or rename it here"
    # A tool's marks may outlast the tool. Whom `gitops take-over` gave the object to holds its fields.
    if live.fields and not other:
        return None
    return (
        f"{key} already exists and belongs to {owner}: take it over first (gitops take-over "
        f"{wanted.scope.environment}), or rename it here"
    )


def _taken_from(live: LiveObject, view: TargetView) -> str:
    if live.labels.get(PART_OF, "") in view.siblings:
        return "it moved here from another application"
    return "it was taken over by hand" if live.fields else "it exists and nobody claims it"


def leaving_object(entry: Entry, wanted: Wanted, view: TargetView, policy: PlanPolicy) -> ObjectPlan:
    """Decide about one tracked object that is no longer rendered; deletes only what is certainly ours."""
    live = view.live.get(entry.key)
    action, because = (
        (Action.GONE, "it is not there any more")
        if live is None
        else _foreign(entry, live, wanted.scope.applyset)
        or _elsewhere(entry, view)
        or _own(entry, live, wanted.scope.name, policy, added=entry.key in view.added)
    )
    uid = live.uid if live else ""
    return ObjectPlan(entry.key, action, because, uid=uid, taken_over=entry.taken_over)


def _foreign(entry: Entry, live: LiveObject, applyset: str) -> tuple[Action, str] | None:
    owner = claimed_by(live.labels, live.annotations, live.owner_references, ours=applyset)
    if owner is not None:
        return Action.HAND_OVER, f"it now belongs to {owner}"
    if live.labels.get(PART_OF) != applyset:
        return Action.HAND_OVER, "it does not carry the label of this application"
    # Unless it was made anew by us: before a crash, or by a correction of drift that is not stored yet. Then
    # our field manager owns in it what it owned in the one before.
    ours = live.fields and (not entry.digest or live.fields == entry.fields)
    if live.uid != entry.uid and not ours:
        return Action.HAND_OVER, "it is another object of the same name, which we never applied"
    return None


def _elsewhere(entry: Entry, view: TargetView) -> tuple[Action, str] | None:
    # Tracked until the other application has put its label on: its rollout may be reverted before it does.
    if any(entry.key in keys for keys in view.siblings.values()):
        return Action.KEEP, "another application of this repository renders it now and takes it over"
    return None


def _own(
    entry: Entry, live: LiveObject, scope: str, policy: PlanPolicy, *, added: bool
) -> tuple[Action, str]:
    if live.terminating:
        return Action.DELETE, "it is being deleted already"
    word = live.annotations.get(PRUNE)
    if word == PruneWord.DISABLED:
        return Action.RELEASE, f"its annotation {PRUNE} is {word}"
    if policy.restoring and entry.taken_over:
        return Action.HAND_OVER, "it existed before we took it over, so a revert leaves it"
    permitted = policy.prune_permitted or word == PruneWord.ENABLED
    if entry.key.group_kind in STATEFUL and not permitted:
        taken_back = policy.restoring and added and entry.key.group_kind not in HOLDING
        if not taken_back:
            return Action.HOLD, how_to_release(entry.key, scope)
    return Action.DELETE, NOT_RENDERED
