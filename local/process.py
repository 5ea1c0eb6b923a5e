"""Background processes of the local stack, found by what the system knows of them, so that no pid file can be wrong.

A process belongs to a folder while it runs in it: its working directory is the folder itself, not another folder of
the same path. A copied folder owns no process, a moved one owns its processes still, and a deleted one leaves
orphans, which `stop_orphan` stops.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.listening import Listener, listeners_of

_MARK = "LOCAL_STACK_PROCESS"  # environment variable with the name of a process; children inherit it
_DELETED = " (deleted)"  # by which Linux marks the working directory of a process


class StartFailed(Exception):
    """The stack cannot be started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Background:
    """One server with its log file and the port it was started with, in its own session."""

    name: str
    folder: Path

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def port_file(self) -> Path:
        return self.folder / "port"

    def start(self, command: list[str], *, port: int | None = None, env: Mapping[str, str] | None = None) -> int:
        """Starts the command in the folder and remembers its port; returns its pid."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**(os.environ if env is None else env), _MARK: self.name},
            )
        if port is not None:
            self.port_file.write_text(str(port))
        while self.pid() is None and process.poll() is None:
            time.sleep(0.01)  # /proc shows its environment a moment later
        process.returncode = 0  # it outlives this object, which would complain otherwise; `stop` reaps it
        return process.pid

    def pid(self) -> int | None:
        """The pid of the process that runs in the folder; None without one."""
        if not self.folder.is_dir():
            return None
        own = os.stat(self.folder)
        return next((pid for pid in self._running() if _runs_in(pid, own)), None)

    def remembered_port(self) -> int | None:
        """The port on which the process listens, else the one it listened on last; None where neither is known."""
        pid = self.pid()
        if pid is not None and (found := [item.port for item in listeners_of([pid])]):
            return found[0]
        try:
            port = int(self.port_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return port if 0 < port < 65536 else None

    def listeners(self) -> list[Listener]:
        """The sockets on which the process and its children listen."""
        pid = self.pid()
        return [] if pid is None else listeners_of(_session(pid))

    def stop(self, seconds: float = 20, with_signal: signal.Signals = signal.SIGTERM) -> bool:
        """Stops the process and its group; whether there was one. Kills it when it takes longer than `seconds`."""
        pid = self.pid()
        if pid is None:
            return False
        _stop(pid, seconds, with_signal)
        return True

    def stop_orphan(self) -> bool:
        """Stops the process that ran in a folder of this path which was deleted; whether there was one."""
        orphans = [pid for pid in self._running() if _working_directory(pid) == f"{self.folder.absolute()}{_DELETED}"]
        for pid in orphans:
            _stop(pid, 20, signal.SIGTERM)
        return bool(orphans)

    def _running(self) -> Iterator[int]:
        """The processes of this name, of whichever folder, without their children."""
        mark = f"{_MARK}={self.name}".encode()
        for pid, session in _processes():
            if pid == session and mark in _environment(pid):
                yield pid


def _stop(pid: int, seconds: float, with_signal: signal.Signals) -> None:
    """Ends a process that leads its group, also one that was suspended."""
    deadline = time.monotonic() + seconds
    with suppress(ProcessLookupError):
        os.killpg(pid, with_signal)
        os.killpg(pid, signal.SIGCONT)
    while any(running == pid for running, _ in _processes()):
        _reap(pid)
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            deadline += seconds
        time.sleep(0.05)


def _processes() -> Iterator[tuple[int, int]]:
    """Pid and session of every process that is not a zombie (proc_pid_stat(5): after the name state, parent, ...)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, _, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                if state != "Z":
                    yield int(entry.name), int(session)


def _session(leader: int) -> list[int]:
    return [pid for pid, session in _processes() if session == leader]


def _environment(pid: int) -> list[bytes]:
    """The environment with which a process was started; empty where it is not ours to read."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _working_directory(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _runs_in(pid: int, folder: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/cwd"), folder)
    except OSError:
        return False


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
