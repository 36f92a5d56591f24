"""Files of charts by the names that Helm gives them."""

from __future__ import annotations

import pytest

from gitops.render.helm.names import ChartNames

FILES = {
    "Chart.yaml": b"name: web\ndependencies: [{name: db, alias: users}, {name: db, alias: orders}]\n",
    "templates/a.yaml": b"",
    "charts/db-1.0/Chart.yaml": b"name: db\n",
    "charts/db-1.0/requirements.yaml": b"dependencies: [{name: log, alias: logs}]\n",
    "charts/db-1.0/templates/b.yaml": b"",
    "charts/db-1.0/charts/log/Chart.yaml": b"name: log\n",
    "charts/db-1.0/charts/log/templates/c.yaml": b"",
    "charts/nameless/Chart.yaml": b"[",
    "charts/nameless/templates/d.yaml": b"",
    "charts/README.md": b"",
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("web/Chart.yaml", "Chart.yaml"),
        ("web/templates/a.yaml", "templates/a.yaml"),
        ("web/charts/db/templates/b.yaml", "charts/db-1.0/templates/b.yaml"),
        ("web/charts/users/templates/b.yaml", "charts/db-1.0/templates/b.yaml"),
        ("web/charts/orders/charts/logs/templates/c.yaml", "charts/db-1.0/charts/log/templates/c.yaml"),
        ("web/charts/db/charts/log/templates/c.yaml", "charts/db-1.0/charts/log/templates/c.yaml"),
        ("web/charts/nameless/templates/d.yaml", "charts/nameless/templates/d.yaml"),
        ("web/charts/README.md", "charts/README.md"),
        ("web/charts/nobody/templates/b.yaml", None),
        ("web/charts/logs/templates/c.yaml", None),
        ("db/templates/b.yaml", None),
        ("web/templates", None),
        ("web", None),
        ("", None),
    ],
)
def test_a_name_leads_through_dependencies_to_a_file(name: str, path: str | None) -> None:
    assert ChartNames(FILES).path(name) == path


def test_aliases_of_aliases_are_not_listed() -> None:
    """A thousand at each of six levels: more names than anybody could write down."""
    files: dict[str, bytes] = {}
    for level in range(6):
        aliases = "".join(f"- {{name: c{level + 1}, alias: a{number}}}\n" for number in range(1000))
        folder = "".join(f"charts/c{each}/" for each in range(1, level + 1))
        files[f"{folder}Chart.yaml"] = f"name: c{level}\ndependencies:\n{aliases}".encode()
        files[f"{folder}templates/x.yaml"] = b""
    name = "c0/" + "charts/a999/" * 5 + "templates/x.yaml"
    path = "charts/c1/charts/c2/charts/c3/charts/c4/charts/c5/templates/x.yaml"
    assert ChartNames(files).path(name) == path
