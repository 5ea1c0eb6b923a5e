"""From a destination to a connected socket: one lookup, every address checked, then connected to what was checked.

The socket is given addresses, never the name, so a name that resolves to another address a moment later changes
nothing (DNS rebinding). TLS checks the certificate against the name.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from ipaddress import ip_address
from typing import Any

from chancery.core.outbound.addresses import Address, Network, check_address
from chancery.core.outbound.destination import Destination
from chancery.core.outbound.errors import (
    CertificateInvalid,
    ConnectFailed,
    ConnectTimedOut,
    NameNotResolved,
    TlsFailed,
)

type Lookup = Callable[..., Sequence[tuple[Any, ...]]]  # as `socket.getaddrinfo`

_MOST_ATTEMPTS = 4  # addresses of a name that are tried
_MOST_ADDRESSES = 64  # that a name may have


@cache
def default_tls() -> ssl.SSLContext:
    """TLS 1.2 or later, certificates checked against the authorities of Mozilla (certifi)."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(
    destination: Destination, stated: Sequence[Network], seconds: float, lookup: Lookup, tls: ssl.SSLContext | None
) -> socket.socket:
    """A connected socket, after the TLS handshake for `https`, within `seconds` in all.

    Raises AddressRefused and the kinds of NotConnected.
    """
    until = time.monotonic() + seconds
    addresses = [destination.address] if destination.address else _resolved(destination, until, lookup)
    for address in addresses:
        check_address(address, stated)
    connected = _dialled(destination, addresses[:_MOST_ATTEMPTS], until)
    if destination.scheme == "http":
        return connected
    return _secured(connected, destination, until, tls or default_tls())


def _resolved(destination: Destination, until: float, lookup: Lookup) -> list[Address]:
    """All addresses of a name. The system's resolver has no time limit, so it runs in a thread that is left behind."""
    answers: list[Sequence[tuple[Any, ...]]] = []
    errors: list[Exception] = []

    def look_up() -> None:
        try:
            answers.append(lookup(destination.host, destination.port, type=socket.SOCK_STREAM))
        except Exception as exc:
            errors.append(exc)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if errors:
        raise NameNotResolved(f"{destination.host} does not resolve.") from errors[0]
    if not answers:
        raise ConnectTimedOut(f"The lookup of {destination.host} took too long.")
    # IPv6 answers have a zone in their text where they are link-local: it stays, and is refused
    addresses = list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers[0]))
    if not addresses or len(addresses) > _MOST_ADDRESSES:
        raise NameNotResolved(f"{destination.host} resolves to {len(addresses)} addresses.")
    return addresses


def _dialled(destination: Destination, addresses: Sequence[Address], until: float) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        remaining = until - time.monotonic()
        if remaining <= 0:
            break
        try:
            return socket.create_connection((str(address), destination.port), timeout=remaining)
        except OSError as exc:
            failure = exc
    if failure is None or isinstance(failure, TimeoutError):
        raise ConnectTimedOut(f"{destination.host} did not accept a connection in time.") from failure
    raise ConnectFailed(f"{destination.host} cannot be reached: {failure.strerror or 'no connection'}.") from failure


def _secured(plain: socket.socket, destination: Destination, until: float, tls: ssl.SSLContext) -> ssl.SSLSocket:
    plain.settimeout(max(0.001, until - time.monotonic()))
    try:
        return tls.wrap_socket(plain, server_hostname=destination.host, suppress_ragged_eofs=False)
    except ssl.SSLCertVerificationError as exc:
        raise CertificateInvalid(f"The certificate of {destination.host} is not valid: {exc.verify_message}.") from exc
    except TimeoutError as exc:
        raise ConnectTimedOut(f"The TLS handshake with {destination.host} took too long.") from exc
    except (OSError, ValueError) as exc:
        raise TlsFailed(f"There is no TLS connection with {destination.host}: {_tls_reason(exc)}.") from exc
    finally:
        plain.close()  # the socket under TLS has taken its descriptor, if there is one


def _tls_reason(exc: Exception) -> str:
    return exc.reason.lower().replace("_", " ") if isinstance(exc, ssl.SSLError) and exc.reason else "it was closed"
