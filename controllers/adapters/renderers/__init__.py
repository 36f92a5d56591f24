"""Tools that turn files into manifests, as processes that see these files and nothing else."""

from controllers.adapters.renderers.helm import Helm
from controllers.adapters.renderers.kustomize import Kustomize
from controllers.adapters.renderers.sandbox import Files, Limits, Sandbox
from controllers.adapters.renderers.sops import Concealed, Decryptor, Sops

__all__ = ["Concealed", "Decryptor", "Files", "Helm", "Kustomize", "Limits", "Sandbox", "Sops"]
