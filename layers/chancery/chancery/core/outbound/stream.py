"""A connected socket with deadlines: for each read and write, and for the whole exchange."""

import socket
import time

from chancery.core.outbound.errors import ConnectionReset, DeadlineExceeded, ReadTimedOut


class TimedStream:
    """Bytes over a socket. `idle`: seconds without a byte. `until`: end of the whole exchange, in monotonic seconds."""

    def __init__(self, connected: socket.socket, idle: float, until: float) -> None:
        self._socket = connected
        self._idle = idle
        self._until = until

    def receive(self, most: int) -> bytes:
        """The next bytes; none at the end. Raises ReadTimedOut, DeadlineExceeded and ConnectionReset."""
        self._arm()
        try:
            return self._socket.recv(most)
        except TimeoutError as exc:
            raise self._timed_out() from exc
        except OSError as exc:  # also of TLS, which must not end without its closing message
            raise ConnectionReset("The connection was reset before the response was complete.") from exc

    def send(self, data: bytes) -> bool:
        """Sends bytes; returns False where the other side takes no more, and may have answered already.

        Raises ReadTimedOut and DeadlineExceeded.
        """
        rest = memoryview(data)
        while rest:
            self._arm()
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError as exc:
                raise self._timed_out() from exc
            except OSError:
                return False
        return True

    def _arm(self) -> None:
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise self._timed_out()
        self._socket.settimeout(min(self._idle, remaining))

    def _timed_out(self) -> ReadTimedOut | DeadlineExceeded:
        if time.monotonic() >= self._until:
            return DeadlineExceeded("The exchange took longer than its deadline.")
        return ReadTimedOut(f"The other side sent and took nothing for {self._idle:g} s.")
