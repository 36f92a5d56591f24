"""Files of our own that nobody finds half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_DRAFT = ".draft-"


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the place and rename. Only our own user may read it: mkstemp's files are private.

    Raises OSError, and leaves then what was there. A draft stays only where the process is killed.
    """
    descriptor, draft = tempfile.mkstemp(prefix=_DRAFT, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
