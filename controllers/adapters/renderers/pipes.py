"""Talk with a process through its pipes until they are closed, within a time and a number of bytes."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time

_CHUNK = 1 << 16


class TooLong(Exception):  # noqa: N818 - internal: becomes a failure of the tool
    """The deadline has passed."""


class TooMuch(Exception):  # noqa: N818 - internal: becomes a failure of the tool
    """More output than was allowed."""


def exchange(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, limit: int
) -> tuple[bytes, bytes]:
    """Write `stdin`, give what was printed on both outputs. The rest is held in memory, never on a disk.

    `deadline` is of `time.monotonic`; `limit` bytes for both outputs together. Raises TooLong, TooMuch.
    """
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - opened with three pipes
    heard: dict[int, list[bytes]] = {process.stdout.fileno(): [], process.stderr.fileno(): []}
    rest = memoryview(stdin)
    left = limit
    with selectors.DefaultSelector() as selector:
        for source in heard:
            selector.register(source, selectors.EVENT_READ)
        if rest:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin.fileno(), selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while selector.get_map():
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise TooLong
            for key, _ in selector.select(seconds):
                if key.fd not in heard:
                    rest = _send(process, rest)
                    if not rest:
                        selector.unregister(key.fd)
                        _close(process)
                    continue
                chunk = os.read(key.fd, _CHUNK)
                heard[key.fd].append(chunk)
                left -= len(chunk)
                if left < 0:
                    raise TooMuch
                if not chunk:
                    selector.unregister(key.fd)
    out, err = (b"".join(chunks) for chunks in heard.values())
    return out, err


def _send(process: subprocess.Popen[bytes], rest: memoryview) -> memoryview:
    assert process.stdin  # noqa: S101 - as above
    try:
        return rest[os.write(process.stdin.fileno(), rest[:_CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # it wants no more: what it thinks of it, it says
        return rest[len(rest) :]


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin  # noqa: S101 - as above
    with contextlib.suppress(OSError):
        process.stdin.close()
