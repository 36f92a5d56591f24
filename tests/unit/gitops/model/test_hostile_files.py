"""Files that are written to harm are refused in words, at once, and harm nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.dialect import parse
from gitops.errors import InvalidInput
from gitops.model.dependencies import check_dependencies
from gitops.model.kinds import Application, ApplicationSpec
from gitops.model.reading import nearest, nowhere, read


def problems(spec: str) -> list[str]:
    text = f"apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n{spec}"
    (document,) = parse(text.encode(), "application.yaml")
    with pytest.raises(InvalidInput) as raised:
        read(Application, document)
    return [problem.message for problem in raised.value.problems]


def gate(expression: str) -> str:
    return f"  gates: [{{type: http, url: 'http://x/', bodyMatch: '{expression}'}}]"


@pytest.mark.parametrize("expression", ["a{1,99999999999}", "(" * 240 + ")" * 240])
def test_an_expression_that_python_cannot_compile_is_a_problem(expression: str) -> None:
    """Python answers these with errors that are no re.error, which would end the controller."""

    def deep(frames: int) -> list[str]:
        return deep(frames - 1) if frames else problems(gate(expression))

    assert deep(600)[0].startswith("not a regular expression")


def test_an_expression_has_a_length() -> None:
    """Compiling takes the longer the longer it is, and nothing can interrupt it."""
    assert "at most 500 characters" in problems(gate("x" * 501))[0]


@pytest.mark.parametrize(
    ("field", "entry"),
    [
        ("gates", "{type: health}"),
        ("dependsOn", "a"),
        ("patches", "{target: {}, operations: [{op: remove, path: /a}]}"),
        ("overrides", "{clusterSelector: {}}"),
    ],
)
def test_lists_have_an_end(field: str, entry: str) -> None:
    found = problems(f"  {field}:\n" + f"    - {entry}\n" * 1001)
    assert any("at most 1000 items" in message for message in found)


def test_applications_that_all_wait_for_each_other_are_told_soon() -> None:
    """The search is linear for each application; looking from every entry anew took hours."""
    names = [f"a{number}" for number in range(150)]
    waiting: dict[str, Any] = {
        name: (ApplicationSpec(depends_on=tuple(other for other in names if other != name)), nowhere)
        for name in names
    }
    found = check_dependencies(waiting)
    assert len(found) == 150
    assert str(found["a0"][0]) == ": applications wait for each other: a0 → a1 → a0"


def test_a_hint_lists_a_few_names_only() -> None:
    assert nearest("zzz", [f"n{number}" for number in range(30)]).endswith(" and 10 more")
    assert nearest("n1", [f"n{number}" for number in range(2000)]) == ""
