"""Plans as text: each case in tests/cases/plan is manifests.yaml and seen.yaml in, expected.txt out.

seen.yaml (optional) holds `policy`, `namespaces` (default: shop), `inventory` (object → entry; `digest: same`
is that of the manifest as it would be applied), `settled` (the inventory's own digest), `live` (object →
metadata; `labels: ours`, the default, are our ApplySet's), `siblings` (ApplySet → objects), `added`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.errors import Location
from gitops.inventory import Entry, Inventory, member_labels
from gitops.model.kinds import PruneBudget
from gitops.model.targets import Target
from gitops.objects import GroupKind, Manifest, ObjectKey, short_digest
from gitops.plan import LiveObject, Plan, PlanPolicy, Scope, TargetView, Wanted, make, settle
from gitops.plan.summary import text

CASES = Path(__file__).parents[3] / "cases" / "plan"
SCOPE = Scope("production", "web", Target("eu-1", "shop"))
SERVED = {
    ("v1", "ConfigMap"): True,
    ("v1", "Namespace"): False,
    ("v1", "PersistentVolumeClaim"): True,
    ("v1", "Secret"): True,
    ("v1", "Service"): True,
    ("apps/v1", "Deployment"): True,
    ("apps/v1beta1", "Deployment"): True,
    ("batch/v1", "Job"): True,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): False,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): False,
}


def namespaced(api_version: str, kind: str) -> bool | None:
    return SERVED.get((api_version, kind))


def read_manifests(path: Path) -> tuple[Manifest, ...]:
    content = path.read_text()
    lines = [node.start_mark.line + 1 for node in yaml.compose_all(content, yaml.SafeLoader)]
    bodies = yaml.safe_load_all(content)
    return tuple(Manifest(body, Location(path.name, line)) for body, line in zip(bodies, lines, strict=True))


def key_of(written: str) -> ObjectKey:
    kind, _, place = written.partition(" ")
    namespace, _, name = place.rpartition("/")
    return ObjectKey(*GroupKind.parse(kind), namespace, name)


def entry_of(written: str, said: dict[str, Any], digests: dict[ObjectKey, str]) -> Entry:
    key = key_of(written)
    entry_digest = digests.get(key, "old") if said.get("digest") == "same" else str(said.get("digest", "old"))
    return Entry(
        key,
        "v1",
        entry_digest,
        said.get("fields", "f1"),
        said.get("uid", "u1"),
        1,
        said.get("takenOver", False),
    )


def live_of(said: dict[str, Any]) -> LiveObject:
    labels = said.get("labels", "ours")
    return LiveObject(
        uid=said.get("uid", "u1"),
        fields=said.get("fields", "f1"),
        labels=member_labels("production", SCOPE.applyset) if labels == "ours" else labels,
        annotations=said.get("annotations", {}),
        owner_references=tuple(said.get("ownerReferences", ())),
        terminating=said.get("terminating", False),
    )


def plan_of(folder: Path) -> Plan:
    seen_path = folder / "seen.yaml"
    seen: dict[str, Any] = (yaml.safe_load(seen_path.read_text()) if seen_path.exists() else None) or {}
    manifests = read_manifests(folder / "manifests.yaml")
    digests = {item.key: short_digest(item.body) for item in settle(manifests, SCOPE, namespaced).manifests}
    entries = {
        key_of(name): entry_of(name, said or {}, digests) for name, said in seen.get("inventory", {}).items()
    }
    inventory = Inventory(*SCOPE, "before", seen.get("settled", ""), entries) if "inventory" in seen else None
    view = TargetView(
        namespaced,
        frozenset(seen.get("namespaces", ["shop"])),
        inventory,
        {key_of(name): live_of(said or {}) for name, said in seen.get("live", {}).items()},
        {name: frozenset(map(key_of, keys)) for name, keys in seen.get("siblings", {}).items()},
        frozenset(map(key_of, seen.get("added", []))),
    )
    policy = dict(seen.get("policy", {}))
    if "prune" in policy:
        policy["prune"] = PruneBudget.model_validate(policy["prune"])
    wanted = Wanted(SCOPE, "abc123", "digest", "environments/production/web", manifests)
    return make(wanted, view, PlanPolicy(**policy))


def shown(plan: Plan) -> str:
    dry_run = ", ".join(str(planned.key) for planned in plan.dry_run) or "nothing"
    untracked = ", ".join(map(str, sorted(plan.untracked))) or "nothing"
    return f"{text(plan)}\ndry-run: {dry_run}\nuntracks: {untracked}\nempty: {plan.empty}\n"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    """The plan reads as expected.txt says."""
    folder = CASES / case
    assert shown(plan_of(folder)) == (folder / "expected.txt").read_text()
