"""Background processes of the local stack, remembered in a pid file and never mistaken for somebody else's."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


class StartFailed(Exception):
    """A server did not come up; the message says where its log is."""


@dataclass(frozen=True, slots=True)
class Background:
    """One process with its pid file and log file, in its own session."""

    name: str
    folder: Path

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, command: list[str], env: dict[str, str] | None = None) -> int:
        """Starts the command; its pid."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=env
            )
        self.pid_file.write_text(json.dumps({"pid": process.pid, "started": _started(process.pid)}))
        process.returncode = 0  # it outlives this object, which would complain otherwise; `stop` reaps it
        return process.pid

    def pid(self) -> int | None:
        """The pid while the very process that was started still runs."""
        try:
            known = json.loads(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return known["pid"] if _started(known["pid"]) == known["started"] else None

    def stop(self, seconds: float = 20, with_signal: signal.Signals = signal.SIGTERM) -> bool:
        """Stops the process and its group; whether there was one. Kills it when it takes longer than `seconds`."""
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        os.killpg(pid, with_signal)
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            _reap(pid)
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
                deadline += seconds
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        return True


def _started(pid: int) -> str | None:
    """When a process was started, in clock ticks since boot; None where there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
