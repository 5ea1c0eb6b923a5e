"""A process that is told to end, or is killed: what it has written is sent or on disk."""

import json
import signal
import time

import pytest

from chancery_client.buffer import Queued
from chancery_client.degradation import Degradation
from chancery_client.encoding import encode
from tests.conditions import eventually
from tests.unit.client.bus import on_disk, write
from tests.unit.client.test_processes import FAIL, SEND, program

HANG = "time.sleep(60)"
TERMINATE = """
    for at in range(150): write(f'r-{at}')
    os.kill(os.getpid(), 15)
    time.sleep(60)
"""
ALL = [f"r-{at}" for at in range(150)]


def sent(done):
    return [json.loads(line)["resourceId"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("body", [FAIL, HANG], ids=["unavailable", "hangs"])
def test_sigterm_spools_events_before_it_ends_the_process(tmp_path, body):
    done = program(tmp_path, body, TERMINATE)

    assert done.returncode == -signal.SIGTERM
    assert sorted(set(on_disk(tmp_path / "spool"))) == sorted(ALL)


def test_sigterm_sends_the_spooled_events_while_the_bus_is_available(tmp_path):
    done = program(tmp_path, SEND, TERMINATE)

    assert done.returncode == -signal.SIGTERM
    assert sorted(set(sent(done)) | set(on_disk(tmp_path / "spool"))) == sorted(ALL)
    assert len(sent(done)) > 0


def test_without_a_spool_sigterm_sends_the_events(tmp_path):
    done = program(
        tmp_path, SEND, 'client = AuditClient("bus", put_events=put_events)\n' + TERMINATE.replace("    ", "")
    )

    assert done.returncode == -signal.SIGTERM
    assert sorted(sent(done)) == sorted(ALL)


def test_the_hosts_own_handler_stays(tmp_path):
    host = """
    import signal
    def own(number, frame): os.write(1, b"own"); os._exit(3)
    signal.signal(signal.SIGTERM, own)
    second = AuditClient("bus", spool_dir=spool, put_events=put_events)
    os.kill(os.getpid(), 15)
    time.sleep(60)
    """

    done = program(tmp_path, FAIL, host)

    assert (done.returncode, done.stdout) == (3, "own")


def test_a_host_that_ignores_sigterm_goes_on(tmp_path):
    host = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    second = AuditClient("bus", spool_dir=spool, put_events=put_events)
    os.kill(os.getpid(), 15)
    write("after")
    """

    done = program(tmp_path, SEND, host)

    assert (done.returncode, sent(done)) == (0, ["after"])


def test_the_middleware_installs_the_handler_for_a_default_client_of_another_thread(tmp_path):
    host = """
    import signal, threading
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from chancery_client import AuditMiddleware, client as module, write_audit_log
    AuditMiddleware(None, None)
    module._from_environment = lambda: AuditClient("bus", spool_dir=spool, put_events=put_events)
    thread = threading.Thread(target=write_audit_log, kwargs={"action": "a.b", "resource_id": "in-thread"})
    thread.start(); thread.join()
    os.kill(os.getpid(), 15)
    time.sleep(60)
    """

    done = program(tmp_path, FAIL, host)

    assert done.returncode == -signal.SIGTERM
    assert on_disk(tmp_path / "spool") == ["in-thread"]


def test_sigterm_of_a_forked_child_spools_its_events(tmp_path):
    host = """
    import warnings; warnings.simplefilter("ignore")
    pid = os.fork()
    if pid == 0:
        write("child")
        os.kill(os.getpid(), 15)
        time.sleep(60)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """

    done = program(tmp_path, FAIL, host)

    assert done.stdout == "-15\n"
    assert on_disk(tmp_path / "spool") == ["child"]


def test_while_a_call_to_the_bus_hangs_events_are_spooled(make, bus, tmp_path):
    client = make(spool_after=0.05, replay_every=60)
    bus.open.clear()

    write(client, "under way")
    assert eventually(lambda: on_disk(tmp_path / "spool") == ["under way"])
    write(client, "waiting")

    assert eventually(lambda: on_disk(tmp_path / "spool") == ["under way", "waiting"])
    assert bus.tries == 1
    assert eventually(lambda: client.stats.spooled == 2)


def test_while_a_replay_hangs_new_events_are_spooled(make, bus, tmp_path):
    first = make(replay_every=60)
    bus.unavailable = True
    write(first, "old")
    assert first.flush(60)
    bus.unavailable = False
    bus.open.clear()
    client = make(spool_after=0.05)
    write(client, "new")

    assert eventually(lambda: sorted(on_disk(tmp_path / "spool")) == ["new", "old"])
    assert eventually(lambda: client.stats.spooled == 1)


def test_an_event_that_has_waited_too_long_behind_others_is_spooled_and_replayed(make, bus):
    client = make(spool_after=5)
    event = {"actorId": "u-1", "action": "post.read", "resourceId": "late"}
    client._metrics.add("accepted")
    client._worker._buffer._items.put(Queued(encode(event, Degradation()), time.monotonic() - 6))

    write(client, "new")

    assert client.flush(60)
    assert (client.stats.sent, client.stats.spooled) == (0, 2)
    assert eventually(lambda: bus.ids == ["late", "new"])


def test_after_kill_9_events_of_a_hanging_bus_are_on_disk(tmp_path):
    killed = """
    client = AuditClient("bus", spool_dir=spool, put_events=put_events, spool_after=0.05)
    for at in range(150): write(f'r-{at}')
    while client.stats.spooled < 150: time.sleep(0.01)
    os.kill(os.getpid(), 9)
    """

    done = program(tmp_path, HANG, killed)

    assert done.returncode == -signal.SIGKILL
    assert sorted(on_disk(tmp_path / "spool")) == sorted(ALL)
