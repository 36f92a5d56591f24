"""A small blocking client for a cluster's API. Independent of the project's own, which it helps to test."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
_ANSWER_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the body: decoded where it is JSON, else text."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """The server did what was asked."""
        return self.status < http.client.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class Api:
    """Requests to one API server as one user. `token` stays out of `repr`."""

    url: str
    ca_file: Path
    token: str = field(repr=False)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        timeout: float = _ANSWER_WITHIN,
    ) -> Answer:
        """Send one request and return whatever the server said, refusals included.

        Raises `OSError` (of which `TimeoutError` is one) when there is no answer within `timeout` seconds.
        """
        address = urllib.parse.urlsplit(self.url)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(address.netloc, timeout=timeout, context=context)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        # http.client knows nothing of proxies, which is right: the servers are on this machine's loopback.
        with closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        decoded = json.loads(text) if response.headers.get_content_type() == "application/json" else text
        return Answer(response.status, decoded)

    def get(self, path: str) -> Any:
        """Return the body of a GET, or raise `AssertionError` with the server's words."""
        return self._expect(self.request("GET", path))

    def create(self, path: str, body: Any) -> Any:
        """POST an object to its collection and return what was stored, or raise `AssertionError`."""
        return self._expect(self.request("POST", path, body))

    def patch(self, path: str, body: Any) -> Any:
        """Merge-patch (RFC 7386) an object and return the result, or raise `AssertionError`."""
        return self._expect(self.request("PATCH", path, body, content_type=MERGE_PATCH))

    def delete(self, path: str) -> Any:
        """DELETE an object without waiting for it to be gone, or raise `AssertionError`."""
        return self._expect(self.request("DELETE", path))

    @staticmethod
    def _expect(answer: Answer) -> Any:
        if not answer.ok:
            raise AssertionError(f"{answer.status}: {answer.body}")
        return answer.body
