"""Request bodies in gzip: taken within the limit, refused by their reason."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.errors import TooLarge, UnsupportedMediaType, ValidationFailed
from chancery.core.web.content_coding import decoded

MOST = 1000
BOMB = gzip.compress(bytes(50_000_000))


@given(st.binary(max_size=MOST))
def test_gzip_is_decompressed(body):
    assert decoded(gzip.compress(body), "gzip", MOST) == body


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip"])
def test_gzip_has_several_spellings(coding):
    assert decoded(gzip.compress(b"{}"), coding, MOST) == b"{}"


@pytest.mark.parametrize("coding", ["", "identity", " Identity ", ","])
def test_no_coding_leaves_the_body(coding):
    assert decoded(b"{}", coding, MOST) == b"{}"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "br, gzip", "gzip;q=1", "utf-8"])
def test_another_coding_is_415_and_says_which_are_taken(coding):
    with pytest.raises(UnsupportedMediaType) as refused:
        decoded(gzip.compress(b"{}"), coding, MOST)

    assert (refused.value.status, refused.value.headers) == (415, {"Accept-Encoding": "gzip, identity"})


def test_members_follow_each_other():
    assert decoded(gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b"), "gzip", MOST) == b"ab"


@pytest.mark.parametrize(
    "body", [BOMB, gzip.compress(bytes(MOST + 1)), gzip.compress(bytes(600)) * 2], ids=["bomb", "a byte more", "two"]
)
def test_a_body_that_is_too_large_without_its_coding_is_413(body):
    with pytest.raises(TooLarge, match="1000 bytes when it is decompressed"):
        decoded(body, "gzip", MOST)


def test_a_body_of_the_largest_size_is_taken():
    assert decoded(gzip.compress(bytes(MOST)), "gzip", MOST) == bytes(MOST)
    assert decoded(gzip.compress(bytes(MOST)) + gzip.compress(b""), "gzip", MOST) == bytes(MOST)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        zlib.compress(b"{}"),
        gzip.compress(b"{}")[:-1],
        gzip.compress(b"{}") + b"\0",
        gzip.compress(b"{}")[:-8] + bytes(8),
    ],
    ids=["plain", "zlib", "cut off", "with something behind it", "with a wrong checksum"],
)
def test_a_damaged_body_is_refused(body):
    with pytest.raises(ValidationFailed) as refused:
        decoded(body, "gzip", MOST)

    assert refused.value.errors[0].detail == "is not valid gzip"


def test_a_body_of_very_many_members_is_refused():
    with pytest.raises(ValidationFailed):
        decoded(gzip.compress(b"") * 101, "gzip", 1000)
    assert decoded(gzip.compress(b"a") * 100, "gzip", 1000) == b"a" * 100
