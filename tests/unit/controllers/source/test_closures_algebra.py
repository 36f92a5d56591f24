"""However a repository came to where it is, what each application reads is what a fresh look finds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.source.revisions import Revisions
from tests.unit.controllers.rollout.shop import Shop, config_map

APPS = tuple(f"environments/production/{name}" for name in ("one", "two"))
BASES = ("bases/a", "bases/b")
FILES = ("x.yaml", "y.yaml")

BEGINNING: dict[str, str | bytes | None] = {
    **{f"{folder}/kustomization.yaml": "resources: [../../../bases/a, x.yaml]\n" for folder in APPS},
    "bases/a/kustomization.yaml": "resources: [../b]\n",
    "bases/b/kustomization.yaml": "resources: [x.yaml]\n",
    **{f"{folder}/x.yaml": config_map("c") for folder in (*APPS, *BASES)},
}

references = st.lists(
    st.sampled_from(["x.yaml", "y.yaml", "../../../bases/a", "../../../bases/b", "../b"]), max_size=2
)
kustomizations = st.builds(
    lambda paths: "resources: [" + ", ".join(paths) + "]\nnamePrefix: p-\n", references
)
places = st.sampled_from([f"{folder}/{name}" for folder in (*APPS, *BASES) for name in FILES])
marks = st.sampled_from([f"{folder}/kustomization.yaml" for folder in (*APPS, *BASES)])
others = st.sampled_from([f"{folder}/Kustomization" for folder in BASES])
edits = st.one_of(
    st.tuples(marks, st.one_of(st.none(), kustomizations)),
    st.tuples(others, st.one_of(st.none(), kustomizations)),
    st.tuples(places, st.one_of(st.none(), st.sampled_from([config_map("c"), config_map("c", "two")]))),
)


CHARTS = ("charts/a", "charts/b")
CHARTED: dict[str, str | bytes | None] = {
    **{f"{chart}/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n" for chart in CHARTS},
}


def application(name: str, chart: str, values: list[str]) -> str:
    """An application that uses a chart."""
    head = f"apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{helm: {{chart: ../../../{chart}, valuesFiles: [{', '.join(values)}]}}}}\n"


texts = st.sampled_from(["a: b\n", "a: c\n"])
chart_edits = st.one_of(
    *(
        st.tuples(
            st.just(f"{folder}/application.yaml"),
            st.one_of(
                st.none(),
                st.builds(
                    application,
                    st.just(folder.rpartition("/")[2]),
                    st.sampled_from((*CHARTS, "charts", "charts/linked")),
                    st.lists(st.sampled_from(["x.yaml", "../../../charts/a/values.yaml"]), max_size=2),
                ),
            ),
        )
        for folder in APPS
    ),
    st.tuples(
        st.sampled_from([f"{folder}/x.yaml" for folder in APPS]),
        st.one_of(st.none(), texts),
    ),
    st.tuples(
        st.sampled_from(
            [f"{chart}/{name}" for chart in CHARTS for name in ("Chart.yaml", "values.yaml", "templates/x")]
        ),
        st.one_of(st.none(), texts),
    ),
)


@settings(max_examples=12)
@given(history=st.lists(st.lists(chart_edits, min_size=1, max_size=3), min_size=2, max_size=5))
def test_charts_are_found_the_same_too(history: list[list[tuple[str, str | None]]]) -> None:
    """A file that comes into a folder which is read whole counts, and so does one that leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        (shop.people.path / "charts").mkdir()
        (shop.people.path / "charts/linked").symlink_to("a")
        beginning = dict(CHARTED)
        for place, chart in zip(APPS, CHARTS, strict=True):
            beginning[f"{place}/application.yaml"] = application(place.rpartition("/")[2], chart, [])
        compare(shop, [shop.first, shop.commit("Begin", beginning)], history)


@settings(max_examples=12)
@given(history=st.lists(st.lists(edits, min_size=1, max_size=3), min_size=2, max_size=5))
def test_following_only_what_changed_finds_the_same(history: list[list[tuple[str, str | None]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        compare(shop, [shop.first, shop.commit("Begin", BEGINNING)], history)


def compare(shop: Shop, revisions: list[str], history: list[list[tuple[str, str | None]]]) -> None:
    """Play a history, and hold what is remembered against what a fresh look finds, forth and back."""
    for changes in history:
        there: dict[str, str | bytes | None] = {
            path: text for path, text in changes if text is not None or exists(shop, path)
        }
        revisions.append(shop.commit("Change", there))
    for revision in (*revisions, *reversed(revisions)):
        expected = Revisions(shop.mirror).catalog(revision).environments["production"]
        assert shop.revisions.catalog(revision).environments["production"] == expected


def exists(shop: Shop, path: str) -> bool:
    return (shop.people.path / path).exists()
