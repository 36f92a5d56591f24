"""What an event is about: an environment, one of its applications, a rollout of that, a target in it."""

from __future__ import annotations

from datetime import datetime

from gitops.rollout.state import Recorded


class DatedEvent(Recorded):
    """Something that happened in an environment."""

    at: datetime


class ApplicationEvent(DatedEvent):
    """An event about one application."""

    application: str


class RolloutEvent(ApplicationEvent):
    """An event of one rollout."""

    rollout: str


class TargetEvent(RolloutEvent):
    """An event of one target in a rollout."""

    target: str
