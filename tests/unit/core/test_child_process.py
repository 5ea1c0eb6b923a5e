"""A process that answers frames: deadlines, garbage, and ends of every kind."""

import sys
import textwrap

import pytest

from chancery.core.child_process import ChildFailed, ChildProcess

_HEAD = "import os, sys, time\nfrom chancery.core.frames import *\npipe_in, pipe_out = claim_pipes()\n"
ECHO = """
write_frame(pipe_out, b"ready")
while (frame := read_frame(pipe_in)) is not None:
    print("not between frames", flush=True)
    write_frame(pipe_out, frame)
"""
MEGABYTES = b"x" * 5_000_000


@pytest.fixture
def child(tmp_path, monkeypatch):
    """A process that runs some lines."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    children = []

    def start(lines, ready_seconds=20):
        (tmp_path / "lines.py").write_text(_HEAD + textwrap.dedent(lines))
        children.append(ChildProcess("lines", ready_seconds=ready_seconds))
        return children[-1]

    yield start
    for process in children:
        process.stop()


def failure(process, job=b"x", seconds=20.0, answers=1):
    with pytest.raises(ChildFailed) as failed:
        process.exchange(job, seconds, answers)
    assert process.pid is None
    return failed.value


def test_frames_of_any_size_go_and_come_back(child):
    echo = child(ECHO)

    assert [echo.exchange(frame, 20) for frame in (b"", b"a", MEGABYTES)] == [[b""], [b"a"], [MEGABYTES]]
    pid = echo.pid
    assert echo.exchange(b"b", 20) == [b"b"]
    assert echo.pid == pid


def test_one_that_takes_too_long_is_killed(child):
    slow = child('write_frame(pipe_out, b"ready")\ntime.sleep(60)')

    failed = failure(slow, seconds=0.1)

    assert (failed.late, failed.ready) == (True, True)


def test_one_that_does_not_read_is_killed(child):
    deaf = child('write_frame(pipe_out, b"ready")\ntime.sleep(60)')

    assert failure(deaf, MEGABYTES, seconds=0.1).late


def test_one_that_is_never_ready_is_killed(child):
    failed = failure(child("time.sleep(60)", ready_seconds=0.1))

    assert (failed.late, failed.ready) == (True, False)


@pytest.mark.parametrize(
    ("lines", "ready", "status"),
    [
        ("sys.exit(3)", False, 3),
        ('write_frame(pipe_out, b"ready")\nread_frame(pipe_in)\nsys.exit(4)', True, 4),
        ('write_frame(pipe_out, b"ready")\nread_frame(pipe_in)\nos.abort()', True, -6),
        ('write_frame(pipe_out, b"ready")\nread_frame(pipe_in)\npipe_out.write(b"\\0\\0\\0\\x09abc")', True, 0),
    ],
)
def test_how_one_ended_is_known(child, lines, ready, status):
    failed = failure(child(lines))

    assert (failed.late, failed.ready, failed.status) == (False, ready, status)


def test_garbage_is_a_failure_and_nothing_is_read_of_it(child):
    garbage = child('write_frame(pipe_out, b"ready")\nread_frame(pipe_in)\npipe_out.write(b"\\xff" * 100)')

    assert not failure(garbage).late


def test_after_a_failure_another_one_starts(child, tmp_path):
    once = child(f"""
        write_frame(pipe_out, b"ready")
        read_frame(pipe_in)
        if os.path.exists({str(tmp_path / "again")!r}):
            write_frame(pipe_out, b"answer")
        open({str(tmp_path / "again")!r}, "w")
    """)

    failure(once)

    assert once.exchange(b"x", 20) == [b"answer"]
