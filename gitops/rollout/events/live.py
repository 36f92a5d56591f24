"""What is found about live objects: drift, and the fields of others."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from gitops.drift.finding import DriftKind
from gitops.model.kinds import DriftMode
from gitops.rollout.events.subjects import ApplicationEvent
from gitops.rollout.state import Recorded


class ChangedBy(Recorded):
    """A field manager that holds what differs, or, where not `certain`, wrote the object last."""

    manager: str
    operation: str
    subresource: str = ""
    time: str = ""
    certain: bool = True


class ObjectEvent(ApplicationEvent):
    """An event about one object on one target."""

    target: str
    object: str


class DriftTold(ObjectEvent):
    """What differs, and by whom. `patch` (RFC 6902) makes it what was applied."""

    kind: DriftKind
    group_kind: str
    mode: DriftMode
    because: str
    by: tuple[ChangedBy, ...] = ()
    patch: tuple[dict[str, Any], ...] = ()


class DriftFound(DriftTold):
    """A live object is otherwise than we applied it, and stays so for now."""

    type: Literal["DriftFound"] = "DriftFound"
    since: datetime
    seen: str


class DriftCorrected(DriftTold):
    """A live object was otherwise than we applied it, and was applied again."""

    type: Literal["DriftCorrected"] = "DriftCorrected"


class DriftContested(DriftTold):
    """Somebody takes the same fields by turns with us; from here on we hold off longer each time."""

    type: Literal["DriftContested"] = "DriftContested"
    rounds: int
    until: datetime


class DriftMutated(DriftTold):
    """Fields came back different right after our own apply; they are not applied over again."""

    type: Literal["DriftMutated"] = "DriftMutated"


class DriftEnded(ObjectEvent):
    """What was otherwise is as we applied it again, or nobody asks any more."""

    type: Literal["DriftEnded"] = "DriftEnded"


class HeldBy(Recorded):
    """A field manager, and what it owns inside an object of ours."""

    manager: str
    operation: str
    time: str = ""
    fields: tuple[str, ...] = ()


class ForeignTold(ObjectEvent):
    """What others own. `because`: why it is not removed, or ""."""

    group_kind: str
    by: tuple[HeldBy, ...] = ()
    because: str = ""


class ForeignFieldsFound(ForeignTold):
    """Somebody who is not allowed to owns fields inside a live object of ours, and they stay for now."""

    type: Literal["ForeignFieldsFound"] = "ForeignFieldsFound"
    since: datetime
    seen: str


class ForeignFieldsRemoved(ForeignTold):
    """Such fields were removed, because the environment is exclusive."""

    type: Literal["ForeignFieldsRemoved"] = "ForeignFieldsRemoved"


class ForeignFieldsContested(ForeignTold):
    """Somebody puts back what we remove; from here on we hold off longer each time."""

    type: Literal["ForeignFieldsContested"] = "ForeignFieldsContested"
    rounds: int
    until: datetime


class ForeignFieldsEnded(ObjectEvent):
    """Nobody else owns fields inside the object any more, or those who do may, or nobody asks."""

    type: Literal["ForeignFieldsEnded"] = "ForeignFieldsEnded"
