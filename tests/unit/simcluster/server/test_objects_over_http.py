"""The verbs over HTTP: codes, bodies, representations, and the API's own errors for what is wrong."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.unit.simcluster.server.conftest import LIMITED, Client

NS = "/api/v1/namespaces/default"
CONFIG_MAPS = f"{NS}/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
FOOS = "/apis/e.io/v1/namespaces/default/foos"


async def test_an_object_lives_and_dies(client: Client) -> None:
    made = await client.make(CONFIG_MAPS, "a", data={"x": "1"})
    assert made["apiVersion"] == "v1"
    assert await client.get(f"{CONFIG_MAPS}/a") == made
    made["data"] = {"x": "2"}
    put = await client.send("PUT", f"{CONFIG_MAPS}/a", made)
    assert (put.status, put.body["data"]) == (200, {"x": "2"})
    patch = {"data": {"y": "3"}}
    merged = await client.send(
        "PATCH", f"{CONFIG_MAPS}/a", patch, content_type="application/merge-patch+json"
    )
    assert merged.body["data"] == {"x": "2", "y": "3"}
    gone = await client.send("DELETE", f"{CONFIG_MAPS}/a")
    assert (gone.status, gone.body["status"]) == (200, "Success")
    assert (await client.send("GET", f"{CONFIG_MAPS}/a")).status == 404


async def test_apply_creates_once_and_then_changes(client: Client) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}
    path = f"{CONFIG_MAPS}/a?fieldManager=me"
    first = await client.send("PATCH", path, config, content_type="application/apply-patch+yaml")
    again = await client.send("PATCH", path, config, content_type="application/apply-patch+yaml")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_the_user_agent_names_the_field_manager(client: Client) -> None:
    body = {"metadata": {"name": "a"}, "data": {"x": "1"}}
    made = await client.send("POST", CONFIG_MAPS, body, User_Agent="kubectl/v1.37.2 (linux)")
    assert made.body["metadata"]["managedFields"][0]["manager"] == "kubectl"


async def test_clusters_are_strangers(client: Client, other: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    assert (await other.send("GET", f"{CONFIG_MAPS}/a")).status == 404


async def test_lists_of_builtin_kinds_leave_out_what_their_items_are(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    found = await client.get(f"{CONFIG_MAPS}?labelSelector=!x&fieldSelector=metadata.name%3Da")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert [(each["metadata"]["name"], "kind" in each) for each in found["items"]] == [("a", False)]


async def test_a_list_comes_in_pages(client: Client) -> None:
    for name in "abc":
        await client.make("/api/v1/namespaces", name)
    names: list[str] = []
    path = "/api/v1/namespaces?limit=2"
    while path:
        page = await client.get(path)
        names += [each["metadata"]["name"] for each in page["items"]]
        token = page["metadata"].get("continue")
        path = f"/api/v1/namespaces?limit=2&continue={token}" if token else ""
    assert {"a", "b", "c"} <= set(names)
    assert names == sorted(names)


async def test_metadata_alone(client: Client) -> None:
    made = await client.make(CONFIG_MAPS, "a", data={"secret": "x"})
    one = await client.get(f"{CONFIG_MAPS}/a", Accept=PARTIAL)
    assert one == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": made["metadata"],
    }
    listed = await client.get(CONFIG_MAPS, Accept=PARTIAL_LIST)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert one in listed["items"]


@pytest.mark.parametrize(
    ("path", "accept", "words"),
    [
        (f"{NS}/configmaps/a", PARTIAL_LIST, "requested object is not a list (*core.ConfigMap)"),
        (f"{NS}/configmaps", PARTIAL, "the requested object is a list (*core.ConfigMapList)"),
        (f"{NS}/configmaps?watch=1", PARTIAL_LIST, "is not a list (*core.ConfigMap)"),
        (f"{NS}/configmaps/a", "text/html", "406: Not Acceptable"),
        (f"{NS}/configmaps/none", "text/html", "406: Not Acceptable"),
    ],
)
async def test_what_cannot_be_shown_so_is_refused(client: Client, path: str, accept: str, words: str) -> None:
    await client.make(CONFIG_MAPS, "a")
    reply = await client.send("GET", path, Accept=accept)
    assert reply.status == 406
    assert words in reply.message


async def test_a_table_has_columns_and_rows(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a", data={"x": "1"})
    found = await client.get(f"{CONFIG_MAPS}/a", Accept=TABLE)
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert found["rows"][0]["cells"][:2] == ["a", 1]
    assert found["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    bare = await client.get(f"{CONFIG_MAPS}?includeObject=None", Accept=TABLE)
    assert all(row.get("object") is None for row in bare["rows"])
    wrong = await client.send("GET", f"{CONFIG_MAPS}?includeObject=Foo", Accept=TABLE)
    assert (wrong.status, "includeObject" in wrong.message) == (400, True)


async def test_yaml_in_and_out(client: Client) -> None:
    """What YAML 1.1 takes for booleans is quoted, so that every reader sees the strings that were stored."""
    text = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: 'on', b: %s, c: '1'}\n"
    refused = await client.send("POST", CONFIG_MAPS, text % b"y", content_type="application/yaml")
    assert refused.status == 400, "y is a boolean to the API server"
    made = await client.send("POST", CONFIG_MAPS, text % b"'y'", content_type="application/yaml")
    assert made.status == 201, made.text
    reply = await client.send("GET", f"{CONFIG_MAPS}/a", Accept="application/yaml")
    assert reply.headers["Content-Type"] == "application/yaml"
    assert yaml.safe_load(reply.text)["data"] == {"a": "on", "b": "y", "c": "1"}
    assert 'b: "y"' in reply.text


async def test_pretty_is_pretty(client: Client) -> None:
    reply = await client.send("GET", "/api/v1/namespaces/default?pretty=true")
    assert reply.text.startswith('{\n  "')


async def test_unknown_fields_are_warned_of(client: Client) -> None:
    body = {"metadata": {"name": "a"}, "foo": 1, 'with "quotes"': 2}
    reply = await client.send("POST", CONFIG_MAPS, body)
    assert reply.status == 201
    assert '299 - "unknown field \\"foo\\""' in reply.warnings


async def test_custom_resources_appear_with_their_definition(client: Client) -> None:
    missing = await client.send("GET", FOOS)
    assert (missing.status, missing.text) == (404, "404 page not found\n")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Foo", "plural": "foos"}
    spec = {"group": "e.io", "names": names, "scope": "Namespaced", "versions": [version]}
    await client.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "foos.e.io", spec=spec)
    await client.make(FOOS, "x", apiVersion="e.io/v1", kind="Foo")
    listed = await client.get(FOOS)
    assert listed["items"][0]["kind"] == "Foo"
    assert listed["metadata"]["continue"] == ""
    groups = {each["name"] for each in (await client.get("/apis"))["groups"]}
    assert "e.io" in groups
    strategic = "application/strategic-merge-patch+json"
    refused = await client.send("PATCH", f"{FOOS}/x", {}, content_type=strategic)
    assert refused.status == 415


async def test_scale_and_status_are_resources_of_their_own(client: Client) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "registry.example/web:1"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    await client.make(deployments, "d", spec=spec)
    scale = await client.get(f"{deployments}/d/scale")
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 1})
    scale["spec"]["replicas"] = 3
    put = await client.send("PUT", f"{deployments}/d/scale", scale)
    assert (put.status, put.body["spec"]["replicas"]) == (200, 3)
    assert (await client.get(f"{deployments}/d/status"))["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", CONFIG_MAPS, 405),
        ("PATCH", CONFIG_MAPS, 405),
        ("POST", f"{CONFIG_MAPS}/x", 405),
        ("HEAD", CONFIG_MAPS, 405),
        ("OPTIONS", CONFIG_MAPS, 405),
        ("TRACE", CONFIG_MAPS, 405),
        ("POST", "/api/v1/pods", 405),
        ("DELETE", "/api/v1/pods", 405),
        ("GET", "/api/v1/pods/x", 404),
        ("GET", "/api/v1/bars", 404),
        ("GET", "/apis/apps/v9/deployments", 404),
        ("GET", f"{NS}/pods/x/nothing", 404),
        ("GET", f"{NS}/namespaces", 404),
        ("GET", f"{NS}/pods/x/eviction", 405),
        ("GET", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 405),
    ],
)
async def test_what_is_not_there_or_not_allowed(client: Client, method: str, path: str, status: int) -> None:
    reply = await client.send(method, path, {} if method in ("POST", "PUT") else None)
    assert reply.status == status
    if method != "HEAD":
        assert reply.body["kind"] == "Status"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/namespaces/../../etc", 404),
        ("/api/v1/namespaces/default//configmaps", 404),
        ("/api/v1/namespaces/default/configmaps/..%2fc", 404),
        ("/api/v1/namespaces/default/configmaps/%2e%2e", 400),
        ("/api/v1/namespaces/default/configmaps/a%00b", 404),
        ("/api/v1/namespaces/default/configmaps/%ff%fe", 404),
        ("/api/v1/namespaces/default/configmaps/" + "x" * 5000, 404),
        ("/api/v1/namespaces/default/configmaps?limit=x", 400),
        ("/api/v1/namespaces/default/configmaps?labelSelector=!!", 400),
        ("/api/v1/namespaces/default/configmaps?continue=%F0", 400),
        ("/api/v1/namespaces/default/configmaps?resourceVersion=abc", 400),
        ("/api/v1/namespaces/default/configmaps/x?resourceVersion=abc", 500),
        ("/../cluster-2/api/v1/namespaces", 404),
    ],
)
async def test_path_tricks_get_a_status(client: Client, path: str, status: int) -> None:
    from yarl import URL  # noqa: PLC0415 - the one place that needs raw URLs

    headers = {"Authorization": f"Bearer {client.token}"}
    async with client.session.get(URL(f"{client.url}{path}", encoded=True), headers=headers) as response:
        body = json.loads(await response.text()) if "json" in response.headers["Content-Type"] else None
        assert response.status == status
        assert body is None or (body["kind"], body["code"]) == ("Status", status)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{bad", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 422),
        (b'"x"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"metadata": []}', "application/json", 400),
        (b'{"metadata": {"name": 1}}', "application/json", 400),
        (b'{"kind": "Secret", "apiVersion": "v1"}', "application/json", 400),
        (b"a: b: c", "application/yaml", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/vnd.kubernetes.protobuf", 400),
        (b"k8s\x00\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400),
        (b" " * (3 << 20) + b"{}", "application/json", 413),
    ],
)
async def test_bad_bodies_get_a_status(client: Client, body: bytes, content_type: str, status: int) -> None:
    reply = await client.send("POST", CONFIG_MAPS, body, content_type=content_type)
    assert (reply.status, reply.body["kind"]) == (status, "Status"), reply.text[:300]
    assert "Traceback" not in reply.text


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
async def test_a_patch_says_what_it_is(client: Client, content_type: str) -> None:
    await client.make(CONFIG_MAPS, "a")
    reply = await client.send("PATCH", f"{CONFIG_MAPS}/a", {}, content_type=content_type)
    assert (reply.status, reply.message) == (415, "415: Unsupported Media Type")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("dryRun=foo", 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["foo"]'),
        ("fieldValidation=foo", 'fieldValidation: Unsupported value: "foo"'),
        ("fieldManager=" + "x" * 129, "fieldManager: Too long: may not be more than 128 bytes"),
        ("fieldManager=%07", 'Invalid value: "\\a": invalid character U+0007 (at position 0)'),
    ],
)
async def test_options_are_checked(client: Client, query: str, words: str) -> None:
    reply = await client.send("POST", f"{CONFIG_MAPS}?{query}", {"metadata": {"name": "a"}})
    assert reply.status == 422
    assert words in reply.message


@pytest.mark.parametrize(
    ("query", "body", "status", "words"),
    [
        ("propagationPolicy=Foo", None, 422, 'supported values: "Foreground", "Background", "Orphan", "nil"'),
        ("dryRun=x", None, 422, 'dryRun: Unsupported value: ["x"]: supported values: "All"'),
        ("gracePeriodSeconds=x", None, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("", b"{bad", 400, "couldn't get version/kind; json parse error: invalid character 'b'"),
        ("", b"[]", 400, "the body must be DeleteOptions"),
        ("", {"gracePeriodSeconds": "x"}, 400, "cannot unmarshal string into Go"),
        ("", {"preconditions": []}, 400, "cannot unmarshal array into Go"),
        ("", {"kind": "Pod", "apiVersion": "v1"}, 400, 'no kind "Pod" is registered for version "v1"'),
        ("", {"propagationPolicy": "Orphan", "orphanDependents": True}, 422, "cannot be both set"),
    ],
)
async def test_delete_options_are_checked(
    client: Client, query: str, body: object, status: int, words: str
) -> None:
    await client.make(CONFIG_MAPS, "a")
    reply = await client.send("DELETE", f"{CONFIG_MAPS}/a?{query}", body)
    assert reply.status == status
    assert words in reply.message
    assert await client.get(f"{CONFIG_MAPS}/a")


async def test_a_dry_run_delete_deletes_nothing(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    for query, body in (("dryRun=All", None), ("", {"dryRun": ["All"]})):
        assert (await client.send("DELETE", f"{CONFIG_MAPS}/a?{query}", body)).status == 200
    assert await client.get(f"{CONFIG_MAPS}/a")


async def test_a_collection_is_deleted_by_selector(client: Client) -> None:
    for name in "ab":
        await client.send("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": {"x": name}}})
    reply = await client.send("DELETE", f"{CONFIG_MAPS}?labelSelector=x%3Da")
    assert reply.status == 200
    assert (await client.send("GET", f"{CONFIG_MAPS}/a")).status == 404
    assert (await client.send("GET", f"{CONFIG_MAPS}/b")).status == 200


async def test_who_may_not_learns_only_that(client: Client) -> None:
    """Authorization comes before everything else: also what does not exist is forbidden."""
    for path in (CONFIG_MAPS, f"{NS}/nothing", f"{CONFIG_MAPS}/..", "/foo"):
        reply = await client.send("GET", path, token=LIMITED)
        assert (reply.status, reply.body["reason"]) == (403, "Forbidden")
    assert (await client.send("GET", CONFIG_MAPS, token="made-up")).status == 401
    nobody = await client.send("GET", CONFIG_MAPS, token="")
    assert 'User "system:anonymous" cannot list resource "configmaps"' in nobody.message
