"""What was taken over, told to people: only objects of which there is something to tell."""

from __future__ import annotations

from gitops.fields import Owner
from gitops.takeover import Share
from gitops.views.takeover import TakenOver, form, text

HELM = Owner("helm", "Update")
IMAGE = ("f:spec", "f:image")
ONE = TakenOver(
    "web",
    "eu/shop",
    "Deployment.apps shop/web",
    (Share(HELM, (IMAGE,), (("f:spec", 'k:{"name":"x"}'),)),),
    (Owner("deployer", "Apply"),),
    ("helm.sh/chart",),
    claim="Helm release shop",
)
IDLE = TakenOver("web", "eu/shop", "ConfigMap shop/web")
LEFT = TakenOver("web", "us/shop", "Pod shop/web", because="it belongs to its controller ReplicaSet web")


def test_each_target_has_a_paragraph() -> None:
    assert text([ONE, IDLE, LEFT], dry_run=True).splitlines() == [
        "web on eu/shop",
        "  Deployment.apps shop/web",
        "    1 field of helm (Update) would be ours alone",
        "    helm (Update) keeps what Git does not write: spec[name=x]",
        "    deployer (Apply) owns fields of ours too: --manager deployer takes them over",
        "    marks, which say it belongs to Helm release shop, left as they are: helm.sh/chart",
        "  1 object is nobody else's already",
        "web on us/shop",
        "  Pod shop/web",
        "    left alone: it belongs to its controller ReplicaSet web",
    ]


def test_programs_get_every_object() -> None:
    value = form("production", [ONE, IDLE], dry_run=False)
    assert [one["object"] for one in value["objects"]] == [ONE.object, IDLE.object]
    assert value["objects"][0]["from"] == [
        {"manager": "helm", "operation": "Update", "moved": ["spec.image"], "left": ["spec[name=x]"]}
    ]
