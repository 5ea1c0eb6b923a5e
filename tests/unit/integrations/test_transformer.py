"""Transforms in a process of their own: what tenants write may break it, and nothing else."""

import os
import signal
import threading

import pytest

from chancery.core.errors import Unavailable
from chancery.integrations.transforms.transformer import Transformer, TransformFailed

ENDLESS = "( $f := function(){ $f() }; $f() )"


@pytest.fixture(scope="module")
def transformer():
    transformer = Transformer(seconds=10)  # of a busy machine
    yield transformer
    transformer.stop()


@pytest.fixture
def impatient():
    transformer = Transformer(seconds=0.5)
    yield transformer
    transformer.stop()


def test_a_purchase_order_becomes_what_the_system_takes(transformer):
    expression = """{
      "PurchaseOrder": {
        "VendorCode": vendor.external_code,
        "Items": items.{ "Material": item_code, "Qty": quantity }[]
      }
    }"""
    order = {"vendor": {"external_code": "V-100"}, "items": [{"item_code": "M-1", "quantity": 3}]}

    assert transformer.transform(expression, order) == {
        "PurchaseOrder": {"VendorCode": "V-100", "Items": [{"Material": "M-1", "Qty": 3}]}
    }


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("$", None, None),
        ("$", [1, None, "ä😀"], [1, None, "ä😀"]),
        ("missing", {"a": 1}, None),
        ("[1..3]", {}, [1, 2, 3]),
        ('{"a": [1..2], "b": null}', {}, {"a": [1, 2], "b": None}),
        ("id", {"id": 9_007_199_254_740_993}, 9_007_199_254_740_993),  # where it is only moved it stays exact
        ("1e300 * 1e3", {}, 1e303),
        ("$status & $headers.etag", {}, '201"x"'),
    ],
)
def test_results_are_json(transformer, expression, value, result):
    bindings = {"status": 201, "headers": {"etag": '"x"'}}

    assert transformer.transform(expression, value, bindings=bindings) == result


def test_a_variable_of_one_call_is_unknown_to_the_next(transformer):
    transformer.transform("( $x := 1; $x )", {})

    assert transformer.transform("$x", {}) is None


MAPS = {
    "uom": {
        "toExternal": {"kg": "KGM", "7": "SEVEN"},
        "toInternal": {"KGM": "kg"},
        "unknown": "refuse",
        "defaultExternal": None,
        "defaultInternal": None,
    },
    "plant": {
        "toExternal": {},
        "toInternal": {},
        "unknown": "default",
        "defaultExternal": "0001",
        "defaultInternal": None,
    },
    "tax": {"toExternal": {}, "toInternal": {}, "unknown": "pass", "defaultExternal": None, "defaultInternal": None},
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ('$toExternal("uom", "kg")', "KGM"),
        ('$toExternal("uom", 7)', "SEVEN"),
        ('$toInternal("uom", "KGM")', "kg"),
        ('$toExternal("uom", ["kg", "kg"])', ["KGM", "KGM"]),
        ('$toExternal("uom", nothing)', None),
        ('items.$toExternal("uom", unit)', ["KGM", "KGM"]),
        ('$map(items.unit, function($u) { $toExternal("uom", $u) })', ["KGM", "KGM"]),
        ('$toExternal("plant", "x")', "0001"),
        ('$toExternal("tax", "V1")', "V1"),
        ('$toInternal("tax", "V1")', "V1"),
    ],
)
def test_code_maps_are_functions(transformer, expression, result):
    value = {"items": [{"unit": "kg"}, {"unit": "kg"}]}

    assert transformer.transform(expression, value, code_maps=MAPS) == result


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('$toExternal("uom", "lb")', "the code map uom has no code for 'lb'"),
        ('$toInternal("plant", "x")', "the code map plant has no code for 'x'"),
        ('$toExternal("units", "kg")', "the system has not; it has: plant, tax, uom"),
    ],
)
def test_an_unknown_code_is_refused(transformer, expression, why):
    with pytest.raises(TransformFailed, match=why) as refused:
        transformer.transform(expression, {}, code_maps=MAPS)

    assert refused.value.code == "unknownCode"


