"""The client when its process ends, is killed or forked, or freezes after a Lambda invocation."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.client.bus import on_disk

PROGRAM = """
import atexit, os, sys, time
from chancery_client import AuditClient
tries = []
def put_events(Entries):
    {body}
spool = {spool!r}
client = AuditClient("bus", spool_dir=spool, put_events=put_events, retry_pause={pause}, replay_every=60)
def write(name):
    client.write(actor_id="u", action="a.b", resource_type="a", resource_id=name)
"""


def program(tmp_path: Path, body: str, rest: str, pause: float = 0.001) -> subprocess.CompletedProcess[str]:
    values = {"spool": str(tmp_path / "spool"), "body": body, "pause": pause}
    code = PROGRAM.format(**values) + textwrap.dedent(rest)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)


SEND = """
    for entry in Entries: os.write(1, entry["Detail"].encode() + b"\\n")  # at once: others write there too
    return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}
"""
FAIL = "raise ConnectionError"


def test_events_written_right_before_the_program_ends_are_sent(tmp_path):
    done = program(tmp_path, SEND, "for at in range(30): write(f'r-{at}')")

    assert [json.loads(line)["resourceId"] for line in done.stdout.splitlines()] == [f"r-{at}" for at in range(30)]
    assert done.returncode == 0


def test_the_next_process_replays_the_segments_of_a_killed_one(tmp_path):
    kill = """
    for at in range(20): write(f'r-{at}')
    client.flush()
    os.kill(os.getpid(), 9)
    """

    killed = program(tmp_path, FAIL, kill)
    done = program(tmp_path, SEND, "write('new'); client.flush()")

    assert killed.returncode == -9
    sent = [json.loads(line)["resourceId"] for line in done.stdout.splitlines()]
    assert sorted(sent) == sorted(["new", *(f"r-{at}" for at in range(20))])


def test_a_short_lived_process_replays_the_events_of_others(tmp_path):
    program(tmp_path, FAIL, "for at in range(20): write(f'r-{at}'); client.flush()")

    done = program(tmp_path, SEND, "write('new')")

    sent = [json.loads(line)["resourceId"] for line in done.stdout.splitlines()]
    assert sorted(sent) == sorted(["new", *(f"r-{at}" for at in range(20))])
    assert on_disk(tmp_path / "spool") == []


def test_a_forked_child_sends_its_own_events_only(tmp_path):
    fork = """
    import warnings; warnings.simplefilter("ignore")
    write("parent")
    client.flush()
    pid = os.fork()
    write("child" if pid == 0 else "parent-again")
    client.flush()
    if pid: os.waitpid(pid, 0)
    """

    done = program(tmp_path, SEND, fork)

    sent = [json.loads(line)["resourceId"] for line in done.stdout.splitlines()]
    assert sorted(sent) == ["child", "parent", "parent-again"]


def test_a_lambda_handler_is_flushed_at_the_end_of_every_invocation(tmp_path):
    handler = """
    import chancery_client.client
    chancery_client.client.default_client = lambda: client
    from chancery_client import lambda_flush, write_audit_log
    @lambda_flush
    def handler(event, context):
        write_audit_log(actor_id="u", action="a.b", resource_type="a", resource_id="in-lambda")
        return "answer"
    print(handler({}, None))
    os._exit(0)
    """

    done = program(tmp_path, SEND, handler)

    assert json.loads(done.stdout.splitlines()[0])["resourceId"] == "in-lambda"
    assert done.stdout.splitlines()[1] == "answer"


def test_a_lambda_handler_spools_its_events_at_once_while_the_bus_is_unavailable(tmp_path):
    handler = """
    import chancery_client.client
    chancery_client.client.default_client = lambda: client
    from chancery_client import lambda_flush, write_audit_log
    @lambda_flush
    def handler(event, context):
        write_audit_log(actor_id="u", action="a.b", resource_type="a", resource_id=event)
    handler("first", None)
    time.sleep = lambda seconds: os._exit(1)
    for at in range(10): handler(f"r-{at}", None)
    print(len(tries), flush=True)
    os._exit(0)
    """

    done = program(tmp_path, "tries.append(1); raise ConnectionError", handler, pause=3600)

    assert done.stdout == "1\n"  # nothing was tried again, and nothing paused
    assert sorted(on_disk(tmp_path / "spool")) == ["first", *(f"r-{at}" for at in range(10))]


def test_an_event_written_after_close_is_spooled(tmp_path):
    done = program(tmp_path, SEND, "write('before'); client.close(); write('after'); print(client.stats)")

    assert "accepted=2, sent=1, dropped=0, spooled=1" in done.stdout
    assert on_disk(tmp_path / "spool") == ["after"]


@pytest.mark.parametrize("first", [True, False], ids=["never used before", "used before"])
def test_an_event_written_in_the_hosts_exit_hook_is_spooled(tmp_path, first):
    hook = """
    atexit.unregister(client.close)
    atexit.register(lambda: (write("stopped"), print(client.stats, flush=True)))
    atexit.register(client.close)
    """

    done = program(tmp_path, SEND, hook if first else f"{hook}\n    write('started')")

    assert "dropped=0, spooled=1" in done.stdout
    assert on_disk(tmp_path / "spool") == ["stopped"]


def test_a_client_made_in_an_exit_hook_spools_its_events(tmp_path):
    hook = """
    def stopped():
        late = AuditClient("bus", spool_dir=spool, put_events=put_events)
        late.write(action="a.b", resource_id="stopped")
        print(late.stats)
    atexit.register(stopped)
    """

    done = program(tmp_path, SEND, hook)

    assert "dropped=0, spooled=1" in done.stdout
    assert on_disk(tmp_path / "spool") == ["stopped"]


def test_without_a_spool_an_event_written_after_close_is_sent_at_once(tmp_path):
    late = """
    client = AuditClient("bus", put_events=put_events)
    client.close()
    write("after")
    """

    done = program(tmp_path, SEND, late)

    assert json.loads(done.stdout)["resourceId"] == "after"


def test_events_of_a_multiprocessing_child_are_sent_at_its_end(tmp_path):
    children = """
    import multiprocessing, warnings; warnings.simplefilter("ignore")
    write("parent"); client.flush()
    child = multiprocessing.get_context("fork").Process(target=write, args=("child",))
    child.start(); child.join()
    """

    done = program(tmp_path, SEND, children)

    assert [json.loads(line)["resourceId"] for line in done.stdout.splitlines()] == ["parent", "child"]


def test_a_forked_child_makes_its_own_connection(tmp_path):
    fork = """
    import warnings; warnings.simplefilter("ignore")
    from types import SimpleNamespace
    from chancery_client import event_bus
    made = []
    event_bus.make_client = lambda: made.append(os.getpid()) or SimpleNamespace(put_events=put_events)
    client = AuditClient("bus")
    write("parent"); client.flush()
    pid = os.fork()
    write("again"); client.flush()
    if pid: os.waitpid(pid, 0)
    print("made", len(made), made[-1] == os.getpid(), flush=True)
    os._exit(0)
    """

    done = program(tmp_path, SEND, fork)

    assert sorted(line for line in done.stdout.splitlines() if "made" in line) == ["made 1 True", "made 2 True"]


REENTERED = """
import faulthandler, sys
faulthandler.dump_traceback_later(20, exit=True)
nested = count = 0
def reenter(frame, event, arg):
    global nested, count
    if not nested:
        nested, count = 1, count + 1
        write("nested")
        nested = 0
    return reenter
"""


def test_a_write_may_interrupt_another_one_at_any_line(tmp_path):
    """As a signal handler or a finalizer does; here at every line that a write executes, in any module."""
    interrupted = (
        REENTERED
        + """
for at in range(3):
    sys.settrace(reenter)
    write("outer")
    sys.settrace(None)
    client.flush()
print(count > 50, client.stats.accepted == client.stats.sent == count + 3)
"""
    )

    done = program(tmp_path, "return {'Entries': [{} for _ in Entries]}", interrupted)

    assert done.stdout == "True True\n"
