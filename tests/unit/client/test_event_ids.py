"""Event ids: ULIDs that the client makes without python-ulid."""

import subprocess
import sys
import time

from ulid import ULID

from chancery_client.encoding import new_event_id


def test_event_ids_are_ulids_of_now_and_differ():
    before = time.time_ns() // 1_000_000

    ids = [new_event_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert before <= ULID.from_str(ids[0]).milliseconds <= ULID.from_str(ids[-1]).milliseconds <= time.time() * 1000


def test_a_forked_process_makes_event_ids_of_its_own():
    fork = """
import os
from chancery_client.encoding import new_event_id
pid = os.fork()
os.write(1, new_event_id().encode() + b" ")
if pid: os.waitpid(pid, 0)
"""

    ids = subprocess.run([sys.executable, "-c", fork], capture_output=True, text=True, timeout=30).stdout.split()

    assert len({found[10:20] for found in ids}) == 2
