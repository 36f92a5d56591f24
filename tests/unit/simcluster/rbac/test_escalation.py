"""Who writes Roles and bindings cannot give more than they have; the words are a real server's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.rbac import bootstrap, escalation
from simcluster.rbac.authorizer import Authorizer
from simcluster.rbac.rules import Attributes, Identity, allows
from simcluster.store.store import Store

GROUP = "rbac.authorization.k8s.io"
MAX = Identity("max", ("system:authenticated",))
ROLE_EDITOR = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["create", "update"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


def role(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": {"name": "r", "namespace": "shop"},
        "rules": list(rules),
        **more,
    }


def binding(kind: str, name: str) -> dict[str, Any]:
    reference = {"apiGroup": GROUP, "kind": kind, "name": name}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "shop"},
        "roleRef": reference,
        "subjects": [{"kind": "User", "name": "max", "apiGroup": GROUP}],
    }


def authorizer(*rules: dict[str, Any]) -> Authorizer:
    store = Store(bootstrap.records())
    held = role(*rules)
    held["metadata"]["name"] = "held"
    store.put(f"{GROUP}/roles", held)
    bound = binding("Role", "held")
    bound["metadata"]["name"] = "held"
    store.put(f"{GROUP}/rolebindings", bound)
    return Authorizer(store)


def refusal(found: Authorizer, plural: str, new: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        escalation.check(found, MAX, plural, new, None)
    return str(caught.value)


def test_a_role_may_hold_what_its_writer_has() -> None:
    found = authorizer(ROLE_EDITOR, PODS)
    escalation.check(found, MAX, "roles", role(PODS), None)
    escalation.check(found, MAX, "roles", role({**PODS, "resourceNames": ["one"]}), None)


def test_what_is_missing_is_told() -> None:
    secrets = {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "watch"]}
    assert refusal(authorizer(ROLE_EDITOR, PODS), "roles", role(secrets)) == (
        f'roles.{GROUP} "r" is forbidden: user "max" (groups=["system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["watch"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "watch"]}'
    )


def test_a_right_to_some_names_is_no_right_to_all() -> None:
    found = authorizer(ROLE_EDITOR, {**PODS, "resourceNames": ["one"]})
    assert 'Resources:["pods"]' in refusal(found, "roles", role(PODS))


def test_rules_that_stay_are_not_looked_at() -> None:
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    escalation.check(authorizer(ROLE_EDITOR), MAX, "roles", role(secrets), role(secrets))


def test_the_verb_escalate_is_a_way_round() -> None:
    escalate = {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["escalate"]}
    escalation.check(authorizer(escalate), MAX, "roles", role(PODS), None)


def test_an_aggregation_takes_every_right() -> None:
    new = {**role(), "aggregationRule": {"clusterRoleSelectors": []}}
    assert 'Resources:["*"], Verbs:["*"]' in refusal(authorizer(ROLE_EDITOR, PODS), "clusterroles", new)


def test_a_binding_gives_what_its_role_gives() -> None:
    found = authorizer(ROLE_EDITOR)
    escalation.check(found, MAX, "rolebindings", binding("Role", "held"), None)
    assert 'Resources:["bindings"]' in refusal(found, "rolebindings", binding("ClusterRole", "view"))
    assert refusal(found, "rolebindings", binding("ClusterRole", "nope")) == (
        f'clusterroles.{GROUP} "nope" not found'
    )


def test_the_verb_bind_is_a_way_round_for_that_role() -> None:
    bind = {"apiGroups": [GROUP], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["view"]}
    found = authorizer(ROLE_EDITOR, bind)
    escalation.check(found, MAX, "rolebindings", binding("ClusterRole", "view"), None)
    assert "not currently held" in refusal(found, "rolebindings", binding("ClusterRole", "edit"))


def test_only_writes_of_others_than_masters_are_checked() -> None:
    assert escalation.applies(GROUP, "roles", MAX)
    assert not escalation.applies(GROUP, "roles", Identity("admin", ("system:masters",)))
    assert not escalation.applies("", "pods", MAX)


WORDS = st.lists(st.sampled_from(["*", "a", "b"]), min_size=1, max_size=2, unique=True)
RESOURCES = st.lists(st.sampled_from(["*", "x", "x/s", "*/s"]), min_size=1, max_size=2, unique=True)
NAMES = st.lists(st.sampled_from(["n", "m"]), max_size=2, unique=True)
RULES = st.builds(
    lambda verbs, groups, resources, names: {
        "verbs": verbs,
        "apiGroups": groups,
        "resources": resources,
        "resourceNames": names,
    },
    WORDS,
    WORDS,
    RESOURCES,
    NAMES,
)
ASKED = st.builds(
    lambda verb, group, subresource, name: Attributes(verb, group, "x", subresource, "", name),
    st.sampled_from("abc"),
    st.sampled_from("abc"),
    st.sampled_from(["", "s"]),
    st.sampled_from(["", "n", "m", "o"]),
)


@given(st.lists(RULES, max_size=3), RULES, ASKED)
def test_what_is_covered_allows_nothing_new(
    held: list[dict[str, Any]], wanted: dict[str, Any], asked: Attributes
) -> None:
    """Covering and allowing agree: a rule that is covered lets nothing through that was not let through."""
    if not escalation.missing(held, [wanted]) and allows(wanted, asked):
        assert any(allows(rule, asked) for rule in held)
