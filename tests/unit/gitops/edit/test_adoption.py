"""Four forms of one object, side by side: only what an apply would change is taken from the live one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops.edit.adoption import Adopted, Sides, adopt
from gitops.fields import FIELD_MANAGER

SCALARS = st.integers(0, 5) | st.sampled_from(["a", "b", "${c}", ""]) | st.booleans()
KEYS = st.sampled_from(["spec", "x", "y", "z"])


def named(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    bodies = st.dictionaries(KEYS, inner, max_size=2)
    return st.dictionaries(st.sampled_from("pqr"), bodies, min_size=1).map(
        lambda found: [{"name": name, **body} for name, body in found.items()]
    )


VALUES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | named(inner),
    max_leaves=12,
)
BODIES = st.dictionaries(KEYS, VALUES, min_size=1)


def owned(value: Any) -> Any:
    """What an apply of a value owns."""
    if isinstance(value, dict):
        return {f"f:{name}": owned(below) for name, below in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return {f"k:{json.dumps({'name': one['name']})}": {".": {}, **owned(one)} for one in value}
    return {}


def changed(value: Any, data: st.DataObject) -> Any:
    """The same with other values and with less in it, as people leave it who add nothing."""
    if isinstance(value, dict):
        kept = {
            name: below for name, below in value.items() if name == "name" or data.draw(st.integers(0, 4))
        }
        return {name: below if name == "name" else changed(below, data) for name, below in kept.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        kept_items = [changed(one, data) for one in value if data.draw(st.integers(0, 4))]
        return data.draw(st.permutations(kept_items))
    if isinstance(value, list):
        return data.draw(st.just(value) | st.lists(SCALARS, max_size=3))
    return data.draw(st.just(value) | SCALARS)


def adopting(written: Any, manifest: Any, live: Any, *, escape: bool = False) -> Adopted:
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned(manifest)}
    applied = {**manifest, "metadata": {"managedFields": [entry]}}
    return adopt(Sides(written, manifest, applied, live), escape=escape)


@given(BODIES, st.data())
def test_whatever_was_changed_or_removed_is_adopted_exactly(manifest: Any, data: st.DataObject) -> None:
    """Values, their order, and nothing of what others added beside them."""
    live = changed(manifest, data)
    said = json.dumps(live)
    assert json.dumps(adopting(manifest, manifest, live).body) == said
    foreign = {**live, "foreign": 1}
    assert json.dumps(adopting(manifest, manifest, foreign).body) == said


@given(BODIES)
def test_what_is_as_it_was_applied_stays_as_it_is_written(manifest: Any) -> None:
    """However it is written: through variables, or not at all."""
    written = {"anything": "${else}"}
    assert adopting(written, manifest, manifest) == Adopted(written)


def test_a_variable_beside_a_changed_value_stays() -> None:
    """In a list that is owned as one, too; text that comes from the cluster is escaped."""
    manifest = {"args": ["--in=eu", "a", "b"]}
    written = {"args": ["--in=${cluster}", "a", "b"]}
    found = adopting(written, manifest, {"args": ["--in=eu", "${x}", "b", "c"]}, escape=True)
    assert found == Adopted({"args": ["--in=${cluster}", "$${x}", "b", "c"]})
    assert adopting(written, manifest, {"args": ["--in=us", "a", "b"]}).blocked == (("args", 0),)


def test_what_is_not_in_the_file_is_blocked_by_its_place() -> None:
    manifest = {"spec": {"x": 1, "y": [{"name": "p"}, {"name": "q", "z": 2}]}}
    live = {"spec": {"x": 2, "y": [{"name": "p"}, {"name": "q", "z": 3}]}}
    assert adopting({"spec": {"y": [{"name": "p"}]}}, manifest, live).blocked == (
        ("spec", "x"),
        ("spec", "y"),
    )