@pytest.mark.parametrize(
    ("expression", "code", "position"),
    [
        ("1 +", "S0207", 3),
        ('{"a": ', "S0203", 6),
        ("a[", "S0203", 2),
        ('"open', "S0101", 5),
        ("$eval('1')", "notAvailable", 5),
        ("( $f := $eval; $f('1') )", "notAvailable", 13),
        ("/(?=a)b/", "S0303", None),
        (r"/(a)\1/", "S0303", None),
        (r"/\p{L}/", "S0303", None),
        ("/a{2000}/", "S0303", None),
        ("[1!2]", "S0500", None),
        ("(" * 5000 + "1" + ")" * 5000, "depth", None),
    ],
)
def test_a_broken_expression_is_refused_when_it_is_compiled(transformer, expression, code, position):
    with pytest.raises(TransformFailed) as refused:
        transformer.compile(expression)

    assert (refused.value.code, refused.value.position, refused.value.status) == (code, position, 422)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("[1..9999999]", "memory"),
        ("$reduce([1..40], function($a, $b) { $a & $a }, 'ab')", "memory"),
        ('$pad("a", 5e7)', "D1001"),
        ("$shuffle([1..9999999])", "memory"),
        ("( $f := function($n) { $n & $f($n) }; $f('a') )", "depth"),
        ("function($x) { $x }", "result"),
        ('{"f": $sum}', "result"),
        (r'"\ud800"', "result"),
        ("1/0", "type"),
        ('$pad("a", 5e6)', "tooLarge"),
        ("[1..3].$pad('a', 1.5e6)", "tooLarge"),
        ("'a' + 1", "T2001"),
        ("$error('no')", "D3137"),
    ],
)
def test_an_expression_without_a_result_is_refused_and_the_next_one_has_one(transformer, expression, code):
    with pytest.raises(TransformFailed) as refused:
        transformer.transform(expression, {"a": 1})

    assert refused.value.code == code
    assert transformer.transform("a", {"a": 1}) == 1


@pytest.mark.parametrize("expression", ["/(a+)+$/", "/^(a|a)*$/", "/(.*)*x/"])
def test_a_pattern_is_quick_whatever_it_is(impatient, expression):
    assert impatient.transform(f"$contains(text, {expression})", {"text": "a" * 100_000 + "!"}) is False


def test_an_expression_that_never_ends_is_ended(impatient):
    impatient.transform("1", {})

    with pytest.raises(TransformFailed, match=r"not done after 0\.5 seconds") as refused:
        impatient.transform(ENDLESS, {})

    assert refused.value.code == "time"
    assert impatient.transform("a", {"a": 1}) == 1


def test_a_process_is_used_again_and_replaced_when_its_memory_is_used_up(transformer):
    transformer.transform("1", {})
    first = transformer.pid
    transformer.transform("2", {})

    assert transformer.pid == first
    with pytest.raises(TransformFailed):
        transformer.transform("[1..9999999]", {})
    assert transformer.pid != first


def test_a_value_that_is_too_large_is_refused(transformer):
    with pytest.raises(TransformFailed) as refused:
        transformer.transform("$count($)", ["a" * 1000] * 5000)

    assert refused.value.code == "tooLarge"


def test_a_killed_process_is_unavailable_and_no_error_of_the_expression():
    transformer = Transformer(seconds=60)
    transformer.transform("1", {})
    threading.Timer(0.2, os.kill, (transformer.pid, signal.SIGKILL)).start()

    with pytest.raises(Unavailable):
        transformer.transform(ENDLESS, {})

    assert transformer.transform("1", {}) == 1
    transformer.stop()


def test_an_idle_process_that_dies_is_replaced(transformer):
    transformer.transform("1", {})
    os.kill(transformer.pid, signal.SIGKILL)
    os.waitid(os.P_PID, transformer.pid, os.WEXITED | os.WNOWAIT)

    assert transformer.transform("1", {}) == 1


@pytest.mark.parametrize("frame", [b"", b"garbage", b"[]", b"{}", b'"ok"'])
def test_garbage_on_the_pipe_is_unavailable(monkeypatch, frame):
    transformer = Transformer()
    monkeypatch.setattr(transformer._process, "exchange", lambda *_: [frame])

    with pytest.raises(Unavailable):
        transformer.transform("1", {})


def test_the_process_has_none_of_our_credentials_and_opens_no_file(monkeypatch, transformer):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    transformer.stop()
    transformer.transform("1", {})

    with open(f"/proc/{transformer.pid}/environ") as environment:
        assert "secret" not in environment.read()
    with open(f"/proc/{transformer.pid}/limits") as limits:
        assert any(line.split()[:4] == ["Max", "open", "files", "0"] for line in limits)
