"""The verbs on a scripted server: what is sent, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controllers.adapters.kube.errors import Expired, NotFound, Rejected
from controllers.adapters.kube.wire import RequestSeen
from gitops.errors import Conflict, Denied, Refused, Unreachable
from tests.unit.controllers.adapters.kube.scripted import (
    CONFIG_MAPS,
    NODES,
    SECRETS,
    answers,
    config_map,
    drops,
    hangs,
    refuses,
    says,
    staged,
    until,
)


async def test_apply_is_a_strict_forced_server_side_apply_that_asks_for_metadata_only() -> None:
    async with staged() as stage:
        stage.api.then(answers({"kind": "PartialObjectMetadata"}))
        answer = await stage.client.apply(CONFIG_MAPS, config_map("a"))
    (seen,) = stage.api.seen
    assert answer == {"kind": "PartialObjectMetadata"}
    assert (seen.method, seen.path) == ("PATCH", "/api/v1/namespaces/shop/configmaps/a")
    assert seen.query == {"fieldManager": "gitops-waves", "force": "true", "fieldValidation": "Strict"}
    assert seen.headers["Content-Type"] == "application/apply-patch+yaml"
    assert "as=PartialObjectMetadata;" in seen.headers["Accept"]
    assert seen.body == config_map("a")


async def test_a_dry_run_says_so_to_the_server_and_to_whoever_counts_writes() -> None:
    async with staged() as stage:
        stage.api.then(answers({}), answers({}), answers({}))
        await stage.client.apply(
            CONFIG_MAPS, config_map("a"), dry_run=True, force=False, field_manager="me/2"
        )
        await stage.client.create(CONFIG_MAPS, config_map("a"), dry_run=True)
        await stage.client.delete(CONFIG_MAPS, "a", "shop", dry_run=True)
    apply, create, delete = stage.api.seen
    assert apply.query["dryRun"] == create.query["dryRun"] == "All"
    assert (apply.query["force"], apply.query["fieldManager"]) == ("false", "me/2")
    assert delete.body["dryRun"] == ["All"]
    assert [seen.dry_run for seen in stage.wire] == [True, True, True]


async def test_the_hook_sees_every_request_with_kubernetes_verbs() -> None:
    async with staged() as stage:
        stage.api.then(answers({}), answers({"items": []}), refuses(404, "gone"))
        await stage.client.apply(CONFIG_MAPS, config_map("a"))
        await stage.client.list(CONFIG_MAPS)
        await stage.client.get(NODES, "n")
    assert [(seen.verb, seen.resource, seen.code) for seen in stage.wire] == [
        ("apply", "configmaps", 200),
        ("list", "configmaps", 200),
        ("get", "nodes", 404),
    ]
    assert stage.wire[0] == RequestSeen("apply", "configmaps", 200, 0.0, dry_run=False)


async def test_get_gives_none_for_what_is_not_there() -> None:
    async with staged() as stage:
        stage.api.then(refuses(404, 'nodes "n" not found'), says("404 page not found", code=404))
        assert await stage.client.get(NODES, "n") is None
        assert await stage.client.get(NODES, "n", metadata_only=True) is None
    assert "as=PartialObjectMetadata;" in stage.api.seen[1].headers["Accept"]


async def test_list_follows_continue_tokens_and_names_the_kinds_that_lists_leave_out() -> None:
    async with staged() as stage:
        stage.api.then(
            answers(
                {
                    "metadata": {"resourceVersion": "7", "continue": "x=y/"},
                    "items": [{"metadata": {"name": "a"}}],
                }
            ),
            answers({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]}),
        )
        listing = await stage.client.list(
            CONFIG_MAPS, "shop", label_selector="a in (b,c)", field_selector="metadata.name!=z", page_size=1
        )
    first, second = stage.api.seen
    assert listing.resource_version == "7"
    assert [(item["metadata"]["name"], item["kind"], item["apiVersion"]) for item in listing.items] == [
        ("a", "ConfigMap", "v1"),
        ("b", "ConfigMap", "v1"),
    ]
    assert first.query == {"labelSelector": "a in (b,c)", "fieldSelector": "metadata.name!=z", "limit": "1"}
    assert second.query == {**first.query, "continue": "x=y/"}


async def test_an_expired_continue_token_reads_everything_again_without_pages() -> None:
    async with staged() as stage:
        stage.api.then(
            answers({"metadata": {"resourceVersion": "7", "continue": "c"}, "items": [config_map("a")]}),
            refuses(410, "The provided continue parameter is too old", reason="Expired"),
            answers({"metadata": {"resourceVersion": "9"}, "items": [config_map("b"), config_map("c")]}),
        )
        listing = await stage.client.list(CONFIG_MAPS)
    assert [item["metadata"]["name"] for item in listing.items] == ["b", "c"]
    assert listing.resource_version == "9"
    assert stage.api.seen[2].query == {}


async def test_a_list_that_is_expired_from_the_start_is_an_error() -> None:
    async with staged() as stage:
        stage.api.then(refuses(410, "too old"))
        with pytest.raises(Expired, match="east: too old"):
            await stage.client.list(CONFIG_MAPS)


@pytest.mark.parametrize(
    ("code", "more", "expected"),
    [
        (401, {}, Denied),
        (403, {"reason": "Forbidden"}, Denied),
        (403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}, Conflict),
        (404, {"reason": "NotFound"}, NotFound),
        (409, {"reason": "Conflict"}, Conflict),
        (400, {"reason": "BadRequest"}, Rejected),
        (413, {}, Rejected),
        (422, {"reason": "Invalid"}, Rejected),
    ],
)
async def test_refusals_keep_the_servers_words_and_are_not_repeated(
    code: int, more: dict[str, Any], expected: type[Exception]
) -> None:
    async with staged() as stage:
        stage.api.then(refuses(code, "what the server says", **more))
        with pytest.raises(expected, match=r"^east: what the server says"):
            await stage.client.apply(CONFIG_MAPS, config_map("a"))
    assert len(stage.api.seen) == 1


async def test_rejected_carries_code_reason_and_causes() -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "Invalid value: -1"}]
    async with staged() as stage:
        stage.api.then(refuses(422, "is invalid", reason="Invalid", details={"causes": causes}))
        with pytest.raises(Rejected) as caught:
            await stage.client.apply(CONFIG_MAPS, config_map("a"))
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert caught.value.causes == (("spec.replicas", "Invalid value: -1"),)


async def test_a_500_about_the_schema_is_a_rejection_with_its_fields_and_not_repeated() -> None:
    """Server-Side Apply answers 500 to a misspelt field; any other 500 is the server's own trouble."""
    about = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment)"
    two = f"{about}: errors:\n  .spec.replicaz: field not declared in schema\n  .spec.x: expected map, got y"
    async with staged() as stage:
        stage.api.then(
            refuses(500, f"{about}: .spec.replicaz: field not declared in schema"), refuses(500, two)
        )
        for causes in (1, 2):
            with pytest.raises(Rejected, match="replicaz: field not declared") as caught:
                await stage.client.apply(CONFIG_MAPS, config_map("a"))
            assert len(caught.value.causes) == causes
            assert caught.value.causes[0] == ("spec.replicaz", "field not declared in schema")
            assert (caught.value.code, caught.value.reason) == (500, "Invalid")
        stage.api.then(refuses(500, about, reason="InternalError"), answers({}))
        await stage.client.apply(CONFIG_MAPS, config_map("a"))
    assert [seen.code for seen in stage.wire] == [500, 500, 500, 200]


