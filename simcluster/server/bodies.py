"""Bodies of requests that are not simply objects: of subresources, patches, DeleteOptions."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import hdrs

from simcluster.api.options import PatchKind
from simcluster.errors import bad_request, unsupported_media_type
from simcluster.kinds import protobuf
from simcluster.kinds.builtin import builtin
from simcluster.kinds.decoding import Unreadable, read_json, read_yaml
from simcluster.kinds.kind import Kind
from simcluster.kinds.typed import WrongValue, read_struct
from simcluster.server.call import Call
from simcluster.server.negotiation import YAML, body_media_type
from simcluster.values import JsonObject

_CUSTOM_PATCHES = (PatchKind.JSON, PatchKind.MERGE, PatchKind.APPLY)


def body_kind(kind: Kind, subresource: str) -> Kind:
    """Return the kind of a subresource's bodies: of most the resource's own, else Scale, Binding, ..."""
    found = kind.subresources.get(subresource)
    if found is None or found.kind == kind.kind:
        return kind
    schema = builtin().type_of(found.group, found.version, found.kind)
    return replace(
        kind,
        group=found.group,
        version=found.version,
        kind=found.kind,
        schema=schema or kind.schema,
        custom=None,
    )


def patch_kind(call: Call, kind: Kind) -> PatchKind:
    """Read which patch the body is. Raises `ApiError` 415 for what the kind does not take."""
    media_type = call.request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    try:
        found = PatchKind(media_type)
    except ValueError:
        found = None
    if kind.custom is not None and found not in _CUSTOM_PATCHES:
        raise unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{', '.join(_CUSTOM_PATCHES)}"
        )
    if found is None:
        error = unsupported_media_type("415: Unsupported Media Type")
        error.status["details"] = {}
        raise error
    return found


async def delete_body(call: Call) -> JsonObject | None:
    """Read DeleteOptions, None where the body is empty. Raises `ApiError` 400, 413 or 415."""
    body = await call.body()
    if not body:
        return None
    media_type = body_media_type(call.content_type)
    try:
        if media_type == protobuf.MEDIA_TYPE:
            found = protobuf.read(body)
        else:
            found, _ = read_yaml(body) if media_type == YAML else read_json(body)
    except (Unreadable, protobuf.WrongProtobuf) as error:
        raise bad_request(str(error)) from None
    if not isinstance(found, dict):
        raise bad_request("the body must be DeleteOptions")
    kind, version = found.get("kind") or "DeleteOptions", found.get("apiVersion") or "v1"
    if kind != "DeleteOptions":
        raise bad_request(
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    schema = builtin().type_of("", "v1", "DeleteOptions")
    try:
        return read_struct(found, schema) if schema else found
    except WrongValue as error:
        raise bad_request(str(error)) from None
