"""Nothing secret leaves: objects, pairs and texts."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.redact import (
    REDACTED,
    REDACTED_CHANGED,
    Redactor,
    redact_pair,
    secrets_of,
)

CASES = Path(__file__).parents[2] / "cases" / "redact"


def redacted(body: dict[str, Any]) -> dict[str, Any]:
    """One state of an object, as it may be shown."""
    return redact_pair(None, body)[1] or {}


def secret(**values: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": values}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    """object.yaml is shown as expected.yaml, and itself left as it was."""
    folder = CASES / case
    body = yaml.safe_load((folder / "object.yaml").read_text())
    before = json.dumps(body)
    shown = redacted(body)
    assert shown == yaml.safe_load((folder / "expected.yaml").read_text())
    assert "canary" not in json.dumps(shown)
    assert json.dumps(body) == before


def test_a_pair_tells_changed_from_unchanged_and_nothing_else() -> None:
    old, new = redact_pair(secret(a="one", b="same"), secret(a="two", b="same", c="new"))
    assert old is not None
    assert new is not None
    assert old["stringData"] == {"a": REDACTED, "b": REDACTED}
    assert new["stringData"] == {"a": REDACTED_CHANGED, "b": REDACTED, "c": REDACTED}
    assert redact_pair(None, None) == (None, None)


@pytest.mark.parametrize("value", ["canary-7f3a", 'can"ary\\7f3a', "zwölf Boxkämpfer", "line one\nline two"])
def test_every_form_of_a_secret_goes(value: str) -> None:
    """Raw, base64 (padded or not) and JSON-escaped forms are scrubbed from texts."""
    encoded = base64.b64encode(value.encode()).decode()
    forms = [value, encoded, encoded.rstrip("="), json.dumps(value), json.dumps(value, ensure_ascii=False)]
    redactor = Redactor(secrets_of([secret(a=value)]))
    for form in forms:
        shown = redactor.text(f"Invalid value: {form}: no")
        assert REDACTED in shown
        assert form.strip('"') not in shown


def test_what_go_escapes_for_html_goes_too() -> None:
    """As `json.Marshal` and Helm's `toJson` write it."""
    redactor = Redactor(secrets_of([secret(a="a<canary>&7f3a")]))
    assert redactor.text(r'{"a":"a\u003ccanary\u003e\u00267f3a"}') == f'{{"a":"{REDACTED}"}}'


def test_data_is_decoded() -> None:
    """What `data` holds in base64 is scrubbed in plain form too; binary values only in base64."""
    body = {
        "kind": "Secret",
        "data": {
            "a": base64.b64encode(b"canary-7f3a").decode(),
            "b": base64.b64encode(b"\xff\xfe\xfd\xfc").decode(),
        },
    }
    assert Redactor(secrets_of([body])).text("canary-7f3a and //79/A==") == f"{REDACTED} and {REDACTED}"


def test_parts_of_documents_and_long_lines_go() -> None:
    """A password inside a .dockerconfigjson, a line of a private key."""
    docker = json.dumps({"auths": {"registry.example.com": {"password": "canary-docker"}}})
    key = "-----BEGIN PRIVATE KEY-----\ncanaryMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n"
    shown = Redactor(secrets_of([secret(a=docker, b=key)])).text("canary-docker, canaryMIIEvQIBADANBg")
    assert shown == f"{REDACTED}, {REDACTED}"


def test_credentials_in_environment_variables_are_collected() -> None:
    body = {"kind": "Pod", "spec": {"containers": [{"env": [{"name": "API_TOKEN", "value": "canary-env"}]}]}}
    assert secrets_of([body]) == {"canary-env"}


def test_ordinary_words_stay() -> None:
    """A Secret that holds `true` or `80` does not make messages unreadable."""
    found = secrets_of([secret(a="true", b="80", c="admin", d="")])
    assert found == frozenset()
    assert Redactor(found).text("true is not 80") == "true is not 80"


