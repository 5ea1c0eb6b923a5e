"""Ports of the local stack."""

import socket
import time


class PortTaken(Exception):
    """Somebody else listens there."""


def free_port() -> int:
    """A port that nobody listens on just now."""
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


def require_free(port: int, variable: str) -> None:
    """Raises PortTaken with what to do about it."""
    if is_taken(port):
        raise PortTaken(
            f"Port {port} is taken by another program. Stop it, or choose another port: {variable}=<port> make up"
        )


def wait_until_free(port: int, seconds: float = 15) -> None:
    """Waits for a stopped server's port to be released. Raises PortTaken."""
    deadline = time.monotonic() + seconds
    while is_taken(port):
        if time.monotonic() > deadline:
            raise PortTaken(f"Port {port} is still taken {seconds:.0f} s after the server on it was stopped.")
        time.sleep(0.05)
