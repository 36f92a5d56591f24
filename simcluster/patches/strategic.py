"""Strategic merge patches: a merge patch that knows lists by their keys, and has directives.

`$patch` (replace, delete), `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`
as in sig-api-machinery's strategic-merge-patch.md and preserve-order-in-strategic-merge-patch.md. Where the
server has a quirk (errors without a status, deletion lists of no use), it is kept.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.errors import bad_request
from simcluster.kinds.types import List, Struct, Type, resolved
from simcluster.patches.lists import merge_key_of, one_kind, ordered, without_matching
from simcluster.patches.merge_patch import without_nulls
from simcluster.patches.refusals import decoded, go_type, internal, json_type, same
from simcluster.values import JsonObject

Json: TypeAlias = Any
DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_DELETE = "$deleteFromPrimitiveList"
_ORDER = "$setElementOrder"
_MAP = "Go value of type map[string]interface {}"
_MISSING = object()


def decode(body: bytes) -> JsonObject:
    """Read the body of a strategic merge patch. Raises `ApiError` 400."""
    patch = decoded(body)
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {json_type(patch)} into {_MAP}")
    return patch


def apply(obj: JsonObject, patch: JsonObject, schema: Struct) -> JsonObject:
    """Return the patched object; neither argument is changed, and the result shares parts with both.

    Nulls inside what the patch adds to a list are there with None, as the server leaves them to its decoder.
    Raises `ApiError`: 400 for directives of a wrong form, 422 for lists of lists, 500 where the server does.
    """
    if obj.get("kind") == "PodDisruptionBudget":
        patch = _replacing_selector(patch)
    return _merge(obj, patch, schema, str(obj.get("kind", "")))


def _replacing_selector(patch: JsonObject) -> JsonObject:
    """Mark PodDisruptionBudgetSpec.selector, the one map in the API whose patchStrategy is replace."""
    spec = patch.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("selector"), dict):
        return patch
    return {**patch, "spec": {**spec, "selector": {**spec["selector"], DIRECTIVE: "replace"}}}


def _merge(original: JsonObject, patch: JsonObject, schema: Type | None, name: str) -> JsonObject:
    """Merge two maps. `name` is the Go type's, for the one message that tells it."""
    if DIRECTIVE in patch:
        return _directed(patch)
    merged, rest = _retained(dict(original), dict(patch))
    for key in [key for key in rest if key.startswith(_ORDER)]:
        _merge_ordered(merged, rest, key, schema, name)
    for key, value in sorted(rest.items()):
        deletes = key.startswith(_DELETE)
        _merge_field(merged, _field_of(key, _DELETE) if deletes else key, value, schema, deletes=deletes)
    return merged


def _merge_field(merged: JsonObject, key: str, value: Json, schema: Type | None, *, deletes: bool) -> None:
    current = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(current, list) and isinstance(value, list):
        found = _list_type(schema, key)
        merged[key] = _without(current, value) if deletes else _merge_lists(current, value, found)
    elif deletes:
        return
    elif isinstance(current, dict) and isinstance(value, dict):
        merged[key] = _merge(current, value, _field_type(schema, key), _type_name(key))
    elif isinstance(value, dict) and DIRECTIVE in value:
        merged.pop(key, None)
    else:
        merged[key] = _plain(without_nulls(value))


def _directed(patch: JsonObject) -> JsonObject:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown_directive(patch)


