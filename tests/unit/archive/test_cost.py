"""The estimated cost of an archived file."""

import pytest

from chancery.archive.finalizer import cost


@pytest.mark.parametrize(
    ("storage_class", "writing", "monthly"), [("GLACIER", 0.000535, 0.0036), ("DEEP_ARCHIVE", 0.000555, 0.00099)]
)
def test_the_price_of_a_gigabyte(storage_class, writing, monthly):
    estimate = cost(1024**3, 100, storage_class)

    assert estimate["writingUsd"] == writing
    assert estimate["monthlyUsd"] == pytest.approx(monthly, rel=0.01)
