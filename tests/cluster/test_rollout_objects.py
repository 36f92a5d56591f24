"""What a rollout does with objects on a real control plane: create, move, prune, replace, leave alone."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import Any

import yaml

from gitops.inventory import Inventory, applyset_id, from_config_maps, parent_name
from gitops.rollout import events as e
from gitops.rollout.state import RolloutPhase
from tests.cluster.rig import binaries
from tests.cluster.world import World, config_map, deployment

PART_OF = "applyset.kubernetes.io/part-of"


def shop(world: World, files: dict[str, str], **spec: Any) -> dict[str, str | None]:
    """A repository with files given by `<application>/<file>`."""
    found = {**world.clusters(), **world.environment_file(**spec)}
    for path, content in files.items():
        application, _, file = path.partition("/")
        found[world.path(application, file)] = content
    return found


def versions(world: World) -> dict[str, str]:
    """Resource versions of the ConfigMaps, Secrets, Services and Deployments here, by kind and name."""
    found = {}
    for path in ("v1/configmaps", "v1/secrets", "v1/services", "apps/v1/deployments"):
        group, _, kind = path.rpartition("/")
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        for item in world.planes[0].api.get(f"{root}/namespaces/{world.namespace}/{kind}")["items"]:
            found[f"{kind}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
    return found


def inventory(world: World, application: str) -> dict[str, Any] | None:
    """The ApplySet parent of an application."""
    return world.live(0, f"v1/configmaps/{parent_name(world.environment, application)}")  # type: ignore[no-any-return]


def tracked(world: World, application: str) -> list[str]:
    """The objects in an application's inventory, such as `ConfigMap shop/web`."""
    parent = inventory(world, application)
    return [str(key) for key in stored(parent).entries] if parent else []


def stored(*config_maps: dict[str, Any]) -> Inventory:
    """The inventory that ConfigMaps hold."""
    found = from_config_maps(config_maps, "test-1")
    assert found is not None
    return found


