"""What Helm 3 and 4 say, told in one line at its place."""

from __future__ import annotations

import pytest

from gitops.render.helm.complaints import Complaint, complaint

BAD = "web/templates/bad.yaml"
HINT = "\n\nUse --debug flag to render out invalid YAML"
REFUSED = "lookup is refused: a render must not depend on the cluster"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"Error: execution error at ({BAD}:1:6): need it", Complaint("need it", BAD, 1, 6)),
        (
            f'Error: parse error at ({BAD}:3): function "foo" not defined',
            Complaint('function "foo" not defined', BAD, 3),
        ),
        (
            f'Error: {BAD}:4:13\n  executing "{BAD}" at <.Values.x.y>:\n    nil pointer evaluating {{}}.y',
            Complaint("nil pointer evaluating {}.y", BAD, 4, 13),
        ),
        (
            f'Error: template: {BAD}:4:13: executing "{BAD}" at <.Values.x.y>: nil pointer evaluating x',
            Complaint("nil pointer evaluating x", BAD, 4, 13),
        ),
        (
            (
                f'Error: {BAD}:1:11\n  executing "{BAD}" at <include "x" .>:\n    error calling include:\n'
                'web/templates/cm.yaml:7:20\n  executing "x" at <call "gitops-waves: lookup" "v1">:\n'
                '    error calling call:\n    non-function "gitops-waves: lookup" of type string'
            ),
            Complaint(REFUSED, "web/templates/cm.yaml", 7, 20),
        ),
        (
            (
                f'Error: template: {BAD}:1:11: executing "{BAD}" at <include "x" .>: error calling include: '
                'template: web/templates/cm.yaml:7:20: executing "x" at <call "gitops-waves: lookup" "v1">: '
                'error calling call: non-function "gitops-waves: lookup" of type string'
            ),
            Complaint(REFUSED, "web/templates/cm.yaml", 7, 20),
        ),
        (
            f"Error: YAML parse error on {BAD}: yaml: line 3: mapping values are not allowed",
            Complaint("yaml: line 3: mapping values are not allowed", BAD),
        ),
        (
            "Error: found in Chart.yaml, but missing in charts/ directory: db",
            Complaint("found in Chart.yaml, but missing in charts/ directory: db"),
        ),
        ("level=WARN msg=x\nError: no", Complaint("no")),
    ],
)
def test_the_last_place_and_the_last_reason_are_told(said: str, expected: Complaint) -> None:
    known = {BAD, "web/templates/cm.yaml"}.__contains__
    assert complaint(said, known) == expected
    assert complaint(said + HINT, known) == expected


def test_a_place_that_the_chart_does_not_have_is_not_taken_for_one() -> None:
    """A message may quote anything."""
    found = complaint(
        "Error: execution error at (web/x.yaml:1:6): see /etc/passwd:1:1", {"web/x.yaml"}.__contains__
    )
    assert found == Complaint("see /etc/passwd:1:1", "web/x.yaml", 1, 6)


@pytest.mark.parametrize("text", ["a " * 9_000_000, "a." * 9_000_000, 'x:1: executing "' * 300_000])
def test_of_a_chart_that_says_too_much_nothing_is_told(text: str) -> None:
    found = complaint(f"Error: execution error at (web/x.yaml:1:6): {text}", {"web/x.yaml"}.__contains__)
    assert found == Complaint("it failed, and said too much to be shown")


def test_of_a_long_way_the_last_step_is_told() -> None:
    step = 'template: web/x.yaml:1:6: executing "x" at <include "x" .>: error calling include: '
    found = complaint(
        f"Error: {step * 1000}rendering template has a nested reference name: x", {"web/x.yaml"}.__contains__
    )
    assert found == Complaint("rendering template has a nested reference name: x", "web/x.yaml", 1, 6)


def test_a_number_of_a_line_is_a_small_one() -> None:
    found = complaint(f"Error: web/x.yaml:{'9' * 5000}: x", {"web/x.yaml"}.__contains__)
    assert found.line == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "Error: cannot load values.yaml: cannot unmarshal yaml document: yaml: line 2: no node content",
            ("./values.yaml", 2),
        ),
        (
            "Error: cannot load Chart.yaml: error converting YAML to JSON: yaml: line 4: no",
            ("./Chart.yaml", 4),
        ),
        ("Error: cannot load values.yaml: yaml: unknown anchor 'b' referenced", ("./values.yaml", 0)),
        ("Error: error unpacking db in web: cannot load values.yaml: yaml: line 2: no", ("", 0)),
    ],
)
def test_a_file_of_the_chart_that_cannot_be_loaded_is_named(said: str, expected: tuple[str, int]) -> None:
    found = complaint(said + HINT, lambda name: name == "web/templates/x.yaml")
    assert (found.template, found.line) == expected