def _retained(original: JsonObject, patch: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Carry out $retainKeys: what it does not list goes, and the patch may set nothing else."""
    kept = patch.pop(_RETAIN, _MISSING)
    if kept is _MISSING:
        return original, patch
    wanted = {
        key for key, value in patch.items() if value is not None and not key.startswith((_DELETE, _ORDER))
    }
    if not isinstance(kept, list) or not all(key in kept for key in wanted):
        raise bad_request("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in kept}, patch


def _merge_ordered(
    merged: JsonObject, patch: JsonObject, directive: str, schema: Type | None, name: str
) -> None:
    """Carry out one $setElementOrder together with the patch of the same list, which leaves `patch`."""
    order = patch.pop(directive)
    key = _field_of(directive, _ORDER)
    current, value = merged.get(key, _MISSING), patch.get(key, _MISSING)
    for each in (order, current, value):
        if each is not _MISSING and not isinstance(each, list):
            raise internal(f"expected a []interface {{}}, but received a {go_type(each)}")
    if isinstance(resolved_struct := _struct(schema), Struct) and key not in resolved_struct.fields:
        raise internal(f'unable to find api field in struct {name} for the json field "{key}"')
    found = _list_type(schema, key)
    merge_key = found.merge_key if found else ""
    _check_order([] if value is _MISSING else value, order, merge_key)
    if current is _MISSING and value is _MISSING:
        return
    if value is _MISSING:
        both = current
    elif current is _MISSING:
        both = _plain(value)
    else:
        both = _merge_lists(current, value, found)
    before = [] if current is _MISSING else current
    one_kind(before, [] if value is _MISSING else value)
    merged[key] = ordered(both, order, before, merge_key)
    patch.pop(key, None)


def _check_order(value: list[Json], order: list[Json], merge_key: str) -> None:
    """Refuse an order that lacks an element of the patch, or has two of them the other way round.

    An element with a directive needs no place, but as in the server's loop the order must not be used up.
    """
    if not value or not order:
        return
    asked = [each for each in value if not (merge_key and _is_directed(each) and each[DIRECTIVE] == "delete")]
    at = place = 0
    while at < len(asked) and place < len(order):
        if _is_directed(asked[at]):
            at += 1
            continue
        if same(merge_key_of(asked[at], merge_key), merge_key_of(order[place], merge_key)):
            at += 1
        place += 1
    if at < len(asked):
        lists = f"{gotext.plain(value)}\n doesn't match {_ORDER} list:\n{gotext.plain(order)}\n"
        raise internal(f"The order in patch list:\n{lists}")


def _merge_lists(current: list[Json], value: list[Json], found: List | None) -> list[Json]:
    if found is None or not (found.merges or found.merge_key):
        return value
    if not current and not value:
        return current
    if one_kind(current, value) is not dict:
        both = [*current]
        both += [each for each in value if not any(same(each, other) for other in current)]
        return ordered(_unique(both), value, current, "")
    if not found.merge_key:
        raise internal("cannot merge lists without merge key for struct")
    kept, patches = _specials(current, value, found.merge_key)
    merged = list(kept)
    for each in patches:
        wanted = merge_key_of(each, found.merge_key)
        at = next((i for i, old in enumerate(merged) if same(old.get(found.merge_key), wanted)), None)
        if at is None:
            merged.append(each)
        else:
            merged[at] = _merge(merged[at], each, found.items, _type_name(""))
    return ordered(merged, patches, kept, found.merge_key)


def _specials(current: list[Json], value: list[Json], merge_key: str) -> tuple[list[Json], list[Json]]:
    """Carry out the directives among a list's elements; return what is left of the list and of the patch."""
    plain: list[Json] = []
    replaces = False
    for each in value:
        directive = each.get(DIRECTIVE, _MISSING)
        if directive is _MISSING:
            plain.append(each)
        elif directive == "delete":
            current = without_matching(current, merge_key, merge_key_of(each, merge_key))
        elif directive == "replace":
            replaces = True
        elif directive == "merge":
            raise internal("merging lists cannot yet be specified in the patch")
        else:
            raise _unknown_directive(each)
    return (plain, []) if replaces else (current, plain)


def _unknown_directive(patch: JsonObject) -> Exception:
    directive = patch[DIRECTIVE]
    shown = directive if isinstance(directive, str) else f"%!s({gotext.plain(directive)})"
    return internal(f"unknown patch type: {shown} in map: {gotext.plain(patch)}")


def _field_of(directive: str, prefix: str) -> str:
    head, slash, field = directive.partition("/")
    if head != prefix or not slash:
        named = "primitive list" if prefix == _DELETE else "setElementOrder list"
        raise bad_request(f"invalid patch format of {named}")
    return field


def _struct(schema: Type | None) -> Struct | None:
    found = None if schema is None else resolved(schema)
    return found if isinstance(found, Struct) and found.values is None and not found.open else None


def _field_type(schema: Type | None, key: str) -> Type | None:
    found = None if schema is None else resolved(schema)
    if not isinstance(found, Struct):
        return None
    return found.fields.get(key, found.values)


def _list_type(schema: Type | None, key: str) -> List | None:
    found = _field_type(schema, key)
    settled = None if found is None else resolved(found)
    return settled if isinstance(settled, List) else None


def _type_name(key: str) -> str:
    return {"metadata": "ObjectMeta"}.get(key, key[:1].upper() + key[1:])


def _without(current: list[Json], unwanted: list[Json]) -> list[Json]:
    return [each for each in current if not any(same(each, other) for other in unwanted)]


def _unique(values: list[Json]) -> list[Json]:
    found: list[Json] = []
    for each in values:
        if not any(same(each, other) for other in found):
            found.append(each)
    return found


def _plain(value: Json) -> Json:
    """Drop every map that carries a directive: there was nothing that it could be merged with."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if not _is_directed(each)}
    if isinstance(value, list):
        return [_plain(each) for each in value if not _is_directed(each)]
    return value


def _is_directed(value: Json) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value
