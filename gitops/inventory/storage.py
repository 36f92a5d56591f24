"""An inventory as ConfigMaps in the target's namespace: an ApplySet parent (KEP-3659) and further chunks.

Each chunk holds whole entries, one a line:

    <version> <digest> <fields> <uid> <generation> <mine|theirs> <object>

with `-` for what is not known, `theirs` for what was taken over, and the object as people write it, its name
as in a JSON string. Lines are short because the API server's work for a ConfigMap grows with its size, and
every rollout writes one. Which chunk an entry lives in follows from its key and the
number of chunks, a power of two. So one write never moves an entry, and when the number changes, reading
the union of all chunks loses none, whichever of the writes came through.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from sys import intern

import orjson

from gitops.errors import InvalidInput, Location, Problem
from gitops.inventory.entries import Entry, Inventory
from gitops.model.targets import Target
from gitops.objects import GroupKind, JsonObject, ObjectKey
from gitops.ownership import ENVIRONMENT, PART_OF

INVENTORY_OF = "gitops-waves.io/inventory-of"
APPLICATION = "gitops-waves.io/application"
CHUNK = "gitops-waves.io/inventory-chunk"
PENDING = "pending"
FORMAT = "1"
TOOLING = "gitops-waves/v1"
LIMIT = 512 * 1024
APPLYSET_ID = "applyset.kubernetes.io/id"

_UNKNOWN = "-"
_WHOSE = ("mine", "theirs")
_WORDS = 7
# Room for metadata: the parent's lists of kinds and namespaces, and what the API server adds.
_FULL = LIMIT - 64 * 1024


def parent_name(environment: str, application: str) -> str:
    """Name the ApplySet parent. Names of both have no dots, so no two pairs share a name, nor do chunks."""
    return f"gitops-waves.{environment}.{application}"


@lru_cache(maxsize=4096)
def applyset_id(name: str, namespace: str) -> str:
    """Derive the id of a ConfigMap parent as KEP-3659 does.

    `applyset-<base64url(sha256(<name>.<namespace>.<kind>.<group>))>-v1`, without padding, as kubectl does.
    """
    hashed = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(hashed).decode().rstrip('=')}-v1"


def member_labels(environment: str, applyset: str) -> dict[str, str]:
    """Return the two labels put on every object; they never change while the object stays where it is."""
    return {PART_OF: applyset, ENVIRONMENT: environment}


def selector(environment: str, application: str) -> str:
    """Label selector of all chunks of one application in a namespace."""
    return f"{INVENTORY_OF}={environment},{APPLICATION}={application}"


def to_config_maps(inventory: Inventory) -> tuple[JsonObject, ...]:
    """Write an inventory as ConfigMaps, each under 512 KiB, in the order in which they are to be applied.

    Last chunk first, the parent at the end, then `leftover_chunks` deleted: with that order, a crash
    between any two writes loses no entry.
    """
    lines = {key: _line(entry) for key, entry in inventory.entries.items()}
    chunks = _split(lines)
    return tuple(_config_map(inventory, chunks, index) for index in reversed(range(len(chunks))))


def pending_config_map(before: Inventory, tracked: Inventory) -> JsonObject | None:
    """Write only what `tracked` says otherwise than the stored `before`, as one small ConfigMap beside it.

    Read together with the stored chunks it gives `tracked`: see `from_config_maps`. It goes once the outcome
    is stored. None where that would save nothing, or where KEP-3659 wants the parent changed first, because
    a kind or a namespace is new.
    """
    if not _places(tracked) <= _places(before):
        return None
    changed = [entry for key, entry in tracked.entries.items() if before.entries.get(key) != entry]
    if len(changed) * 4 > len(before.entries):
        return None
    lines = [_line(entry) for entry in changed]
    if _stored_size(lines) > _FULL:
        return None
    name = f"{parent_name(tracked.environment, tracked.application)}.{PENDING}"
    labels = {INVENTORY_OF: tracked.environment, APPLICATION: tracked.application, CHUNK: PENDING}
    data = {
        "format": FORMAT,
        "entries": "".join(f"{line}\n" for line in lines),
        "revision": tracked.revision,
    }
    metadata = {"name": name, "namespace": tracked.target.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _places(inventory: Inventory) -> frozenset[str]:
    """What the parent's annotations name: kinds, and namespaces."""
    kinds = {str(key.group_kind) for key in inventory.entries}
    return frozenset(kinds | {f"/{key.namespace}" for key in inventory.entries if key.namespace})


def leftover_chunks(stored: Iterable[JsonObject], written: Iterable[JsonObject]) -> tuple[str, ...]:
    """Names of stored ConfigMaps that an inventory no longer uses; to be deleted after the writes."""
    names = {body["metadata"]["name"] for body in written}
    return tuple(sorted({body["metadata"]["name"] for body in stored} - names))