def test_a_secret_inside_a_longer_one_leaves_nothing_of_it() -> None:
    assert Redactor(["abcd", "abcd-efgh"]).text("abcd-efgh") == REDACTED


def test_the_redactor_does_not_show_what_it_knows() -> None:
    assert "canary" not in repr(Redactor(["canary-7f3a"]))


@given(st.lists(st.text(min_size=4, max_size=12), max_size=4), st.text(max_size=20))
def test_no_known_secret_survives(values: list[str], around: str) -> None:
    """Whatever surrounds it, a known secret is not in the scrubbed text unless the mark itself holds it."""
    known = secrets_of([secret(**{f"k{index}": value for index, value in enumerate(values)})])
    shown = Redactor(known).text(around + around.join(known) + around).replace(REDACTED, "\0" * 40)
    assert not any(value in shown for value in known if "\0" not in value)


def custom(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "db"}, "spec": spec}


@pytest.mark.parametrize(
    "field", ["password", "adminPassword", "admin_password", "apiToken", "api_key", "clientSecret", "token"]
)
@pytest.mark.parametrize("value", ["canary-7f3a", 73519342, 7351.9342])
def test_credentials_of_custom_resources_are_secret(field: str, value: str | float) -> None:
    """Also where they are numbers, in every place, and in every text that quotes them."""
    body = custom(auth=[{field: value}])
    assert redacted(body)["spec"] == {"auth": [{field: REDACTED}]}
    assert Redactor(secrets_of([body])).text(f"invalid {value}!") == f"invalid {REDACTED}!"


@pytest.mark.parametrize(
    "spec",
    [
        {"automountServiceAccountToken": True},
        {"secretName": "web-tls", "tokenSecretRef": {"name": "db", "key": "password"}},
        {"data": [{"secretKey": "password", "remoteRef": {"key": "prod/db"}}]},
        {"passwordKey": "db-password", "password": ""},
        {"properties": {"password": {"type": "string"}}, "required": ["password"]},
    ],
)
def test_names_of_credentials_are_not_secret(spec: dict[str, Any]) -> None:
    """References to secrets are what people must see; scrubbing them would scrub ordinary words."""
    assert redacted(custom(**spec))["spec"] == spec
    assert not secrets_of([custom(**spec)])


def test_a_config_map_is_public() -> None:
    body = {"kind": "ConfigMap", "data": {"password": "not-here"}}
    assert redacted(body) == body
    assert not secrets_of([body])


def test_numbers_in_an_environment_and_in_a_secret_are_secret() -> None:
    """The server refuses both, and its message may quote them."""
    assert redacted({"env": [{"name": "DB_PIN_TOKEN", "value": 73519342}]}) == {
        "env": [{"name": "DB_PIN_TOKEN", "value": REDACTED}]
    }
    assert secrets_of([{"kind": "Secret", "stringData": {"pin": 73519342}}]) == {"73519342"}


def test_a_secret_that_is_a_monstrous_document_is_one_secret() -> None:
    """Python's own reader gives up on the depth with an error that is no ValueError."""
    value = "[" * 100_000
    assert secrets_of([secret(a=value)]) == {value}


def test_a_secret_of_many_lines_costs_little() -> None:
    """One pattern of 30,000 lines took ten seconds and half a gigabyte."""
    lines = [f"line-number-{number}" for number in range(30_000)]
    redactor = Redactor(secrets_of([secret(a="\n".join(lines))]))
    assert redactor.text(f"x {lines[-1]} y") == f"x {REDACTED} y"


def test_a_redactor_learns_at_any_time() -> None:
    redactor = Redactor(["canary-7f3a"])
    redactor.learn(["canary-7f3a-long"])
    redactor.learn(["ab"])
    assert redactor.text("canary-7f3a-long, canary-7f3a, ab, a") == f"{REDACTED}, {REDACTED}, {REDACTED}, a"