def kubectl(*arguments: str) -> list[str]:
    """Run kubectl and return the words it printed."""
    argv = [str(binaries.ensure() / "kubectl"), *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()


def custom_definition(group: str, **properties: Any) -> dict[str, Any]:
    """A CRD of kind Parcel, whose spec has the given properties."""
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": properties}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"parcels.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "parcels", "singular": "parcel", "kind": "Parcel", "listKind": "ParcelList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }


def job(name: str, image: str = "registry.example/job:1.0") -> str:
    """A Job as YAML."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}
    return yaml.safe_dump(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}}
    )


async def test_three_bad_objects_are_reported_together_and_nothing_is_written(world: World) -> None:
    """Each with its file and line and the API server's own words; the good one beside them stays too."""
    good = world.people.push("First", shop(world, {"web/web.yaml": deployment("web")}))
    bad = {
        world.path("web", "negative.yaml"): deployment("negative", replicas=-1),
        world.path("web", "port.yaml"): """\
            # a comment, so that the object begins on the second line
            apiVersion: v1
            kind: Service
            metadata: {name: port}
            spec: {ports: [{port: 70000}]}
            """,
        world.path("web", "typo.yaml"): config_map("typo").replace("\ndata:", "\ndaata:"),
        world.path("web", "fine.yaml"): config_map("fine", key="value"),
    }
    async with world.controller():
        await world.succeeded(good, "web")
        before = versions(world)
        world.requests.clear()
        world.people.push("Three mistakes", bad)
        failed = (await world.until(lambda: world.seen.of(e.RolloutFailed), "the failure"))[0]
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert")
    told = "\n".join(failed.evidence)
    assert {line.partition(":")[0] for line in failed.evidence} == {*bad} - {world.path("web", "fine.yaml")}
    assert any('unknown field "daata": did you mean "data"?' in line for line in failed.evidence), told
    for where, words in {
        world.path("web", "negative.yaml") + ":1": "must be greater than or equal to 0",
        world.path("web", "port.yaml") + ":2": "must be between 1 and 65535",
        world.path("web", "typo.yaml") + ":1": "field not declared in schema",
    }.items():
        assert any(line.startswith(where) and words in line for line in failed.evidence), told
        assert where in failed.because
    assert versions(world) == before
    assert [one for one in world.writes if not one.dry_run] == []
    assert len([one for one in world.writes if one.dry_run]) == 4


async def test_a_definition_and_its_objects_come_in_one_commit(world: World) -> None:
    """On the first rollout, and when a later commit changes both; the kind is served before it is used."""
    group = f"{secrets.token_hex(4)}.example.org"
    size = {"size": {"type": "integer"}}
    parcel = {
        "apiVersion": f"{group}/v1",
        "kind": "Parcel",
        "metadata": {"name": "first"},
        "spec": {"size": 3},
    }
    files = {
        "web/a-parcel.yaml": yaml.safe_dump(parcel),
        "web/definition.yaml": yaml.safe_dump(custom_definition(group, **size)),
    }
    plane = world.planes[0]
    try:
        first = world.people.push("Definition and object", shop(world, files))
        async with world.controller():
            await world.succeeded(first, "web")
            uid = world.live(0, f"{group}/v1/parcels/first")["metadata"]["uid"]
            changed = custom_definition(group, **size, weight={"type": "integer"})
            parcel["spec"] = {"size": 4, "weight": 7}
            second = world.people.push(
                "Both change",
                {
                    world.path("web", "a-parcel.yaml"): yaml.safe_dump(parcel),
                    world.path("web", "definition.yaml"): yaml.safe_dump(changed),
                },
            )
            await world.succeeded(second, "web")
            live = world.live(0, f"{group}/v1/parcels/first")
            assert live["spec"] == {"size": 4, "weight": 7}
            assert live["metadata"]["uid"] == uid
    finally:
        plane.api.request(
            "DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/parcels.{group}"
        )


async def test_a_renamed_file_moves_nothing(world: World) -> None:
    """The objects are the same, so the rollout that follows writes and tries nothing on the cluster."""
    first = world.people.push("First", shop(world, {"web/a.yaml": deployment("web")}))
    async with world.controller():
        await world.succeeded(first, "web")
        before = versions(world)
        world.requests.clear()
        renamed = world.people.push(
            "Rename", {world.path("web", "a.yaml"): None, world.path("web", "b.yaml"): deployment("web")}
        )
        await world.looked_at(renamed)
    assert [one for one in world.writes if one.resource != "configmaps"] == []
    assert {name: v for name, v in versions(world).items() if "gitops-waves" not in name} == {
        name: v for name, v in before.items() if "gitops-waves" not in name
    }


async def test_an_object_that_moves_to_another_application_is_never_deleted(world: World) -> None:
    """Same uid, no deletion, and at the end only the other application's inventory holds it."""
    shared = config_map("shared", key="value")
    files = {
        "one/own.yaml": config_map("one-own"),
        "one/shared.yaml": shared,
        "two/own.yaml": config_map("two-own"),
    }
    first = world.people.push("First", shop(world, files))
    name = f"ConfigMap {world.namespace}/shared"
    async with world.controller():
        await world.succeeded(first, "one")
        await world.succeeded(first, "two")
        uid = world.live(0, "v1/configmaps/shared")["metadata"]["uid"]
        assert name in tracked(world, "one")
        world.requests.clear()
        moved = world.people.push(
            "Move", {world.path("one", "shared.yaml"): None, world.path("two", "shared.yaml"): shared}
        )
        await world.until(lambda: world.successes("one") == 2 and world.successes("two") == 2, "both")
        await world.looked_at(moved)
        live = world.live(0, "v1/configmaps/shared")["metadata"]
        assert live["uid"] == uid
        assert live["labels"][PART_OF] == applyset_id(parent_name("production", "two"), world.namespace)
        assert name in tracked(world, "two")
        assert [one for one in world.writes if one.verb == "delete"] == []
        # The next commit in either application leaves it alone too.
        after = world.people.push(
            "Go on",
            {world.path("one", "own.yaml"): config_map("one-own", a="b")},
        )
        await world.succeeded(after, "one")
        assert tracked(world, "one") == [f"ConfigMap {world.namespace}/one-own"]
    assert world.live(0, "v1/configmaps/shared")["metadata"]["uid"] == uid


async def test_deleting_all_manifests_is_refused_until_a_trailer_allows_it(world: World) -> None:
    """The objects stay and a sentence says how to allow it; with the trailer they go, like the state."""
    files = {
        "web/web.yaml": deployment("web"),
        "web/map.yaml": config_map("settings"),
        "api/m.yaml": config_map("api"),
    }
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "web")
        await world.succeeded(first, "api")
        before = versions(world)
        world.people.push(
            "Delete web", {world.path("web", "web.yaml"): None, world.path("web", "map.yaml"): None}
        )
        sentence = await world.told("web is halted", "renders no object at all", "would delete all 2")
        assert "Gitops-Allow-Prune: production/web" in sentence
        assert versions(world) == before
        world.people.push("We mean it\n\nGitops-Allow-Prune: production/web\n", {})
        await world.until(lambda: world.seen.of(e.ApplicationRetired, "web"), "web to be retired")
        assert world.live(0, "apps/v1/deployments/web") is None
        assert world.live(0, "v1/configmaps/settings") is None
        assert tracked(world, "web") == []
    assert world.live(0, "v1/configmaps/api")["metadata"]["resourceVersion"] == before["configmaps/api"]
    assert "web" not in world.seen.state["production"].applications


