"""The words of template actions: which functions a chart names, and what happens when it calls some."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.render.helm.templates import at_another_time, barred, barred_call, quoted_words, unbarred, words

LOOKUP = 'call "gitops-waves: lookup"'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("no action: lookup", []),
        ('{{ lookup "v1" }}', ["lookup"]),
        ("{{- lookup -}}", ["lookup"]),
        ("{{lookup}}", ["lookup"]),
        ("{{ .lookup }}{{ .Values.lookup }}{{ $lookup }}{{ $.lookup }}{{ $x.lookup }}", []),
        ("{{ \"lookup\" }}{{ `lookup }}` }}{{ 'l' }}", []),
        ('{{ "a \\" lookup }}" }}', []),
        ("{{/* lookup */}}{{- /* lookup */ -}}", []),
        ("{{/* a */}} {{ lookup }}", ["lookup"]),
        ('{{-\n/* " */}}{{ lookup }}{{/* " */}}', ["lookup"]),
        ("{{ (lookup).items }}", ["lookup"]),
        ("{{ with lookup }}{{ end }}", ["with", "lookup", "end"]),
        ("{{ x | lookup", ["x", "lookup"]),
        ("{{ mylookup }}{{ lookups }}", ["mylookup", "lookups"]),
        ("{{ `raw\n}}` | lookup }}", ["lookup"]),
    ],
)
def test_words_are_functions_not_fields_variables_texts_and_comments(
    template: str, expected: list[str]
) -> None:
    assert [word.text for word in words(template)] == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("""{{ tpl "{{ lookup \\"v1\\" }}" . }}""", ["lookup"]),
        ("{{ tpl `{{ now }}` . }}{{ now }}", ["now"]),
        ("{{ `{{ lookup }}` | quote }}{{ tpl .Values.x . }}", []),
        ('{{ tpl `{{ tpl "{{ now }}" . }}` . }}', ["tpl", "now"]),
        ('{{ "lookup" }} "{{ x }}"', []),
    ],
)
def test_words_of_texts_that_could_be_executed_are_told_apart(template: str, expected: list[str]) -> None:
    assert [word.text for word in quoted_words(template)] == expected


def test_another_time_replaces_the_clock_alone() -> None:
    changed = at_another_time('{{ now | date "now" }}{{ .now }}')
    assert changed.endswith(') | date "now" }}{{ .now }}')
    assert "now" not in [word.text for word in words(changed)]


def test_a_call_becomes_one_that_fails_and_nothing_else_changes() -> None:
    template = 'a: {{ .lookup }}\nb: {{ "x" | lookup "v1" "lookup" }} lookup {{ getHostByName "a" }}\n'
    expected = (
        f'a: {{{{ .lookup }}}}\nb: {{{{ "x" | {LOOKUP} "v1" "lookup" }}}} lookup '
        '{{ call "gitops-waves: getHostByName" "a" }}\n'
    )
    assert barred(template) == expected
    assert unbarred(expected) == template


@given(st.text(alphabet="{}-/*\"`'\\ \n.$|()lookup", max_size=60))
def test_what_is_barred_names_no_such_function_any_more(template: str) -> None:
    """Whatever people write: nothing is lost, and a second look finds nothing left to bar."""
    once = barred(template)
    assert unbarred(once) == template
    assert barred(once) == once


def test_the_marker_is_found_in_what_helm_says() -> None:
    said = (
        f'executing "x" at <{LOOKUP} "v1">: error calling call: non-function "gitops-waves: lookup" of type'
    )
    assert barred_call(said) == "lookup"
    assert barred_call("non-function something of type string") is None


@pytest.mark.parametrize(
    "template",
    [
        '{{ "' + '\\"' * 1_000_000,
        "{{ '" + "\\'" * 1_000_000,
        "{{/*}}" * 500_000,
        "{{ ` }} `" * 300_001,
        "{{ a" * 300_000,
    ],
)
def test_a_template_that_is_never_closed_takes_no_longer_than_it_is_long(template: str) -> None:
    """Go stops at the first text or comment that does not end, and so does this."""
    assert len(list(words(template))) <= 300_000


@pytest.mark.parametrize("opened", ['{{ "', "{{ `", "{{ '", "{{/*", "{{- /* x */ }}", '{{ "\n'])
def test_what_follows_something_that_go_does_not_read_is_no_word(opened: str) -> None:
    assert list(words(f"{opened} }}}} {{{{ lookup }}}}")) == []
