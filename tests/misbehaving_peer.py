"""A server that misbehaves on purpose, by the path of a request: what other systems do to an HTTP client.

    with misbehaving_peer() as peer:
        client.send(OutboundRequest("GET", f"{peer.url}/slow-body"))

It listens on 127.0.0.1, with TLS where a context is given. Whatever waits ends with the block.
"""

import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

OK = b"HTTP/1.1 200 OK\r\n"
_LINGER_ZERO = b"\x01\0\0\0\0\0\0\0"  # `struct linger`: close sends a reset


@dataclass
class Received:
    """A request as the peer read it; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """The running server. `requests`: in order. `answers`: path → what to send, before the built-in ones."""

    port: int
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list)
    answers: dict[str, Callable[["Connection", Received], None]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, path: str, *statuses: int, headers: str = "", body: bytes = b"{}") -> None:
        """Has the requests of a path answered with one status after the other, the last one for all that follow."""
        left = list(statuses)

        def respond(connection: "Connection", _: Received) -> None:
            status = left.pop(0) if len(left) > 1 else left[0]
            connection.respond(status, body, headers)

        self.answers[path] = respond


@dataclass
class Connection:
    """One accepted connection."""

    socket: Any
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def respond(self, status: int, body: bytes = b"", headers: str = "") -> None:
        self.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def drip(self, data: bytes, seconds: float = 0.02) -> None:
        """Sends byte by byte, for ever from the beginning."""
        while not self.stopped.wait(seconds):
            for byte in data:
                self.send(bytes([byte]))
                if self.stopped.wait(seconds):
                    return

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.socket.close()

    def pour(self, chunk: bytes, times: int) -> None:
        for _ in range(times):
            self.send(chunk)


def _echo(connection: Connection, request: Received) -> None:
    connection.respond(200, request.body or b"{}", "Content-Type: application/json\r\n")


def _silent(connection: Connection, _: Received) -> None:
    connection.stopped.wait()


def _slow_headers(connection: Connection, _: Received) -> None:
    connection.send(OK)
    connection.drip(b"X-Slow: 1\r\n")


def _slow_body(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Content-Length: 1000000\r\n\r\n")
    connection.drip(b"x")


def _continues(connection: Connection, _: Received) -> None:
    connection.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)


def _half_body(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Content-Length: 100\r\n\r\n" + b"half")


def _half_chunks(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")


def _half_body_reset(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Content-Length: 100\r\n\r\n" + b"half")
    connection.stopped.wait(0.1)
    connection.reset()


def _huge(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Content-Length: 300000000\r\n\r\n")
    connection.pour(bytes(1_000_000), 300)


def _huge_chunks(connection: Connection, _: Received) -> None:
    connection.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    connection.pour(b"f4240\r\n" + bytes(1_000_000) + b"\r\n", 300)


def _many_headers(connection: Connection, _: Received) -> None:
    headers = "".join(f"X-{at}: {at}\r\n" for at in range(1000))
    connection.respond(200, b"{}", headers)


def _long_header(connection: Connection, _: Received) -> None:
    connection.send(OK + b"X-Long: ")
    connection.pour(b"x" * 100_000, 300)


def _no_http(connection: Connection, _: Received) -> None:
    connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


@cache
def _bomb_member() -> bytes:
    """300 MB of zeros in 300 kB: one compressed megabyte again and again, which takes no time to make."""
    compressor, megabyte = zlib.compressobj(wbits=31), bytes(1_000_000)
    first = compressor.compress(megabyte) + compressor.flush(zlib.Z_FULL_FLUSH)
    again = compressor.compress(megabyte) + compressor.flush(zlib.Z_FULL_FLUSH)
    return first + again * 299


def _bomb(connection: Connection, _: Received) -> None:
    connection.respond(200, _bomb_member(), "Content-Encoding: gzip\r\n")


def _gzip(connection: Connection, request: Received) -> None:
    connection.respond(200, gzip.compress(request.body or b'{"zipped": true}'), "Content-Encoding: gzip\r\n")


def _half_gzip(connection: Connection, _: Received) -> None:
    connection.respond(200, gzip.compress(b"x" * 1000)[:-4], "Content-Encoding: gzip\r\n")


def _brotli(connection: Connection, _: Received) -> None:
    connection.respond(200, b"\x0b\x02\x80{}\x03", "Content-Encoding: br\r\n")


def _invalid_utf8(connection: Connection, _: Received) -> None:
    connection.respond(200, b'{"name": "\xff\xfe"}', "Content-Type: application/json\r\n")


def _to_metadata(connection: Connection, _: Received) -> None:
    connection.respond(302, b"", "Location: http://169.254.169.254/latest/meta-data/\r\n")


def _to_private_name(connection: Connection, _: Received) -> None:
    connection.respond(307, b"", "Location: http://internal.example.org/\r\n")


def _busy(connection: Connection, _: Received) -> None:
    connection.respond(429, b"{}", "Retry-After: 120\r\n")


_ANSWERS: dict[str, Callable[[Connection, Received], None]] = {
    "/echo": _echo,
    "/silent": _silent,
    "/slow-headers": _slow_headers,
    "/slow-body": _slow_body,
    "/continues": _continues,
    "/500": lambda connection, _: connection.respond(500, b'{"error": "out of order"}'),
    "/429": _busy,
    "/reset": lambda connection, _: connection.reset(),
    "/closed": lambda connection, _: None,
    "/half-body": _half_body,
    "/half-chunks": _half_chunks,
    "/half-body-reset": _half_body_reset,
    "/huge": _huge,
    "/huge-chunks": _huge_chunks,
    "/many-headers": _many_headers,
    "/long-header": _long_header,
    "/no-http": _no_http,
    "/gzip-bomb": _bomb,
    "/gzip": _gzip,
    "/half-gzip": _half_gzip,
    "/brotli": _brotli,
    "/invalid-utf8": _invalid_utf8,
    "/to-metadata": _to_metadata,
    "/to-private-name": _to_private_name,
}


@contextmanager
def misbehaving_peer(tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Serves while the block runs, each connection in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    peer = Peer(listener.getsockname()[1], "https" if tls else "http")
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=_serve, args=(accepted, tls, peer), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield peer
    finally:
        peer.stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (acceptor, *threads):
            thread.join(5)


def _serve(accepted: socket.socket, tls: ssl.SSLContext | None, peer: Peer) -> None:
    with closing(accepted), suppress(OSError, ValueError):
        accepted.settimeout(20)
        wrapped = tls.wrap_socket(accepted, server_side=True) if tls else accepted
        with closing(wrapped):
            request = _read(wrapped)
            peer.requests.append(request)
            path = request.path.partition("?")[0]
            {**_ANSWERS, **peer.answers}.get(path, _echo)(Connection(wrapped, peer.stopped), request)
            if path == "/closed" or tls is None:
                with suppress(OSError):
                    wrapped.shutdown(socket.SHUT_WR)
                    while wrapped.recv(65_536):  # or the kernel would reset what is still on its way
                        pass


def _read(connection: Any) -> Received:
    with connection.makefile("rb") as stream:
        method, path, _ = stream.readline().decode().split(" ")
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Received(method, path, headers, stream.read(int(headers.get("content-length", 0))))