async def test_pruning_above_the_budget_is_refused_until_a_trailer_allows_it(world: World) -> None:
    """Three of four objects are more than half: none goes before the trailer, all three go after it."""
    files = {f"web/{name}.yaml": config_map(name) for name in ("a", "b", "c", "d")}
    first = world.people.push("First", shop(world, files))
    gone: dict[str, str | None] = {world.path("web", f"{name}.yaml"): None for name in ("b", "c", "d")}
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push("Too much", gone)
        sentence = await world.told("web is halted", "would delete 3 of its 4 objects", "prune budget of 2")
        assert "Gitops-Allow-Prune: production/web" in sentence
        assert "prune.maxObjects" in sentence
        assert {name for name in ("a", "b", "c", "d") if world.live(0, f"v1/configmaps/{name}")} == set(
            "abcd"
        )
        allowed = world.people.push("Yes\n\nGitops-Allow-Prune: production/web\n", {})
        await world.succeeded(allowed, "web")
    assert [name for name in ("a", "b", "c", "d") if world.live(0, f"v1/configmaps/{name}")] == ["a"]
    assert tracked(world, "web") == [f"ConfigMap {world.namespace}/a"]


async def test_within_the_budget_objects_go_only_after_the_new_state_is_healthy(world: World) -> None:
    """While the new Deployment is not ready, what is no longer rendered still stands beside it."""
    files = {
        "web/web.yaml": deployment("web"),
        "web/old.yaml": config_map("old"),
        "web/b.yaml": config_map("b"),
    }
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "web")
        slow = deployment("web", "registry.example/web:2.0-ready-after-2s")
        second = world.people.push(
            "Replace", {world.path("web", "web.yaml"): slow, world.path("web", "old.yaml"): None}
        )

        def applied_and_not_ready() -> bool:
            live = world.live(0, "apps/v1/deployments/web")
            rolled = live["spec"]["template"]["spec"]["containers"][0]["image"].endswith("2s")
            ready = (
                live["status"].get("updatedReplicas") == 2 and live["status"].get("availableReplicas") == 2
            )
            return rolled and not ready

        await world.until(applied_and_not_ready, "the new Deployment to be applied and not ready")
        assert world.live(0, "v1/configmaps/old")
        await world.until(lambda: world.live(0, "v1/configmaps/old") is None, "old to go")
        live = world.live(0, "apps/v1/deployments/web")
        assert live["status"]["updatedReplicas"] == 2
        assert live["status"].get("unavailableReplicas", 0) == 0
        await world.succeeded(second, "web")
    assert tracked(world, "web") == [
        f"ConfigMap {world.namespace}/b",
        f"Deployment.apps {world.namespace}/web",
    ]


