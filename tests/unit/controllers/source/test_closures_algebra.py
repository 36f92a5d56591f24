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


@settings(max_examples=12)
@given(history=st.lists(st.lists(edits, min_size=1, max_size=3), min_size=2, max_size=5))
def test_following_only_what_changed_finds_the_same(history: list[list[tuple[str, str | None]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        revisions = [shop.first, shop.commit("Begin", BEGINNING)]
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