def from_config_maps(bodies: Iterable[JsonObject], cluster: str) -> Inventory | None:
    """Read what `to_config_maps` wrote, from all ConfigMaps that `selector` finds; None where there are none.

    Entries stand in more than one chunk after a crash while the number of chunks changed; where they
    differ, the entry counts as not confirmed. So does one that a pending ConfigMap names: its write was
    begun, and nobody stored what came of it. A missing parent costs revision and digest only.
    Raises InvalidInput naming the ConfigMap and what is wrong with it.
    """
    chunks = sorted(bodies, key=lambda body: str(body["metadata"]["name"]))
    if not chunks:
        return None
    problems: list[Problem] = []
    entries: dict[ObjectKey, Entry] = {}
    for body in chunks:
        try:
            _check_format(body)
            for entry in _entries(str(body["data"]["entries"])):
                known = entries.setdefault(entry.key, entry)
                if known != entry:
                    either = known.taken_over or entry.taken_over
                    entries[entry.key] = Entry(entry.key, entry.version, taken_over=either)
        except (KeyError, TypeError, ValueError) as error:
            problems.append(_problem(body, _reason(error)))
    parent = next((body for body in chunks if APPLYSET_ID in _labels(body)), None)
    problems.extend(_missing(chunks, parent))
    if problems:
        raise InvalidInput(*problems)
    labels = _labels(chunks[0])
    data = dict(parent["data"]) if parent is not None else {}
    pending = next((body for body in chunks if _labels(body).get(CHUNK) == PENDING), None)
    if pending is not None:
        data |= {"digest": "", "revision": pending["data"].get("revision", "")}
    return Inventory(
        environment=labels.get(INVENTORY_OF, ""),
        application=labels.get(APPLICATION, ""),
        target=Target(cluster, chunks[0]["metadata"]["namespace"]),
        revision=str(data.get("revision", "")),
        digest=str(data.get("digest", "")),
        entries=entries,
    )


def _split(lines: Mapping[ObjectKey, str]) -> list[list[str]]:
    """Spread lines over the smallest power of two of chunks that keeps each under the limit."""
    whole = list(lines.values())
    if _stored_size(whole) <= _FULL:
        return [whole]
    homes = {key: int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:8]) for key in lines}
    count = 2
    while True:
        chunks: dict[int, list[str]] = defaultdict(list)
        for key, line in lines.items():
            chunks[homes[key] % count].append(line)
        if all(_stored_size(chunk) <= _FULL for chunk in chunks.values()):
            return [chunks[index] for index in range(count)]
        count *= 2


def _stored_size(chunk: Iterable[str]) -> int:
    # A line is stored as a JSON string inside JSON: every quote and backslash takes one byte more.
    return sum(len(line.encode()) + line.count('"') + line.count("\\") + 2 for line in chunk)


def _line(entry: Entry) -> str:
    whose = "theirs" if entry.taken_over else "mine"
    known = f"{entry.version} {entry.digest or _UNKNOWN} {entry.fields or _UNKNOWN} {entry.uid or _UNKNOWN}"
    # A name may hold anything but "/" and "%": quoted, it has no line end; and it comes last.
    return f"{known} {entry.generation} {whose} {orjson.dumps(str(entry.key)).decode()[1:-1]}"


def _entries(text: str) -> Iterator[Entry]:
    # Not splitlines(): a name may hold characters that it takes for line ends.
    return (_entry(line) for line in text.split("\n") if line)


def _entry(line: str) -> Entry:
    words = line.split(" ", 6)
    if len(words) != _WORDS or words[5] not in _WHOSE:
        raise ValueError(f"{line[:80]!r} is no entry")
    version, manifest, fields, uid, generation, whose, quoted = words
    written = orjson.loads(f'"{quoted}"')
    kind, _, place = written.partition(" ")
    namespace, slash, name = place.rpartition("/")
    group_kind = GroupKind.parse(kind)
    if not kind or not name or (slash and not namespace):
        raise ValueError(f"{written!r} names no object")
    # Many objects own the same fields; a uid is met again on the live object.
    return Entry(
        key=ObjectKey(intern(group_kind.group), intern(group_kind.kind), intern(namespace), name),
        version=intern(version),
        digest=_known(manifest),
        fields=intern(_known(fields)),
        uid=intern(_known(uid)),
        generation=int(generation),
        taken_over=whose == "theirs",
    )


def _known(word: str) -> str:
    return "" if word == _UNKNOWN else word


def _config_map(inventory: Inventory, chunks: list[list[str]], index: int) -> JsonObject:
    name = parent_name(inventory.environment, inventory.application)
    namespace = inventory.target.namespace
    labels = {INVENTORY_OF: inventory.environment, APPLICATION: inventory.application, CHUNK: str(index)}
    metadata: JsonObject = {"name": f"{name}.{index}", "namespace": namespace, "labels": labels}
    data = {"format": FORMAT, "entries": "".join(f"{line}\n" for line in chunks[index])}
    if index == 0:
        kinds = sorted({str(key.group_kind) for key in inventory.entries})
        namespaces = sorted({key.namespace for key in inventory.entries} - {"", namespace})
        metadata["name"] = name
        labels[APPLYSET_ID] = applyset_id(name, namespace)
        metadata["annotations"] = {
            "applyset.kubernetes.io/tooling": TOOLING,
            "applyset.kubernetes.io/contains-group-kinds": ",".join(kinds),
            "applyset.kubernetes.io/additional-namespaces": ",".join(namespaces),
        }
        data |= {"revision": inventory.revision, "digest": inventory.digest, "chunks": str(len(chunks))}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _labels(body: JsonObject) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def _check_format(body: JsonObject) -> None:
    found = str(body["data"]["format"])
    if found != FORMAT:
        raise ValueError(
            f"its format is {found!r} and this version reads {FORMAT!r}: a newer gitops-waves wrote it"
        )


def _missing(chunks: list[JsonObject], parent: JsonObject | None) -> list[Problem]:
    if parent is None:
        return []
    have = {_labels(body).get(CHUNK) for body in chunks}
    count = str((parent.get("data") or {}).get("chunks", "1"))
    if not count.isdigit():
        return [_problem(parent, f"chunks is {count!r}, not a number")]
    return [
        _problem(parent, f"chunk {index} of {count} is missing; restore the ConfigMap, or delete all chunks")
        for index in range(int(count))
        if str(index) not in have
    ]


def _problem(body: JsonObject, reason: str) -> Problem:
    metadata = body["metadata"]
    place = f"ConfigMap {metadata.get('namespace', '')}/{metadata['name']}"
    return Problem(Location(place), f"the inventory cannot be read: {reason}")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error)