async def test_a_proxys_page_is_shortened_to_one_line() -> None:
    async with staged() as stage:
        stage.api.then(says("<html>\n" + "x" * 10_000, code=400))
        with pytest.raises(Rejected) as caught:
            await stage.client.apply(CONFIG_MAPS, config_map("a"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2100


async def test_html_instead_of_an_object_is_no_answer() -> None:
    async with staged() as stage:
        stage.api.then(says("<html>welcome</html>"))
        with pytest.raises(Unreachable, match="not a Kubernetes API server"):
            await stage.client.get(NODES, "n")


async def test_errors_about_a_secret_never_hold_its_values() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "stringData": {"password": "s3cr3t-canary", "pin": 471108},
    }
    message = (
        'Secret "db" is invalid: data[password]: Invalid value: "s3cr3t-canary": and '
        ".stringData.pin: expected string, got &value.valueUnstructured{Value:471108}"
    )
    causes = [{"field": "data[password]", "message": 'Invalid value: "s3cr3t-canary"'}]
    async with staged() as stage:
        stage.api.then(
            refuses(422, message, details={"causes": causes}),
            *[refuses(500, message, headers={"Retry-After": "99"})],
        )
        with pytest.raises(Rejected) as rejected:
            await stage.client.apply(SECRETS, body)
        with pytest.raises(Unreachable) as unreachable:
            await stage.client.apply(SECRETS, body)
    shown = f"{rejected.value!r} {rejected.value.causes} {unreachable.value!r}"
    assert "canary" not in shown
    assert "471108" not in shown
    assert 'Secret "db" is invalid: data[password]' in shown


async def test_delete_sends_its_preconditions_and_tells_whether_there_was_anything() -> None:
    async with staged() as stage:
        stage.api.then(
            answers({}), refuses(404, "gone"), refuses(409, "the UID in the precondition is another")
        )
        assert await stage.client.delete(CONFIG_MAPS, "a", "shop", uid="u1", propagation="Foreground") is True
        assert await stage.client.delete(CONFIG_MAPS, "a", "shop", uid="u1") is False
        with pytest.raises(Conflict):
            await stage.client.delete(CONFIG_MAPS, "a", "shop", uid="u1")
    assert stage.api.seen[0].body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u1"},
    }


