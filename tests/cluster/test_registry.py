"""Charts pulled from Debian's docker-registry; and that the fake of other tests behaves as it does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci import Puller, Registry
from controllers.main import charts_of
from gitops.errors import Denied, InvalidInput, Location, TransientError, Unreachable
from gitops.model.chart_references import ChartReference
from gitops.model.controller import Controller
from tests import tools
from tests.cluster.registries import (
    PASSWORD,
    USER,
    DockerRegistry,
    FakeRegistry,
    certified,
    manifest_of,
    packed,
    push,
    running,
    sha256,
)

AT = Location("environments/shop/web/application.yaml", 5)
CHART = packed("web", {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"})
ONCE = Patience(attempt=30.0, total=0.0)
Either: TypeAlias = DockerRegistry | FakeRegistry
Make: TypeAlias = Callable[..., Either]


@pytest.fixture(params=["real", "fake"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Make registries, real ones and fakes: they must agree."""
    made: list[Either] = []

    def start(*, login: bool = False) -> Either:
        registry = (
            DockerRegistry(tmp_path, login=login) if request.param == "real" else FakeRegistry(login=login)
        )
        made.append(registry)
        return registry

    yield start
    for one in made:
        one.stop()


def reference(registry: Either, digest: str, path: str = "team/charts/web") -> ChartReference:
    return ChartReference(registry.host, path, digest)


def test_a_chart_is_pulled_by_its_digest(make: Make) -> None:
    registry = make()
    digest = push(registry, "team/charts/web", CHART)
    pulled = Puller(ONCE).pull(Registry(registry.host, plain_http=True), reference(registry, digest), AT)
    assert pulled.archive == CHART
    assert sha256(pulled.manifest) == digest


def test_a_digest_that_it_does_not_have_may_come_later(make: Make) -> None:
    registry = make()
    settings = Registry(registry.host, plain_http=True)
    digest = sha256(manifest_of(CHART))
    with pytest.raises(TransientError, match=f"{registry.host} has no team/charts/web@{digest}"):
        Puller(ONCE).pull(settings, reference(registry, digest), AT)
    assert push(registry, "team/charts/web", CHART) == digest
    assert Puller(ONCE).pull(settings, reference(registry, digest), AT).archive == CHART


def test_a_password_is_sent_where_it_is_asked_for(make: Make, tmp_path: Path) -> None:
    registry = make(login=True)
    digest = push(registry, "team/charts/web", CHART)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    known = Registry(registry.host, USER, tmp_path / "password", plain_http=True)
    assert Puller(ONCE).pull(known, reference(registry, digest), AT).archive == CHART
    (tmp_path / "password").write_text("wrong-canary")
    with pytest.raises(Denied, match="HTTP 401") as refusal:
        Puller(ONCE).pull(known, reference(registry, digest), AT)
    assert "canary" not in str(refusal.value)
    with pytest.raises(Denied, match="asks for a password"):
        Puller(ONCE).pull(Registry(registry.host, plain_http=True), reference(registry, digest), AT)


def test_a_registry_that_is_down_is_tried_again_when_asked_again(make: Make) -> None:
    registry = make()
    settings = Registry(registry.host, plain_http=True)
    digest = push(registry, "team/charts/web", CHART)
    registry.stop()
    with pytest.raises(Unreachable, match=f"registry {registry.host}: connection refused"):
        Puller(ONCE).pull(settings, reference(registry, digest), AT)
    registry.start()
    assert Puller(ONCE).pull(settings, reference(registry, digest), AT).archive == CHART


def test_what_is_no_chart_is_refused(make: Make) -> None:
    registry = make()
    image = manifest_of(
        CHART,
        config={"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b"{}"), "size": 2},
    )
    digest = push(registry, "team/charts/web", CHART, image)
    with pytest.raises(InvalidInput, match=r"application.yaml:5: .* no Helm chart"):
        Puller(ONCE).pull(Registry(registry.host, plain_http=True), reference(registry, digest), AT)


def test_tls_is_verified_by_the_operators_authority(tmp_path: Path) -> None:
    certificate = certified(tmp_path)
    with running(DockerRegistry(tmp_path, certificate)) as registry:
        digest = push(registry, "web", CHART)
        known = Registry(registry.host, ca_file=certificate / "tls.crt")
        assert Puller(ONCE).pull(known, reference(registry, digest, "web"), AT).archive == CHART
        with pytest.raises(Denied, match="self-signed certificate: check its caFile"):
            Puller(ONCE).pull(Registry(registry.host), reference(registry, digest, "web"), AT)


def test_a_registry_is_reached_as_the_operator_wrote_it(tmp_path: Path) -> None:
    """With TLS and a login; what was fetched is in the state folder, for this user alone."""
    certificate = certified(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    with running(DockerRegistry(tmp_path, certificate, login=True)) as registry:
        digest = push(registry, "web", CHART)
        login = {"username": USER, "passwordFile": str(tmp_path / "password")}
        config = Controller.model_validate(
            {
                "apiVersion": "gitops-waves.io/v1alpha1",
                "kind": "Controller",
                "repositories": [{"name": "shop", "url": "/srv/shop.git"}],
                "stateDirectory": str(tmp_path / "state"),
                "registries": [{"host": registry.host, "caFile": str(certificate / "tls.crt"), **login}],
            }
        )
        found = charts_of(config).files(reference(registry, digest, "web"), AT)
    assert set(found) == {"Chart.yaml"}
    assert charts_of(config).files(reference(registry, digest, "web"), AT) == found
    (folder,) = (tmp_path / "state").iterdir()
    assert (folder.name, folder.stat().st_mode & 0o777) == ("charts", 0o700)


def test_what_helm_pushes_is_pulled(tmp_path: Path) -> None:
    """The digest is the one that `helm push` prints."""
    helm = tools.folder() / "helm"
    with running(DockerRegistry(tmp_path)) as registry:

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [helm, *arguments],
                check=True,
                capture_output=True,
                text=True,
                timeout=60,
                env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            )
            return done.stdout + done.stderr

        run("create", str(tmp_path / "web"))
        run("package", str(tmp_path / "web"), "--destination", str(tmp_path))
        said = run("push", str(tmp_path / "web-0.1.0.tgz"), f"oci://{registry.host}/charts", "--plain-http")
        digest = said.partition("Digest: ")[2].split()[0]
        pulled = Puller(ONCE).pull(
            Registry(registry.host, plain_http=True), reference(registry, digest, "charts/web"), AT
        )
        assert pulled.archive == (tmp_path / "web-0.1.0.tgz").read_bytes()
