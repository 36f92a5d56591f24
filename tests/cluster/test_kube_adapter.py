"""The Kubernetes adapter on a real control plane."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.errors import Expired, NotFound, Rejected
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.reflector import Reflector
from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.wire import RequestSeen
from gitops.errors import Conflict, Denied, Unreachable
from gitops.objects import GroupKind, JsonObject
from tests.cluster.rig.plane import Plane

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRETS = Resource("", "v1", "Secret", "secrets", namespaced=True)
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
SERVICE_ACCOUNTS = Resource("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)
ROLES = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", namespaced=True)
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", namespaced=True)
CRDS = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
QUICK = Patience(attempt=1.0, total=2.0)


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    """Write a ConfigMap that can be told apart by its label."""
    metadata = {"name": name, "namespace": namespace, "labels": {"test": "kube-adapter"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@asynccontextmanager
async def client_of(
    cluster: Plane, folder: Path, *, token: str | None = None, patience: Patience | None = None
) -> AsyncIterator[KubeClient]:
    """Connect as the rig's administrator, or with another token, through a kubeconfig."""
    path = cluster.write_kubeconfig(folder / "kubeconfig", token)
    client = await connect(ConnectionSettings("east", kubeconfig=str(path)), patience=patience)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(cluster: Plane, tmp_path: Path) -> AsyncIterator[KubeClient]:
    """Connect as the administrator."""
    async with client_of(cluster, tmp_path) as made:
        yield made


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition; the loop turns meanwhile."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is somebody else's state, there is no event
            await asyncio.sleep(0.01)


async def test_apply_answers_with_metadata_only_and_we_own_what_we_applied(
    client: KubeClient, namespace: str
) -> None:
    answer = await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="v"))
    assert answer["kind"] == "PartialObjectMetadata"
    assert "data" not in answer
    (entry,) = answer["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("gitops-waves", "Apply")
    assert "f:k" in entry["fieldsV1"]["f:data"]
    again = await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="v"), metadata_only=False)
    assert again["data"] == {"k": "v"}
    assert again["metadata"]["resourceVersion"] == answer["metadata"]["resourceVersion"]
    slim = await client.get(CONFIG_MAPS, "a", namespace, metadata_only=True)
    assert slim is not None
    assert "data" not in slim
    assert await client.get(CONFIG_MAPS, "none", namespace) is None


async def test_a_dry_run_stores_nothing_and_shows_what_would_be(client: KubeClient, namespace: str) -> None:
    would = await client.apply(CONFIG_MAPS, config_map(namespace, "a"), dry_run=True, metadata_only=False)
    assert would["metadata"]["uid"]
    created = await client.create(CONFIG_MAPS, config_map(namespace, "b"), dry_run=True)
    assert created["metadata"]["name"] == "b"
    assert (await client.list(CONFIG_MAPS, namespace, label_selector="test=kube-adapter")).items == ()
    await client.apply(CONFIG_MAPS, config_map(namespace, "a"))
    assert await client.delete(CONFIG_MAPS, "a", namespace, dry_run=True) is True
    assert await client.get(CONFIG_MAPS, "a", namespace) is not None


async def test_without_force_another_managers_field_is_a_conflict_that_names_it(
    client: KubeClient, namespace: str
) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="theirs"), field_manager="somebody")
    with pytest.raises(Conflict, match="somebody"):
        await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="ours"), force=False)
    forced = await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="ours"), metadata_only=False)
    assert forced["data"] == {"k": "ours"}


