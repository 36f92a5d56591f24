"""The operator's own configuration: repositories to follow, ways to reach clusters. Not in the repository."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gitops.model.schema import HOST, ApiVersion, Name, PositiveDuration, Schema

_LAST_PORT = 65535


class ForcePush(StrEnum):
    """What to do when the followed branch was rewritten."""

    REFUSE = "Refuse"
    FOLLOW = "Follow"


class GitCredentials(Schema):
    """Where credentials are found; they are read when used and kept nowhere."""

    username: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    ssh_key_file: str | None = None
    ssh_passphrase_file: str | None = None
    known_hosts_file: str | None = None
    ca_file: str | None = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_file and self.password_env:
            raise ValueError("give passwordFile or passwordEnv, not both")
        return self


class FollowedRepository(Schema):
    """One repository and the one branch of it that is followed."""

    name: Name
    url: str = Field(description="a path, or a file://, https:// or ssh:// address")
    branch: str = "main"
    credentials: GitCredentials | None = None
    audit_url: str | None = Field(default=None, description="where audit refs go; defaults to url")
    depth: int | None = Field(
        default=None,
        ge=1,
        description="commits that the first fetch of a network remote brings; all by default",
    )
    poll_interval: PositiveDuration = timedelta(seconds=30)
    on_force_push: ForcePush = ForcePush.REFUSE


class ClusterConnection(Schema):
    """One way to reach one API server; exactly one of kubeconfig, inCluster, server."""

    name: Name
    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False
    server: str | None = None
    ca_file: str | None = None
    token_file: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.kubeconfig is not None, self.in_cluster, self.server is not None)) != 1:
            raise ValueError(f"connection {self.name} needs exactly one of kubeconfig, inCluster, server")
        return self


class ChartRegistry(Schema):
    """A registry that charts are fetched from: no other is ever asked. Files are read when they are used."""

    host: Annotated[str, StringConstraints(pattern=HOST)] = Field(
        description="as charts name it, with a port where it is not 443"
    )
    username: str | None = None
    password_file: str | None = None
    docker_config_file: str | None = Field(
        default=None, description="a config.json of docker, or a .dockerconfigjson, in place of a username"
    )
    ca_file: str | None = Field(default=None, description="trusted beside the system's authorities")
    plain_http: bool = Field(default=False, description="without TLS; with a login on this machine only")

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if int(self.host.partition(":")[2] or 443) > _LAST_PORT:
            raise ValueError(f"registry {self.host}: there is no such port")
        if (self.username is None) != (self.password_file is None):
            raise ValueError(f"registry {self.host} needs username and passwordFile, or neither")
        if self.username is not None and self.docker_config_file is not None:
            raise ValueError(f"registry {self.host}: give username or dockerConfigFile, not both")
        login = self.username is not None or self.docker_config_file is not None
        if login and self.plain_http and self.host.partition(":")[0] not in {"localhost", "127.0.0.1"}:
            raise ValueError(f"registry {self.host}: a password is not sent without TLS")
        return self


class RenderCache(Schema):
    """What rendering tools printed, on disk."""

    directory: str | None = Field(default=None, description="renders/ in the state directory by default")
    mebibytes: int = Field(default=256, ge=0, description="at most this much; 0: keep nothing on disk")


class ChartCache(Schema):
    """Charts that were fetched, on disk."""

    directory: str | None = Field(default=None, description="charts/ in the state directory by default")
    mebibytes: int = Field(default=256, ge=0, description="at most this much; 0: keep nothing on disk")


class Sops(Schema):
    """How files are decrypted that SOPS encrypted; by default none is."""

    age_key_file: str | None = Field(default=None, description="a file of age keys; `sops` is on the PATH")


class Controller(Schema):
    """`controller.yaml`."""

    api_version: ApiVersion
    kind: Literal["Controller"]
    repositories: tuple[FollowedRepository, ...] = Field(min_length=1)
    connections: tuple[ClusterConnection, ...] = ()
    state_directory: str | None = Field(default=None, description="mirrors, rendered output; safe to delete")
    render_cache: RenderCache = RenderCache()
    registries: tuple[ChartRegistry, ...] = ()
    chart_cache: ChartCache = ChartCache()
    sops: Sops = Sops()
    listen: str = Field(default="127.0.0.1:9464", description="host:port of /metrics, /healthz, /readyz")
    drift_check_interval: PositiveDuration | None = Field(
        default=timedelta(hours=24),
        description="the time in which every object is compared by a dry-run once, whatever its watch says; "
        "null: never",
    )
    author_name: str = "gitops-waves"
    author_email: str = "gitops-waves@localhost"

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        for what, names in (
            ("repositories", [repository.name for repository in self.repositories]),
            ("connections", [connection.name for connection in self.connections]),
            ("registries", [registry.host for registry in self.registries]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {what} are named {', '.join(twice)}")
        return self
