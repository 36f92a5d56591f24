"""Charts from OCI registries that the operator's configuration names, by digest."""

from controllers.adapters.oci.pull import Pulled, Puller, verified
from controllers.adapters.oci.registry import Registry

__all__ = ["Pulled", "Puller", "Registry", "verified"]
