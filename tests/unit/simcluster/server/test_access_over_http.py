"""Who may come in and as whom: tokens, impersonation, reviews, Roles; what `kubectl auth` asks."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.clock import SteppedClock
from tests.unit.simcluster.server.conftest import LIMITED, Client

NS = "/api/v1/namespaces/default"
PODS = f"{NS}/pods"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
ACCOUNTS = ("system:serviceaccounts", "system:serviceaccounts:default")
GROUP = "rbac.authorization.k8s.io"


async def allow(client: Client, user: str, *rules: dict[str, Any]) -> None:
    await client.make(f"{RBAC}/roles", user, rules=list(rules))
    reference = {"apiGroup": GROUP, "kind": "Role", "name": user}
    subjects = [{"kind": "User", "name": user, "apiGroup": GROUP}]
    await client.make(f"{RBAC}/rolebindings", user, roleRef=reference, subjects=subjects)


async def whoami(client: Client, **headers: str) -> Any:
    reply = await client.send("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, **headers)
    assert reply.status == 201, reply.text
    return reply.body["status"]["userInfo"]


async def test_everyone_learns_who_they_are(client: Client) -> None:
    assert await whoami(client) == {
        "username": "admin",
        "uid": "admin",
        "groups": ["system:masters", "system:authenticated"],
    }
    assert (await whoami(client, token=LIMITED))["username"] == "limited"
    nobody = await client.send("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, token="")
    assert nobody.status == 403


async def test_roles_open_what_they_name(client: Client) -> None:
    assert (await client.send("GET", PODS, token=LIMITED)).status == 403
    await allow(client, "limited", {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})
    assert (await client.send("GET", PODS, token=LIMITED)).status == 200
    assert (await client.send("GET", f"{PODS}?watch=1", token=LIMITED)).status == 403
    assert (await client.send("GET", "/api/v1/pods", token=LIMITED)).status == 403


async def test_nobody_gives_away_what_they_do_not_have(client: Client) -> None:
    rules = {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["create", "patch", "update"]}
    await allow(client, "limited", rules, {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    secrets = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]

    async def write(method: str, path: str, rules: list[dict[str, Any]]) -> int:
        body = {"metadata": {"name": "mine"}, "rules": rules}
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        reply = await client.send(method, path, body, token=LIMITED, content_type=kind)
        return reply.status

    assert await write("POST", f"{RBAC}/roles", secrets) == 403
    assert (await client.send("GET", f"{RBAC}/roles/mine")).status == 404
    assert await write("POST", f"{RBAC}/roles", pods) == 201
    assert await write("PATCH", f"{RBAC}/roles/mine", secrets) == 403
    assert await write("PUT", f"{RBAC}/roles/mine", secrets) == 403
    assert (await client.get(f"{RBAC}/roles/mine"))["rules"] == pods


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Impersonate_User": "jane"}, {"username": "jane", "groups": ["system:authenticated"]}),
        (
            {"Impersonate_User": "jane", "Impersonate_Group": "g", "Impersonate_Uid": "u"},
            {"username": "jane", "uid": "u", "groups": ["g", "system:authenticated"]},
        ),
        (
            {"Impersonate_User": "system:serviceaccount:default:foo", "Impersonate_Extra_scopes": "a"},
            {
                "username": "system:serviceaccount:default:foo",
                "groups": [*ACCOUNTS, "system:authenticated"],
                "extra": {"scopes": ["a"]},
            },
        ),
        ({"Impersonate_User": ""}, {"username": "admin"}),
    ],
)
async def test_an_administrator_may_be_anyone(
    client: Client, headers: dict[str, str], expected: dict[str, Any]
) -> None:
    found = await whoami(client, **headers)
    assert {key: found[key] for key in expected} == expected


async def test_impersonating_counts_as_the_other_user(client: Client) -> None:
    reply = await client.send("GET", PODS, Impersonate_User="jane")
    assert reply.message.startswith('pods is forbidden: User "jane" cannot list resource "pods" in API group')
    masters = await client.send("GET", PODS, Impersonate_User="jane", Impersonate_Group="system:masters")
    assert masters.status == 200


async def test_impersonation_takes_a_right(client: Client) -> None:
    for user, mode in (("jane", "user-info"), ("system:serviceaccount:default:foo", "serviceaccount")):
        reply = await client.send("GET", PODS, token=LIMITED, Impersonate_User=user)
        assert reply.message == (
            f'pods is forbidden: User "limited" cannot impersonate-on:{mode}:list resource "pods" '
            'in API group "" in the namespace "default"'
        )
    rule = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}
    await allow(client, "limited", rule)
    foo = "system:serviceaccount:default:foo"
    reply = await client.send("GET", PODS, token=LIMITED, Impersonate_User=foo)
    assert f'User "{foo}" cannot list' in reply.message


async def test_constrained_impersonation_is_for_one_verb(client: Client) -> None:
    """KEP-5284: who may impersonate for a verb and resource may do no more as the other user."""
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "actor"}
    subjects = [{"kind": "User", "name": "limited", "apiGroup": GROUP}]
    rules = [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["users"], "verbs": ["impersonate:user-info"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["impersonate-on:user-info:list"]},
    ]
    cluster_wide = "/apis/rbac.authorization.k8s.io/v1"
    await client.make(f"{cluster_wide}/clusterroles", "actor", rules=rules)
    await client.make(f"{cluster_wide}/clusterrolebindings", "actor", roleRef=reference, subjects=subjects)
    await allow(client, "jane", {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]})
    assert (await client.send("GET", PODS, token=LIMITED, Impersonate_User="jane")).status == 200
    refused = await client.send("GET", f"{PODS}/x", token=LIMITED, Impersonate_User="jane")
    assert "impersonate-on:user-info:get" in refused.message


async def test_groups_without_a_user_are_a_bad_request(client: Client) -> None:
    reply = await client.send("GET", PODS, Impersonate_Group="x")
    assert reply.status == 400
    assert reply.message == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name"
    )


@pytest.mark.parametrize(("token", "allowed"), [(None, True), (LIMITED, False)])
async def test_can_i(client: Client, token: str | None, allowed: bool) -> None:  # noqa: FBT001 - expected
    spec = {"resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"}}
    reply = await client.send(
        "POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec}, token=token
    )
    assert (reply.status, reply.body["status"]) == (201, {"allowed": allowed})
    assert reply.body["spec"] == spec


async def test_can_they(client: Client) -> None:
    await allow(client, "jane", {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
    attributes = {"namespace": "default", "verb": "get", "resource": "pods"}
    for path in ("subjectaccessreviews", "namespaces/default/localsubjectaccessreviews"):
        spec = {"user": "jane", "resourceAttributes": attributes}
        reply = await client.send("POST", f"{AUTHORIZATION}/{path}", {"spec": spec})
        assert reply.body["status"] == {
            "allowed": True,
            "reason": 'RBAC: allowed by RoleBinding "jane/default" of Role "jane/default" to User "jane"',
        }


@pytest.mark.parametrize(
    ("path", "spec", "status", "words"),
    [
        ("selfsubjectaccessreviews", {}, 422, "exactly one of nonResourceAttributes or resourceAttributes"),
        ("subjectaccessreviews", {"resourceAttributes": {}}, 422, "at least one of user or group"),
        ("namespaces/default/localsubjectaccessreviews", {"user": "x"}, 422, "must match metadata.namespace"),
        ("selfsubjectrulesreviews", {}, 400, "no namespace on request"),
    ],
)
async def test_reviews_are_checked(
    client: Client, path: str, spec: dict[str, Any], status: int, words: str
) -> None:
    reply = await client.send("POST", f"{AUTHORIZATION}/{path}", {"spec": spec})
    assert reply.status == status
    assert words in reply.message


async def test_all_rules_of_a_user_can_be_listed(client: Client) -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["one"]}
    await allow(client, "limited", rule)
    body = {"spec": {"namespace": "default"}}
    reply = await client.send("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", body, token=LIMITED)
    status = reply.body["status"]
    assert rule in status["resourceRules"]
    assert any("/version" in each["nonResourceURLs"] for each in status["nonResourceRules"])
    assert status["incomplete"] is False


async def test_a_service_account_has_tokens(client: Client, clock: SteppedClock) -> None:
    path = f"{NS}/serviceaccounts/default/token"
    issued = await client.send("POST", path, {"spec": {"expirationSeconds": 600}})
    assert issued.status == 201
    token = issued.body["status"]["token"]
    me = await whoami(client, token=token)
    assert me["username"] == "system:serviceaccount:default:default"
    assert me["groups"][-1] == "system:authenticated"
    reply = await client.send("GET", PODS, token=token)
    assert 'User "system:serviceaccount:default:default" cannot list' in reply.message
    clock.step(601)
    assert (await client.send("GET", PODS, token=token)).status == 401


async def test_a_token_ends_with_its_account(client: Client, other: Client) -> None:
    await client.make(f"{NS}/serviceaccounts", "robot")
    issued = await client.send("POST", f"{NS}/serviceaccounts/robot/token", {"spec": {}})
    token = issued.body["status"]["token"]
    assert (await client.send("GET", PODS, token=token)).status == 403
    assert (await other.send("GET", PODS, token=token)).status == 401, "another cluster knows it not"
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}x.{signature}", f"{head}.é.{body}"):
        assert (await client.send("GET", PODS, token=forged.encode().decode("latin1"))).status == 401
    await client.send("DELETE", f"{NS}/serviceaccounts/robot")
    await client.make(f"{NS}/serviceaccounts", "robot")
    assert (await client.send("GET", PODS, token=token)).status == 401


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("nope", {"spec": {}}, 404, 'serviceaccounts "nope" not found'),
        ("default", {"spec": {"expirationSeconds": 10}}, 422, "a duration less than 10 minutes"),
        ("default", {"spec": {"boundObjectRef": {"kind": "Pod", "name": "x"}}}, 404, 'pods "x" not found'),
        ("default", {"metadata": {"name": "x"}, "spec": {}}, 422, "must match the service account name"),
    ],
)
async def test_token_requests_are_checked(
    client: Client, name: str, body: dict[str, Any], status: int, words: str
) -> None:
    reply = await client.send("POST", f"{NS}/serviceaccounts/{name}/token", body)
    assert reply.status == status
    assert words in reply.message


async def test_tokens_can_be_reviewed(client: Client) -> None:
    async def review(**spec: Any) -> Any:
        reply = await client.send("POST", f"{AUTHENTICATION}/tokenreviews", {"spec": spec})
        assert reply.status == 201, reply.text
        return reply.body["status"]

    assert (await review(token=LIMITED))["user"]["username"] == "limited"
    assert await review(token="bad") == {"user": {}, "error": "invalid bearer token"}
    issued = await client.send(
        "POST", f"{NS}/serviceaccounts/default/token", {"spec": {"audiences": ["vault"]}}
    )
    token = issued.body["status"]["token"]
    assert (await client.send("GET", PODS, token=token)).status == 401, "meant for somebody else"
    found = await review(token=token, audiences=["vault"])
    assert (found["authenticated"], found["audiences"]) == (True, ["vault"])
    assert "is invalid for the target audiences" in (await review(token=token))["error"]
    empty = await client.send("POST", f"{AUTHENTICATION}/tokenreviews", {"spec": {}})
    assert (empty.status, empty.message) == (400, "token is required for TokenReview in authentication")