async def test_the_servers_refusals_come_as_what_they_are(client: KubeClient, namespace: str) -> None:
    with pytest.raises(Rejected, match=r"\.datas: field not declared in schema") as typo:
        await client.apply(CONFIG_MAPS, config_map(namespace, "a") | {"datas": {}}, dry_run=True)
    assert typo.value.causes == (("datas", "field not declared in schema"),)
    with pytest.raises(Rejected, match='unknown field "datas"'):
        await client.create(CONFIG_MAPS, config_map(namespace, "a") | {"datas": {}}, dry_run=True)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": -1, "selector": {"matchLabels": {"a": "b"}}, "template": {}},
    }
    with pytest.raises(Rejected) as caught:
        await client.apply(DEPLOYMENTS, deployment)
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert "spec.replicas" in {cause.field for cause in caught.value.causes}
    with pytest.raises(NotFound, match='namespaces "no-such-place" not found'):
        await client.apply(CONFIG_MAPS, config_map("no-such-place", "a"))
    nothing = Resource("nobody.example", "v1", "Thing", "things", namespaced=True)
    with pytest.raises(NotFound):
        await client.apply(
            nothing, config_map(namespace, "a") | {"apiVersion": "nobody.example/v1", "kind": "Thing"}
        )
    assert await client.get(nothing, "a", namespace) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"stringData": {"password": 471147114711}},
        {"stringData": {"password": ["canary-in-a-list"]}},
        {"data": {"password": "canary not base64!"}},
        {"data": {"password": {"canary-key": "canary-deep"}}},
        {"stringData": {"bad key!": "canary-value"}},
        {"data": "canary-flat"},
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": '{"canary'}},
    ],
)
async def test_no_value_of_a_refused_secret_comes_back_in_the_error(
    client: KubeClient, namespace: str, wrong: dict[str, Any]
) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}} | wrong
    with pytest.raises(Rejected) as caught:
        await client.apply(SECRETS, body, dry_run=True)
    shown = f"{caught.value!r}{caught.value.causes}"
    for value in (
        "471147114711",
        "canary-in",
        "canary not",
        "canary-deep",
        "canary-value",
        "canary-flat",
        '{"can',
    ):
        assert value not in shown


async def test_a_list_comes_in_pages_of_one_version(client: KubeClient, namespace: str) -> None:
    await asyncio.gather(*(client.apply(CONFIG_MAPS, config_map(namespace, f"c{n:02}")) for n in range(25)))
    seen: list[RequestSeen] = []
    client.on_request = seen.append
    listing = await client.list(
        CONFIG_MAPS, namespace, label_selector="test=kube-adapter", page_size=10, metadata_only=True
    )
    assert [item["metadata"]["name"] for item in listing.items] == [f"c{n:02}" for n in range(25)]
    assert not any("data" in item for item in listing.items)
    assert [(each.verb, each.code) for each in seen] == [("list", 200)] * 3
    named = await client.list(CONFIG_MAPS, namespace, field_selector="metadata.name=c07")
    assert [(item["kind"], item["apiVersion"]) for item in named.items] == [("ConfigMap", "v1")]


async def test_a_watch_goes_on_where_the_list_or_another_watch_ended(
    client: KubeClient, namespace: str
) -> None:
    start = (await client.list(CONFIG_MAPS, namespace)).resource_version
    await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="1"))
    async with client.watch(
        CONFIG_MAPS, namespace, resource_version=start, field_selector="metadata.name=a"
    ) as watch:
        first = await anext(watch)
    await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="2"))
    await client.delete(CONFIG_MAPS, "a", namespace)
    version = first.object["metadata"]["resourceVersion"]
    async with client.watch(CONFIG_MAPS, namespace, resource_version=version, metadata_only=True) as watch:
        rest = [await anext(watch), await anext(watch)]
    assert (first.type, first.object["data"]) == ("ADDED", {"k": "1"})
    assert [(event.type, event.object["metadata"]["name"]) for event in rest] == [
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    assert "data" not in rest[0].object


async def test_delete_respects_the_uid(client: KubeClient, namespace: str) -> None:
    uid = (await client.apply(CONFIG_MAPS, config_map(namespace, "a")))["metadata"]["uid"]
    with pytest.raises(Conflict, match="UID"):
        await client.delete(CONFIG_MAPS, "a", namespace, uid="another")
    assert await client.delete(CONFIG_MAPS, "a", namespace, uid=uid) is True
    assert await client.delete(CONFIG_MAPS, "a", namespace, uid=uid) is False


async def test_create_and_replace_notice_who_was_faster(client: KubeClient, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, config_map(namespace, "a"))
    with pytest.raises(Conflict, match="already exists"):
        await client.create(CONFIG_MAPS, config_map(namespace, "a"))
    newer = await client.replace(CONFIG_MAPS, made | {"data": {"k": "1"}})
    assert newer["data"] == {"k": "1"}
    with pytest.raises(Conflict, match="modified"):
        await client.replace(CONFIG_MAPS, made | {"data": {"k": "2"}})


async def test_patch_does_all_or_nothing_and_notices_who_was_faster(
    client: KubeClient, namespace: str
) -> None:
    made = await client.create(CONFIG_MAPS, config_map(namespace, "a") | {"data": {"k": "1", "l": "2"}})
    version = made["metadata"]["resourceVersion"]
    remove = [{"op": "remove", "path": "/data/k"}]
    left = await client.patch(CONFIG_MAPS, "a", namespace, operations=remove, resource_version=version)
    assert left["data"] == {"l": "2"}
    late = [{"op": "remove", "path": "/data/l"}]
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAPS, "a", namespace, operations=late, resource_version=version)
    version = left["metadata"]["resourceVersion"]
    with pytest.raises(Rejected):
        await client.patch(CONFIG_MAPS, "a", namespace, operations=late + remove, resource_version=version)
    found = await client.get(CONFIG_MAPS, "a", namespace)
    assert found is not None
    assert found["data"] == {"l": "2"}


