"""Encrypted values for charts: which they are, and where they come out; without tools."""

from __future__ import annotations

import base64

import pytest

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.objects import Json
from gitops.render.encrypted import has_encrypted_values
from gitops.render.helm.sealed import Sealed
from gitops.render.plain import parse_output

CIPHER = "ENC[AES256_GCM,data:{},iv:x,tag:x,type:str]"
WRITTEN = f"""\
user: web
db: {{password: "{CIPHER.format(1)}", port: "{CIPHER.format(2)}"}}
list: [open, "{CIPHER.format(3)}"]
sops: {{mac: "{CIPHER.format(4)}", version: 3.9.0}}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"


def document(text: str) -> Document:
    (found,) = parse(text.encode(), "v.yaml")
    return found


def sealed(*texts: Json, shown: tuple[Json, ...] = ()) -> Sealed:
    return Sealed.of(((text, lambda: Location("v.yaml", 2, 1)) for text in texts), shown)


def test_ciphertext_counts_where_the_block_is_gone_and_the_block_where_nothing_is_encrypted() -> None:
    assert has_encrypted_values([document(WRITTEN.partition("sops:")[0])])
    assert has_encrypted_values([document("user: web\nsops: {mac: x}\n")])
    assert not has_encrypted_values([document("user: web\nsops: {enabled: true}\n")])


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("hunter-2", "hunter-2"),
        ("hunter-2", "a=hunter-2;"),
        ("hunter-2", base64.b64encode(b"hunter-2").decode()),
        ("hunter-2", base64.b64encode(b"user:hunter-2").decode()),
        ('say "hunter"', '{"a": "say \\"hunter\\""}'),
        ("first line 1\nsecond line 2\n", "x: first line 1"),
        (5432, 5432),
        (5432, "db:5432"),
        (12345678, "1.2345678e+07"),
        (12345678, 1.2345678e7),
        (-0.00001234, "-1.234e-05"),
        (100000, "1e+05"),
    ],
)
def test_a_value_is_found_in_the_forms_it_may_have(value: Json, printed: Json) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{a: {Quoted(printed)}}}\n"
    with pytest.raises(InvalidInput) as raised:
        sealed("other", value).refuse_shown(parse_output("t.yaml", text.encode()))
    assert str(raised.value).startswith("t.yaml (ConfigMap x, /data/a): the value at v.yaml:2:1 is encrypted")


class Quoted:
    """A value in YAML."""

    def __init__(self, value: Json) -> None:
        self._value = value

    def __str__(self) -> str:
        if not isinstance(self._value, str):
            return repr(self._value)
        return "'" + self._value.replace("'", "''") + "'"


@pytest.mark.parametrize("value", ["abc", "true", "admin", 123, True, None, ""])
def test_ordinary_and_short_values_are_in_everything(value: Json) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: abc}\ndata: {a: 'abc true admin 123'}\n"
    sealed(value).refuse_shown(parse_output("t.yaml", text.encode()))


def test_each_object_is_told_once_and_also_in_lists() -> None:
    config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: hunter-2, b: hunter-2}}"
    secret = "{kind: Secret, stringData: {a: hunter-2}}"
    text = f"apiVersion: v1\nkind: List\nitems: [{config}, {config}, {secret}]\n"
    with pytest.raises(InvalidInput) as raised:
        sealed("hunter-2").refuse_shown(parse_output("t.yaml", text.encode()))
    assert [one.location.inside for one in raised.value.problems] == [
        "List, /items/0/data/a",
        "List, /items/1/data/a",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("stringData: {a: hunter-2}", True),
        ("stringData: {a: 'u:hunter-2@h', b: abc, c: ''}", True),
        (f"data: {{a: {base64.b64encode(b'u:hunter-2@h').decode()}}}", True),
        (f"data: {{a: {base64.b64encode(b'abc').decode()}}}", True),
        ("stringData: {a: hunter-2, b: open}", False),
        ("stringData: {a: abcd}", False),
        ("type: Opaque", False),
    ],
)
def test_a_secret_counts_as_encrypted_where_all_its_values_are(body: str, *, expected: bool) -> None:
    documents = parse_output("t.yaml", f"{SECRET}{body}\n".encode())
    assert sealed("hunter-2", "abc").secrets(documents) == (frozenset({0}) if expected else frozenset())


def test_what_is_shown_elsewhere_is_not_hidden() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: postgres}\n"
    documents = parse_output("t.yaml", text.encode())
    sealed("postgres", "hunter-2", shown=("postgres",)).refuse_shown(documents)
    with pytest.raises(InvalidInput):
        sealed("postgres", "hunter-2").refuse_shown(documents)


@pytest.mark.parametrize(
    ("metadata", "expected"), [("{name: x}", False), ("{name: x, labels: {a: hunter-2}}", True)]
)
def test_what_names_an_object_is_told_from_the_rest(metadata: str, *, expected: bool) -> None:
    """Wherever else the value stands."""
    text = f"data: {{a: hunter-2}}\napiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\n"
    assert sealed("hunter-2").names_anything(parse_output("t.yaml", text.encode())) is expected


def test_problems_do_not_quote_values() -> None:
    problem = Problem(Location("t.yaml", inside="Secret hunter-2, /a"), "hunter-2 is wrong")
    (said,) = sealed("hunter-2").redacted([problem])
    assert str(said) == "t.yaml (Secret (redacted), /a): (redacted) is wrong"


def test_nothing_of_values_is_in_a_repr() -> None:
    assert "hunter" not in repr(sealed("hunter-2", shown=("hunter-2",)))
