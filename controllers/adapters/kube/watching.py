"""One watch: a stream of JSON lines, turned into events. Starting again is the reflector's business."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
import orjson

from controllers.adapters.kube.status import error_for
from controllers.adapters.kube.transport import Transport
from controllers.adapters.kube.wire import Answer, Call, WatchEvent, is_object
from gitops.errors import Unreachable

# etcd takes 1.5 MiB by default and refuses objects beyond a few: a longer line is not a watch event.
_LONGEST_LINE = 64 * 2**20


class Watch(AsyncIterator[WatchEvent]):
    """Iterates over the events of one request; ends where the server ends it (its own timeout).

    Raises Expired where the resource version is too old (410), Unreachable when the stream breaks off or
    stays silent, and what the server refuses. `open` says that the server accepted; iteration opens by
    itself. Use it as a context manager: it holds a connection.
    """

    def __init__(self, transport: Transport, call: Call) -> None:
        self._transport = transport
        self._call = call
        self._stack = AsyncExitStack()
        self._lines: AsyncIterator[bytes] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def open(self) -> AsyncIterator[bytes]:
        """Send the request, unless that was done, and wait for the server's yes."""
        if self._lines is None:
            response = await self._stack.enter_async_context(self._transport.stream(self._call))
            self._lines = _lines(response.content.iter_any())
        return self._lines

    async def aclose(self) -> None:
        """Give the connection back. Harmless when repeated."""
        await self._stack.aclose()

    async def __anext__(self) -> WatchEvent:
        try:
            return self._event(await anext(await self.open()))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            await self.aclose()
            raise self._transport.lost(error) from None
        except BaseException:
            await self.aclose()
            raise

    def _event(self, line: bytes) -> WatchEvent:
        event = orjson.loads(line)
        if not isinstance(event, dict) or "type" not in event:
            raise Unreachable(f"{self._transport.name}: the watch sent something that is not an event")
        found = event.get("object") or {}
        if event["type"] == "ERROR":
            code = found.get("code") if isinstance(found, dict) else None
            code = code if isinstance(code, int) else 500
            raise error_for(
                self._call, Answer(int(code), {}, orjson.dumps(found)), cluster=self._transport.name
            )
        bookmark = event["type"] == "BOOKMARK"
        if not is_object(found, name=not bookmark) or not found["metadata"].get("resourceVersion"):
            raise Unreachable(f"{self._transport.name}: the watch sent something that is no object")
        return WatchEvent(event["type"], found)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut chunks into lines. A last line without an end is an event that was cut off: dropped."""
    pending: list[bytes] = []
    length = 0
    async for chunk in chunks:
        head, *rest = chunk.split(b"\n")
        pending.append(head)
        length += len(head)
        if length > _LONGEST_LINE:
            raise ValueError("a line without an end")
        if not rest:
            continue
        whole = [b"".join(pending), *rest[:-1]]
        pending, length = [rest[-1]], len(rest[-1])
        for line in whole:
            if line:
                yield line
