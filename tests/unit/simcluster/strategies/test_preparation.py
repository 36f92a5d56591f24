"""What holds for every measured object: inputs stay as they were, and what was stored is canonical."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from simcluster import strategies
from tests.unit.simcluster.strategies import measure
from tests.unit.simcluster.strategies.test_measured_cases import World, kind_of, settled

JsonObject = dict[str, Any]
REFUSED_UNLESS_DRY = {"node port out of range"}  # dry runs allocate no ports, and so look at none


def accepted() -> dict[str, JsonObject]:
    """Return the measured objects that the server stored, by the name of their case."""
    found = {}
    for family in measure.families():
        answers = json.loads((measure.CASES / f"{family}.json").read_text())
        for case in measure.load(family):
            stands_alone = not case.get("before") and case["name"] not in REFUSED_UNLESS_DRY
            if answers[case["name"]]["code"] < 300 and stands_alone:
                found[f"{family}: {case['name']}"] = case["object"]
    return found


ACCEPTED = accepted()


@pytest.mark.parametrize("name", ACCEPTED)
def test_preparing_does_not_change_what_it_is_given(name: str) -> None:
    kind = kind_of(ACCEPTED[name])
    given = settled(ACCEPTED[name], kind)
    before = copy.deepcopy(given)
    obj = strategies.prepare_create(given, kind, World())
    assert given == before
    stored = copy.deepcopy(obj)
    strategies.validate_create(obj, kind)
    strategies.warnings(obj, kind)
    strategies.prepare_update(obj, obj, kind, World())
    strategies.prepare_status(obj, obj, kind)
    strategies.validate_update(obj, obj, kind)
    assert obj == stored


@pytest.mark.parametrize("name", ACCEPTED)
def test_storing_an_object_again_changes_nothing(name: str) -> None:
    """What was read can be written back: nothing is reset, defaulted or counted anew."""
    kind = kind_of(ACCEPTED[name])
    obj = strategies.prepare_create(settled(ACCEPTED[name], kind), kind, World())
    again = strategies.prepare_update(obj, obj, kind, World())
    assert again == obj
    assert strategies.decoded(obj, kind) == obj
