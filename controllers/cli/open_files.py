"""How many files and connections the process may have open at once."""

from __future__ import annotations

import contextlib
import resource

# Far more than a thousand clusters need. Not simply the hard limit: that is a billion in some containers, and
# there are programs that close as many when we start them.
ENOUGH = 1 << 16


def allow_many() -> int:
    """Raise the soft limit to the hard one, or to ENOUGH, and return what it is then.

    A login's usual 1,024 do not hold a wave of 500 targets, which takes some 2,000 connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    # Some systems have a lower limit that they do not tell: what there is has to do.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