async def test_impersonation_gives_the_service_accounts_rights_and_groups_and_no_more(
    client: KubeClient, namespace: str
) -> None:
    """The account itself may list; its namespace's group of service accounts may write ConfigMaps."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}]
    meta = {"name": "deployer", "namespace": namespace}
    await client.apply(SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    team = client.as_service_account(namespace, "deployer")
    with pytest.raises(Denied, match=f"system:serviceaccount:{namespace}:deployer"):
        await team.apply(CONFIG_MAPS, config_map(namespace, "a"))
    rbac = "rbac.authorization.k8s.io"
    await client.apply(ROLES, {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": rules})
    group = {"kind": "Group", "name": f"system:serviceaccounts:{namespace}", "apiGroup": rbac}
    role = {"kind": "Role", "name": "deployer", "apiGroup": rbac}
    binding = {"metadata": meta, "subjects": [group], "roleRef": role}
    await client.apply(BINDINGS, {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding"} | binding)
    async with asyncio.timeout(10):
        while True:  # the authorizer learns of the binding by its own watch
            try:
                await team.apply(CONFIG_MAPS, config_map(namespace, "a"))
                break
            except Denied:
                await asyncio.sleep(0.01)
    with pytest.raises(Denied):
        await team.get(SECRETS, "any", namespace)
    with pytest.raises(Denied):
        await team.apply(CONFIG_MAPS, config_map("default", "a"))


async def test_who_is_known_but_may_nothing_and_who_is_not_known_are_denied(
    cluster: Plane, tmp_path: Path, namespace: str
) -> None:
    async with client_of(cluster, tmp_path, token=cluster.limited_token) as limited:
        with pytest.raises(Denied, match='User "limited" cannot'):
            await limited.apply(CONFIG_MAPS, config_map(namespace, "a"))
        with pytest.raises(Denied, match='User "limited" cannot'):
            await limited.watch(CONFIG_MAPS, namespace, resource_version="1").open()
        with pytest.raises(Denied, match="impersonate"):
            await limited.as_service_account(namespace, "default").get(CONFIG_MAPS, "a", namespace)
    async with client_of(cluster, tmp_path, token="made-up-canary") as stranger:
        with pytest.raises(Denied, match="renew the token") as caught:
            await stranger.discovery()
        assert "canary" not in repr(caught.value)


async def test_a_token_file_that_was_renewed_is_used_without_a_new_connection(
    cluster: Plane, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("expired", encoding="ascii")
    settings = ConnectionSettings(
        "east", server=cluster.url, ca_file=str(cluster.ca_file), token_file=str(token)
    )
    client = await connect(settings)
    try:
        with pytest.raises(Denied):
            await client.get(CONFIG_MAPS, "a", "default")
        token.write_text(f"{cluster.token}\n", encoding="ascii")
        assert await client.get(CONFIG_MAPS, "a", "default") is None
    finally:
        await client.close()


async def test_a_server_whose_ca_is_not_ours_is_denied(cluster: Plane) -> None:
    client = await connect(ConnectionSettings("east", server=cluster.url))
    try:
        with pytest.raises(Denied, match="check the connection's CA file"):
            await client.discovery()
    finally:
        await client.close()


async def test_discovery_knows_built_in_kinds_and_new_ones_after_a_refresh(
    client: KubeClient, namespace: str
) -> None:
    found = await client.discovery()
    deployment = found.find("apps/v1", "Deployment")
    assert deployment is not None
    assert deployment._replace(verbs=frozenset()) == DEPLOYMENTS
    assert {"get", "list", "watch", "patch"} <= deployment.verbs
    preferred = found.preferred(GroupKind("autoscaling", "HorizontalPodAutoscaler"))
    assert preferred is not None
    assert preferred.version == "v2"
    group = f"{namespace}.example"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"shops.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "shops", "kind": "Shop", "singular": "shop", "listKind": "ShopList"},
            "versions": [version],
        },
    }
    await client.apply(CRDS, crd)
    try:
        assert (await client.discovery()) is found
        async with asyncio.timeout(20):
            while (shop := (await client.discovery(refresh=True)).find(f"{group}/v1", "Shop")) is None:  # noqa: ASYNC110 - a server has no event
                await asyncio.sleep(0.05)
        body = {"apiVersion": f"{group}/v1", "kind": "Shop", "metadata": {"name": "corner"}}
        assert (await client.apply(shop, body))["metadata"]["name"] == "corner"
    finally:
        await client.delete(CRDS, f"shops.{group}")


async def test_a_paused_api_server_is_unreachable_in_time_and_then_answers_again(
    cluster: Plane, tmp_path: Path, namespace: str
) -> None:
    async with client_of(cluster, tmp_path, patience=QUICK) as client:
        await client.get(CONFIG_MAPS, "a", namespace)
        cluster.pause()
        try:
            started = time.monotonic()
            with pytest.raises(Unreachable, match="timed out"):
                await client.apply(CONFIG_MAPS, config_map(namespace, "a"))
            assert time.monotonic() - started < 5.0
        finally:
            cluster.resume()
        patient = await client.apply(CONFIG_MAPS, config_map(namespace, "a", k="v"), metadata_only=False)
        assert patient["data"] == {"k": "v"}


async def test_a_killed_api_server_is_unreachable_and_the_reflector_recovers_with_it(
    cluster: Plane, tmp_path: Path, namespace: str
) -> None:
    async with client_of(cluster, tmp_path, patience=QUICK) as client:
        patience = replace(QUICK, longest_wait=0.5)
        reflector: Reflector[JsonObject] = Reflector(
            client,
            CONFIG_MAPS,
            namespace,
            label_selector="test=kube-adapter",
            metadata_only=True,
            patience=patience,
        )
        await client.apply(CONFIG_MAPS, config_map(namespace, "before"))
        reflector.start()
        try:
            await reflector.synced.wait()
            assert list(reflector.items) == [(namespace, "before")]
            cluster.kill_apiserver()
            try:
                with pytest.raises(Unreachable, match="Connection refused"):
                    await client.apply(CONFIG_MAPS, config_map(namespace, "meanwhile"))
                await until(lambda: isinstance(reflector.error, Unreachable))
                assert list(reflector.items) == [(namespace, "before")]
            finally:
                await asyncio.to_thread(cluster.start_apiserver)
            await until(lambda: reflector.error is None)
            # The new server's watch cache begins with its start: what was before is forgotten.
            async with client.watch(CONFIG_MAPS, namespace, resource_version="1") as watch:
                with pytest.raises(Expired, match="too old resource version"):
                    await anext(watch)
            await client.apply(CONFIG_MAPS, config_map(namespace, "after"))
            await until(lambda: (namespace, "after") in reflector.items)
            assert sorted(reflector.items) == [(namespace, "after"), (namespace, "before")]
        finally:
            await reflector.stop()


async def test_a_reflector_follows_every_change(client: KubeClient, namespace: str) -> None:
    reflector: Reflector[JsonObject] = Reflector(
        client, CONFIG_MAPS, namespace, label_selector="test=kube-adapter", metadata_only=True
    )
    reflector.start()
    try:
        await reflector.synced.wait()
        await asyncio.gather(*(client.apply(CONFIG_MAPS, config_map(namespace, f"c{n}")) for n in range(20)))
        await until(lambda: len(reflector.items) == 20)
        await asyncio.gather(*(client.delete(CONFIG_MAPS, f"c{n}", namespace) for n in range(20)))
        await until(lambda: not reflector.items)
    finally:
        await reflector.stop()


async def test_logs_of_a_pod_that_does_not_exist_are_none(client: KubeClient, namespace: str) -> None:
    assert await client.pod_logs(namespace, "nobody", "main") is None
