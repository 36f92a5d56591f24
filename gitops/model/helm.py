"""What an application says about the Helm chart that it is rendered from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from gitops.model.schema import MOST, Schema
from gitops.model.selectors import LabelSelector

_LONGEST_PATH = 1000
# Helm's own rule for release names: a DNS subdomain of at most 53 characters.
LONGEST_RELEASE = 53
RELEASE_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

ReleaseName = Annotated[str, StringConstraints(pattern=RELEASE_NAME, max_length=LONGEST_RELEASE)]
RepositoryPath = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_PATH)]
ValuesFiles = Annotated[tuple[RepositoryPath, ...], Field(max_length=MOST)]
Values = Annotated[dict[str, Any], Field(max_length=MOST)]


class HelmHooks(StrEnum):
    """What becomes of a chart's hooks that nothing here runs."""

    REFUSE = "Refuse"
    SKIP = "Skip"


class HelmOverride(Schema):
    """Values for the targets whose cluster labels match."""

    cluster_selector: LabelSelector
    values_files: ValuesFiles = ()
    values: Values = Field(default_factory=dict)


class Helm(Schema):
    """A chart and its values; paths are written from the application's folder.

    Values, later ones win: the chart's own, `valuesFiles` in order, `values`, then of each override whose
    `clusterSelector` matches its `valuesFiles` and its `values`.
    """

    chart: RepositoryPath = Field(default=".", description="a folder, or oci://host/path@sha256:…")
    release_name: ReleaseName | None = Field(default=None, description="defaults to the application's name")
    values_files: ValuesFiles = ()
    values: Values = Field(default_factory=dict)
    hooks: HelmHooks = HelmHooks.REFUSE
    overrides: tuple[HelmOverride, ...] = Field(default=(), max_length=MOST)

    @model_validator(mode="after")
    def _files_are_few(self) -> Self:
        count = len(self.values_files) + sum(len(one.values_files) for one in self.overrides)
        if count > MOST:
            raise ValueError(f"at most {MOST} files of values, overrides' included: these are {count}")
        return self
