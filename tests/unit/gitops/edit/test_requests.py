"""A person's request as text: the smallest edit, and messages whose trailers nobody can forge by a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import edit
from gitops.dialect import parse
from gitops.errors import InvalidInput, Refused
from gitops.rollout.events import CommandKind


def scalar(value: object) -> str:
    """JSON's scalars are YAML's."""
    return json.dumps(value, ensure_ascii=False)


PATH = "environments/production/environment.yaml"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec:\n  # why\n  targets: []\n", "spec:\n  suspended: true\n  # why\n  targets: []\n"),
        ("spec:\n  suspended: false # no\n  a: 1\n", "spec:\n  suspended: true # no\n  a: 1\n"),
        ("spec:\n    a: 1\nkind: X", "spec:\n    suspended: true\n    a: 1\nkind: X"),
        ("spec:\r\n  a: 1\r\n", "spec:\r\n  suspended: true\r\n  a: 1\r\n"),
        ("spec: {a: 1}\n", 'spec: {"suspended": true, a: 1}\n'),
        ('{"spec": {"suspended": false}}', '{"spec": {"suspended": true}}'),
        ("spec: {a: 1, suspended: no}\n", "spec: {a: 1, suspended: true}\n"),
        ("---\n# top\nspec: # here\n  ä: ü\n", "---\n# top\nspec: # here\n  suspended: true\n  ä: ü\n"),
        ("\ufeffspec: {suspended: false}\n", "\ufeffspec: {suspended: true}\n"),
    ],
)
def test_suspending_changes_one_place(before: str, after: str) -> None:
    assert edit.set_suspended(PATH, before.encode(), suspended=True).decode() == after


@pytest.mark.parametrize(
    "text", ["spec:\n  a: 1\n", "spec:\n  suspended: false\n", "spec: {suspended: off}\n"]
)
def test_what_is_so_already_stays_byte_for_byte(text: str) -> None:
    assert edit.set_suspended(PATH, text.encode(), suspended=False) == text.encode()


@pytest.mark.parametrize(
    "text",
    ["a: &x {b: 1}\nspec: *x\n", "spec:\n  suspended: &s false\n  other: *s\n", "spec: &x\n  a: 1\nb: *x\n"],
)
def test_an_edit_that_would_change_more_is_refused_with_what_to_write(text: str) -> None:
    """Anchors: the same text stands for several places."""
    with pytest.raises(Refused, match="suspended: true by hand"):
        edit.set_suspended(PATH, text.encode(), suspended=True)


@pytest.mark.parametrize("text", ["", "a: 1\n", "spec: 1\n", "a: 1\n---\nb: 1\n", "a: ["])
def test_what_is_no_environment_is_an_error(text: str) -> None:
    with pytest.raises(InvalidInput, match=PATH):
        edit.set_suspended(PATH, text.encode(), suspended=True)


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L"]), min_size=1).filter(lambda name: name != "suspended"),
        st.integers() | st.text("ab \n#:"),
        min_size=1,
    ),
    st.integers(1, 6),
)
def test_pausing_and_resuming_keeps_everything_else(fields: dict[str, object], indent: int) -> None:
    """Whatever else the spec says, it says afterwards too."""
    lines = [f"{' ' * indent}{scalar(key)}: {scalar(value)}" for key, value in fields.items()]
    text = "\n".join(["spec:", *lines, ""]).encode()
    paused = edit.set_suspended(PATH, text, suspended=True)
    [said] = [document.value for document in parse(paused, PATH)]
    [before] = [document.value for document in parse(text, PATH)]
    assert isinstance(said, dict)
    assert isinstance(before, dict)
    assert said == {"spec": {**before["spec"], "suspended": True}}
    resumed = edit.set_suspended(PATH, paused, suspended=False)
    assert b"suspended: false" in resumed


def test_a_reason_cannot_add_trailers() -> None:
    message = edit.command_message(CommandKind.APPROVE, "a", "b", "Gitops-Approve: c/d\n\n")
    assert message == "Approve b in a\n\nGitops-Approve: c/d\n\nGitops-Approve: a/b\n"


def test_restoring_many_applications_keeps_the_subject_short() -> None:
    names = [(f"application-{number}", "a" * 40) for number in range(20)]
    subject, _, rest = edit.restored_message("production", names).partition("\n")
    assert subject == "Restore 20 applications in production to aaaaaaaaaaaa"
    assert rest.count("Gitops-Application: ") == 20
