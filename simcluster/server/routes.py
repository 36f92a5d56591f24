"""Which requests to resources lead anywhere. A framework routes those of built-in kinds, and refuses more."""

from __future__ import annotations

from aiohttp import hdrs, web

from simcluster.errors import bad_request, method_not_allowed, no_such_path
from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import Kind
from simcluster.server.call import Call
from simcluster.server.documents import not_found_page


def check_routed(call: Call, kind: Kind) -> None:
    """Raise `ApiError` 405 or 400 for a verb that objects, or collections, of the kind lack."""
    info, is_head = call.info, call.request.method == hdrs.METH_HEAD
    if info.subresource:
        return
    if info.verb not in kind.verbs:
        raise method_not_allowed()
    if kind.custom is None:
        if is_head or (bool(info.name) == (info.verb == "create") and not is_collective(call)):
            raise method_not_allowed()  # an object without a name, or a new one with a name in the path
    elif is_head and info.verb == "watch":
        raise method_not_allowed()
    elif not info.name and info.verb in ("update", "patch"):
        raise bad_request("name must be provided")


def nothing_there(call: Call) -> web.Response:
    """Answer for a resource that is not served: in groups of CRDs, as in the real one, without a Status."""
    if call.info.group in {group for group, _ in builtin().groups}:
        raise no_such_path()
    return not_found_page()


def is_collective(call: Call) -> bool:
    """Tell whether the verb is on a whole collection: a name then stands in a selector, not in the path."""
    return call.info.verb in ("list", "watch", "deletecollection")


def is_place(call: Call, kind: Kind) -> bool:
    """Tell whether the path is one that is routed: objects in their namespace, lists also over all.

    Raises `ApiError` 405 where it is, but not with this verb.
    """
    info = call.info
    if not kind.namespaced:
        return not info.namespace or (kind.plural == "namespaces" and info.namespace == info.name)
    if info.namespace:
        return True
    if info.verb in ("create", "deletecollection"):
        if kind.custom is None:
            raise method_not_allowed()
        return False
    return is_collective(call)
