"""What every handler does besides its work."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from chancery.core.detectors import detector_of
from chancery.core.observability import count, instrument
from chancery.core.redaction import counts, redact
from tests.fakes import LambdaContext

VALUE = {"password": "hunter2", "notes": ["token=abc123def", "KD-1", "KX-2", "ada@x.io"], "password2": "hunter3"}
RULES = {
    "patterns": [{"name": "zebra", "pattern": r"KD-\d"}, {"name": "yak", "pattern": r"KX-\d"}],
    "freeText": {"emailAddresses": True},
}


def redactions(text: str) -> dict[str, float]:
    """The kinds of `ValuesRedacted` that were written, and how many of each."""
    lines = [json.loads(line) for line in text.splitlines() if "ValuesRedacted" in line]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Chancery"
        assert sorted(directive["Dimensions"][0]) == ["kind", "service"]
        assert directive["Metrics"] == [{"Name": "ValuesRedacted", "Unit": "Count"}]
    return {line["kind"]: sum(line["ValuesRedacted"]) for line in lines}


@pytest.fixture(autouse=True)
def _nothing_counted_yet():
    counts.take()


@pytest.mark.parametrize("fails", [False, True])
def test_what_an_invocation_redacts_is_counted_by_kind_and_never_by_value(capsys, fails):
    def handler(event, context):
        redact(VALUE, using=detector_of(RULES))
        return {} if not fails else 1 / 0

    if fails:
        with pytest.raises(ZeroDivisionError):
            instrument(handler)({}, LambdaContext())
    else:
        instrument(handler)({}, LambdaContext())

    written = capsys.readouterr().out
    assert redactions(written) == {"password": 2, "token": 1, "own pattern": 2, "free text: e-mail address": 1}
    assert not any(word in written for word in ("hunter2", "abc123", "ada@x.io", "zebra", "yak"))


def test_an_invocation_that_redacts_nothing_writes_nothing(capsys):
    instrument(lambda event, context: {})({}, LambdaContext())

    assert "ValuesRedacted" not in capsys.readouterr().out


def test_invocations_beside_each_other_write_each_count_once(capsys):
    def handler(event, context):
        count("Probe")
        return {}

    instrumented = instrument(handler)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: instrumented({}, LambdaContext()), range(1_000)))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"Probe"' in line]
    assert sum(sum(line["Probe"]) for line in lines) == 1_000
