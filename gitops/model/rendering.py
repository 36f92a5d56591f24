"""Variables and patches, as environments and applications write them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gitops.model.schema import MOST, Schema
from gitops.model.selectors import LabelSelector

VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
JSON_POINTER = r"^(/([^~]|~[01])*)?$"

VariableName = Annotated[str, StringConstraints(pattern=VARIABLE_NAME, max_length=63)]
Variables = Annotated[dict[VariableName, str], Field(max_length=MOST)]


class PatchTarget(Schema):
    """Which objects a patch is for: every field given must match."""

    group: str | None = None
    kind: str | None = None
    name: str | None = None
    label_selector: LabelSelector | None = None


class JsonPatchOperation(Schema):
    """One operation of RFC 6902."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str = Field(pattern=JSON_POINTER)
    from_: str | None = Field(default=None, alias="from", pattern=JSON_POINTER)
    value: Any = None

    @model_validator(mode="after")
    def _operands(self) -> Self:
        if self.op in ("move", "copy") and self.from_ is None:
            raise ValueError(f"{self.op} needs from")
        if self.op in ("add", "replace", "test") and "value" not in self.model_fields_set:
            raise ValueError(f"{self.op} needs value")
        return self

    def as_json(self) -> dict[str, Any]:
        """The operation as RFC 6902 writes it."""
        return self.model_dump(by_alias=True, include=self.model_fields_set | {"op", "path"})


class Patch(Schema):
    """Operations for every matching object, in order; matching nothing is an error."""

    target: PatchTarget
    operations: tuple[JsonPatchOperation, ...] = Field(min_length=1, max_length=MOST)


class TargetOverride(Schema):
    """Variables and patches for the targets whose cluster labels match."""

    cluster_selector: LabelSelector
    variables: Variables = Field(default_factory=dict)
    patches: tuple[Patch, ...] = Field(default=(), max_length=MOST)


class Rendering(Schema):
    """What both an environment and an application may say about rendering.

    Variables, later ones win: the target's own (`cluster`, `namespace`, `environment`, `application`, and
    `labels.<name>` of the cluster), the environment's, the environment's overrides, the application's,
    the application's overrides. Patches run in the same order.
    """

    variables: Variables = Field(default_factory=dict)
    patches: tuple[Patch, ...] = Field(default=(), max_length=MOST)
    overrides: tuple[TargetOverride, ...] = Field(default=(), max_length=MOST)