async def test_claims_of_storage_are_kept_without_permission(world: World) -> None:
    """A PVC that is no longer rendered stays, tracked, until a commit's trailer lets it go."""
    claim = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "",
                "volumeName": "none",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
    )
    plane = world.planes[0]
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": world.namespace},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/tmp/none"},
            "claimRef": {"namespace": world.namespace, "name": "data"},
        },
    }
    plane.api.create("/api/v1/persistentvolumes", volume)
    try:
        files = {
            "web/claim.yaml": claim.replace("none", world.namespace),
            "web/a.yaml": config_map("a"),
            "web/b.yaml": config_map("b"),
        }
        first = world.people.push("First", shop(world, files))
        async with world.controller():
            await world.succeeded(first, "web")
            second = world.people.push("Drop the claim", {world.path("web", "claim.yaml"): None})
            await world.until(lambda: world.successes("web") == 2, "the rollout without the claim")
            assert second == world.state("web").good.revision  # type: ignore[union-attr]
            claimed = f"PersistentVolumeClaim {world.namespace}/data"
            assert "deletionTimestamp" not in world.live(0, "v1/persistentvolumeclaims/data")["metadata"]
            assert claimed in tracked(world, "web")
            allowed = world.people.push(
                "It may go\n\nGitops-Allow-Prune: production/web\n",
                {world.path("web", "b.yaml"): config_map("b", now="it")},
            )
            await world.succeeded(allowed, "web")
            assert world.live(0, "v1/persistentvolumeclaims/data") is None
            assert claimed not in tracked(world, "web")
    finally:
        plane.api.request("DELETE", f"/api/v1/persistentvolumes/{world.namespace}")


async def test_a_job_is_replaced_when_its_template_changes(world: World) -> None:
    """The old one goes, the new one runs to its end, and an unchanged one never runs again."""
    first = world.people.push("First", shop(world, {"web/job.yaml": job("migrate")}))
    async with world.controller():
        await world.succeeded(first, "web")
        before = world.live(0, "batch/v1/jobs/migrate")
        second = world.people.push(
            "New job", {world.path("web", "job.yaml"): job("migrate", "registry.example/job:2.0")}
        )
        await world.succeeded(second, "web")
        after = world.live(0, "batch/v1/jobs/migrate")
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/job:2.0"
        assert after["status"]["succeeded"] == 1
        third = world.people.push("Something else", {world.path("web", "map.yaml"): config_map("beside")})
        await world.succeeded(third, "web")
    assert world.live(0, "batch/v1/jobs/migrate")["metadata"]["uid"] == after["metadata"]["uid"]


async def test_an_immutable_field_needs_the_annotation(world: World) -> None:
    """A changed selector is refused naming the annotation, the object untouched; with it, it is replaced."""
    first = world.people.push(
        "First", shop(world, {"web/web.yaml": deployment("web")}, onFailure={"push": "None"})
    )
    async with world.controller():
        await world.succeeded(first, "web")
        before = world.live(0, "apps/v1/deployments/web")["metadata"]
        body = yaml.safe_load(deployment("web"))
        body["spec"]["selector"]["matchLabels"] = {"app": "other"}
        body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
        world.people.push("Other selector", {world.path("web", "web.yaml"): yaml.safe_dump(body)})
        failed = (await world.until(lambda: world.seen.of(e.RolloutFailed), "the refusal"))[0]
        assert "field is immutable" in failed.because
        assert 'gitops-waves.io/recreate: "true"' in failed.because
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the end of it")
        live = world.live(0, "apps/v1/deployments/web")["metadata"]
        assert (live["uid"], live["generation"]) == (before["uid"], before["generation"])
        body["metadata"]["annotations"] = {"gitops-waves.io/recreate": "true"}
        allowed = world.people.push("Recreate", {world.path("web", "web.yaml"): yaml.safe_dump(body)})
        await world.succeeded(allowed, "web")
    after = world.live(0, "apps/v1/deployments/web")
    assert after["metadata"]["uid"] != before["uid"]
    assert after["spec"]["selector"]["matchLabels"] == {"app": "other"}
    assert after["status"]["availableReplicas"] == 2


