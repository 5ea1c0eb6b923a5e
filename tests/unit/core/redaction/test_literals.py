"""Literals are found in one pass, by native code or without it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.redaction import literals
from chancery.core.redaction.literals import Literals, least
from tests.growth import assert_linear

FEW = [b"a", b"ab", b"abc", b"bc", b"c_", b"ghp_", b"pass", b".", b"|"]
LONG = st.sampled_from([".", "|", "%", "a"]).flatmap(lambda sign: st.just(sign + "a_-9" * 6))
TEXTS = st.lists(st.text("abcghp_sABC .|", max_size=30) | LONG, max_size=4).map("".join).map(str.encode)


def expected(text: bytes) -> set[tuple[bytes, int, int]]:
    low = text.lower()
    plain = {(one, at, at + len(one)) for one in FEW for at in range(len(low)) if low.startswith(one, at)}
    return {hit for hit in plain if hit[0] not in b".|"} | {
        (match[1], match.start(1), match.end(2)) for match in re.finditer(rb"(?=([.|])([\w-]{24}))", low)
    }


def hits_of(found: Literals[bytes], text: bytes) -> list[tuple[bytes, int, int]]:
    return [(found.meanings[index], start, end) for index, start, end in found.hits(text)]


@pytest.fixture(params=["native", "regular expression"])
def found(request, monkeypatch):
    if request.param != "native":
        monkeypatch.setattr(literals, "ahocorasick_rs", None)
    return Literals({one: one for one in FEW})


def test_every_literal_is_found_in_any_case_by_the_end_of_its_hits(found):
    @given(TEXTS)
    def check(text):
        hits = hits_of(found, text)
        assert set(hits) == expected(text)
        assert len(hits) == len(set(hits))
        assert [hit[2] for hit in hits] == sorted(hit[2] for hit in hits)

    check()


def test_a_long_text_is_searched_in_chunks_and_a_hit_over_their_border_is_found_once(found, monkeypatch):
    monkeypatch.setattr(literals, "_CHUNK", 7)
    text = (b"xxxabcghp_PASSabxpass|" + b"x" * 25) * 5

    assert sorted(hits_of(found, text)) == sorted(expected(text))


def test_the_work_grows_with_the_text(found):
    assert_linear(lambda text: list(found.hits(text)), lambda n: b"abcghp_" * n, 500)


def test_no_literals_are_found_nowhere():
    assert least([]) == []


def test_a_literal_that_holds_another_need_not_be_looked_for():
    assert least([b"password", b"pass", b"passport", b"token"]) == [b"pass", b"token"]


def test_literals_are_given_in_lower_case():
    with pytest.raises(ValueError, match="lower case"):
        Literals({b"Pass": 1})
