"""Quantities take the form that the API shows; expectations are a real API server's answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.kinds.quantities import WRONG_FORMAT, WRONG_SUFFIX, canonical, value

MEASURED = {
    "1000m": "1",
    "0.5": "500m",
    "1024Mi": "1Gi",
    "1.5Gi": "1536Mi",
    "1e3": "1e3",
    "1E3": "1E3",
    "0": "0",
    "0m": "0",
    "1.0": "1",
    "+1": "+1",
    "1Ki": "1Ki",
    "1000Ki": "1000Ki",
    "1023": "1023",
    "1024": "1024",
    "1000": "1k",
    "1500M": "1500M",
    "0.5Mi": "512Ki",
    "12345678901234567890": "12345678901234567890",
    "10Ei": "9223372036854775807",
    ".5": "500m",
    "5.": "5.",
    "1e-3": "1e-3",
    "3e2": "300",
    "100000": "100k",
    "1000000": "1M",
    "123400": "123400",
    "0.1Ki": "102400m",
    "1e10": "10e9",
    "1024k": "1024k",
    "2048Ki": "2Mi",
    "1e21": "1e21",
}


@pytest.mark.parametrize(("text", "expected"), MEASURED.items())
def test_quantities_are_written_as_the_server_writes_them(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize("text", ["abc", "", "1x", ".", "1.2.3", "--1", "1 ", "e3"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match") as caught:
        canonical(text)
    assert str(caught.value) == WRONG_FORMAT


@pytest.mark.parametrize("text", ["1kk", "1e"])
def test_an_unknown_suffix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="suffix") as caught:
        canonical(text)
    assert str(caught.value) == WRONG_SUFFIX


def test_values_are_exact() -> None:
    assert value("1.5Gi") == Decimal(1610612736)
    assert value("250m") == Decimal("0.25")
    assert value("2e3") == Decimal(2000)


@given(
    number=st.decimals(min_value=0, max_value=10**12, places=3, allow_nan=False),
    suffix=st.sampled_from(["", "m", "k", "M", "Ki", "Mi"]),
)
def test_the_canonical_form_has_the_same_value_up_to_nano_units_and_is_stable(
    number: Decimal, suffix: str
) -> None:
    text = f"{number}{suffix}"
    written = canonical(text)
    assert abs(value(written) - value(text)) < Decimal("1e-9")
    assert canonical(written) == written
