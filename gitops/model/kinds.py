"""The kinds of `gitops-waves.io/v1alpha1` that live in a repository."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gitops.model.gates import Gate, told_apart
from gitops.model.helm import Helm
from gitops.model.rendering import Rendering
from gitops.model.schema import (
    MOST,
    ApiVersion,
    Duration,
    IntOrPercent,
    Metadata,
    Name,
    Namespace,
    PositiveDuration,
    Schema,
    Share,
)
from gitops.model.selectors import LabelSelector


class FailurePolicy(StrEnum):
    """What happens when a wave fails."""

    REVERT = "Revert"
    HALT = "Halt"


class RevertPush(StrEnum):
    """How the revert reaches Git."""

    COMMIT = "Commit"
    NONE = "None"


class DriftMode(StrEnum):
    """What is done about live objects that no longer hold what was applied."""

    CORRECT = "Correct"
    REPORT = "Report"
    IGNORE = "Ignore"


class PlaintextSecrets(StrEnum):
    """What is done about Secrets whose values stand in the repository for everybody to read."""

    ALLOW = "Allow"
    WARN = "Warn"
    REFUSE = "Refuse"


class TargetSet(Schema):
    """Clusters by label, and the namespace that the application is rendered into on each."""

    cluster_selector: LabelSelector
    namespace: Namespace
    create_namespace: bool = False


class Wave(Schema):
    """An ordered slice of the environment's targets; first match wins.

    With `clusterSelector`: the targets on matching clusters. With `percentage`: that share of all the
    environment's targets (rounded up), taken in target order (cluster name, then namespace) from
    those that no earlier wave has. With neither: all the rest, allowed for the last wave only.
    """

    name: Name
    cluster_selector: LabelSelector | None = None
    percentage: IntOrPercent | None = None
    max_concurrent: IntOrPercent = Field(default=Share(percent=100), validate_default=True)
    max_failures: IntOrPercent = Field(default=Share(count=0), validate_default=True)
    progress_deadline: PositiveDuration = timedelta(minutes=10)
    soak: Duration = timedelta(0)
    gates: tuple[Gate, ...] = Field(default=(), max_length=MOST)

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.cluster_selector is not None and self.percentage is not None:
            raise ValueError("give clusterSelector or percentage, not both")
        if self.percentage is not None and self.percentage.percent is None:
            raise ValueError("percentage is written with a percent sign, such as 20%")
        if self.max_concurrent in (Share(count=0), Share(percent=0)):
            raise ValueError("maxConcurrent 0 would never start a target")
        told_apart(self.gates)
        return self


class OnFailure(Schema):
    """What to do when a rollout fails."""

    action: FailurePolicy = FailurePolicy.REVERT
    push: RevertPush = RevertPush.COMMIT


class PruneBudget(Schema):
    """How much one rollout may delete without being told to by a commit trailer; both limits hold.

    `maxObjects` is about each target. `maxObjectsPerWave` is about all targets of a wave together: as a
    number, the sum of what is deleted there; as a percentage, which a wave keeps where each of its targets
    does, it is asked of each.
    """

    max_objects: IntOrPercent = Field(default=Share(percent=50), validate_default=True)
    max_objects_per_wave: IntOrPercent = Field(default=Share(percent=100), validate_default=True)


JsonPointer = Annotated[str, StringConstraints(pattern=r"^(/([^/~]|~[01])+)+$", max_length=1000)]


class IgnoredDifference(Schema):
    """Differences that are no drift: in objects of this group, kind and name (each: any, where not given).

    `jsonPointers` (RFC 6901) cover the field and everything below it, `managers` whatever these field
    managers hold.
    """

    group: str | None = None
    kind: str | None = None
    name: str | None = None
    json_pointers: tuple[JsonPointer, ...] = Field(default=(), max_length=MOST)
    managers: tuple[str, ...] = Field(default=(), max_length=MOST)

    @model_validator(mode="after")
    def _ignores_something(self) -> Self:
        if not self.json_pointers and not self.managers:
            raise ValueError("give jsonPointers or managers: what shall be ignored")
        return self


ManagerName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ForeignFieldsPolicy(Schema):
    """What is said of fields that others own inside our objects' specs.

    `allowedManagers` may own some, beside those that every cluster has. With `exclusive` the fields of all
    others are removed.
    """

    allowed_managers: tuple[ManagerName, ...] = Field(default=(), max_length=MOST)
    exclusive: bool = False


class EnvironmentSpec(Rendering):
    """See the fields; DESIGN section 2 defines the words."""

    targets: tuple[TargetSet, ...] = Field(min_length=1, max_length=MOST)
    waves: tuple[Wave, ...] = Field(min_length=1, max_length=MOST)
    on_failure: OnFailure = OnFailure()
    max_concurrent_rollouts: int = Field(default=10, ge=1, description="applications rolled out at once")
    drift: DriftMode = DriftMode.REPORT
    ignore_differences: tuple[IgnoredDifference, ...] = Field(default=(), max_length=MOST)
    foreign_fields: ForeignFieldsPolicy = ForeignFieldsPolicy()
    prune: PruneBudget = PruneBudget()
    plaintext_secrets: PlaintextSecrets = PlaintextSecrets.WARN
    service_account_name: Name | None = None
    suspended: bool = Field(default=False, description="while true, nothing new is rolled out")

    @model_validator(mode="after")
    def _waves_are_told_apart(self) -> Self:
        names = [wave.name for wave in self.waves]
        wrong = [f"two waves are named {name}" for name in sorted(set(names)) if names.count(name) > 1]
        wrong += [
            f"wave {wave.name} takes all the rest, so it must be the last"
            for wave in self.waves[:-1]
            if wave.cluster_selector is None and wave.percentage is None
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Environment(Schema):
    """`environments/<name>/environment.yaml`."""

    api_version: ApiVersion
    kind: Literal["Environment"]
    metadata: Metadata
    spec: EnvironmentSpec


class ApplicationSpec(Rendering):
    """What one application says for itself; everything is optional."""

    depends_on: tuple[Name, ...] = Field(
        default=(), max_length=MOST, description="applications of the same environment"
    )
    gates: tuple[Gate, ...] = Field(
        default=(), max_length=MOST, description="asked in every wave, beside the wave's own"
    )
    helm: Helm | None = Field(default=None, description="the chart to render, in place of the folder's files")

    @model_validator(mode="after")
    def _gates_are_told_apart(self) -> Self:
        told_apart(self.gates)
        return self


class Application(Schema):
    """`application.yaml` in an application's folder; optional."""

    api_version: ApiVersion
    kind: Literal["Application"]
    metadata: Metadata
    spec: ApplicationSpec = ApplicationSpec()


