"""Ports of the local stack."""

import os
import socket
import time

from local.listening import holder
from local.process import StartFailed


class PortTaken(StartFailed):
    """Another program listens there."""


def free_port() -> int:
    """A port on which no program listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether the port cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def chosen_port(variable: str) -> int | None:
    """The port in an environment variable; None where it is not set. Raises StartFailed."""
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartFailed(f"{variable} is not a port: it must be a number from 1 to 65535.")
    return int(text)


def require_free(port: int, variable: str) -> None:
    """Raises PortTaken with the program that has the port and what to do about it."""
    if is_taken(port):
        program = holder(port) or "another program"
        raise PortTaken(
            f"Port {port} is taken by {program}. Stop it (`make down` in its folder, if it is another local stack), "
            f"or choose another port: {variable}=<port> make up"
        )


def wait_until_free(port: int, seconds: float = 15) -> None:
    """Waits for a stopped server's port to be released. Raises PortTaken."""
    deadline = time.monotonic() + seconds
    while is_taken(port):
        if time.monotonic() > deadline:
            raise PortTaken(f"Port {port} is still taken {seconds:.0f} s after the server on it was stopped.")
        time.sleep(0.05)
