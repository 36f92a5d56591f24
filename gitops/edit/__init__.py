"""What a person's request becomes in Git: edited files, and the commit's message. Writes nothing itself."""

from gitops.edit.requests import command_message, restored_message, set_suspended, suspended_message
from gitops.edit.rewriting import rewrite

__all__ = ["command_message", "restored_message", "rewrite", "set_suspended", "suspended_message"]
