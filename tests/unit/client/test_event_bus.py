"""The connection's own boto3 client, also when another thread makes it during a fork."""

import subprocess
import sys
import textwrap

from chancery.core.aws import event_bus as server
from chancery_client import event_bus, event_format

FORK = """
import os, warnings
warnings.simplefilter("ignore")
from chancery_client import event_bus
event_bus._FORK_SECONDS = 0.1
"""


def forked(program: str) -> list[str]:
    code = FORK + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30).stdout.split()


def test_a_child_can_make_a_client_though_a_thread_of_its_parent_was_making_one():
    found = forked("""
    event_bus._making.acquire()
    pid = os.fork()
    if pid == 0:
        print(event_bus._making.acquire(timeout=5), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(event_bus._making.locked())
    """)

    assert found == ["True", "True"]


def test_a_fork_releases_the_lock_in_the_parent():
    found = forked("""
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
    print(event_bus._making.locked())
    """)

    assert found == ["False"]


def test_the_client_tries_once_with_short_timeouts_and_is_not_shared(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    client = event_bus.make_client()

    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (1, 2, 1)
    assert client is not event_bus.make_client()


def test_client_and_server_have_the_same_limits():
    assert (event_format.MAX_ENTRIES, event_format.MAX_BYTES) == (server.MAX_ENTRIES, server.MAX_BYTES)