async def test_a_dependency_inside_an_application_orders_the_applies(world: World) -> None:
    """The dependent object is not created before the one it names is healthy."""
    body = yaml.safe_load(deployment("second"))
    body["metadata"]["annotations"] = {"gitops-waves.io/depends-on": "Deployment/first"}
    slow = deployment("first", "registry.example/web:1.0-ready-after-2s")
    pushed = world.people.push(
        "Two", shop(world, {"web/second.yaml": yaml.safe_dump(body), "web/first.yaml": slow})
    )
    async with world.controller():
        await world.until(lambda: world.live(0, "apps/v1/deployments/first"), "the first Deployment")
        assert "Deployment.apps" in await world.told("web@", "first is InProgress")
        assert world.live(0, "apps/v1/deployments/second") is None
        await world.succeeded(pushed, "web")
    first, second = (world.live(0, f"apps/v1/deployments/{name}") for name in ("first", "second"))
    available = next(one for one in first["status"]["conditions"] if one["type"] == "Available")
    assert available["status"] == "True"
    assert second["metadata"]["creationTimestamp"] >= available["lastTransitionTime"]


async def test_the_namespace_is_made_where_the_environment_says_so(world: World) -> None:
    """Without `createNamespace` a refusal says what to do and nothing is written; with it, it is made."""
    world.namespace = f"made-{secrets.token_hex(4)}"
    plane = world.planes[0]
    try:
        world.people.push("First", shop(world, {"web/map.yaml": config_map("settings")}))
        async with world.controller():
            sentence = await world.told("web is halted", f"namespace {world.namespace} does not exist")
            assert "createNamespace: true" in sentence
            assert plane.api.request("GET", f"/api/v1/namespaces/{world.namespace}").status == 404
            assert [one for one in world.writes if not one.dry_run] == []
            target = {"clusterSelector": {}, "namespace": world.namespace, "createNamespace": True}
            made = world.people.push("Make it", world.environment_file(targets=[target]))
            await world.succeeded(made, "web")
        labels = plane.api.get(f"/api/v1/namespaces/{world.namespace}")["metadata"]["labels"]
        assert labels["gitops-waves.io/environment"] == "production"
        assert PART_OF not in labels
        assert world.live(0, "v1/configmaps/settings")
    finally:
        plane.api.request("DELETE", f"/api/v1/namespaces/{world.namespace}")


