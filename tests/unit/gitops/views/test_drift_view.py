"""What `gitops diff` shows: differences and what others own, as text and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from gitops.drift import ForeignFinding
from gitops.fields import Owner
from gitops.foreign import ForeignFields
from gitops.model.kinds import DriftMode
from gitops.objects import ObjectKey
from gitops.views import drift
from gitops.views.drift import TargetDrift

WEB = ObjectKey("apps", "Deployment", "shop", "web")
FOUND = ForeignFields(
    Owner("eve", "Update", time="2026-03-01T12:00:00Z"),
    (("f:spec", "f:paused"), ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"proxy"}')),
)


def target(mode: DriftMode) -> TargetDrift:
    """One target, on which somebody added to a Deployment."""
    return TargetDrift("web", "eu-1/shop", "a" * 40, foreign=(ForeignFinding.of(WEB, mode, [FOUND]),))


def test_what_others_own_is_shown_with_owner_age_and_what_is_done() -> None:
    assert drift.text("production", [target(DriftMode.REPORT)]).splitlines() == [
        "production/web on eu-1/shop at aaaaaaaaaaaa: nothing has drifted, 1 hold fields of others",
        "  Deployment.apps shop/web: fields of others (left there), since 2026-03-01 12:00:00Z",
        "    eve (Update): spec.paused, spec.template.spec.containers[name=proxy]",
    ]
    assert "(removed where it runs)" in drift.text("production", [target(DriftMode.CORRECT)])


def test_both_forms_say_the_same() -> None:
    [shown] = drift.form("production", [target(DriftMode.REPORT)])["targets"]
    assert shown["drifted"] == []
    assert shown["foreign"] == [
        {
            "object": "Deployment.apps shop/web",
            "mode": "Report",
            "because": "",
            "by": [
                {
                    "manager": "eve",
                    "operation": "Update",
                    "time": "2026-03-01T12:00:00Z",
                    "fields": ["spec.paused", "spec.template.spec.containers[name=proxy]"],
                }
            ],
            "since": "2026-03-01T12:00:00Z",
        }
    ]


def test_only_what_an_exclusive_environment_would_remove_is_something_to_do() -> None:
    assert target(DriftMode.REPORT).clear
    assert not target(DriftMode.CORRECT).clear


def test_the_age_is_that_of_the_oldest() -> None:
    newer = FOUND._replace(owner=Owner("zoe", "Update", time="2026-03-02T12:00:00Z"))
    unknown = FOUND._replace(owner=Owner("amy", "Update", time="yesterday"))
    found = ForeignFinding.of(WEB, DriftMode.REPORT, [unknown, newer, FOUND])
    assert found.since == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.managers == ("amy", "eve", "zoe")
