"""Literals are found in one pass, by native code or without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.redaction import literals
from chancery.core.redaction.literals import Literals, least
from tests.growth import assert_linear

FEW = [b"a", b"ab", b"abc", b"bc", b"c_", b"ghp_", b"pass"]
TEXTS = st.text("abcghp_sABC ", max_size=60).map(str.encode)


def expected(text: bytes) -> set[tuple[int, int, int]]:
    low = text.lower()
    return {
        (index, at, at + len(one)) for index, one in enumerate(FEW) for at in range(len(low)) if low.startswith(one, at)
    }


@pytest.fixture(params=["native", "regular expression"])
def found(request, monkeypatch):
    if request.param != "native":
        monkeypatch.setattr(literals, "ahocorasick_rs", None)
    return Literals(FEW)


def test_every_literal_is_found_in_any_case_by_the_end_of_its_hits(found):
    @given(TEXTS)
    def check(text):
        hits = list(found.hits(text))
        assert set(hits) == expected(text)
        assert len(hits) == len(set(hits))
        assert [hit[2] for hit in hits] == sorted(hit[2] for hit in hits)

    check()


def test_a_long_text_is_searched_in_chunks_and_a_hit_over_their_border_is_found_once(found, monkeypatch):
    monkeypatch.setattr(literals, "_CHUNK", 7)
    text = b"xxxabcghp_PASSabxpass" * 5

    assert sorted(found.hits(text)) == sorted(expected(text))


def test_the_work_grows_with_the_text(found):
    assert_linear(lambda text: list(found.hits(text)), lambda n: b"abcghp_" * n, 500)


def test_no_literals_are_found_nowhere():
    assert least([]) == []


def test_a_literal_that_holds_another_need_not_be_looked_for():
    assert least([b"password", b"pass", b"passport", b"token"]) == [b"pass", b"token"]


def test_literals_are_given_in_lower_case():
    with pytest.raises(ValueError, match="lower case"):
        Literals([b"Pass"])
