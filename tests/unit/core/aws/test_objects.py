"""Refusals of S3 that are expected, such as a missing object."""

import gc
import weakref

import pytest
from botocore.exceptions import ClientError

from chancery.core.aws.objects import ExpectedRefusal


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "HeadObject")


def test_an_expected_refusal_ends_the_block_and_another_one_is_raised():
    with ExpectedRefusal(("404", "NoSuchKey")) as found:
        raise refusal("404")
    assert found.code == "404"

    with ExpectedRefusal(("404",)) as nothing:
        pass
    assert nothing.code is None

    for error in (refusal("AccessDenied"), KeyError("404")):
        with pytest.raises(type(error)), ExpectedRefusal(("404",)):
            raise error


def test_an_expected_refusal_holds_no_buffer_of_its_callers():
    """No garbage collection: a cycle of exception and frames would hold them."""

    class Buffer:
        pass

    def read() -> weakref.ref:
        buffer = Buffer()
        with ExpectedRefusal(("404",)):
            raise refusal("404")
        return weakref.ref(buffer)

    gc.disable()
    try:
        assert read()() is None
    finally:
        gc.enable()
