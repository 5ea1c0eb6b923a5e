"""The client when its process ends: by itself, killed, forked, or frozen after a Lambda invocation."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = """
import os, sys, time
sys.path.insert(0, {tests!r})
from chancery.client import AuditClient
def put_events(Entries):
    {body}
client = AuditClient("bus", spill_dir={spill!r}, put_events=put_events, retry_pause=0.001, replay_every=60)
def write(name):
    client.write(actor_id="u", action="a.b", resource_type="a", resource_id=name)
"""


def program(tmp_path: Path, body: str, rest: str) -> subprocess.CompletedProcess[str]:
    code = PROGRAM.format(tests=os.getcwd(), spill=str(tmp_path / "spill"), body=body) + textwrap.dedent(rest)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


SEND = """
    for entry in Entries: print(entry["Detail"], flush=True)
    return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}
"""
FAIL = "raise ConnectionError"


def test_what_is_written_right_before_the_end_of_a_program_is_sent(tmp_path):
    done = program(tmp_path, SEND, "for at in range(30): write(f'r-{at}')")

    assert [json.loads(line)["resourceId"] for line in done.stdout.splitlines()] == [f"r-{at}" for at in range(30)]
    assert done.returncode == 0


def test_a_killed_process_leaves_whole_segments_that_the_next_one_replays(tmp_path):
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


def test_a_forked_child_sends_its_own_events_and_not_its_parents(tmp_path):
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
    import chancery.client.default as default
    default.default_client = lambda: client
    from chancery.client import lambda_flush, write_audit_log
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
