"""Listening TCP sockets of this machine and the processes that hold them, from /proc."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

_LISTEN = "0A"  # state in /proc/net/tcp (net/tcp_states.h)


class Listener(NamedTuple):
    """A listening socket."""

    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return ip_address(self.address).is_loopback


def listeners_of(pids: Iterable[int]) -> list[Listener]:
    """The sockets on which any of the processes listens."""
    inodes = {inode for pid in pids for inode in _sockets(pid)}
    return [listener for inode, listener in _listening() if inode in inodes]


def holder(port: int) -> str | None:
    """The process that listens on a port, as `<command> of <working directory> (pid 12)`; None where it is hidden."""
    wanted = {inode for inode, listener in _listening() if listener.port == port}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and wanted.intersection(_sockets(int(entry.name))):
            with suppress(OSError):
                command = (entry / "comm").read_text().strip()
                return f"{command} of {os.readlink(entry / 'cwd')} (pid {entry.name})"
    return None


def _listening() -> Iterator[tuple[str, Listener]]:
    """Each listening socket with its inode (proc_pid_net(5): local address in column 1, state in 3, inode in 9)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    address, _, port = fields[1].partition(":")
                    yield fields[9], Listener(_address(address), int(port, 16))


def _address(text: str) -> str:
    """An address of four-byte words in the order of a little-endian machine."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ip_address(b"".join(words)))


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of a process's sockets; none where they are not ours to read."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    yield target[8:-1]
