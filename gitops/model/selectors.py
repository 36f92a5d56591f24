"""Label selectors, exactly as `metav1.LabelSelector` defines them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from gitops.model.schema import MOST, Schema


class Operator(StrEnum):
    """`metav1.LabelSelectorOperator`."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Schema):
    """`metav1.LabelSelectorRequirement`."""

    key: str = Field(min_length=1)
    operator: Operator
    values: tuple[str, ...] = Field(default=(), max_length=MOST)

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> Self:
        needs_values = self.operator in (Operator.IN, Operator.NOT_IN)
        if needs_values and not self.values:
            raise ValueError(f"operator {self.operator} needs values")
        if not needs_values and self.values:
            raise ValueError(f"operator {self.operator} takes no values")
        return self

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` satisfy this; `NotIn` holds for a missing key, as in Kubernetes."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


class LabelSelector(Schema):
    """`metav1.LabelSelector`: all requirements together; an empty one matches everything."""

    match_labels: dict[str, str] = Field(default_factory=dict, max_length=MOST)
    match_expressions: tuple[Requirement, ...] = Field(default=(), max_length=MOST)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement holds for `labels`."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
