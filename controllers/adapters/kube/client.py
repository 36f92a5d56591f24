"""The verbs of the Kubernetes API on raw JSON. Discovery and staying up to date are other modules' jobs.

Bodies and results are the server's own JSON. Errors, for every verb: Denied (401, 403, TLS), Rejected (400,
422 and other refusals of the object), NotFound (kind or namespace missing), Conflict (409), Expired (410),
and Unreachable once patience has run out on 429, 5xx, broken connections and timeouts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controllers.adapters.kube.answers import name_kind, object_in, page_in
from controllers.adapters.kube.calls import (
    FIELD_MANAGER,
    applying,
    body_path,
    encoded,
    object_path,
    query,
    selectors,
    writing,
)
from controllers.adapters.kube.discovery import DiscoveryCache
from controllers.adapters.kube.errors import Expired
from controllers.adapters.kube.openapi import OpenAPI
from controllers.adapters.kube.resources import Discovery, Resource
from controllers.adapters.kube.transport import Transport
from controllers.adapters.kube.watching import Watch
from controllers.adapters.kube.wire import (
    ERRORS_FROM,
    METADATA_LIST,
    METADATA_OBJECT,
    Call,
    Listing,
    RequestSeen,
    Retry,
)
from gitops.errors import GitopsError, Refused
from gitops.objects import JsonObject

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_NOT_FOUND = 404
# The server ends a watch itself after this time, spread so that not all watches return at once.
_WATCH_SECONDS = 300
_LOG_BYTES = 64 * 1024


class KubeClient:
    """One cluster as one identity. Cheap to derive; all derived clients share connections and discovery."""

    def __init__(
        self,
        transport: Transport,
        *,
        identity: Mapping[str, str] | None = None,
        cache: DiscoveryCache | None = None,
    ) -> None:
        self.name = transport.name
        self.openapi = OpenAPI(transport)
        self._transport = transport
        self._identity = dict(identity or {})
        self._cache = cache or DiscoveryCache(transport)

    @property
    def server(self) -> str:
        """Where the API server is: scheme, host and port."""
        return self._transport.server

    @property
    def on_request(self) -> Callable[[RequestSeen], None]:
        """Called after every request on the wire, for metrics. One for all clients that share connections."""
        return self._transport.on_request

    @on_request.setter
    def on_request(self, hook: Callable[[RequestSeen], None]) -> None:
        self._transport.on_request = hook

    async def close(self) -> None:
        """Close the connections; a client made by `as_service_account` only borrows them."""
        if not self._identity:
            await self._transport.close()

    def as_service_account(self, namespace: str, name: str) -> KubeClient:
        """Derive a client that impersonates a service account. ValueError where either part is empty.

        An empty Impersonate-User header would be ignored by the server: we would act with our own rights.
        No groups are sent: the server adds those of the account's own token by itself, and so we need no
        permission to impersonate groups.
        """
        if not namespace.strip() or not name.strip():
            raise ValueError("impersonation needs the namespace and the name of a service account")
        identity = {"Impersonate-User": f"system:serviceaccount:{namespace}:{name}"}
        return KubeClient(self._transport, identity=identity, cache=self._cache)

    async def discovery(self, *, refresh: bool = False) -> Discovery:
        """Give what the cluster serves; `refresh` asks again, as after a CRD was applied."""
        return await self._cache.get(refresh=refresh)

    async def get(
        self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False
    ) -> JsonObject | None:
        """Read one object; None where it, its namespace or its kind does not exist."""
        accept = METADATA_OBJECT if metadata_only else _JSON
        call = self._call("get", "GET", resource, object_path(resource, namespace, name), Accept=accept)
        answer = await self._transport.send(call)
        return None if answer.status == _NOT_FOUND else object_in(call, answer, cluster=self.name)

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
    ) -> Listing:
        """Read a collection, page by page, as of one resource version; all namespaces where none is named.

        When the server forgets the version between two pages (410), everything is read again in one piece.
        """
        chosen = selectors(label_selector, field_selector)
        accept = METADATA_LIST if metadata_only else _JSON
        path = resource.path(namespace)
        items: list[JsonObject] = []
        page = {"limit": str(page_size)}
        while True:
            call = self._call("list", "GET", resource, query(path, chosen | page), Accept=accept)
            try:
                document = await self._result(call)
            except Expired:
                if "continue" not in page:
                    raise
                # Without a limit: the first page of a second try could expire just the same.
                items, page = [], {}
                continue
            page_items, metadata = page_in(document, resource, cluster=self.name)
            items += page_items
            if not metadata.get("continue"):
                break
            page = {"limit": str(page_size), "continue": metadata["continue"]}
        if not metadata_only:
            name_kind(items, resource)
        return Listing(tuple(items), str(metadata.get("resourceVersion") or ""))

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Watch:
        """Follow a collection from a resource version on, with bookmarks, until the server's own timeout.

        Raises Expired where the version is too old, Unreachable where the stream breaks off; see `Watch`.
        """
        chosen = selectors(label_selector, field_selector) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(int(_WATCH_SECONDS * (1 + self._transport.patience.rng()))),
        }
        accept = METADATA_OBJECT if metadata_only else _JSON
        call = self._call("watch", "GET", resource, query(resource.path(namespace), chosen), Accept=accept)
        return Watch(self._transport, call)

    async def apply(
        self,
        resource: Resource,
        body: JsonObject,
        *,
        dry_run: bool = False,
        metadata_only: bool = True,
        field_manager: str = FIELD_MANAGER,
        force: bool = True,
    ) -> JsonObject:
        """Server-Side Apply with strict field validation; the answer is the object as the server has it now.

        Idempotent, and so repeated when an answer got lost. With `metadata_only` the answer holds no spec or
        data. Conflict: another manager owns a field and `force` is off, or `metadata.resourceVersion` is old.
        """
        path = f"{body_path(resource, body)}?{applying(field_manager, force=force, dry_run=dry_run)}"
        accept = METADATA_OBJECT if metadata_only else _JSON
        call = self._write("apply", "PATCH", resource, path, body)
        headers = {**call.headers, "Accept": accept, "Content-Type": _APPLY}
        return await self._result(call._replace(headers=headers, dry_run=dry_run))

    async def create(self, resource: Resource, body: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Create an object (`generateName` allowed). Conflict where it exists.

        Repeated only where the server certainly did not begin with it; else Unreachable: look, then decide.
        """
        namespace = str((body.get("metadata") or {}).get("namespace") or "")
        if resource.namespaced and not namespace:
            raise Refused(f"a new {resource.group_kind} needs a namespace")
        path = query(resource.path(namespace), writing(dry_run=dry_run))
        call = self._write("create", "POST", resource, path, body)
        return await self._result(call._replace(retry=Retry.UNSEEN, dry_run=dry_run))

    async def replace(self, resource: Resource, body: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Write a whole object. Conflict where its `metadata.resourceVersion` (required) is not the newest.

        After a lost answer this is not repeated: the repetition would meet its own success as a Conflict.
        """
        if not (body.get("metadata") or {}).get("resourceVersion"):
            raise Refused(f"replacing a {resource.group_kind} needs its resourceVersion")
        path = query(body_path(resource, body), writing(dry_run=dry_run))
        call = self._write("update", "PUT", resource, path, body)
        return await self._result(call._replace(retry=Retry.UNSEEN, dry_run=dry_run))

    async def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        operations: Sequence[JsonObject],
        resource_version: str,
    ) -> JsonObject:
        """Do exactly these operations (RFC 6902), all or none. Conflict where that version is not the newest.

        After a lost answer this is not repeated, as in `replace`.
        """
        if not resource_version:
            raise Refused(f"patching a {resource.group_kind} needs its resourceVersion")
        held = {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}
        url = query(object_path(resource, namespace, name), writing(dry_run=False))
        headers = {**self._identity, "Content-Type": _JSON_PATCH}
        body = encoded(resource, [held, *operations])
        call = Call("patch", "PATCH", url, resource.plural, resource.kind, body, headers)
        return await self._result(call._replace(retry=Retry.UNSEEN))

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        propagation: str = "Background",
        dry_run: bool = False,
    ) -> bool:
        """Delete an object; False where it was gone already. Conflict where the name now has another uid.

        `propagation` is Background, Foreground or Orphan. Without a uid a lost answer is not repeated: the
        repetition could meet a successor. With one it is, and its own success then reads as gone already.
        """
        options: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]
        call = self._write("delete", "DELETE", resource, object_path(resource, namespace, name), options)
        retry = Retry.UNSEEN if uid is None else Retry.ALWAYS
        call = call._replace(retry=retry, dry_run=dry_run)
        answer = await self._transport.send(call)
        if answer.status == _NOT_FOUND:
            return False
        object_in(call, answer, cluster=self.name)
        return True

    async def pod_logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail_lines: int = 20
    ) -> str | None:
        """Read a container's last lines (64 KiB at most); None where there are none to be had, why ever.

        They are evidence, never a condition: one attempt, no error. They may hold secrets: redact them.
        """
        path = Resource("", "v1", "Pod", "pods", namespaced=True).path(namespace, pod, "log")
        chosen = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(_LOG_BYTES)}
        if previous:
            chosen["previous"] = "true"
        headers = {**self._identity, "Accept": "text/plain, */*"}
        call = Call("get", "GET", query(path, chosen), "pods/log", headers=headers, retry=Retry.NEVER)
        try:
            answer = await self._transport.send(call)
        except GitopsError:
            return None
        return None if answer.status >= ERRORS_FROM else answer.body.decode(errors="replace")

    def _call(self, verb: str, method: str, resource: Resource, url: str, **headers: str) -> Call:
        return Call(verb, method, url, resource.plural, resource.kind, headers={**self._identity, **headers})

    def _write(self, verb: str, method: str, resource: Resource, url: str, body: JsonObject) -> Call:
        headers = {**self._identity, "Content-Type": _JSON}
        return Call(verb, method, url, resource.plural, resource.kind, encoded(resource, body), headers)

    async def _result(self, call: Call) -> JsonObject:
        return object_in(call, await self._transport.send(call), cluster=self.name)
