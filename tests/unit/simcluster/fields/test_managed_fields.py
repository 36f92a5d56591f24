"""Who owns what after applies and updates. Expectations were measured on kube-apiserver 1.37.2."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.fields.managed import (
    ApplyConflict,
    Versions,
    Writer,
    apply,
    keep_times,
    object_type,
    update,
)
from simcluster.fields.sets import FieldSet
from simcluster.kinds.types import Encoding, List, Scalar, Struct, Type

TEXT = Scalar("string")
NUMBER = Scalar("integer")
META = Struct(
    fields={
        "name": TEXT,
        "namespace": TEXT,
        "uid": TEXT,
        "resourceVersion": TEXT,
        "labels": Struct(values=TEXT),
        "annotations": Struct(values=TEXT),
        "managedFields": List(Struct(open=True)),
    }
)


def kind(spec: Struct, *, encoding: Encoding | None = None) -> Struct:
    fields: dict[str, Type] = {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": META,
        "spec": spec,
        "status": Struct(open=True),
    }
    return Struct(fields=fields, encoding=encoding)


SPEC = Struct(
    fields={
        "size": NUMBER,
        "map": Struct(values=TEXT),
        "strategy": Struct(fields={"type": TEXT}, encoding=Encoding("Strategy")),
        "tags": List(TEXT, "set"),
        "items": List(Struct(fields={"id": TEXT, "n": NUMBER}), "map", ("id",)),
    },
    encoding=Encoding("Spec", fill=(("strategy", {}), ("items", None))),
)
THING = kind(SPEC)
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def body(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a", **metadata}}
    return made if spec is None else {**made, "spec": spec}


def writer(manager: str = "m", time: str = EARLY, *, version: str = "x.io/v1", sub: str = "") -> Writer:
    return Writer(manager, version, time, sub)


def applied(
    live: dict[str, Any] | None, spec: dict[str, Any] | None, by: Writer, **how: Any
) -> dict[str, Any]:
    config = body(spec)
    before = deepcopy((live, config))
    found = apply(live, config, THING, by, **{"force": False, **how})
    assert (live, config) == before  # what comes in is left alone
    return found


def updated(live: dict[str, Any] | None, new: dict[str, Any], by: Writer, **how: Any) -> dict[str, Any]:
    before = deepcopy((live, new))
    found = update(live, new, THING, by, **how)
    assert (live, new) == before
    return found


def entries(value: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = value["metadata"].get("managedFields", [])
    return found


def owners(value: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in entries(value)}


def test_an_apply_owns_what_it_says_but_never_the_identity() -> None:
    found = applied(None, {"size": 1, "tags": ["b", "a"]}, writer())
    assert found["spec"] == {"size": 1, "tags": ["b", "a"]}
    assert entries(found) == [
        {
            "manager": "m",
            "operation": "Apply",
            "apiVersion": "x.io/v1",
            "time": EARLY,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:size": {}, "f:tags": {'v:"a"': {}, 'v:"b"': {}}}},
        }
    ]
    assert list(entries(found)[0]) == ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"]


def test_an_apply_that_changes_nothing_keeps_its_time() -> None:
    live = applied(None, {"size": 1}, writer())
    assert applied(live, {"size": 1}, writer(time=LATE)) == live


def test_who_applies_what_is_there_already_shares_it_and_has_no_time() -> None:
    live = applied(None, {"size": 1}, writer())
    found = applied(live, {"size": 1}, writer("other", LATE))
    assert owners(found) == {"m": {"f:spec": {"f:size": {}}}, "other": {"f:spec": {"f:size": {}}}}
    assert [(entry["manager"], entry.get("time")) for entry in entries(found)] == [
        ("other", None),
        ("m", EARLY),
    ]


def test_an_apply_of_another_value_is_a_conflict_and_force_takes_it() -> None:
    live = applied(None, {"size": 1, "map": {"a": "1"}}, writer())
    with pytest.raises(ApplyConflict) as refused:
        applied(live, {"size": 2}, writer("other"))
    assert refused.value.status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'Apply failed with 1 conflict: conflict with "m": .spec.size',
        "reason": "Conflict",
        "details": {
            "causes": [
                {"reason": "FieldManagerConflict", "message": 'conflict with "m"', "field": ".spec.size"}
            ]
        },
        "code": 409,
    }
    found = applied(live, {"size": 2}, writer("other", LATE), force=True)
    assert owners(found) == {"m": {"f:spec": {"f:map": {"f:a": {}}}}, "other": {"f:spec": {"f:size": {}}}}


def test_several_conflicts_are_told_by_owner() -> None:
    live = applied(None, {"items": [{"id": "x", "n": 1}]}, writer())
    live = updated(live, {**live, "spec": {**live["spec"], "size": 1}}, writer("up", LATE))
    live = updated(live, {**live, "status": {"p": 1}}, writer("st", LATE, sub="status"))
    config = {**body({"size": 2, "items": [{"id": "x", "n": 2}]}), "status": {"p": 2}}
    with pytest.raises(ApplyConflict) as refused:
        apply(live, config, THING, writer("other"), force=False)
    assert str(refused.value) == (
        'Apply failed with 3 conflicts: conflicts with "m":\n'
        '- .spec.items[id="x"].n\n'
        'conflicts with "st" with subresource "status" using x.io/v1:\n'
        "- .status.p\n"
        'conflicts with "up" using x.io/v1:\n'
        "- .spec.size"
    )


def test_a_field_goes_with_its_last_owner() -> None:
    live = applied(None, {"size": 1, "map": {"a": "1", "b": "1"}, "tags": ["x"]}, writer())
    live = applied(live, {"map": {"a": "1"}}, writer("other"))
    found = applied(live, {"tags": ["x"]}, writer(time=LATE))
    assert found["spec"] == {"map": {"a": "1"}, "tags": ["x"]}
    assert applied(found, {}, writer("other"))["spec"] == {"tags": ["x"]}


def test_what_nobody_owns_stays_when_its_item_does() -> None:
    """A default inside an item, say; with the item it goes."""
    live = applied(None, {"items": [{"id": "x"}, {"id": "y"}]}, writer())
    live["spec"]["items"][0]["n"] = 7
    found = applied(live, {"items": [{"id": "x"}]}, writer())
    assert found["spec"]["items"] == [{"id": "x", "n": 7}]
    assert applied(found, {"size": 1}, writer())["spec"] == {"size": 1}


def test_an_applier_that_says_nothing_more_is_no_owner() -> None:
    live = applied(None, {"size": 1}, writer())
    found = applied(live, None, writer(time=LATE))
    assert found == {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a"}}


def test_a_creator_owns_what_it_wrote_with_the_fields_that_it_brought_into_being() -> None:
    found = updated(None, body({"map": {"a": "1"}, "items": [{"id": "x"}]}, labels={"l": "1"}), writer(""))
    assert entries(found)[0]["manager"] == "unknown"
    assert owners(found)["unknown"] == {
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
        "f:spec": {
            ".": {},
            "f:items": {".": {}, 'k:{"id":"x"}': {".": {}, "f:id": {}}},
            "f:map": {".": {}, "f:a": {}},
        },
    }


def test_nobody_owns_what_the_go_type_of_a_built_in_kind_always_writes() -> None:
    built_in = kind(SPEC, encoding=Encoding("Thing", fill=(("metadata", {}), ("spec", {}), ("status", {}))))
    new = {**body({"strategy": {"type": "T"}, "items": [{"id": "x"}]}), "status": {}}
    found = update(None, new, built_in, writer())
    assert owners(found)["m"] == {
        "f:spec": {
            "f:items": {'k:{"id":"x"}': {".": {}, "f:id": {}}},
            "f:strategy": {"f:type": {}},
        }
    }
    found = apply(None, body({"size": 1}), built_in, writer(), force=False)
    assert found["spec"] == {"size": 1, "strategy": {}}  # `items: null` is not shown
    assert found["status"] == {}


def test_an_update_takes_what_it_changes_and_nothing_else() -> None:
    live = updated(None, body({"map": {"a": "1", "b": "1"}, "size": 1}), writer())
    found = updated(live, body({"map": {"a": "2"}, "size": 1}, uid="u"), writer("up", LATE))
    assert owners(found) == {
        "m": {"f:spec": {".": {}, "f:map": {}, "f:size": {}}},
        "up": {"f:spec": {"f:map": {"f:a": {}}}},
    }
    assert [entry["time"] for entry in entries(found)] == [EARLY, LATE]
    unchanged = updated(found, {**found}, writer("third", LATE))
    assert unchanged == found


def test_an_updater_adds_to_its_entry_and_renews_its_time() -> None:
    live = updated(None, body({"size": 1}), writer())
    found = updated(live, body({"size": 1, "tags": ["x"]}), writer(time=LATE))
    assert owners(found) == {
        "m": {"f:spec": {".": {}, "f:size": {}, "f:tags": {".": {}, 'v:"x"': {}}}},
    }
    assert entries(found)[0]["time"] == LATE


def test_one_manager_has_an_entry_for_each_operation_subresource_and_updaters_version() -> None:
    live = applied(None, {"size": 1}, writer())
    live = updated(live, {**live, "spec": {"size": 2}}, writer(time=LATE))
    live = updated(live, {**live, "status": {"p": 1}}, writer(time=LATE, sub="status"))
    live = updated(live, {**live, "spec": {"size": 2, "tags": ["x"]}}, writer(time=LATE, version="x.io/v2"))
    assert [(e["operation"], e["apiVersion"], e.get("subresource")) for e in entries(live)] == [
        ("Update", "x.io/v1", None),
        ("Update", "x.io/v1", "status"),
        ("Update", "x.io/v2", None),
    ]
    assert list(entries(live)[1])[-1] == "subresource"


def test_appliers_come_first_then_older_entries() -> None:
    live = updated(None, body({"size": 1}), writer("a"))
    live = updated(live, {**live, "spec": {"size": 1, "map": {}}}, writer("b", LATE))
    live = applied(live, {"tags": ["x"]}, writer("z", LATE))
    assert [entry["manager"] for entry in entries(live)] == ["z", "a", "b"]


def test_ignored_fields_are_never_owned() -> None:
    ignored = FieldSet.fields("status")
    found = apply(
        None, {**body({"size": 1}), "status": {"p": 1}}, THING, writer(), force=False, ignored=ignored
    )
    assert owners(found) == {"m": {"f:spec": {"f:size": {}}}}
    found = updated(None, {**body({"size": 1}), "status": {"p": 1}}, writer(), ignored=ignored)
    assert owners(found) == {"m": {"f:spec": {".": {}, "f:size": {}}}}


def test_an_object_without_owners_belongs_to_before_first_apply() -> None:
    live = body({"size": 1, "map": {"a": "1"}}, uid="u")
    with pytest.raises(ApplyConflict, match='conflict with "before-first-apply"'):
        applied(live, {"size": 2}, writer())
    found = applied(live, {"size": 2}, writer(time=LATE), force=True)
    assert owners(found) == {
        "m": {"f:spec": {"f:size": {}}},
        "before-first-apply": {"f:spec": {".": {}, "f:map": {".": {}, "f:a": {}}}},
    }
    assert [entry["time"] for entry in entries(found)] == [LATE, LATE]


@pytest.mark.parametrize("said", [[], [{}]])
def test_a_writer_may_forget_all_owners_and_updates_stay_untracked(said: list[Any]) -> None:
    live = updated(None, body({"size": 1}), writer())
    found = updated(live, body({"size": 2}, managedFields=said), writer())
    assert owners(found) == {}
    assert "managedFields" not in found["metadata"]
    assert owners(updated(found, body({"size": 3}), writer())) == {}
    assert owners(applied(found, {"map": {"a": "1"}}, writer())).keys() == {"m", "before-first-apply"}


def test_a_writer_may_name_the_owners_itself_in_one_form() -> None:
    live = updated(None, body({"size": 1}), writer())
    said = {
        "manager": "z",
        "operation": "Update",
        "apiVersion": "x.io/v1",
        "time": "2020-01-01T02:00:00+02:00",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"x:new": {}, "f:size": {".": {}}, ".": {}}},
    }
    found = updated(live, body({"size": 1}, managedFields=[said]), writer())
    assert entries(found) == [
        {**said, "time": "2020-01-01T00:00:00Z", "fieldsV1": {"f:spec": {".": {}, "f:size": {}}}}
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"operation": "Foo"},
        {"apiVersion": ""},
        {"fieldsType": ""},
        {"fieldsType": "V2"},
        {"fieldsV1": {"spec": {}}},
        {"time": "yesterday"},
    ],
)
def test_owners_that_cannot_be_read_leave_the_live_ones(wrong: dict[str, Any]) -> None:
    live = updated(None, body({"size": 1}), writer())
    said = {**entries(live)[0], "manager": "z", **wrong}
    assert entries(updated(live, body({"size": 1}, managedFields=[said]), writer())) == entries(live)


def test_no_subresource_changes_owners_by_hand() -> None:
    live = updated(None, body({"size": 1}), writer())
    found = updated(live, body({"size": 1}, managedFields=[]), writer(sub="status"))
    assert entries(found) == entries(live)


def test_an_update_of_a_wrong_type_keeps_the_live_owners_for_validation_to_refuse_it() -> None:
    live = updated(None, body({"size": 1}), writer())
    assert entries(updated(live, body({"size": "x"}), writer("up"))) == entries(live)


def test_the_oldest_of_more_than_ten_updaters_become_ancient_changes() -> None:
    live = updated(None, body({"map": {"k00": "1"}}), writer("u00"))
    for number in range(1, 13):
        spec = {"map": {**live["spec"]["map"], f"k{number:02}": "1"}}
        live = updated(
            live, {**live, "spec": spec}, writer(f"u{number:02}", f"2026-01-01T00:00:{number:02}Z")
        )
    assert [entry["manager"] for entry in entries(live)] == [
        "ancient-changes",
        *(f"u{number:02}" for number in range(4, 13)),
    ]
    assert entries(live)[0]["time"] == "2026-01-01T00:00:03Z"
    assert owners(live)["ancient-changes"] == {
        "f:spec": {".": {}, "f:map": {".": {}, **{f"f:k{number:02}": {} for number in range(4)}}}
    }


def test_kubectl_takes_over_what_client_side_apply_wrote() -> None:
    last = '{"apiVersion":"x.io/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"size":1}}\n'
    name = "kubectl.kubernetes.io/last-applied-configuration"
    live = updated(None, body({"size": 1, "tags": ["x"]}, annotations={name: last}), writer("csa"))
    with pytest.raises(ApplyConflict):
        applied(live, {"size": 2}, writer("someone"))
    found = applied(live, {"size": 2, "map": {"<": "é"}}, writer("kubectl"))
    assert owners(found)["kubectl"] == {"f:spec": {"f:map": {"f:<": {}}, "f:size": {}}}
    assert found["metadata"]["annotations"][name] == (
        '{"apiVersion":"x.io/v1","kind":"Thing","metadata":{"name":"a"},'
        '"spec":{"map":{"\\u003c":"é"},"size":2}}\n'
    )
    by_hand = updated(live, {**live, "spec": {"size": 3, "tags": ["x"]}}, writer("hand", LATE))
    with pytest.raises(ApplyConflict) as refused:
        applied(by_hand, {"size": 2}, writer("kubectl"))
    assert [(each.owner.manager, each.path_text) for each in refused.value.conflicts] == [
        ("hand", ".spec.size")
    ]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"apiVersion": "v1"}, 400, "invalid object type: /v1, Kind=Thing"),
        ({"metadata": {"managedFields": []}}, 400, "metadata.managedFields must be nil"),
        (
            {"spec": {"size": "x"}, "metadata": {"name": "a", "namespace": "n"}},
            500,
            (
                "failed to create typed patch object (n/a; x.io/v1, Kind=Thing): "
                ".spec.size: expected numeric (int or float), got string"
            ),
        ),
        (
            {"metadata": 5},
            500,
            "failed to create typed patch object (/; x.io/v1, Kind=Thing): .metadata: expected map, got &{5}",
        ),
    ],
)
def test_what_is_no_configuration_of_the_kind_is_refused(
    change: dict[str, Any], code: int, text: str
) -> None:
    with pytest.raises(ApiError) as refused:
        apply(None, {**body(), **change}, THING, writer(), force=True)
    assert (refused.value.code, str(refused.value)) == (code, text)
    assert ("reason" in refused.value.status) == (code != 500)


def test_a_live_object_of_another_type_cannot_be_applied_to() -> None:
    live = applied(None, {"size": 1}, writer())
    live["spec"]["gone"] = 1
    with pytest.raises(ApiError) as refused:
        applied(live, {"size": 1}, writer())
    assert str(refused.value) == (
        "failed to create typed live object (/a; x.io/v1, Kind=Thing): "
        ".spec.gone: field not declared in schema"
    )


def test_owners_that_are_stored_but_cannot_be_read_refuse_an_apply() -> None:
    live = applied(None, {"size": 1}, writer())
    entries(live)[0]["operation"] = "Foo"
    with pytest.raises(
        ApiError, match="failed to decode managed fields: operation must be `Apply` or `Update`"
    ):
        applied(live, {"size": 1}, writer())


def test_owners_fit_themselves_to_a_type_that_has_become_atomic() -> None:
    live = applied(None, {"map": {"a": "1"}}, writer())
    atomic = kind(Struct(fields={**SPEC.fields, "map": Struct(values=TEXT, atomic=True)}))
    found = apply(live, body({"map": {"a": "2"}}), atomic, writer("other"), force=True)
    assert owners(found) == {"other": {"f:spec": {"f:map": {}}}}


OTHER = kind(Struct(open=True))


def _converted(value: dict[str, Any], api_version: str) -> dict[str, Any]:
    return {**value, "apiVersion": api_version}


def _type_of(api_version: str) -> Struct | None:
    return {"x.io/v1": THING, "x.io/v2": OTHER}.get(api_version)


VERSIONS = Versions(_type_of, _converted)


def test_owners_in_another_version_lose_what_is_written_in_the_paths_of_theirs() -> None:
    """The other version knows nothing of sets, so there a set is one value."""
    live = applied(None, {"tags": ["x"], "size": 1}, writer(), versions=VERSIONS)
    new = {**_converted(live, "x.io/v2"), "spec": {"tags": ["x", "y"], "size": 1}}
    by = writer("up", LATE, version="x.io/v2")
    found = update(_converted(live, "x.io/v2"), new, OTHER, by, versions=VERSIONS)
    assert owners(found) == {
        "m": {"f:spec": {"f:size": {}, "f:tags": {'v:"x"': {}}}},
        "up": {"f:spec": {"f:tags": {}}},
    }


def test_a_later_apply_in_another_version_is_the_same_owner() -> None:
    live = applied(None, {"tags": ["x"], "size": 1}, writer(), versions=VERSIONS)
    config = _converted(body({"tags": ["x"]}), "x.io/v2")
    by = writer(time=LATE, version="x.io/v2")
    found = apply(_converted(live, "x.io/v2"), config, OTHER, by, force=False, versions=VERSIONS)
    assert found["spec"] == {"tags": ["x"]}
    assert [(entry["apiVersion"], entry["fieldsV1"]) for entry in entries(found)] == [
        ("x.io/v2", {"f:spec": {"f:tags": {}}})
    ]


def test_owners_of_a_version_that_is_no_more_are_forgotten() -> None:
    live = applied(None, {"size": 1}, writer(), versions=VERSIONS)
    entries(live)[0]["apiVersion"] = "x.io/v0"
    found = applied(live, {"size": 2}, writer("other"), versions=VERSIONS)
    assert owners(found) == {"other": {"f:spec": {"f:size": {}}}}


def test_an_apply_that_another_version_cannot_hold_is_refused() -> None:
    live = updated(None, body({"tags": ["x"]}), writer("up"), versions=VERSIONS)
    config = _converted(body({"tags": ["x", "x"]}), "x.io/v2")
    by = writer(version="x.io/v2")
    with pytest.raises(ApiError) as refused:
        apply(_converted(live, "x.io/v2"), config, OTHER, by, force=True, versions=VERSIONS)
    assert refused.value.code == 500
    assert str(refused.value) == 'failed to convert new object: .spec.tags: duplicate entries for key [="x"]'


def test_pruning_goes_through_the_versions_of_all_owners() -> None:
    """Two of one element are fine in the version that takes the list as one value, and no other."""
    live = _converted({**body({"tags": ["x", "x"], "size": 1})}, "x.io/v2")
    by = writer(version="x.io/v2")
    live = apply(None, live, OTHER, by, force=False, versions=VERSIONS)
    with pytest.raises(ApiError) as refused:
        applied(_converted(live, "x.io/v1"), {"size": 1}, writer(), versions=VERSIONS)
    assert str(refused.value) == (
        "failed to prune fields: failed add back owned items: "
        'failed to convert merged object at version x.io/v1: .spec.tags: duplicate entries for key [="x"]'
    )


def test_times_are_kept_where_nothing_else_has_changed() -> None:
    live = updated(None, body({"size": 1}, resourceVersion="1"), writer())
    renewed = deepcopy(live)
    entries(renewed)[0]["time"] = LATE
    renewed["metadata"]["resourceVersion"] = "2"
    assert entries(keep_times(live, renewed)) == entries(live)
    changes: list[dict[str, Any]] = [{"spec": {"size": 2}}, {"status": {}}]
    for change in changes:
        assert keep_times(live, {**renewed, **change}) == {**renewed, **change}
    fewer = {**renewed, "metadata": {**renewed["metadata"], "managedFields": entries(renewed) * 2}}
    assert keep_times(live, fewer) is fewer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, "apps/v1, Kind=Deployment"),
        ({"apiVersion": "v1", "kind": "Pod"}, "/v1, Kind=Pod"),
        ({}, "/, Kind="),
    ],
)
def test_a_kind_is_written_as_go_prints_it(value: dict[str, Any], text: str) -> None:
    assert object_type(value) == text
