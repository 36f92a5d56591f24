"""One object by any of its names; several of one name are told apart, the same on several targets is one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controllers.cli.naming import AppliedObject, named
from controllers.rollout.worker import Errand
from gitops.errors import InvalidInput, Location, TerminalError
from gitops.model.targets import Target
from gitops.objects import Manifest, ObjectKey
from gitops.plan import PlanPolicy, Scope, Wanted


async def _siblings(_asked: object) -> Mapping[str, frozenset[ObjectKey]]:
    return {}


def there(key: ObjectKey, target: Target, application: str = "web") -> AppliedObject:
    wanted = Wanted(Scope("production", application, target), "r", "d", "p", ())
    manifest = Manifest({"kind": key.kind, "metadata": {"name": key.name}}, Location("a.yaml", 1))
    return AppliedObject(application, key, str(target), Errand(wanted, PlanPolicy(), _siblings), manifest)


EU, US = Target("eu", "shop"), Target("us", "store")
WEB = [
    there(ObjectKey("apps", "Deployment", "shop", "web"), EU),
    there(ObjectKey("apps", "Deployment", "store", "web"), US),
]
OTHERS = [
    there(ObjectKey("", "ConfigMap", "shop", "web"), EU),
    there(ObjectKey("", "ConfigMap", "elsewhere", "web"), EU),
    there(ObjectKey("", "Secret", "shop", "web"), EU),
    there(ObjectKey("", "Secret", "shop", "web"), EU, "api"),
]


@pytest.mark.parametrize(
    "name", ["Deployment/web", "deployment web", "Deployment.apps web", "apps/Deployment/web"]
)
def test_an_object_is_found_on_every_target(name: str) -> None:
    assert named(name, [*WEB, *OTHERS]) == WEB


def test_a_namespace_tells_which_one_is_meant() -> None:
    assert named("ConfigMap elsewhere/web", OTHERS) == [OTHERS[1]]
    assert named("Deployment.apps/store/web", WEB) == [WEB[1]]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ConfigMap/web", "ConfigMap shop/web of web, ConfigMap elsewhere/web of web: name one"),
        ("Secret/web", "Secret shop/web of web, Secret shop/web of api: name one"),
    ],
)
def test_several_objects_of_one_name_are_listed(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        named(name, OTHERS)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        TerminalError, match=r'no applied object "Deployment.apps shop/wep".*Deployment.apps shop/web'
    ):
        named("Deployment.apps shop/wep", WEB)
