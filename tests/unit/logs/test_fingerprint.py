"""Fingerprints: equal for the same fault, different for another one, explained, and cheap for any input."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.logs.fingerprint import fingerprint, message_of
from chancery.logs.stack_frames import frames_of
from tests.growth import assert_linear

PYTHON = """Traceback (most recent call last):
  File "/srv/app/main.py", line 10, in handle
    run()
  File "/usr/lib/python3.13/site-packages/x/y.py", line 3, in call
    z()
  File "/srv/app/jobs/Work.py", line 99, in run
    raise ValueError("x")
ValueError: x"""
STACKS = {
    "Python": (PYTHON, ["main.py:handle +", "y.py:call -", "work.py:run +"]),
    "V8": (
        """TypeError: Cannot read properties of undefined (reading 'id')
    at parse (/srv/app/src/parse.js:12:7)
    at async Object.handle [as run] (file:///srv/app/src/handle.mjs:3:1)
    at /srv/app/dist/app.3f2a9c1b.js:1:2033
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at Layer.handle (/srv/app/node_modules/express/lib/router/layer.js:95:5)""",
        [
            "layer.js:Layer.handle -",
            "task_queues:process.processTicksAndRejections -",
            "app.js:<anonymous> +",
            "handle.mjs:Object.handle +",
            "parse.js:parse +",
        ],
    ),
    "Firefox": (
        "parse@https://a.example/static/app.js?v=3:10:5\n@https://a.example/static/app.js:30:1",
        ["app.js:<anonymous> +", "app.js:parse +"],
    ),
    "Java": (
        """java.lang.IllegalStateException: bad
\tat com.acme.Billing.charge(Billing.java:41)
\tat com.acme.Billing$1.lambda$run$0(Billing.java:12)
\tat java.base/java.lang.Thread.run(Thread.java:833)
\t... 3 more""",
        ["java.lang.Thread:run -", "com.acme.Billing:lambda$run +", "com.acme.Billing:charge +"],
    ),
    ".NET": (
        """System.NullReferenceException: Object reference
   at Acme.Billing.Charge(String id) in C:\\src\\Billing.cs:line 41
   at System.Threading.Tasks.Task.Execute()""",
        ["System.Threading.Tasks.Task:Execute -", "Acme.Billing:Charge +"],
    ),
    "Ruby": (
        "/app/lib/billing.rb:10:in `charge': bad (RuntimeError)\n\tfrom /usr/lib/ruby/gems/rack/rack.rb:1:in `call'",
        ["rack.rb:call -", "billing.rb:charge +"],
    ),
    "PHP": (
        "#0 /var/www/app/Billing.php(41): Acme\\Billing->charge('x')\n#1 /var/www/vendor/x/x.php(3): run()\n#2 {main}",
        ["x.php:run -", "billing.php:Acme\\Billing->charge +"],
    ),
    "Go": (
        "goroutine 1 [running]:\nmain.charge(0x1, 0x2)\n\t/app/main.go:12 +0x1d\nnet/http.(*conn).serve(0xc000)",
        ["net/http:(*conn).serve -", "main:charge +"],
    ),
}


@pytest.mark.parametrize("language", STACKS)
def test_frames_are_read_the_outermost_call_first(language):
    stack, expected = STACKS[language]

    assert [f"{frame.place}:{frame.function} {'+' if frame.in_app else '-'}" for frame in frames_of(stack)] == expected


def error(stack=PYTHON, **more):
    return {"error": {"type": "ValueError", "message": "x", "stack": stack, **more}}


@pytest.mark.parametrize(
    "change",
    [
        lambda stack: re.sub(r"line \d+", "line 7", stack),
        lambda stack: stack.replace("/srv/app", "/home/sarah/checkout"),
        lambda stack: stack.replace("Work.py", "work.py"),
        lambda stack: stack.replace("raise", "    raise"),
        lambda stack: stack.replace("\n", "\r\n"),
    ],
)
def test_lines_paths_and_code_make_no_other_fault(change):
    assert fingerprint(error(change(PYTHON))).hashes == fingerprint(error()).hashes


def test_the_value_counts_only_without_a_stack():
    assert fingerprint(error(message="a")).hashes == fingerprint(error(message="b")).hashes

    without = [fingerprint({"error": {"type": "ValueError", "message": text}}).hashes for text in ("a", "b")]
    assert without[0] != without[1]


def test_type_function_module_and_every_cause_count():
    others = [
        error(type="KeyError"),
        error(PYTHON.replace("in run", "in walk")),
        error(PYTHON.replace("Work.py", "play.py")),
        error(causes=[{"type": "OSError", "message": "disk"}]),
        error(causes=[{"type": "OSError", "stack": PYTHON}]),
    ]

    assert len({fingerprint(other).hashes[0] for other in (error(), *others)}) == 6


def test_another_version_of_a_library_shares_one_of_two_hashes():
    old, new = fingerprint(error()), fingerprint(error(PYTHON.replace("in call", "in call_wrapped")))

    assert len(old.hashes) == len(new.hashes) == 2
    assert old.hashes[0] == new.hashes[0]
    assert old.hashes[1] != new.hashes[1]


def test_neighbours_that_are_equal_count_once():
    recursion = PYTHON.replace("in handle", "in handle" + '\n  File "/srv/app/main.py", line 10, in handle' * 9)

    assert fingerprint(error(recursion)).hashes == fingerprint(error()).hashes


def test_without_a_frame_of_the_application_the_last_frames_and_the_value_count():
    library = PYTHON.replace("/srv/app", "/usr/lib/python3.13/site-packages/app")
    deeper = library.replace("Traceback", "x").replace(
        "\nValueError", '\n  File "/x/site-packages/z.py", line 1, in z\nValueError'
    )

    found = fingerprint(error(library, message="user 7"))
    assert found.components["by"] == "last frames"
    assert found.hashes == fingerprint(error(library, message="user 8")).hashes
    assert found.hashes != fingerprint(error(library, message="another")).hashes
    assert found.hashes != fingerprint(error(deeper, message="user 7")).hashes


def test_the_template_comes_before_the_message_and_values_in_a_message_do_not_count():
    assert fingerprint({"template": "user %s", "message": "user 7"}) == fingerprint(
        {"template": "user %s", "message": "user sarah"}
    )
    assert fingerprint({"message": "user 7 not found"}) == fingerprint({"message": "user 8 not found"})
    assert fingerprint({"message": "a\n\nb\nc"}) == fingerprint({"message": "a\nb\nd"})
    assert fingerprint({"message": "a"}) != fingerprint({"message": "b"})
    assert fingerprint({"message": " \n"}) is None
    assert fingerprint({}) is None


def test_the_callers_own_comes_first_and_may_hold_the_computed_one():
    line, other = error(), {"message": "something else"}

    assert fingerprint(line, ["payments"]) == fingerprint(other, ["payments"])
    assert fingerprint(line, ["{{ default }}", "acme"]) != fingerprint(line, ["{{ default }}", "globex"])
    assert fingerprint(line, ["{{ default }}", "acme"]) != fingerprint(other, ["{{ default }}", "acme"])


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("user 7 not found", "user <int> not found"),
        ("GET https://a.b/c?d=1 took 3.5ms", "GET <url> took <duration>"),
        ("id=550e8400-e29b-41d4-a716-446655440000 at 2026-01-01T10:00:00Z", "id=<uuid> at <date>"),
        ("bob@example.com from 10.0.0.1 port 80", "<email> from <ip> port <int>"),
        ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <ip>:<int>"),
        ("name='Bob' ok=true flag true", "name=<quoted> ok=<bool> flag true"),
        ("Can't find 'Bob'", "Can't find 'Bob'"),
        ("0x7f3c deadbeef12 v1.2.3 -5 2.5e3", "<hex> <hex> v1.2.3 <int> <float>"),
        ("fe80::1 timed out after 30 seconds", "<ip> timed out after <duration>"),
        ("ORA-00942: table", "ORA-00942: table"),
        ("10:22:33.123 x 01 Mar 2026", "<date> x <int> Mar <int>"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "<traceparent>"),
        ("commit " + "0a" * 20 + " on db.acme.internal:27017", "commit <sha> on <host>"),
        ("HTTP 404", "HTTP <int>"),
    ],
)
def test_values_in_messages_are_named_by_their_kind(message, shape):
    assert message_of(message) == shape


def test_a_fingerprint_does_not_change_with_a_release_of_this_code():
    assert fingerprint(error()).hashes == ("16c776e959766a1fb3f05656428e3746", "463675946ca0052a94da8c5a6dc61001")


@pytest.mark.parametrize("piece", ["a.", "1:", "a@", "at f (", 'File "', "0", "-", "[0-9a-f]", "=' ", "#1 x(1): "])
def test_the_work_grows_with_the_text_and_not_faster(piece):
    assert_linear(
        lambda text: fingerprint({"error": {"type": "E", "message": text, "stack": text}}), lambda n: piece * n, 400
    )


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_fingerprint_or_none(message, stack):
    found = fingerprint({"error": {"type": "E", "message": message, "stack": stack}})

    assert found
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found.hashes)


@pytest.mark.parametrize("piece", ["a.", "a/", "a.b/", "x-"])
def test_lines_of_a_stack_cost_what_their_length_says(piece):
    assert_linear(lambda text: frames_of("\n".join([text[:990]] * (len(text) // 990))), lambda n: piece * n, 8000)
