"""An object that left Git and is held back is watched: what may end that is told as soon as it is seen."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitops.drift import Sight, released
from gitops.inventory import PRUNE, Entry
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import CONFIG_MAPS, SCOPE, Yard, config_map, until

HELD = "ConfigMap shop/kept"
KEY = ObjectKey("", "ConfigMap", "shop", "kept")
ENTRY = Entry(KEY, "v1", digest="d1", fields="f1", uid="u1")
SIGHT = Sight("u1", "10", 0, "f1", "12:00", SCOPE.applyset, terminating=False)


def told(yard: Yard) -> Mapping[str, str]:
    """What a pass gets to know."""
    return yard.drift.reports()[SCOPE.application, str(SCOPE.target)].released


async def holding(yard: Yard) -> list[None]:
    """Watch what is held back; the list grows whenever there is something new to read."""
    await yard.roll_out(1, config_map("a"), config_map("kept"))
    yard.desk.kept = frozenset({HELD})
    await yard.watched()
    assert told(yard) == {}
    news: list[None] = []
    yard.desk.on_told = lambda: news.append(None)
    return news


async def test_its_annotation_is_seen(yard: Yard) -> None:
    news = await holding(yard)
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept", "namespace": "shop", "annotations": {PRUNE: "enabled"}},
    }
    await yard.person.apply(CONFIG_MAPS, body, field_manager="kubectl-annotate")
    await until(lambda: news and told(yard))
    assert told(yard) == {HELD: f"its annotation {PRUNE} is enabled"}


async def test_its_end_is_seen(yard: Yard) -> None:
    """Of an object that is not rendered any more; nobody puts it back."""
    news = await holding(yard)
    yard.revisions[yard.desk.revision] = (config_map("a"),)
    yard._settled.clear()
    await yard.person.delete(CONFIG_MAPS, "kept", "shop")
    await until(lambda: news and told(yard))
    assert told(yard) == {HELD: "it is not there any more"}
    assert yard.corrections == []


async def test_a_start_sees_what_happened_before_it(yard: Yard) -> None:
    await yard.roll_out(1, config_map("a"), config_map("kept"))
    yard.revisions[yard.desk.revision] = (config_map("a"),)
    await yard.person.delete(CONFIG_MAPS, "kept", "shop")
    yard.desk.kept = frozenset({HELD})
    await yard.watched()
    assert told(yard) == {HELD: "it is not there any more"}


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (SIGHT, ""),
        (SIGHT._replace(resource_version="11", generation=2, fields="f2"), ""),
        (None, "it is not there any more"),
        (SIGHT._replace(part_of=""), "it does not carry the label of this application"),
        (SIGHT._replace(prune="disabled"), f"its annotation {PRUNE} is disabled"),
        (SIGHT._replace(uid="u2"), "it is another object of the same name"),
    ],
)
def test_only_what_a_plan_would_decide_otherwise_by_counts(sight: Sight | None, said: str) -> None:
    assert released(ENTRY, sight, SCOPE.applyset) == said


def test_a_word_that_nobody_knows_says_nothing() -> None:
    metadata = {"annotations": {PRUNE: "perhaps"}}
    assert Sight.of(metadata).prune == ""
    assert Sight.of({"annotations": {PRUNE: "enabled"}}).prune == "enabled"
