"""Git by libgit2: a bare mirror of one remote, its trees, its history, and the audit refs.

Everything here blocks. The asyncio shell calls it in worker threads; every class may be used from any thread.
"""

from controllers.adapters.git.audit import AuditCommit, can_be_recorded
from controllers.adapters.git.edit import RevertConflict, Signature, TreeItem
from controllers.adapters.git.exchange import Change, Fetched
from controllers.adapters.git.history import CommitInfo
from controllers.adapters.git.mirror import Mirror
from controllers.adapters.git.remote import Credentials, OnForcePush, Remote
from controllers.adapters.git.tree import Entry, Kind, TreeView
from controllers.adapters.git.wire import PushResult

__all__ = [
    "AuditCommit",
    "Change",
    "CommitInfo",
    "Credentials",
    "Entry",
    "Fetched",
    "Kind",
    "Mirror",
    "OnForcePush",
    "PushResult",
    "Remote",
    "RevertConflict",
    "Signature",
    "TreeItem",
    "TreeView",
    "can_be_recorded",
]
