"""Label and field selectors. Every error's text here was measured on kube-apiserver 1.37.2."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simcluster import selectors
from simcluster.errors import ApiError

NAME = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


@dataclass(frozen=True)
class Custom:
    """The part of a custom kind that selectors ask for."""

    selectable_fields: tuple[str, ...] = (".spec.color", ".spec.size", ".spec.on")


@dataclass(frozen=True)
class Described:
    """The part of a kind that selectors ask for."""

    group: str
    version: str
    kind: str
    namespaced: bool = True
    custom: Custom | None = None


CONFIG_MAP = Described("", "v1", "ConfigMap")


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (b, c)", {"a": "c"}, True),
        ("a in (b,c)", {"a": "d"}, False),
        ("a notin (b,c)", {"a": "d"}, True),
        ("a notin (b)", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("! a", {}, True),
        ("!a", {"a": ""}, False),
        ("a,!b,c in (d)", {"a": "1", "c": "d"}, True),
        ("a=", {"a": ""}, True),
        ("a=,b", {"a": "", "b": "x"}, True),
        ("a in ()", {"a": ""}, True),
        ("a in (x,,y)", {"a": ""}, True),
        ("a in (,x)", {"a": ""}, True),
        ("a in (x,)", {"a": ""}, True),
        ("a in (x,y)", {"a": ""}, False),
        ("in in (in,notin)", {"in": "notin"}, True),
        ("a>1", {"a": "2"}, True),
        ("a>1", {"a": "1"}, False),
        ("a<1", {"a": "x"}, False),
        ("a<1", {"a": "-5"}, True),
        ("a.b/c=1", {"a.b/c": "1"}, True),
    ],
)
def test_a_label_selector_selects_what_the_server_selects(
    text: str, labels: dict[str, str], expected: object
) -> None:
    assert selectors.parse_labels(text)(labels) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (!)", "unable to parse requirement: found '!', expected: ',', ')' or identifier"),
        ("a in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a notin", "unable to parse requirement: found '' expected: '('"),
        ("a in (b) c", "found 'c', expected: ',' or 'end of string'"),
        (
            "a<x",
            (
                'unable to parse requirement: values[0]: Invalid value: "x": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=!b", "unable to parse requirement: found '!', expected: identifier"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a>=1", "unable to parse requirement: found '=', expected: identifier"),
        ("-a=b", f'unable to parse requirement: <nil>: Invalid value: "-a": name part {NAME}'),
        (
            "a/b/c=d",
            (
                f'unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key {NAME} '
                "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ),
        ),
        ("/a", 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'),
        ("A_/a", f'unable to parse requirement: <nil>: Invalid value: "A_/a": prefix part {SUBDOMAIN}'),
        (
            "x/=y",
            (
                'unable to parse requirement: <nil>: Invalid value: "x/": name part must be non-empty; '
                f"name part {NAME}"
            ),
        ),
        (
            "a" * 64,
            (
                f'unable to parse requirement: <nil>: Invalid value: "{"a" * 64}": '
                "name part must be no more than 63 bytes"
            ),
        ),
        (
            "a=" + "x" * 64,
            (
                f'unable to parse requirement: values[0][a]: Invalid value: "{"x" * 64}": '
                "must be no more than 63 bytes"
            ),
        ),
        ('a in ("x")', f'unable to parse requirement: values[0][a]: Invalid value: "\\"x\\"": {VALUE}'),
        (
            "a in (-x,-y)",
            (
                f'unable to parse requirement: [values[0][a]: Invalid value: "-x": {VALUE}, '
                f'values[1][a]: Invalid value: "-y": {VALUE}]'
            ),
        ),
    ],
)
def test_a_label_selector_that_cannot_be_read_gets_the_servers_words(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        selectors.parse_labels(text)
    assert (caught.value.code, caught.value.reason, str(caught.value)) == (400, "BadRequest", message)


def test_a_label_selector_object_selects() -> None:
    """An absent one selects nothing, an empty one everything; both halves must hold."""
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["d", "e"]},
            {"key": "f", "operator": "NotIn", "values": ["g"]},
            {"key": "h", "operator": "Exists"},
            {"key": "i", "operator": "DoesNotExist"},
        ],
    }
    fitting = {"a": "b", "c": "e", "h": ""}
    assert selectors.matches(selector, fitting)
    for change in ({"a": "x"}, {"c": "x"}, {"f": "g"}, {"i": ""}):
        assert not selectors.matches(selector, fitting | change)
    assert selectors.matches({}, {})
    assert not selectors.matches(None, fitting)


POD = {
    "metadata": {"name": "p", "namespace": "n"},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("metadata.name=p", True),
        ("metadata.name!=p", False),
        ("metadata.namespace==n,status.phase=Running", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=node-1", True),
        ("spec.host=node-1", True),
        ("spec.hostNetwork=false", True),
        ("status.podIP=10.0.0.1", True),
        ("status.podIPs=10.0.0.1", False),
        ("status.nominatedNodeName=", True),
        ("=", True),
        ("!=", True),
        (",,", True),
        ("metadata.name=p\\,q", False),
    ],
)
def test_a_field_selector_selects_pods(text: str, expected: object) -> None:
    assert selectors.parse_fields(text, Described("", "v1", "Pod"))(POD) is expected


@pytest.mark.parametrize(
    ("kind", "obj", "text", "expected"),
    [
        (Described("", "v1", "Node", namespaced=False), {"spec": {}}, "spec.unschedulable=false", True),
        (
            Described("", "v1", "Node", namespaced=False),
            {"spec": {"unschedulable": True}},
            "spec.unschedulable=true",
            True,
        ),
        (Described("batch", "v1", "Job"), {}, "status.successful=0", True),
        (Described("batch", "v1", "Job"), {"status": {"succeeded": 3}}, "status.successful=3", True),
        (Described("", "v1", "Secret"), {"type": "Opaque"}, "type=Opaque", True),
        (Described("", "v1", "Event"), {"involvedObject": {"name": "x"}}, "involvedObject.name=x", True),
        (Described("", "v1", "Event"), {"regarding": {"name": "x"}}, "involvedObject.name=x", True),
        (Described("", "v1", "Event"), {"source": {"component": "kubelet"}}, "source=kubelet", True),
        (Described("", "v1", "Event"), {"reportingComponent": "kubelet"}, "source=kubelet", True),
        (Described("events.k8s.io", "v1", "Event"), {"regarding": {"uid": "x"}}, "regarding.uid=y", False),
        (
            Described("rbac.authorization.k8s.io", "v1", "ClusterRole", namespaced=False),
            {"metadata": {"name": "a"}},
            "metadata.namespace=",
            True,
        ),
        (
            Described("example.com", "v1", "Ball", custom=Custom()),
            {"spec": {"color": "red", "size": 3, "on": True}},
            "spec.color=red,spec.size=3,spec.on=true",
            True,
        ),
    ],
)
def test_a_field_selector_knows_the_kinds_own_fields(
    kind: Described, obj: dict[str, object], text: str, expected: object
) -> None:
    assert selectors.parse_fields(text, kind)(obj) is expected


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            CONFIG_MAP,
            "foo=bar",
            '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (
            CONFIG_MAP,
            "metadata.name=x,foo=bar,baz=1",
            '"baz" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (
            CONFIG_MAP,
            "a\\b=c",
            '"a\\\\b" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (CONFIG_MAP, "metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        (CONFIG_MAP, "metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"),
        (CONFIG_MAP, "metadata.name=\\", "invalid field selector: invalid escape sequence: \\"),
        (CONFIG_MAP, "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
        (Described("", "v1", "Pod"), "nope=1", "field label not supported: nope"),
        (Described("batch", "v1", "Job"), "nope=1", 'field label "nope" not supported for Job'),
        (
            Described("", "v1", "Node", namespaced=False),
            "metadata.namespace=1",
            "field label not supported: metadata.namespace",
        ),
        (
            Described("example.com", "v1", "Ball", namespaced=False, custom=Custom()),
            "metadata.namespace=1",
            "field label not supported: metadata.namespace",
        ),
        (
            Described("resource.k8s.io", "v1", "ResourceSlice", namespaced=False),
            "nope=1",
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: nope",
        ),
    ],
)
def test_a_field_selector_that_is_refused_gets_the_servers_words(
    kind: Described, text: str, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        selectors.parse_fields(text, kind)
    assert (caught.value.code, str(caught.value)) == (400, message)
