"""What a person's request becomes in Git: edited files, and the commit's message. Writes nothing itself."""

from gitops.edit.adopting import Edited, Seen, Source, adopt_into, changed_elsewhere
from gitops.edit.requests import (
    adopted_message,
    command_message,
    restored_message,
    set_suspended,
    suspended_message,
)
from gitops.edit.rewriting import rewrite

__all__ = [
    "Edited",
    "Seen",
    "Source",
    "adopt_into",
    "adopted_message",
    "changed_elsewhere",
    "command_message",
    "restored_message",
    "rewrite",
    "set_suspended",
    "suspended_message",
]
