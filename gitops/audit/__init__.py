"""Audit records: events and state ↔ commit message and files, the check of a chain, the words for events."""

from gitops.audit.message import compose, one_line
from gitops.audit.narration import headline, narrate
from gitops.audit.record import FORMAT, Record, read_events, read_state, record
from gitops.audit.verification import AuditEntry, verify

__all__ = [
    "FORMAT",
    "AuditEntry",
    "Record",
    "compose",
    "headline",
    "narrate",
    "one_line",
    "read_events",
    "read_state",
    "record",
    "verify",
]
