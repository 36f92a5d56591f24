"""Files that are written to harm are refused in words, at once, and harm nobody else."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gitops.dialect import parse
from gitops.errors import InvalidInput
from gitops.model.dependencies import wrong_dependencies
from gitops.model.kinds import Application
from gitops.model.reading import nearest, read


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
    found = wrong_dependencies(
        {name: tuple(other for other in names if other != name) for name in names}, set(names)
    )
    assert len(found) == 150
    assert found["a0"][0] == (0, "applications wait for each other: a0 → a1 → a0")


def test_a_long_line_of_applications_is_no_circle_and_read_soon() -> None:
    """Each waits for the next: whoever leads to it is not looked for, for no way leads back."""
    names = [f"a{number}" for number in range(20_000)]
    waiting = {name: (after,) for name, after in pairwise(names)}
    assert wrong_dependencies(waiting, set(names)) == {}
    found = wrong_dependencies({**waiting, names[-1]: (names[-2],)}, set(names))
    assert list(found) == sorted(names[-2:])


def test_a_hint_lists_a_few_names_only() -> None:
    assert nearest("zzz", [f"n{number}" for number in range(30)]).endswith(" and 10 more")
    assert nearest("n1", [f"n{number}" for number in range(2000)]) == ""