async def test_create_posts_to_the_collection_and_replace_puts_with_a_resource_version() -> None:
    async with staged() as stage:
        stage.api.then(answers({"created": True}, code=201), answers({"replaced": True}))
        assert await stage.client.create(CONFIG_MAPS, config_map("a")) == {"created": True}
        assert await stage.client.replace(CONFIG_MAPS, config_map("a", "5")) == {"replaced": True}
        unversioned = {"metadata": {"name": "a", "namespace": "shop"}}
        with pytest.raises(Refused, match="resourceVersion"):
            await stage.client.replace(CONFIG_MAPS, unversioned)
    assert [(seen.method, seen.path) for seen in stage.api.seen] == [
        ("POST", "/api/v1/namespaces/shop/configmaps"),
        ("PUT", "/api/v1/namespaces/shop/configmaps/a"),
    ]


async def test_patch_sends_operations_that_hold_for_one_version_only() -> None:
    gone = {"op": "remove", "path": "/data/x"}
    async with staged() as stage:
        stage.api.then(answers({"patched": True}))
        done = await stage.client.patch(CONFIG_MAPS, "a", "shop", operations=[gone], resource_version="5")
        assert done == {"patched": True}
        with pytest.raises(Refused, match="resourceVersion"):
            await stage.client.patch(CONFIG_MAPS, "a", "shop", operations=[gone], resource_version="")
    (seen,) = stage.api.seen
    assert (seen.method, seen.path) == ("PATCH", "/api/v1/namespaces/shop/configmaps/a")
    assert seen.headers["Content-Type"] == "application/json-patch+json"
    assert seen.body == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "5"},
        gone,
    ]


async def test_what_has_no_address_is_refused_before_anything_is_sent() -> None:
    async with staged() as stage:
        for metadata in ({}, {"namespace": "shop"}, {"name": "a"}, {"name": "../b", "namespace": "shop"}):
            with pytest.raises(Refused):
                await stage.client.apply(CONFIG_MAPS, {"metadata": metadata})
        with pytest.raises(Refused, match="needs a namespace"):
            await stage.client.create(CONFIG_MAPS, {"metadata": {"generateName": "a-"}})
        with pytest.raises(Rejected, match="cannot be written as JSON"):
            await stage.client.apply(CONFIG_MAPS, config_map("a") | {"data": {"n": 2**70}})
    assert stage.api.seen == []


async def test_impersonation_travels_with_every_request_of_the_derived_client_only() -> None:
    async with staged() as stage:
        stage.api.then(answers({}), answers({}), says("line\n"))
        team = stage.client.as_service_account("shop", "deployer")
        await team.apply(CONFIG_MAPS, config_map("a"))
        await stage.client.apply(CONFIG_MAPS, config_map("a"))
        assert await team.pod_logs("shop", "p", "c") == "line\n"
        await team.close()
        stage.api.then(answers({}))
        await stage.client.get(NODES, "the session is still open")
    users = [seen.headers.get("Impersonate-User") for seen in stage.api.seen]
    assert users == ["system:serviceaccount:shop:deployer", None, "system:serviceaccount:shop:deployer", None]


@pytest.mark.parametrize(("namespace", "name"), [("", "a"), ("a", ""), (" ", "a"), ("", "")])
async def test_an_empty_identity_cannot_be_impersonated(namespace: str, name: str) -> None:
    async with staged() as stage:
        with pytest.raises(ValueError, match="service account"):
            stage.client.as_service_account(namespace, name)


async def test_pod_logs_are_asked_for_once_and_none_when_there_are_none() -> None:
    async with staged() as stage:
        stage.api.then(
            says("last words\n"), refuses(400, "waiting to start"), refuses(500, "kubelet is down"), drops()
        )
        logs = [await stage.client.pod_logs("shop", "p", "c", previous=True, tail_lines=3) for _ in range(4)]
    assert logs == ["last words\n", None, None, None]
    assert len(stage.api.seen) == 4
    assert stage.api.seen[0].path == "/api/v1/namespaces/shop/pods/p/log"
    assert stage.api.seen[0].query == {
        "container": "c",
        "tailLines": "3",
        "limitBytes": "65536",
        "previous": "true",
    }


async def test_a_body_beyond_a_mebibyte_is_sent_without_a_warning() -> None:
    body = config_map("big") | {"data": {"blob": "x" * 2**21}}
    async with staged() as stage:
        stage.api.then(answers({}))
        await stage.client.apply(CONFIG_MAPS, body)
    assert stage.api.seen[0].body == body


async def test_requests_in_flight_are_bounded() -> None:
    """The client of these tests may have four; the other four wait for their turn."""
    release = asyncio.Event()
    async with staged() as stage:
        stage.api.then(*[hangs(release)] * 8)
        tasks = [asyncio.create_task(stage.client.get(NODES, f"n{number}")) for number in range(8)]
        await until(lambda: stage.api.active >= 4)
        release.set()
        assert await asyncio.gather(*tasks) == [{}] * 8
    assert stage.api.most_active == 4
    assert len(stage.api.seen) == 8


async def test_a_redirect_is_not_followed_with_our_credentials() -> None:
    async with staged() as stage:
        stage.api.then(says("", code=302, headers={"Location": "/elsewhere"}))
        with pytest.raises(Unreachable, match="302"):
            await stage.client.get(NODES, "n")
    assert len(stage.api.seen) == 1
