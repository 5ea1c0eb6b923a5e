"""A tenant's own names and patterns."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.detectors import SHARED, Detectors, detector_of
from chancery.core.errors import Unavailable
from chancery.core.redaction import redact, redact_text
from chancery.core.redaction.findings import redact_and_find
from chancery.core.redaction.own_patterns import UnfitPattern, compiled
from chancery.core.redaction.own_rules import is_fit_name
from chancery.core.redaction.text_engine import detector, edits_of_original, pieces, redact_bytes
from tests.growth import assert_linear

NAMES = detector_of({"names": ["customer number", "Kennziffer", "lockerNo"]})


def patterns(*sources: str):
    return detector_of({"patterns": [{"name": f"p{at}", "pattern": source} for at, source in enumerate(sources)]})


@pytest.mark.parametrize("name", ["customer number", "customerNumber", "old_customer_number", "X-Customer-Number"])
def test_an_own_name_counts_in_any_spelling(name):
    assert redact({name: "ab-1", "n": {name: 7}}, using=NAMES) == {name: "[REDACTED]", "n": {name: "[REDACTED]"}}
    assert redact({name: "ab-1"}) == {name: "ab-1"}


@pytest.mark.parametrize(
    "text",
    [
        "customer number: B52-X9",
        "customerNumber=B52-X9&n=1",
        '{"kennziffer": "B52-X9"}',
        "<customer-number>B52-X9</customer-number>",
        "Kennziffer: 'B52-X9'",
        "--locker-no=B52-X9",
    ],
)
def test_an_own_name_counts_in_text(text):
    assert "B52-X9" not in redact_text(text, NAMES)
    assert redact_text(text) == text


def test_change_logs_by_an_own_name_are_redacted():
    change = {"field": "lockerNo", "from": "B52", "to": "B53"}

    assert redact(change, using=NAMES) == {"field": "lockerNo", "from": "[REDACTED]", "to": "[REDACTED]"}


def test_built_in_names_and_formats_hold_besides():
    assert redact({"password": "hunter2", "a": "token=abc123def"}, using=NAMES) == {
        "password": "[REDACTED]",
        "a": "token=[REDACTED]",
    }


@pytest.mark.parametrize("name", ["customer number", "Prüfziffer", "x", "userName2"])
def test_a_fit_name(name):
    assert is_fit_name(name)


@pytest.mark.parametrize("name", ["", "123", "value", "key", "顧客", "one two three four five"])
def test_an_unfit_name(name):
    assert not is_fit_name(name)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("(", r"syntax: missing \)"),
        ("a(?=b)", "look-around"),
        ("a(?!b)", "look-around"),
        ("(?<=a)b", "look-around"),
        (r"(a)\1", "back-reference"),
        (r"(?P<n>a)(?P=n)", "syntax"),
        ("a*", "empty"),
        (r"\b", "empty"),
        ("^", "empty"),
        ("a|", "empty"),
        (r"((a{100}){100}){100}", "too large"),
        (r"\pL{100}", "too large"),
        ("x" * 6000, "too large"),
    ],
)
def test_an_unfit_pattern_is_refused_with_the_reason(source, why):
    with pytest.raises(UnfitPattern, match=why):
        compiled(source)


@pytest.mark.parametrize(
    ("source", "text", "clean"),
    [
        (r"KD-\d+", "see KD-1 and KD-22.", "see [REDACTED] and [REDACTED]."),
        ("(?i)zebra", "ZEBRA", "[REDACTED]"),
        ("é+", "caféé ü", "caf[REDACTED] ü"),
        (r"\C", "é", "[REDACTED]"),
        (".+", "a\nb", "[REDACTED]\n[REDACTED]"),
        ("[A-Z]{4,}", "ABCD password=hunter2", "[REDACTED] password=[REDACTED]"),
        ("ab", "ab", "[REDACTED]"),
    ],
)
def test_what_a_pattern_matches_is_redacted(source, text, clean):
    using = patterns(source)

    assert redact_text(text, using) == clean
    assert redact_text(clean, using) == clean


@pytest.mark.parametrize("first", ["(?i)zebra", r"\Qa", "x|yy", "(a)(b)", "(?P<n>q)"])
@pytest.mark.parametrize("second", [r"bc", "(?s)u.v", "(?P<n>KD)"])
def test_several_patterns_find_what_each_finds(first, second):
    text = "ZEBRA a yy ab q bc u\nv KD"

    both = patterns(first, second).edits(text.encode())

    assert both == sorted([*patterns(first).edits(text.encode()), *_second(patterns(second).edits(text.encode()))])


def _second(edits):
    return [edit._replace(kind="own pattern: p1") for edit in edits]


def test_a_pattern_counts_in_names_and_numbers():
    assert redact({"12345": 1, "n": [12345, 1.5, True, None]}, using=patterns(r"\d{5}")) == {
        "[REDACTED]": 1,
        "n": ["[REDACTED]", 1.5, True, None],
    }


PIECES = st.lists(st.sampled_from(["KD12", "ab", " ", "x", "]", "[REDACTED]", "password=", "hunter22", "ü", "token: "]))


@given(PIECES)
def test_findings_are_what_redaction_replaces_in_all_its_rounds(parts):
    text, using = "".join(parts), patterns(r"KD\d+", r"\]ab[a-z]*")

    edits = edits_of_original(text.encode(), using)
    redacted, findings = redact_and_find(text, using)

    assert b"".join(pieces(text.encode(), edits)) == redact_bytes(text.encode(), using) == redacted.encode()
    assert [text[finding.start : finding.end].encode() for finding in findings] == [
        text.encode()[edit.start : edit.end] for edit in edits
    ]


@pytest.mark.parametrize("source", ["(a+)+$", "(a|aa)+b", "(x+x+)+y", r"(\w+\s?)*:", "(.*)*z"])
def test_no_pattern_is_slow(source):
    using = patterns("z" + source)

    assert_linear(using.edits, lambda size: b"z" + b"ax" * (size // 2), 20_000)


def test_a_detector_is_made_once_for_the_same_content():
    rules = {"names": ["room"], "patterns": []}

    assert detector_of(dict(reversed(rules.items()))) is detector_of(rules)
    assert detector_of({}) is detector() is SHARED.of("acme")
    assert detector_of({"names": ["room"]}).is_own and not detector().is_own


def test_where_settings_cannot_be_read_a_dead_letter_is_redacted_by_what_all_share():
    def away(_):
        raise Unavailable("away")

    assert Detectors(away).known("acme") is detector()
    with pytest.raises(Unavailable):
        Detectors(away).of("acme")


def test_re2_is_imported_by_tenants_with_patterns_alone():
    script = (
        "import sys; from chancery.core.detectors import detector_of; detector_of({'names': ['room']});"
        "assert 're2' not in sys.modules; detector_of({'patterns': [{'name': 'x', 'pattern': 'y'}]});"
        "assert 're2' in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
