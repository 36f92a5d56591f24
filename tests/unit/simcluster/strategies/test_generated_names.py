"""Names made of generateName are those of apimachinery's SimpleNameGenerator."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from simcluster.strategies import generated


@given(st.text("abc-", max_size=80), st.integers(0, 2**32))
def test_a_generated_name_is_its_prefix_and_five_letters_without_vowels(prefix: str, seed: int) -> None:
    """The prefix is cut after 58 characters, so that the whole is a DNS label."""
    name = generated(prefix, random.Random(seed))
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{5}", name[-5:])
    assert name[:-5] == prefix[:58]


def test_names_differ() -> None:
    chance = random.Random(1)
    count = 100
    assert len({generated("a-", chance) for _ in range(count)}) == count
