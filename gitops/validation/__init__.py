"""What an API server would say of a manifest, by its schemas, with the place in the file. Fetches nothing."""

from gitops.validation.check import check
from gitops.validation.definitions import DEFINITION, definitions
from gitops.validation.removed import Removal, deprecations, removal
from gitops.validation.schemas import NONE, Schemas, defined, parse
from gitops.validation.verdict import needed, problems

__all__ = [
    "DEFINITION",
    "NONE",
    "Removal",
    "Schemas",
    "check",
    "defined",
    "definitions",
    "deprecations",
    "needed",
    "parse",
    "problems",
    "removal",
]
