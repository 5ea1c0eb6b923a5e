"""Every format of a credential is found whole wherever it stands, and nothing that only looks like it."""

import random
import re
from collections.abc import Iterator

import pytest

from benchmarks.credential_types import TYPES
from chancery.core.redaction.credential_formats import FORMATS, CompiledFormat, Format, Span, TokenSearch
from chancery.core.redaction.literals import Literals
from chancery.core.redaction.token_structures import STRUCTURES
from tests import credential_samples
from tests.credential_samples import sample, secret_in

PLACES = [
    "{}",
    "The key {} is new.",
    "https://a.example/b?c={}&d=1",
    '["x", "{}", 7]',
    '{{"note":"{}"}}',
    "note: {}\nx",
]
COMPILED = [CompiledFormat(form) for form in FORMATS]
PATTERNS = [form for form in FORMATS if isinstance(form.body, str)]
SAMPLES = [(form, sample(form, random.Random(2))) for form in FORMATS]
_BY_LITERAL: dict[bytes, list[CompiledFormat]] = {}
for _one in COMPILED:
    for _literal in _one.format.literals:
        _BY_LITERAL.setdefault(_literal, []).append(_one)
_COMPILED = {form.format.name: form for form in COMPILED}
_LITERALS = Literals(_BY_LITERAL)


def found(text: str) -> list[tuple[Span, Format]]:
    """All credentials in a text."""
    return list(_found(text.encode()))


def _found(text: bytes) -> Iterator[tuple[Span, Format]]:
    search = TokenSearch(text)
    for index, start, _ in _LITERALS.hits(text):
        for form in _LITERALS.meanings[index]:
            if span := search.span(form, start):
                yield span, form.format


@pytest.mark.parametrize("place", PLACES)
def test_a_sample_of_each_format_is_found_whole_and_nothing_else(place):
    failed = []

    for form, token in SAMPLES:
        secret, text = secret_in(form, token), place.format(token)
        at = text.index(secret)
        spans = [span for span, _ in found(text)]
        whole = any(start <= at and end >= at + len(secret) for start, end in spans)
        beyond = any(start < at or end > at + len(secret) for start, end in spans)
        if not whole or (beyond and form not in STRUCTURES):
            failed.append((form.name, token, spans))

    assert not failed


@pytest.mark.parametrize("name", TYPES)
def test_every_type_that_a_public_scanner_knows_is_found(name):
    token = credential_samples.from_pattern(TYPES[name], random.Random(name))

    assert found(f"a {token} b")


def test_a_token_that_is_one_character_too_short_is_none(monkeypatch):
    monkeypatch.setattr(credential_samples, "_MORE", 0)
    numbers = random.Random(3)

    for form in PATTERNS:
        short = sample(form, numbers)[:-1]
        pattern = f"{form.before}(?:{form.literal_pattern})(?:{form.body})"
        if not re.fullmatch(pattern, short, re.IGNORECASE if "i" in form.flags else 0):
            assert form.name not in {other.name for _, other in found(f"a {short} b")}


def test_a_token_glued_to_a_letter_is_part_of_something_else():
    numbers = random.Random(4)
    glued = [form for form in PATTERNS if "g" not in form.flags and not form.before and form.literal[:1].isalnum()]

    for form in glued:
        assert form.name not in {other.name for _, other in found(f"z{sample(form, numbers)}")}


@pytest.mark.parametrize("before", ["\\n", "%3D", "\\u003d", "\x1b[32m", "é", "_", "="])
def test_a_token_behind_an_escape_is_found(before):
    form = next(form for form in FORMATS if form.name == "AWS access key id")
    token = sample(form, random.Random(5))

    assert [span for span, _ in found(f"a{before}{token}")] == [
        (len(f"a{before}".encode()), len(f"a{before}{token}".encode()))
    ]


@pytest.mark.parametrize(
    "placeholder", ["x" * 100, "X" * 100, "0" * 100, "your-token-here", "your_api_key", "***", "..."]
)
def test_a_placeholder_is_no_token(placeholder):
    for form, token in SAMPLES:
        if form.literal and not form.before and form not in STRUCTURES:
            assert not found(f"{token[: len(form.literals[0])]}{placeholder}"), form.name


@pytest.mark.parametrize(
    "harmless",
    [
        "npm_config_cache_min_time_in_seconds",
        "sk-estimator-doc-link fitted",
        "risk-ant-colony-optimization-study",
        "my_live_streaming_setting_of_a_long_name",
        "pat_history_file_names_and_other_things_like_that",
        "s.someVeryLongMethodName()",
        "self.assertEqualForTwentyFour",
        "glpat-replace-with-your-own-token",
        "https://a.example/services/some-long-name-of-a-service-page",
        "AccountKey=<key>;EndpointSuffix=core.windows.net",
        "sig=inspect.signature(function)",
        "curl -u $USER:$PASSWORD https://a.example",
        "curl -u admin https://a.example",
        "https://user:password@a.example",
        "https://user:${PASSWORD}@a.example",
        "http://localhost:8080/a@b",
        "git+ssh://git@github.com:owner/name.git@v1",
        "machine learning login page password reset",
        "sha256~",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "123e4567-e89b-12d3-a456-426614174000",
        "4b1d8f0e2c3a4b5c6d7e8f90a1b2c3d4e5f60718",
        "EAAA" + "A" * 40,
    ],
)
def test_what_only_begins_like_a_token_stays(harmless):
    assert not found(harmless)


def test_keys_that_are_made_to_be_published_stay():
    numbers = random.Random(7)
    patterns = [
        r"pk_(?:live|test)_[0-9A-Za-z]{24}",
        r"sb_publishable_[\w-]{31}",
        r"phc_[0-9A-Za-z]{43}",
        r"NRJS-[0-9a-f]{19}",
        r"sq0idp-[\w-]{22}",
        r"pk\.eyJ[0-9A-Za-z]{60}\.[\w-]{22}",
        r"age1[02-9ac-hj-np-z]{58}",
        r"https://[0-9a-f]{32}@o[0-9]{6}\.ingest\.sentry\.io/[0-9]{7}",
        r"xpub[1-9A-HJ-NP-Za-km-z]{107}",
    ]

    for pattern in patterns:
        assert not found(credential_samples.from_pattern(pattern, numbers)), pattern


def test_formats_are_in_the_order_of_vendors_and_have_literals_to_look_for():
    vendors = [form.vendor.casefold() for form in FORMATS[len(STRUCTURES) :]]

    assert vendors == sorted(vendors)
    assert all(len(literal) >= 3 or literal in b".|%" for form in FORMATS for literal in form.literals)


def test_a_literal_may_have_classes_and_be_several():
    form = Format("A", "b", "ab[c-e]_,F_", "[0-9]+")

    assert form.literals == [b"abc_", b"abd_", b"abe_", b"f_"]
    compiled = CompiledFormat(form)
    assert [compiled.span(b"abd_123 F_1234", at) for at in (0, 8)] == [None, None]  # digits alone are words
    assert [compiled.span(b"abd_12345 F_123456 f_78901", at) for at in (0, 10, 19)] == [(0, 9), (10, 18), None]


def test_texts_that_begin_tokens_all_over_are_searched_in_steps_that_do_not_grow_with_them():
    """No time is measured: a search that is not linear would not come to an end here."""
    for form, token in SAMPLES:
        begin = token[:9].encode()
        text, search = (begin + b"-") * 1000, TokenSearch((begin + b"-") * 1000)
        for at in range(0, len(text), 10):
            search.span(_COMPILED[form.name], at)
