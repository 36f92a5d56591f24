"""Deleting over HTTP: in which order, what counts as gone, and what is said of the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from controllers.rollout.pruning import Pruned, Pruner
from gitops.objects import ObjectKey
from gitops.plan import Action, ObjectPlan
from tests.unit.controllers.adapters.kube.scripted import Play, Stage, answers, refuses, staged
from tests.unit.controllers.rollout.little_api import LittleApi

WIDGET = ObjectKey("example.org", "Widget", "shop", "w")
SETTINGS = ObjectKey("", "ConfigMap", "shop", "settings")
OTHER = ObjectKey("", "ConfigMap", "shop", "other")


@dataclass
class World:
    """A cluster with a Widget and two ConfigMaps."""

    stage: Stage
    api: LittleApi

    async def delete(self, *keys: ObjectKey, within: float = 0.0) -> Pruned:
        """Delete these as objects whose uid is their name."""
        planned = [ObjectPlan(key, Action.DELETE, "", uid=key.name) for key in keys]
        discovery = await self.stage.client.discovery()
        return await Pruner(self.stage.client).delete(planned, discovery, within=within)

    def fault(self, verb: str, name: str, play: Play) -> None:
        """Answer so from now on."""
        self.api.fault(lambda asked: (asked.verb, asked.name) == (verb, name), play)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """All three are there."""
    async with staged() as stage:
        api = LittleApi()
        stage.api.otherwise = api.play
        for key in (WIDGET, SETTINGS, OTHER):
            place = ("widgets" if key is WIDGET else "configmaps", key.namespace, key.name)
            api.objects[place] = {"metadata": {"name": key.name, "namespace": "shop", "uid": key.name}}
        yield World(stage, api)


async def test_a_stage_after_the_other_and_all_of_it_is_confirmed(world: World) -> None:
    done = await world.delete(WIDGET, OTHER, SETTINGS)
    assert done == Pruned(frozenset({WIDGET, OTHER, SETTINGS}))
    assert world.api.writes[0] == "delete widgets w"
    assert sorted(world.api.writes[1:]) == ["delete configmaps other", "delete configmaps settings"]


async def test_what_an_object_may_need_waits_until_that_is_gone(world: World) -> None:
    """A finalizer holds the Widget: nothing of an earlier stage is asked to go."""
    held = {"metadata": {"name": "w", "uid": "w", "finalizers": ["example.org/hold"]}}
    world.fault("delete", "w", answers({"kind": "Status"}))
    world.fault("get", "w", answers(held))
    done = await world.delete(WIDGET, SETTINGS)
    assert done.gone == frozenset()
    assert "example.org/hold" in done.left[WIDGET]
    assert done.left[SETTINGS] == f"it goes after {WIDGET}"
    assert world.api.writes == []


@pytest.mark.parametrize(
    ("verb", "play"),
    [
        ("delete", refuses(404, "settings not found")),
        ("delete", refuses(409, "the UID in the precondition does not match", reason="Conflict")),
        ("get", answers({"metadata": {"name": "settings", "uid": "of-another"}})),
        ("get", refuses(410, "gone", reason="Gone")),
    ],
)
async def test_gone_is_what_is_not_there_or_is_another_object_by_now(
    world: World, verb: str, play: Play
) -> None:
    world.fault(verb, "settings", play)
    if verb == "delete":
        world.fault("get", "settings", refuses(404, "settings not found"))
    else:
        world.fault("delete", "settings", answers({"kind": "Status"}))
    assert (await world.delete(SETTINGS)).gone == {SETTINGS}


async def test_a_refusal_leaves_one_object_and_the_others_of_its_stage_go(world: World) -> None:
    world.fault("delete", "settings", refuses(403, "settings is forbidden", reason="Forbidden"))
    done = await world.delete(OTHER, SETTINGS)
    assert done.gone == {OTHER}
    assert "settings is forbidden" in done.left[SETTINGS]


async def test_an_object_of_a_kind_that_is_no_more_went_with_it(world: World) -> None:
    gadget = ObjectKey("example.org", "Gadget", "shop", "g")
    assert (await world.delete(gadget)).gone == {gadget}
    assert world.api.writes == []
