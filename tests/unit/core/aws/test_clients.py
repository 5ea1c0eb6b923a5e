"""AWS clients across a fork, and the one for whom waiting is worse than failing."""

import subprocess
import sys
import textwrap

from chancery.core.aws import clients as aws

FORK = """
import os, threading, warnings
warnings.simplefilter("ignore")
from chancery.core.aws import clients as aws
aws._FORK_SECONDS = 0.1
"""


def forked(program: str) -> str:
    code = FORK + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30).stdout


def test_a_child_may_make_clients_whatever_its_parents_threads_were_at():
    found = forked("""
    aws._making.acquire()
    pid = os.fork()
    if pid == 0:
        print(aws._making.acquire(timeout=5), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(aws._making.locked())
    """)

    assert found.split() == ["True", "True"]


def test_a_fork_lets_go_of_what_it_waited_for():
    assert forked("""
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
    print(aws._making.locked())
    """).split() == ["False"]


def test_a_child_shares_no_client_with_its_parent():
    found = forked("""
    os.environ |= {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    first = aws.client("events")
    pid = os.fork()
    if pid == 0:
        print(aws.client("events") is first, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(aws.client("events") is first)
    """)

    assert found.split() == ["False", "True"]


def test_a_hasty_client_tries_once_and_is_nobody_elses(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    client = aws.hasty_client("events")

    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (1, 2, 1)
    assert client is not aws.hasty_client("events")