async def test_the_inventory_is_an_apply_set_that_kubectl_reads(world: World) -> None:
    """Parent and members carry what KEP-3659 prescribes, and `kubectl get -l` finds exactly the members."""
    files = {"web/web.yaml": deployment("web"), "web/map.yaml": config_map("settings")}
    first = world.people.push("First", shop(world, files))
    world.planes[0].api.create(
        f"/api/v1/namespaces/{world.namespace}/configmaps", {"metadata": {"name": "stranger"}}
    )
    async with world.controller():
        await world.succeeded(first, "web")
    parent = inventory(world, "web")
    assert parent is not None
    identity = applyset_id(parent["metadata"]["name"], world.namespace)
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == identity
    annotations = parent["metadata"]["annotations"]
    assert annotations["applyset.kubernetes.io/tooling"] == "gitops-waves/v1"
    assert annotations["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Deployment.apps"
    assert annotations["applyset.kubernetes.io/additional-namespaces"] == ""
    assert parent["data"]["revision"] == first
    kubeconfig = world.planes[0].write_kubeconfig(world.folder / "kubectl.kubeconfig")
    listed = kubectl(
        f"--kubeconfig={kubeconfig}",
        "get",
        "deployments,configmaps",
        f"--namespace={world.namespace}",
        f"--selector={PART_OF}={identity}",
        "--output=name",
    )
    assert sorted(listed) == ["configmap/settings", "deployment.apps/web"]


async def test_a_large_inventory_is_kept_in_chunks(world: World) -> None:
    """Every ConfigMap of it stays below 512 KiB, and together they hold every object."""
    files = {
        f"web/{half}.yaml": "\n---\n".join(config_map(f"{'long-name-' * 23}{half}{n}") for n in range(620))
        for half in ("a", "b")
    }
    first = world.people.push("Many", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "web", within=90)
    items = world.planes[0].api.get(
        f"/api/v1/namespaces/{world.namespace}/configmaps?labelSelector=gitops-waves.io/inventory-of"
    )["items"]
    assert len(items) > 1
    assert all(len(json.dumps(item)) < 512 * 1024 for item in items)
    assert len(stored(*items).entries) == 1240


async def test_everything_is_tracked_before_it_is_applied(world: World) -> None:
    """When the first object of an application appears, its inventory holds all of them already."""
    body = yaml.safe_load(deployment("second"))
    body["metadata"]["annotations"] = {"gitops-waves.io/depends-on": "Deployment/first"}
    files = {
        "web/second.yaml": yaml.safe_dump(body),
        "web/first.yaml": deployment("first", "registry.example/web:1.0-never-ready"),
    }
    world.people.push("Two", shop(world, files))
    async with world.controller():
        await world.until(lambda: world.live(0, "apps/v1/deployments/first"), "the first Deployment")
        assert tracked(world, "web") == [
            f"Deployment.apps {world.namespace}/first",
            f"Deployment.apps {world.namespace}/second",
        ]
        assert world.live(0, "apps/v1/deployments/second") is None


async def test_a_pass_with_nothing_changed_asks_the_cluster_nothing(world: World) -> None:
    """A commit that changes no inputs (a README) starts no rollout, and no write or dry-run goes out."""
    first = world.people.push("First", shop(world, {"web/web.yaml": deployment("web")}))
    async with world.controller():
        await world.succeeded(first, "web")
        before = versions(world)
        world.requests.clear()
        readme = world.people.push(
            "Words only", {"README.md": "# Shop\n", world.path("web", "NOTES.md"): "a"}
        )
        await world.looked_at(readme)
        assert world.writes == []
        assert len(world.seen.of(e.RolloutStarted)) == 1
    # A restart looks at nothing but Git: what settled before is known from the records.
    world.requests.clear()
    started = len(world.seen.of(e.RolloutStarted))
    async with world.controller():
        await world.looked_at(readme)
    assert world.writes == []
    assert len(world.seen.of(e.RolloutStarted)) == started
    assert versions(world) == before


async def test_fields_of_others_are_left_alone(world: World) -> None:
    """Replicas set by a scaler and an annotation set by hand survive an apply that changes the image."""
    body = yaml.safe_load(deployment("web"))
    del body["spec"]["replicas"]
    first = world.people.push("First", shop(world, {"web/web.yaml": yaml.safe_dump(body)}))
    plane = world.planes[0]
    path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/web"
    async with world.controller():
        await world.succeeded(first, "web")
        plane.api.patch(f"{path}/scale", {"spec": {"replicas": 3}})
        plane.api.patch(path, {"metadata": {"annotations": {"example.org/by-hand": "yes"}}})
        body["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:2.0"
        second = world.people.push("Image", {world.path("web", "web.yaml"): yaml.safe_dump(body)})
        await world.succeeded(second, "web")
    live = plane.api.get(path)
    assert live["spec"]["replicas"] == 3
    assert live["metadata"]["annotations"]["example.org/by-hand"] == "yes"
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:2.0"
    assert world.state("web").rollout is None


async def test_a_refused_prune_keeps_the_halt_over_a_restart(world: World) -> None:
    """What was refused is still refused, and still says so, by a controller that starts anew."""
    files = {"web/web.yaml": config_map("web"), "web/map.yaml": config_map("settings")}
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "web")
        gone: dict[str, str | None] = {world.path("web", f"{name}.yaml"): None for name in ("web", "map")}
        world.people.push("Delete all", gone)
        await world.told("web is halted")
    world.requests.clear()
    async with world.controller():
        await world.told("web is halted", "Gitops-Allow-Prune: production/web")
        rollout = world.state("web").rollout
        assert rollout is not None
        assert rollout.phase is RolloutPhase.HALTED
        assert world.writes == []
    assert world.live(0, "v1/configmaps/web")