KUBERNETES_VERSION = r"^v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,4})?$"
SERVED_API = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*(/[A-Z][A-Za-z0-9]*)?$"

KubernetesVersion = Annotated[str, StringConstraints(pattern=KUBERNETES_VERSION)]
ServedApi = Annotated[str, StringConstraints(pattern=SERVED_API, max_length=320)]


class ClusterSpec(Schema):
    """Which of the operator's connections leads to this cluster, and what charts are told about it.

    The version and the API versions are written here, not asked of the cluster: what a chart makes then
    depends on Git alone.
    """

    connection: Name | None = Field(default=None, description="defaults to the cluster's own name")
    kubernetes_version: KubernetesVersion | None = Field(
        default=None, description="such as 1.37.2; charts need it"
    )
    api_versions: tuple[ServedApi, ...] = Field(
        default=(), max_length=MOST, description="beside Kubernetes' own, for a chart's .Capabilities"
    )


class Cluster(Schema):
    """`clusters/*.yaml`. Labels choose it; how to reach it is the operator's to say."""

    api_version: ApiVersion
    kind: Literal["Cluster"]
    metadata: Metadata
    spec: ClusterSpec = ClusterSpec()

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.metadata.name

    @property
    def connection(self) -> str:
        """The connection's name in the operator's configuration."""
        return self.spec.connection or self.name


class RepositorySpec(Schema):
    """Defaults for everything in the repository."""

    on_failure: OnFailure | None = None
    drift: DriftMode | None = None
    foreign_fields: ForeignFieldsPolicy | None = None
    prune: PruneBudget | None = None
    plaintext_secrets: PlaintextSecrets | None = None


class Repository(Schema):
    """`gitops.yaml` at the top of the repository; optional."""

    api_version: ApiVersion
    kind: Literal["Repository"]
    metadata: Metadata
    spec: RepositorySpec = RepositorySpec()
