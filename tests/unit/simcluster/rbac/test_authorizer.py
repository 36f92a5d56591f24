"""RBAC decides over a store as over etcd; the words of reasons and refusals are a real server's."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.rbac import bootstrap
from simcluster.rbac.authorizer import Authorizer
from simcluster.rbac.rules import Attributes, Identity, service_account, service_account_groups
from simcluster.store.store import Store

CANNOT = 'User "max" cannot'
EVERYWHERE = 'in API group "" at the cluster scope'
IN_SHOP = 'in API group "apps" in the namespace "shop"'
GROUP = "rbac.authorization.k8s.io"
JANE = Identity("jane", ("developers", "system:authenticated"))
MAX = Identity("max", ("system:authenticated",))
ROBOT = Identity(service_account("ci", "robot"), service_account_groups("ci"))


@pytest.fixture
def store() -> Store:
    return Store(bootstrap.records())


@pytest.fixture
def authorizer(store: Store) -> Authorizer:
    return Authorizer(store)


def put(store: Store, kind: str, name: str, namespace: str = "", **body: Any) -> None:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    plural = f"{kind.lower()}s"
    store.put(f"{GROUP}/{plural}", {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, **body})


def bind(store: Store, name: str, role: str, namespace: str, *subjects: dict[str, str]) -> None:
    kind, _, role_name = role.partition(" ")
    put(
        store,
        "RoleBinding" if namespace else "ClusterRoleBinding",
        name,
        namespace,
        roleRef={"apiGroup": GROUP, "kind": kind, "name": role_name},
        subjects=list(subjects),
    )


def user(name: str) -> dict[str, str]:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def on_pods(verb: str = "list", namespace: str = "shop", **more: str) -> Attributes:
    return Attributes(verb, resource="pods", namespace=namespace, **more)


def test_masters_may_do_everything(authorizer: Authorizer) -> None:
    admin = Identity("admin", ("system:masters",))
    assert authorizer.decide(admin, on_pods("explode")) == (True, "")
    assert authorizer.decide(admin, Attributes("get", path="/secret")).allowed


def test_who_has_no_binding_may_only_discover(authorizer: Authorizer) -> None:
    assert authorizer.decide(MAX, on_pods()) == (False, "")
    assert authorizer.decide(MAX, Attributes("get", path="/foo")) == (False, "")
    discovery = authorizer.decide(MAX, Attributes("get", path="/apis/apps/v1"))
    assert discovery.allowed
    assert discovery.reason == (
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" '
        'to Group "system:authenticated"'
    )


def test_nobody_at_all_may_see_the_version(authorizer: Authorizer) -> None:
    anonymous = Identity("system:anonymous", ("system:unauthenticated",))
    assert authorizer.decide(anonymous, Attributes("get", path="/version")).allowed
    assert not authorizer.decide(anonymous, Attributes("get", path="/apis")).allowed


def test_a_role_binding_holds_in_its_namespace(store: Store, authorizer: Authorizer) -> None:
    assert not authorizer.decide(JANE, on_pods()).allowed
    bind(store, "v", "ClusterRole view", "shop", user("jane"))
    assert authorizer.decide(JANE, on_pods()) == (
        True,
        'RBAC: allowed by RoleBinding "v/shop" of ClusterRole "view" to User "jane"',
    )
    assert not authorizer.decide(JANE, on_pods(namespace="other")).allowed
    assert not authorizer.decide(JANE, on_pods(namespace="")).allowed
    assert not authorizer.decide(JANE, Attributes("get", resource="secrets", namespace="shop")).allowed
    assert not authorizer.decide(MAX, on_pods()).allowed


def test_a_binding_that_goes_takes_its_permissions_along(store: Store, authorizer: Authorizer) -> None:
    bind(store, "v", "ClusterRole view", "shop", user("jane"))
    assert authorizer.decide(JANE, on_pods()).allowed
    record = store.get(f"{GROUP}/rolebindings", "shop", "v")
    assert record is not None
    store.remove(f"{GROUP}/rolebindings", "shop", "v", record.object())
    assert not authorizer.decide(JANE, on_pods()).allowed


def test_groups_and_service_accounts_are_subjects(store: Store, authorizer: Authorizer) -> None:
    bind(store, "g", "ClusterRole view", "", {"kind": "Group", "apiGroup": GROUP, "name": "developers"})
    bind(
        store, "s", "ClusterRole edit", "shop", {"kind": "ServiceAccount", "name": "robot", "namespace": "ci"}
    )
    assert authorizer.decide(JANE, on_pods(namespace="")).reason.endswith('to Group "developers"')
    assert authorizer.decide(ROBOT, on_pods("delete")).reason.endswith('to ServiceAccount "robot/ci"')
    assert not authorizer.decide(ROBOT, on_pods("delete", "ci")).allowed


def test_names_subresources_and_wildcards_of_rules(store: Store, authorizer: Authorizer) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one"], "verbs": ["get", "list"]},
        {"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["*"]},
    ]
    put(store, "Role", "r", "shop", rules=rules)
    bind(store, "r", "Role r", "shop", user("max"))

    def may(verb: str, resource: str, name: str = "", subresource: str = "") -> bool:
        wanted = Attributes(verb, "", resource, subresource, "shop", name)
        return authorizer.decide(MAX, wanted).allowed

    assert may("get", "pods", "p", "log")
    assert not may("get", "pods", "p")
    assert may("get", "configmaps", "one")
    assert may("list", "configmaps", "one")
    assert not may("list", "configmaps")
    assert not may("get", "configmaps", "two")
    assert may("patch", "deployments", "d", "scale")
    assert not may("patch", "deployments", "d")


def test_an_aggregating_role_has_the_rules_of_those_that_it_selects(
    store: Store, authorizer: Authorizer
) -> None:
    bind(store, "v", "ClusterRole view", "shop", user("jane"))
    wanted = Attributes("get", "example.org", "foos", namespace="shop")
    assert not authorizer.decide(JANE, wanted).allowed
    rules = [{"apiGroups": ["example.org"], "resources": ["foos"], "verbs": ["get"]}]
    store.put(
        f"{GROUP}/clusterroles",
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "foos", "labels": {f"{GROUP}/aggregate-to-view": "true"}},
            "rules": rules,
        },
    )
    assert authorizer.decide(JANE, wanted).allowed


def test_a_role_that_does_not_exist_is_told_and_gives_nothing(store: Store, authorizer: Authorizer) -> None:
    bind(store, "broken", "ClusterRole nope", "shop", user("max"))
    with pytest.raises(ApiError) as caught:
        authorizer.check(MAX, on_pods())
    assert caught.value.code == 403
    assert str(caught.value) == (
        'pods is forbidden: User "max" cannot list resource "pods" in API group "" in the namespace "shop": '
        f'rbac: RBAC: clusterrole.{GROUP} "nope" not found'
    )


@pytest.mark.parametrize(
    ("wanted", "message", "details"),
    [
        (Attributes("get", path="/foo"), 'forbidden: User "max" cannot get path "/foo"', {}),
        (
            Attributes("list", resource="namespaces"),
            f'namespaces is forbidden: {CANNOT} list resource "namespaces" {EVERYWHERE}',
            {"kind": "namespaces"},
        ),
        (
            Attributes("get", "apps", "deployments", "status", "shop", "x"),
            f'deployments.apps "x" is forbidden: {CANNOT} get resource "deployments/status" {IN_SHOP}',
            {"name": "x", "group": "apps", "kind": "deployments"},
        ),
    ],
)
def test_a_refusal_says_who_may_not_do_what_where(
    authorizer: Authorizer, wanted: Attributes, message: str, details: dict[str, str]
) -> None:
    with pytest.raises(ApiError) as caught:
        authorizer.check(MAX, wanted)
    assert str(caught.value) == message
    assert caught.value.status["details"] == details


def test_the_policy_to_start_with_is_shared() -> None:
    assert bootstrap.records() is bootstrap.records()
    assert {"cluster-admin", "admin", "edit", "view"} <= {record.name for record in bootstrap.records()}
