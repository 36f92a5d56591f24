"""Bodies in protobuf, as kubectl sends them when it creates built-in objects; captured from kubectl 1.37."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.kinds.decoding import decode
from simcluster.kinds.defaults import pruned
from simcluster.kinds.kind import Kind
from simcluster.kinds.protobuf import MEDIA_TYPE, WrongProtobuf, read
from simcluster.kinds.registry import Registry

# kubectl create deployment d --image=nginx --replicas=3 --port=80
DEPLOYMENT = b64decode(
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErABChsKAWQSABoAIgAqADIAOABCAFoICgNhcHASAWQSggEIAxIKCggKA2FwcBIBZBpq"
    "ChoKABIAGgAiACoAMgA4AEIAWggKA2FwcBIBZBJMEi4KBW5naW54EgVuZ2lueCoAMgoKABAAGFAiACoAQgBqAHIAgAEAiAEAkAEAogEA"
    "GgAyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBACICCgAoADgAGgwIABAAGAAgACgAOAAaACIA"
)
# kubectl create secret generic s --from-literal=a=b
SECRET = b64decode("azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=")
# kubectl create quota q --hard=cpu=1,memory=1Gi
QUOTA = b64decode(
    "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRI0ChEKAXESABoAIgAqADIAOABCABIdCgoKA2NwdRIDCgExCg8KBm1lbW9yeRIFCgMxR2ka"
    "ABoAIgA="
)
# kubectl create pdb p --selector=a=b --min-available=50%
BUDGET = b64decode(
    "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSNgoRCgFwEgAaACIAKgAyADgAQgASFQoJCAEQABoDNTAlEggKBgoB"
    "YRIBYhoKCAAYACAAKAAwABoAIgA="
)


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    meta = field(1, api_version.encode()) + field(2, kind.encode())
    return b"k8s\x00" + field(1, meta) + field(2, raw)


def test_an_object_of_kubectl_is_read_like_its_json(deployment: Kind) -> None:
    obj, duplicates = decode(DEPLOYMENT, MEDIA_TYPE, deployment)
    assert duplicates == []
    container = {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}], "resources": {}}
    assert pruned(obj, deployment) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"app": "d"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [container]}},
            "strategy": {},
        },
        "status": {},
    }


def test_bytes_quantities_and_int_or_strings_have_their_json_form() -> None:
    assert read(SECRET)["data"] == {"a": "Yg=="}
    assert read(QUOTA)["spec"] == {"hard": {"cpu": "1", "memory": "1Gi"}}
    assert read(BUDGET)["spec"] == {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}


def test_options_are_read_whatever_group_they_name() -> None:
    # gracePeriodSeconds = 1, propagationPolicy = 4; a negative number takes all ten bytes.
    raw = b"\x08" + b"\xff" * 9 + b"\x01" + b"\x22\x06Orphan"
    found = read(envelope("apps/v1", "DeleteOptions", raw))
    assert (found["gracePeriodSeconds"], found["propagationPolicy"]) == (-1, "Orphan")


def test_fields_that_json_has_inline_are_messages_of_their_own() -> None:
    # A Pod's spec is field 2, its volumes 1; a Volume's name is 1 and its source 2, in which emptyDir is 2.
    source = b"\x12\x00"
    volume = b"\x0a\x01v" + b"\x12" + bytes([len(source)]) + source
    spec = b"\x0a" + bytes([len(volume)]) + volume
    found = read(envelope("v1", "Pod", b"\x12" + bytes([len(spec)]) + spec))
    assert found["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_times_are_read_in_utc() -> None:
    # The creation time is field 8 of the metadata; its seconds are field 1.
    metadata = b"\x42\x02\x08\x3c"
    found = read(envelope("v1", "ConfigMap", b"\x0a" + bytes([len(metadata)]) + metadata))
    assert found["metadata"] == {"creationTimestamp": "1970-01-01T00:01:00Z"}


def test_custom_objects_have_no_protobuf(widget: Kind) -> None:
    with pytest.raises(ApiError) as caught:
        decode(envelope("example.com/v1", "Widget", b""), MEDIA_TYPE, widget)
    assert caught.value.code == 415


@pytest.mark.parametrize("body", [b"", b"{}", b"k8s\x00", envelope("v1", "Nobody", b""), DEPLOYMENT[:-5]])
def test_what_is_no_known_object_is_refused(deployment: Kind, body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode(body, MEDIA_TYPE, deployment)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")


def test_an_object_of_another_kind_is_refused(deployment: Kind) -> None:
    with pytest.raises(ApiError) as caught:
        decode(SECRET, MEDIA_TYPE, deployment)
    assert "unknown conversion" in str(caught.value)


@given(st.binary(max_size=60), st.sampled_from(["Pod", "ConfigMap", "Event", "Secret"]))
def test_any_bytes_are_an_object_or_refused(raw: bytes, kind: str) -> None:
    assert Registry().of("v1", kind) is not None
    try:
        found = read(envelope("v1", kind, raw))
    except WrongProtobuf:
        return
    assert found["kind"] == kind
